package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// document is the description, to hold answers against.
type document struct {
	t    *testing.T
	root map[string]any
	c    *jsonschema.Compiler
}

func documentOf(t *testing.T, o *org) *document {
	t.Helper()
	root, err := jsonschema.UnmarshalJSON(bytes.NewReader(o.api.Document()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("doc.json", root); err != nil {
		t.Fatal(err)
	}
	return &document{t, root.(map[string]any), c}
}

func (d *document) operations() []string {
	var out []string
	for path, item := range d.root["paths"].(map[string]any) {
		for method := range item.(map[string]any) {
			out = append(out, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(out)
	return out
}

// holds fails unless an answer is as the description says.
func (d *document) holds(method, path string, a *answer) {
	d.t.Helper()
	op := d.root["paths"].(map[string]any)[path].(map[string]any)[strings.ToLower(method)].(map[string]any)
	responses := op["responses"].(map[string]any)
	code := jsonNumber(a.StatusCode)
	if _, ok := responses[code]; !ok {
		code = "default"
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	content, ok := responses[code].(map[string]any)["content"].(map[string]any)
	if !ok {
		return
	}
	if _, ok := content[kind]; !ok {
		d.t.Errorf("%s %s: %d of %q is not described", method, path, a.StatusCode, kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	at := "doc.json#/paths/" + pointer(path) + "/" + strings.ToLower(method) + "/responses/" + code + "/content/" + pointer(kind) + "/schema"
	schema, err := d.c.Compile(at)
	if err != nil {
		d.t.Fatalf("%s: %v", at, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(a.text))
	if err != nil {
		d.t.Errorf("%s %s: %v", method, path, err)
		return
	}
	if err := schema.Validate(v); err != nil {
		d.t.Errorf("%s %s: the answer is not as described: %v\n%.800s", method, path, err, a.text)
	}
}

func jsonNumber(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func pointer(s string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
}

// TestAnswersAreAsDescribed asks every operation that the description has, and
// holds each answer against it.
func TestAnswersAreAsDescribed(t *testing.T) {
	o := actor(t)
	d := documentOf(t, o)
	v, err := o.service.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var open string
	for _, f := range v.Findings {
		if f.State.IsOpen() {
			open = f.ID
			break
		}
	}
	person := v.Owners[0].Person
	digest := v.Assessment.Results[slices.IndexFunc(v.Assessment.Results, hasEvidence)].Evidence[0].String()
	shadowCase := "none"
	if len(v.Shadow.Cases) > 0 {
		shadowCase = v.Shadow.Cases[0].ID
	}
	system := v.Systems()[0].ID
	var checkpoint service.SignedCheckpoint
	who := someone(person, access.Admin, access.Operator, access.Approver, access.Auditor, access.Security)
	o.get(who, "/v1/ledger/checkpoint").want(t, http.StatusOK).into(t, &checkpoint)
	type try struct {
		op, path string
		body     any
		status   int
	}
	tries := []try{
		{"GET /v1/openapi.json", "/v1/openapi.json", nil, 200},
		{"GET /v1/assessment", "/v1/assessment", nil, 200},
		{"GET /v1/controls", "/v1/controls", nil, 200},
		{"GET /v1/controls/{id}", "/v1/controls/A.6.2.4", nil, 200},
		{"GET /v1/results", "/v1/results?limit=500", nil, 200},
		{"GET /v1/expectations", "/v1/expectations", nil, 200},
		{"GET /v1/findings", "/v1/findings?state=all&limit=500", nil, 200},
		{"GET /v1/findings/{id}", "/v1/findings/" + open, nil, 200},
		{"POST /v1/findings/{id}/acknowledge", "/v1/findings/" + open + "/acknowledge", map[string]any{"note": "seen"}, 200},
		{"POST /v1/findings/{id}/assign", "/v1/findings/" + open + "/assign", map[string]any{"to": person}, 200},
		{"POST /v1/findings/{id}/grade", "/v1/findings/" + open + "/grade", map[string]any{"grade": "minor", "because": "one item of many"}, 200},
		{"GET /v1/today", "/v1/today", nil, 200},
		{"GET /v1/waiting", "/v1/waiting", nil, 200},
		{"GET /v1/systems", "/v1/systems", nil, 200},
		{"GET /v1/systems/{id}/trace", "/v1/systems/" + url.PathEscape(system) + "/trace", nil, 200},
		{"GET /v1/questions", "/v1/questions", nil, 200},
		{"GET /v1/ask", "/v1/ask?question=incidents", nil, 200},
		{"GET /v1/plan", "/v1/plan", nil, 200},
		{"GET /v1/populations", "/v1/populations", nil, 200},
		{"GET /v1/populations/{expectation}/items", "/v1/populations/" + v.Assessment.Populations[0].Expectation + "/items", nil, 200},
		{"GET /v1/gaps", "/v1/gaps", nil, 200},
		{"GET /v1/runs", "/v1/runs", nil, 200},
		{"GET /v1/waivers", "/v1/waivers", nil, 200},
		{"GET /v1/waivers/{id}", "/v1/waivers/W-0", nil, 404},
		{"POST /v1/waivers", "/v1/waivers", map[string]any{"expectation": v.Findings[0].Expectation, "subject": "*", "reason": "we wait for the vendor", "compensating_controls": "a person looks at each", "expires_at": "2026-12-20"}, 200},
		{"POST /v1/waivers/{id}/approve", "/v1/waivers/W-0/approve", map[string]any{}, 404},
		{"POST /v1/waivers/{id}/reject", "/v1/waivers/W-0/reject", map[string]any{"because": "no"}, 404},
		{"POST /v1/waivers/{id}/revoke", "/v1/waivers/W-0/revoke", map[string]any{"because": "no"}, 404},
		{"GET /v1/statements", "/v1/statements", nil, 200},
		{"GET /v1/statements/{version}", "/v1/statements/in-force", nil, 200},
		{"GET /v1/statements/{version}/diff", "/v1/statements/in-force/diff?to=in-force", nil, 200},
		{"POST /v1/statements", "/v1/statements", map[string]any{"version": "2026-x", "controls": []any{map[string]any{"id": "A.2.2", "applicable": true, "justification": "policy"}}}, 409},
		{"POST /v1/statements/{version}/approve", "/v1/statements/none/approve", map[string]any{}, 404},
		{"GET /v1/reviews", "/v1/reviews?all=true", nil, 200},
		{"GET /v1/reviews/{id}", "/v1/reviews/UP-0", nil, 404},
		{"POST /v1/reviews", "/v1/reviews", map[string]any{"title": "a letter", "filename": "letter.txt", "content_base64": "aGVsbG8=", "source_system": "mail", "url": "https://mail.example/1",
			"account": "ines@mail.example", "capture_method": "export", "captured_at": "2026-11-20T10:00:00Z", "claimed_period_start": "2026-10-01", "claimed_period_end": "2026-10-31", "note": "as it came"}, 200},
		{"GET /v1/reviews/{id}/file", "/v1/reviews/UP-0/file", nil, 404},
		{"GET /v1/readiness/{stage}", "/v1/readiness/surveillance?since=2026-01-01", nil, 200},
		{"POST /v1/reviews/{id}/accept", "/v1/reviews/UP-0/accept", map[string]any{"note": "read"}, 404},
		{"POST /v1/reviews/{id}/reject", "/v1/reviews/UP-0/reject", map[string]any{"note": "read"}, 404},
		{"GET /v1/shadow", "/v1/shadow?state=all", nil, 200},
		{"GET /v1/shadow/{id}", "/v1/shadow/" + shadowCase, nil, 200},
		{"GET /v1/shadow/{id}/draft", "/v1/shadow/" + shadowCase + "/draft", nil, 200},
		{"GET /v1/shadow-coverage", "/v1/shadow-coverage", nil, 200},
		{"POST /v1/shadow/{id}/decide", "/v1/shadow/" + shadowCase + "/decide", map[string]any{"decision": "taken", "because": "we look", "due": "2026-12-10"}, 200},
		{"POST /v1/shadow/{id}/approve", "/v1/shadow/" + shadowCase + "/approve", nil, 404},
		{"POST /v1/samples", "/v1/samples", map[string]any{"expectation": v.Assessment.Populations[0].Expectation, "seed": "s-1", "record": true}, 200},
		{"POST /v1/retests", "/v1/retests", map[string]any{"expectation": v.Assessment.Populations[0].Expectation, "subject": "nothing", "result": "pass", "note": "n"}, 422},
		{"GET /v1/evidence", "/v1/evidence?latest=true&limit=500", nil, 200},
		{"GET /v1/evidence/{digest}", "/v1/evidence/" + digest, nil, 200},
		{"GET /v1/evidence/{digest}/payload", "/v1/evidence/" + digest + "/payload", nil, 200},
		{"GET /v1/counts", "/v1/counts", nil, 200},
		{"GET /v1/ledger/checkpoint", "/v1/ledger/checkpoint", nil, 200},
		{"GET /v1/ledger/proofs/{entry}", "/v1/ledger/proofs/" + digest, nil, 200},
		{"POST /v1/ledger/consistency", "/v1/ledger/consistency", map[string]any{"checkpoint": checkpoint.Note}, 200},
		{"GET /v1/sources", "/v1/sources", nil, 200},
		{"POST /v1/sources/{source}/run", "/v1/sources/nothing/run", nil, 404},
		{"POST /v1/sources/{source}/pause", "/v1/sources/nothing/pause", map[string]any{"because": "holiday"}, 404},
		{"POST /v1/sources/{source}/resume", "/v1/sources/nothing/resume", nil, 404},
		{"GET /v1/register", "/v1/register", nil, 200},
		{"GET /v1/register/profile", "/v1/register/profile", nil, 200},
		{"GET /v1/register/check", "/v1/register/check", nil, 200},
		{"POST /v1/register/systems/{id}/attest", "/v1/register/systems/nothing/attest", map[string]any{"note": "read"}, 404},
		{"GET /v1/roles", "/v1/roles", nil, 200},
		{"GET /v1/catalog/expectations/{slug}", "/v1/catalog/expectations/" + v.Assessment.Expectations[0].Slug, nil, 200},
		{"GET /v1/catalog/controls/{id}", "/v1/catalog/controls/A.6.2.4", nil, 200},
		{"GET /v1/catalog/kinds/{kind}", "/v1/catalog/kinds/github.pull_request", nil, 200},
		{"GET /v1/catalog/coverage", "/v1/catalog/coverage", nil, 200},
		{"GET /v1/crosswalk", "/v1/crosswalk?framework=eu-ai-act", nil, 200},
		{"GET /v1/templates", "/v1/templates", nil, 200},
		{"GET /v1/templates/{name}", "/v1/templates/registers%2Froles.csv", nil, 200},
		{"GET /v1/changes", "/v1/changes?since=2026-10-01", nil, 200},
		{"GET /v1/period", "/v1/period?from=2026-11-01&to=2026-11-20&late_capture_after=48h", nil, 200},
		{"GET /v1/findings-report", "/v1/findings-report?against=last", nil, 200},
		{"GET /v1/bodies", "/v1/bodies", nil, 200},
		{"GET /v1/populations/{expectation}", "/v1/populations/" + v.Assessment.Populations[0].Expectation, nil, 200},
		{"GET /v1/statement-template", "/v1/statement-template", nil, 200},
		{"GET /v1/auditors-notes", "/v1/auditors-notes", nil, 200},
		{"GET /v1/handed-out", "/v1/handed-out", nil, 200},
		{"GET /v1/ledger/attestations", "/v1/ledger/attestations", nil, 200},
		{"GET /v1/notifications", "/v1/notifications", nil, 200},
		{"GET /v1/tickets", "/v1/tickets", nil, 200},
		{"POST /v1/records", "/v1/records?source=ci", "[" + assessmentLine(1) + "]", 201},
		{"POST /v1/exports", "/v1/exports", map[string]any{"what": "workbook"}, 202},
		{"GET /v1/exports", "/v1/exports", nil, 200},
		{"GET /v1/exports/{id}", "/v1/exports/EX-0", nil, 404},
		{"GET /v1/exports/{id}/file", "/v1/exports/EX-0/file", nil, 404},
		{"DELETE /v1/exports/{id}", "/v1/exports/EX-0", nil, 404},
		{"GET /v1/events", "/v1/events?after=99999999", nil, 422},
	}
	var asked []string
	for _, c := range tries {
		method, path, _ := strings.Cut(c.op, " ")
		asked = append(asked, c.op)
		a := o.ask(who, method, c.path, c.body, "Idempotency-Key", "the-key-of-the-test")
		if a.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %.600s", c.op, a.StatusCode, c.status, a.text)
			continue
		}
		d.holds(method, path, a)
	}
	slices.Sort(asked)
	if described := d.operations(); !slices.Equal(asked, described) {
		t.Errorf("asked:\n%s\ndescribed:\n%s", strings.Join(asked, "\n"), strings.Join(described, "\n"))
	}
}

func hasEvidence(r *assess.Result) bool { return len(r.Evidence) > 0 }

// TestTimesThatNobodyMeans: a time of a year that cannot be written is refused by
// its name, wherever one is asked for.
func TestTimesThatNobodyMeans(t *testing.T) {
	o := actor(t)
	who := someone("aokonjo", access.Operator, access.Security)
	for _, at := range []string{"0000-01-01", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00%2B14:00", "9999-12-31", "9999-12-31T23:59:59-14:00"} {
		for _, ask := range []string{"/v1/controls?as_of=", "/v1/plan?as_of=", "/v1/plan?start=", "/v1/readiness/stage2?as_of=", "/v1/evidence?collected_from="} {
			o.get(who, ask+at).want(t, http.StatusUnprocessableEntity, "of no year")
		}
	}
	o.ask(who, http.MethodPost, "/v1/shadow/SC-0/decide", map[string]any{"decision": "taken", "because": "we look", "due": "9999-12-31T23:59:59-14:00"}).
		want(t, http.StatusUnprocessableEntity, "of no year")
	o.ask(who, http.MethodPost, "/v1/reviews", map[string]any{"title": "t", "filename": "f", "content_base64": "aGVsbG8=", "source_system": "mail", "url": "https://mail.example/1",
		"account": "a", "capture_method": "scan", "captured_at": "2026-11-20"}).want(t, http.StatusUnprocessableEntity, "no time of day")
}

// TestEveryOperationRefusesWhoMayNot asks each as nobody, and each that changes
// something as a viewer.
func TestEveryOperationRefusesWhoMayNot(t *testing.T) {
	o := reader(t)
	for _, op := range documentOf(t, o).operations() {
		method, path, _ := strings.Cut(op, " ")
		path = strings.NewReplacer("{id}", "x", "{version}", "x", "{source}", "x", "{digest}", strings.Repeat("0", 64), "{entry}", "1", "{expectation}", "x", "{stage}", "stage1", "{slug}", "x", "{kind}", "x", "{name}", "x").Replace(path)
		o.ask(access.Principal{}, method, path, nil).want(t, http.StatusUnauthorized)
		if method != http.MethodGet && path != "/v1/ledger/consistency" {
			o.ask(someone("", access.Viewer), method, path, nil).want(t, http.StatusForbidden, "hint")
		}
	}
}

// TestAnEmptyParameterIsNone: it is refused where nothing is no value, and as good as
// left out where it is one.
func TestAnEmptyParameterIsNone(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	for _, path := range []string{"/v1/waivers?limit=", "/v1/waivers?limit=5&limit=", "/v1/findings?state=", "/v1/waivers?state=", "/v1/reviews?all=", "/v1/statements/in-force/diff?to="} {
		o.get(who, path).want(t, http.StatusUnprocessableEntity, "no value", "leave it out")
	}
	o.get(who, "/v1/findings?owner=&cursor=&as_of=").want(t, http.StatusOK)
}

func TestADescriptionRefusesWhatIsNotAsDescribed(t *testing.T) {
	d := documentOf(t, reader(t))
	schema, err := d.c.Compile("doc.json#/paths/" + pointer("/v1/controls") + "/get/responses/200/content/" + pointer("application/json") + "/schema")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{}`, `{"as_of":"2026-11-24T09:00:00Z","checkpoint":{"size":1,"root":"x"},"items":[{"id":3}]}`} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s passes", text)
		}
	}
}
