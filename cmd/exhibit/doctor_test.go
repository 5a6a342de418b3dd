package main

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// A right that is there may still leave something out, such as files that are
// none: the doctor says so.
func TestDoctorTellsWhatAGrantLeavesOut(t *testing.T) {
	desc := connector.Descriptor{Permissions: []connector.Permission{{ID: "read-files", Kinds: []string{"shadow_ai.activity"}}, {ID: "list", Kinds: []string{"shadow_ai.activity"}}}}
	d := &doctor{}
	d.permissions("source cards", nil, desc, []connector.PermissionState{
		{Permission: "read-files", Grant: connector.Granted, Detail: "b.csv: it has no column Amount"}, {Permission: "list", Grant: connector.Granted},
	})
	var got []string
	for _, f := range d.found {
		got = append(got, f.Detail)
	}
	if len(got) != 2 || got[0] != "permission read-files granted; b.csv: it has no column Amount" || got[1] != "permission list granted" {
		t.Errorf("%q", got)
	}
}
