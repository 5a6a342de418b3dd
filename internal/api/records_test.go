package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// pusher is a token that may push to sources.
func pusher(sources ...string) access.Principal {
	p := someone("", access.Operator)
	p.Via, p.Token, p.Scope, p.Sources = access.ViaToken, "T1", []access.Permission{access.Ingest}, sources
	return p
}

func assessmentLine(n int) string {
	return fmt.Sprintf(`{"kind":"risk.assessment","subject":{"type":"ai_system","id":"cv"},"key":"RA-%d","payload":{"assessment_id":"RA-%d","system_id":"cv","assessor":"a","approved_by":"b","approved_at":"2026-05-02T10:00:00+02:00"}}`, n, n)
}

const ndjson = "application/x-ndjson"

func (o *org) push(who access.Principal, key, body string, headers ...string) *answer {
	o.t.Helper()
	return o.ask(who, http.MethodPost, "/v1/records?source=ci", body, append([]string{"Content-Type", ndjson, "Idempotency-Key", key}, headers...)...)
}

// held counts what the ledger has of a source.
func (o *org) held(source string) (runs, pieces int) {
	o.t.Helper()
	for _, err := range o.store.Runs(o.t.Context(), source) {
		if err != nil {
			o.t.Fatal(err)
		}
		runs++
	}
	for _, err := range o.store.Evidence(o.t.Context(), store.EvidenceQuery{Source: source}) {
		if err != nil {
			o.t.Fatal(err)
		}
		pieces++
	}
	return runs, pieces
}

func TestAPushIsTakenInOnceWhateverIsLost(t *testing.T) {
	o := actor(t)
	who := pusher("ci")
	body := assessmentLine(1) + "\n" + assessmentLine(2) + "\n"
	var first, again, later PushedRow
	o.push(who, "build-4711", body).want(t, http.StatusCreated).into(t, &first)
	if first.New != 2 || first.Status != "partial" || first.Source != "ci" {
		t.Fatalf("the push gave %+v", first)
	}
	a := o.push(who, "build-4711", body).want(t, http.StatusCreated)
	if a.into(t, &again); again.Run != first.Run || a.Header.Get("Idempotent-Replay") != "true" {
		t.Errorf("the same push gave %+v, replay %q", again, a.Header.Get("Idempotent-Replay"))
	}
	o.push(who, "build-4711", assessmentLine(3)).want(t, http.StatusConflict, "another body")
	elsewhere := func() *answer {
		return o.ask(pusher("ci", "cd"), http.MethodPost, "/v1/records?source=cd", body, "Content-Type", ndjson, "Idempotency-Key", "build-4711")
	}
	elsewhere().want(t, http.StatusConflict, "another body")
	// What was answered is lost, as if the process had died before it was kept.
	if _, err := o.api.DB.ExecContext(t.Context(), "DELETE FROM api_pushes"); err != nil {
		t.Fatal(err)
	}
	a = o.push(who, "build-4711", body).want(t, http.StatusCreated)
	if a.into(t, &later); later.Run != first.Run || later.New != 2 || a.Header.Get("Idempotent-Replay") != "true" {
		t.Errorf("after the answer was lost the same push gave %+v", later)
	}
	if _, err := o.api.DB.ExecContext(t.Context(), "DELETE FROM api_pushes"); err != nil {
		t.Fatal(err)
	}
	o.push(who, "build-4711", assessmentLine(3)).want(t, http.StatusConflict, "another body")
	elsewhere().want(t, http.StatusConflict, "another body")
	if runs, pieces := o.held("ci"); runs != 1 || pieces != 2 {
		t.Errorf("the ledger has %d runs and %d pieces of evidence, want 1 and 2", runs, pieces)
	}
	for run := range o.store.Runs(t.Context(), "ci") {
		if p := run.Provenance; p.Method != "push" || p.Connector != "import" || p.Reliability != "export" || p.Identity != who.ActingAccount() {
			t.Errorf("the run says %+v", p)
		}
	}
}

func TestFiftyClientsWithOneKeyAreOnePush(t *testing.T) {
	o := actor(t)
	who := pusher("ci")
	var all sync.WaitGroup
	seen := make(chan string, 50)
	for range 50 {
		all.Go(func() {
			a := o.push(who, "the-same-key", assessmentLine(1))
			var row PushedRow
			if a.StatusCode != http.StatusCreated || json.Unmarshal([]byte(a.text), &row) != nil {
				t.Errorf("status %d: %.300s", a.StatusCode, a.text)
				return
			}
			seen <- row.Run
		})
	}
	all.Wait()
	close(seen)
	runs := map[string]bool{}
	for r := range seen {
		runs[r] = true
	}
	if n, pieces := o.held("ci"); len(runs) != 1 || n != 1 || pieces != 1 {
		t.Errorf("%d runs were answered; the ledger has %d, and %d pieces of evidence", len(runs), n, pieces)
	}
}

func TestAllOfAPushOrNothing(t *testing.T) {
	o := actor(t)
	who := pusher("ci")
	waiver := `{"kind":"governance.waiver","subject":{"type":"waiver","id":"W-1"},"key":"W-1","payload":{}}`
	for name, c := range map[string]struct {
		who     access.Principal
		body    string
		headers []string
		status  int
		says    []string
	}{
		"a line that is wrong": {who, assessmentLine(1) + "\n{\"kind\":\"risk.assessment\"}\n" + assessmentLine(2), nil, 422, []string{`"line":2`, "subject needs type and id"}},
		"what people do":       {who, waiver, nil, 422, []string{`"line":1`}},
		"another source":       {pusher("other"), assessmentLine(1), nil, 403, []string{`ci`, "--source"}},
		"a configured source":  {pusher("register"), `{"run":{"source":"register"}}`, nil, 422, []string{"register"}},
		"an identity":          {who, `{"run":{"source":"ci","identity":"the boss"}}` + "\n" + assessmentLine(1), nil, 422, []string{"identity"}},
		"handed in":            {who, `{"run":{"source":"ci","method":"upload"}}` + "\n" + assessmentLine(1), nil, 422, []string{"upload"}},
		"two runs":             {who, assessmentLine(1) + "\n" + `{"run":{"source":"ci"}}`, nil, 422, []string{"one request is one run"}},
		"a clock of its own":   {who, `{"run":{"source":"ci","finished_at":"2020-01-01T00:00:00Z"}}`, nil, 422, []string{"finished_at"}},
		"nothing":              {who, "\n\n", nil, 422, []string{"no records"}},
		"no key":               {who, assessmentLine(1), []string{"Idempotency-Key", ""}, 422, []string{"Idempotency-Key"}},
		"another form":         {who, assessmentLine(1), []string{"Content-Type", "text/csv"}, 415, []string{"application/x-ndjson"}},
		"no array":             {who, assessmentLine(1), []string{"Content-Type", "application/json"}, 422, []string{"array"}},
		"more than the array":  {who, "[" + assessmentLine(1) + "] 1", []string{"Content-Type", "application/json"}, 422, []string{"array"}},
		"a viewer":             {someone("", access.Viewer), assessmentLine(1), nil, 403, []string{"ingest"}},
		"an unknown field":     {who, `{"kinds":"x"}`, nil, 422, []string{"kinds"}},
		"a field twice":        {who, `{"kind":"x","kind":"y"}`, nil, 422, []string{"twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			o.t = t
			o.push(c.who, "key-"+strings.ReplaceAll(name, " ", "-"), c.body, c.headers...).want(t, c.status, c.says...)
		})
	}
	o.t = t
	if runs, pieces := o.held("ci"); runs+pieces != 0 {
		t.Errorf("the ledger has %d runs and %d pieces of evidence of what was refused", runs, pieces)
	}
	o.push(who, "an-array-1", "[\n"+assessmentLine(1)+",\n"+assessmentLine(2)+"]", "Content-Type", "application/json").want(t, http.StatusCreated, `"new":2`)
	o.push(who, "key-a-line-that-is-wrong", assessmentLine(5)).want(t, http.StatusCreated, `"new":1`) // nothing was taken in under the key
}

// dying is a store of a process that dies before the run of a push is closed.
type dying struct{ store.Store }

var errKilled = errors.New("the process was killed")

func (d dying) Append(ctx context.Context, b store.Batch) (store.Receipt, error) {
	if b.Close != nil && b.Close.Run.Provenance.Method == agent.MethodPush {
		return store.Receipt{}, errKilled
	}
	return d.Store.Append(ctx, b)
}

// TestAPushWhoseProcessDiedIsAnsweredAsIfItHadNot: its records are in the ledger,
// the end of its run is not.
func TestAPushWhoseProcessDiedIsAnsweredAsIfItHadNot(t *testing.T) {
	o := actor(t)
	o.api.Logger = slog.New(slog.DiscardHandler)
	who := pusher("ci", "cd")
	for name, header := range map[string]string{"plain": "", "whole": `{"run":{"source":"SOURCE","scope":{"risk.assessment":"complete"}}}` + "\n"} {
		push := func(source string) *answer {
			body := strings.ReplaceAll(header, "SOURCE", source) + assessmentLine(1) + "\n" + assessmentLine(2)
			return o.ask(who, http.MethodPost, "/v1/records?source="+source, body, "Content-Type", ndjson, "Idempotency-Key", source+"-4711-"+name)
		}
		var undisturbed, taken PushedRow
		push("cd").want(t, http.StatusCreated).into(t, &undisturbed)
		o.collector.Store = dying{o.store}
		push("ci").want(t, http.StatusInternalServerError)
		if runs, _ := o.held("ci"); runs == 0 {
			t.Fatal("nothing was left of the push")
		}
		o.collector.Store = o.store
		o.api.pushes = &pushes{answers: o.api.pushes.answers, line: make(chan struct{}, 1)} // as a new process has it
		a := push("ci").want(t, http.StatusCreated)
		if a.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("%s: the answer does not say that the key came before", name)
		}
		a.into(t, &taken)
		taken.Source, taken.Run = undisturbed.Source, undisturbed.Run
		if !reflect.DeepEqual(taken, undisturbed) {
			t.Errorf("%s: the answer is\n%+v, undisturbed\n%+v", name, taken, undisturbed)
		}
	}
	if runs, pieces := o.held("ci"); runs != 2 || pieces != 2 {
		t.Errorf("the ledger has %d runs and %d pieces of evidence, want 2 and 2", runs, pieces)
	}
	for run := range o.store.Runs(t.Context(), "ci") {
		if run.Status == evidence.RunOpen || run.Status == evidence.RunFailed {
			t.Errorf("the run %s is %s: %s", run.ID, run.Status, run.Error)
		}
	}
}
