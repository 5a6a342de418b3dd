package sandbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

// testNow is the instant of all tests.
func testNow() time.Time { return time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC) }

// start runs the organisation for one test, bounded in time.
func start(t *testing.T) (context.Context, *sandbox.Org) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	org, err := sandbox.Start(ctx, sandbox.Options{Now: testNow()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, org
}

func TestStartNeedsNow(t *testing.T) {
	if org, err := sandbox.Start(t.Context(), sandbox.Options{}); err == nil {
		t.Errorf("Start without Now gave %v, want an error", org)
	}
}
