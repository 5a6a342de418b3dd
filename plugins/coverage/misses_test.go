package coverage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
)

// noAccess is an error of reason denied.
type noAccess struct{}

func (noAccess) Error() string            { return "not for you" }
func (noAccess) Reason() connector.Reason { return connector.Denied }

// What is missing of many things for one reason is one gap.
func TestMisses(t *testing.T) {
	rec := connectortest.NewRecorder()
	book := coverage.New(descriptor(), connector.Request{}, rec)
	keys := coverage.Part{Kinds: []string{descriptor().Kinds[0].Kind}, Scope: "keys", Permission: "keys.read"}
	users := keys
	users.Scope = "users"
	m := coverage.Misses{Each: "project"}
	for i := range 10 {
		if err := m.Miss(t.Context(), keys, fmt.Sprint("p", 9-i), noAccess{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, of := range []string{"b", "a"} {
		if err := m.Miss(t.Context(), users, of, errors.New("silence")); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Miss(t.Context(), users, "c", noAccess{}); err != nil {
		t.Fatal(err)
	}
	if err := m.Tell(book); err != nil {
		t.Fatal(err)
	}
	want := []connector.Gap{
		{Kinds: keys.Kinds, Scope: "keys of 10 projects: p0, p1, p2, p3, p4, p5, p6, p7 …", Reason: connector.Denied, Permission: "keys.read", Detail: "not for you"},
		{Kinds: keys.Kinds, Scope: "users of 2 projects: a, b", Reason: connector.Unavailable, Detail: "silence"},
		{Kinds: keys.Kinds, Scope: "users of project c", Reason: connector.Denied, Permission: "keys.read", Detail: "not for you"},
	}
	got := rec.Gaps()
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if fmt.Sprint(got[i]) != fmt.Sprint(want[i]) {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Miss(ended, keys, "p", ended.Err()); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was called off goes on: %v", err)
	}
}
