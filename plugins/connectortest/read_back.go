package connectortest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// Payloads returns the payloads of a kind, decoded, by key. Of records with one
// key the last counts.
func (r *Recorder) Payloads(t testing.TB, kind string) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, rec := range r.Records(kind) {
		out[rec.Key] = Payload(t, rec)
	}
	return out
}

// Reasons returns the gaps, each as "kind+kind reason scope", sorted.
func (r *Recorder) Reasons() []string {
	var out []string
	for _, g := range r.Gaps() {
		out = append(out, strings.Join(g.Kinds, "+")+" "+string(g.Reason)+" "+g.Scope)
	}
	slices.Sort(out)
	return out
}

// Sound fails if a host would refuse anything that c emitted.
func (r *Recorder) Sound(t testing.TB, c connector.Connector) {
	t.Helper()
	rules := wire.NewRules(c.Describe(), 0)
	for _, rec := range r.Records() {
		if err := rules.Record(rec); err != nil {
			t.Error(err)
		}
	}
	for _, g := range r.Gaps() {
		if err := rules.Gap(g); err != nil {
			t.Error(err)
		}
	}
}

// Hasty is a clock for tests that never waits.
type Hasty struct{}

// Now is the system's time.
func (Hasty) Now() time.Time { return time.Now() }

// Sleep returns at once.
func (Hasty) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }
