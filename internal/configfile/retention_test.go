package configfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

func TestRetentionHold(t *testing.T) {
	const head = "version: 1\norganization: o\nretention:\n"
	known := configfile.Known{Kinds: []string{"vendor.usage", "hr.training"}}
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(head+`  default: 2190d
  kinds: {vendor.usage: 30d}
  erase: true
  hold: {kinds: [hr.training], subjects: [{type: vendor, id: acme}]}
`), known)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Retention
	if !r.Erase || r.Of("vendor.usage") != 30*24*time.Hour || r.Of("other") != 2190*24*time.Hour ||
		len(r.Hold.Kinds) != 1 || len(r.Hold.Subjects) != 1 || r.Hold.Subjects[0] != (configfile.Subject{Type: "vendor", ID: "acme"}) {
		t.Errorf("%+v", r)
	}
	for bad, want := range map[string]string{
		"  default: 1d\n  hold: {kinds: [hr.traning]}\n": "did you mean hr.training",
		"  erase: true\n": "nothing says how long",
		"  default: 1d\n  hold: {subjects: [{type: vendor}]}\n":     "id",
		"  default: 1d\n  hold: {subject: [{type: v, id: acme}]}\n": "subject",
	} {
		if _, err := configfile.Parse("/x/exhibit.yaml", []byte(head+bad), known); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", bad, err, want)
		}
	}
}
