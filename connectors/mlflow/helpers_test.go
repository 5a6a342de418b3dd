package mlflow

import (
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

type obj = map[string]any

// collect runs once and fails if the run does.
func collect(t *testing.T, cfg connector.Config, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

func wantComplete(t *testing.T, rec *connectortest.Recorder, cov connector.Coverage) {
	t.Helper()
	for _, g := range rec.Gaps() {
		t.Errorf("gap %+v", g)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete && (kind != records.KindModelApproval || c.Status != connector.NotRead) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

// find returns the payload of the last record of a kind about a subject.
func find(t *testing.T, rec *connectortest.Recorder, kind, subject string) obj {
	t.Helper()
	var out obj
	for _, r := range rec.Records(kind) {
		if r.Subject.ID == subject {
			out = connectortest.Payload(t, r)
		}
	}
	if out == nil {
		t.Errorf("no %s of %s", kind, subject)
	}
	return out
}

func byKey(rec *connectortest.Recorder) map[string]string {
	out := map[string]string{}
	for _, r := range rec.Records() {
		out[r.Kind+" "+r.Key] = r.EventTime.String() + " " + string(r.Payload)
	}
	return out
}
