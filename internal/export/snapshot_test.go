package export_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

func TestWaiverState(t *testing.T) {
	day := func(n int) time.Time { return exporttest.AsOf.AddDate(0, 0, n) }
	good := export.Waiver{RequestedBy: "a", ApprovedBy: "b", ApprovedAt: day(-10), ExpiresAt: day(10)}
	tests := []struct {
		name   string
		change func(*export.Waiver)
		want   export.WaiverState
	}{
		{"in force", func(*export.Waiver) {}, export.WaiverActive},
		{"approved by who asked", func(w *export.Waiver) { w.ApprovedBy = "a" }, export.WaiverInvalid},
		{"approved by the same person under another name", func(w *export.Waiver) { w.SelfApproved = true }, export.WaiverInvalid},
		{"asked for by nobody", func(w *export.Waiver) { w.RequestedBy = "" }, export.WaiverInvalid},
		{"approved by nobody", func(w *export.Waiver) { w.ApprovedBy = "" }, export.WaiverRequested},
		{"rejected", func(w *export.Waiver) { w.ApprovedBy, w.RejectedBy, w.RejectedAt = "", "b", day(-1) }, export.WaiverRejected},
		{"rejected tomorrow", func(w *export.Waiver) { w.ApprovedBy, w.RejectedBy, w.RejectedAt = "", "b", day(1) }, export.WaiverRequested},
		{"cannot be read", func(w *export.Waiver) { w.Broken = "no time" }, export.WaiverInvalid},
		{"without end", func(w *export.Waiver) { w.ExpiresAt = time.Time{} }, export.WaiverInvalid},
		{"not yet approved", func(w *export.Waiver) { w.ApprovedAt = day(1) }, export.WaiverRequested},
		{"ends now", func(w *export.Waiver) { w.ExpiresAt = day(0) }, export.WaiverActive},
		{"ended a second ago", func(w *export.Waiver) { w.ExpiresAt = day(0).Add(-time.Second) }, export.WaiverLapsed},
		{"revoked", func(w *export.Waiver) { w.RevokedAt = day(-1) }, export.WaiverRevoked},
		{"revoked tomorrow", func(w *export.Waiver) { w.RevokedAt = day(1) }, export.WaiverActive},
		{"revoked, then over", func(w *export.Waiver) { w.RevokedAt, w.ExpiresAt = day(-3), day(-2) }, export.WaiverRevoked},
	}
	for _, tt := range tests {
		w := good
		tt.change(&w)
		if got := w.State(exporttest.AsOf); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The snapshot's digest changes with everything that it is made from.
func TestSnapshotDigest(t *testing.T) {
	digest := func(change func(*exporttest.Sample)) string {
		s, err := exporttest.New()
		if err != nil {
			t.Fatal(err)
		}
		change(s)
		d, err := s.Snapshot.Digests()
		if err != nil {
			t.Fatal(err)
		}
		return d.Snapshot.String()
	}
	same := digest(func(*exporttest.Sample) {})
	if again := digest(func(*exporttest.Sample) {}); again != same {
		t.Error("the same snapshot has two digests")
	}
	for name, change := range map[string]func(*exporttest.Sample){
		"as-of": func(s *exporttest.Sample) { s.Snapshot.AsOf = s.Snapshot.AsOf.Add(time.Second) },
		"period": func(s *exporttest.Sample) {
			s.Snapshot.Period = &evidence.Period{From: exporttest.AsOf, To: exporttest.AsOf}
		},
		"assessment": func(s *exporttest.Sample) { s.Snapshot.Assessment.Results[0].Reason += "." },
		"ledger":     func(s *exporttest.Sample) { s.EraseFirst(t.Fatal) },
	} {
		if digest(change) == same {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*export.Snapshot)
		want   string
	}{
		{"assessment of a longer ledger", func(s *export.Snapshot) { s.Assessment.Checkpoint.Size = 1000 }, "assess again"},
		{"no assessment", func(s *export.Snapshot) { s.Assessment = nil }, "run assess first"},
		{"checkpoint of another key", func(s *export.Snapshot) {
			k, err := exporttest.NewKey("exhibit/other")
			if err != nil {
				t.Fatal(err)
			}
			s.PublicKey = k.Public
		}, "not signed by the expected key"},
		{"no key", func(s *export.Snapshot) { s.PublicKey = "" }, "verifier key"},
		{"no as-of", func(s *export.Snapshot) { s.AsOf = time.Time{} }, "as-of"},
	}
	for _, tt := range tests {
		s, err := exporttest.New()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Snapshot.Validate(); err != nil {
			t.Fatal(err)
		}
		tt.change(s.Snapshot)
		if _, err := s.Snapshot.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
	}
}
