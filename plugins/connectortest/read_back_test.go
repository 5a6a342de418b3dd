package connectortest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestReadBack(t *testing.T) {
	rec := connectortest.NewRecorder()
	for _, r := range []connector.Record{{Kind: "a", Key: "x", Payload: []byte(`{"n":1}`)}, {Kind: "b", Key: "y", Payload: []byte(`{}`)}} {
		if err := rec.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, scope := range []string{"two", "one"} {
		if err := rec.Gap(connector.Gap{Kinds: []string{"a", "b"}, Scope: scope, Reason: connector.Denied}); err != nil {
			t.Fatal(err)
		}
	}
	if got := rec.Payloads(t, "a"); len(got) != 1 || got["x"]["n"] != 1.0 {
		t.Errorf("%v", got)
	}
	if got := rec.Reasons(); !slices.Equal(got, []string{"a+b denied one", "a+b denied two"}) {
		t.Errorf("%q", got)
	}
	began := time.Now()
	if err := (connectortest.Hasty{}).Sleep(t.Context(), time.Hour); err != nil || time.Since(began) > time.Minute {
		t.Errorf("%v", err)
	}
}

// What a host would refuse is found.
func TestSound(t *testing.T) {
	rec := connectortest.NewRecorder()
	rec.Sound(t, acme{})
	if err := rec.Record(connector.Record{Kind: "of no descriptor", Key: "x"}); err != nil {
		t.Fatal(err)
	}
	var found errorCount
	rec.Sound(&found, acme{})
	if found.n != 1 {
		t.Errorf("%d errors", found.n)
	}
}

// errorCount counts what a test would be told.
type errorCount struct {
	testing.TB
	n int
}

func (*errorCount) Helper()        {}
func (e *errorCount) Error(...any) { e.n++ }
