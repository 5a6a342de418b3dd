package api

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// letter is what a review may be asked for with, and some fields otherwise.
func letter(otherwise map[string]any) map[string]any {
	out := map[string]any{"title": "a letter", "filename": "letter.pdf", "content_base64": inBase64("%PDF-1.7"), "source_system": "mail", "url": "https://mail.example/1",
		"account": "ines@mail.example", "capture_method": "export", "captured_at": "2026-11-20T10:00:00Z"}
	maps.Copy(out, otherwise)
	return out
}

// TestAFileIsHandedIn: what is handed in with a file and a record is kept as the
// command keeps it, and whoever handed it in does not accept it.
func TestAFileIsHandedIn(t *testing.T) {
	o := actor(t)
	who := someone("aokonjo", access.Operator, access.Approver)
	var up people.Upload
	o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{"about": map[string]any{"type": "vendor", "id": "acme"}})).want(t, http.StatusOK).into(t, &up)
	if up.About == nil || *up.About != (evidence.Subject{Type: "vendor", ID: "acme"}) || up.FileSHA256 != evidence.Sum([]byte("%PDF-1.7")).String() {
		t.Fatalf("handed in: %+v", up)
	}
	if got := o.get(who, "/v1/reviews/"+up.ID+"/file").want(t, http.StatusOK); got.text != "%PDF-1.7" {
		t.Fatalf("the file is %q", got.text)
	}
	o.ask(who, http.MethodPost, "/v1/reviews/"+up.ID+"/accept", map[string]any{"note": "read"}).want(t, http.StatusConflict, "aokonjo")
	o.ask(someone("hbrandvold", access.Approver), http.MethodPost, "/v1/reviews/"+up.ID+"/accept", map[string]any{"note": "read"}).want(t, http.StatusOK)

	record := map[string]any{"kind": "risk.assessment", "subject": map[string]any{"type": "ai_system", "id": "cv"}, "key": "RA-9", "payload": map[string]any{
		"assessment_id": "RA-9", "system_id": "cv", "assessor": "a", "approved_by": "b", "approved_at": "2026-05-02T10:00:00+02:00"}}
	o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{"record": record})).want(t, http.StatusOK).into(t, &up)
	var shown service.Shown
	o.get(who, "/v1/reviews/"+up.ID).want(t, http.StatusOK).into(t, &shown)
	if shown.Record == nil || shown.Record.Key != "RA-9" || shown.Subject != "ai_system/cv" {
		t.Fatalf("shown: %+v", shown)
	}
	for name, wrong := range map[string]any{"no kind": map[string]any{}, "made by its own command": map[string]any{"kind": people.KindWaiver, "subject": map[string]any{"type": "waiver", "id": "W-1"}, "key": "W-1", "payload": map[string]any{}}} {
		if a := o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{"record": wrong})); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
		}
	}
}

// TestWhatIsNoFileIsRefused: nothing of it is put on record, and the answer speaks
// of the fields of the body.
func TestWhatIsNoFileIsRefused(t *testing.T) {
	o := actor(t)
	who := someone("aokonjo", access.Operator)
	size, err := o.service.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		field string
		value any
		says  string
	}{
		{"filename", "../../exhibit.key", "no name of a file"},
		{"filename", `..\exhibit.key`, "no name of a file"},
		{"filename", "a\r\nSet-Cookie: x", "no name of a file"},
		{"filename", "invoice\u202efdp.exe", "no name of a file"},
		{"filename", "..", "no name of a file"},
		{"filename", strings.Repeat("ü", 200), "no name of a file"},
		{"media_type", "text/html\r\nX: y", "no media type"},
		{"content_base64", "", "base64"},
		{"content_base64", "abc", "base64"},
		{"content_base64", inBase64("-----BEGIN PRIVATE KEY-----"), "private key"},
		{"captured_at", "2026-11-20", "no time of day"},
		{"url", "ftp://x", "url is not an http address"},
		{"url", "javascript:alert(1)", "url is not an http address"},
		{"captured_at", "2031-01-01T00:00:00Z", "captured_at is later than now"},
		{"about", map[string]any{"type": "vendor"}, "id"},
	} {
		if a := o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{c.field: c.value})); a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.text, c.says) {
			t.Errorf("%s %.40v: %d %s", c.field, c.value, a.StatusCode, a.text)
		}
	}
	large := inBase64(strings.Repeat("x", people.MaxFile+1))
	o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{"content_base64": large})).want(t, http.StatusUnprocessableEntity, "larger than 16 MiB")
	o.ask(who, http.MethodPost, "/v1/reviews", letter(map[string]any{"note": strings.Repeat("x", maxHandedIn)})).want(t, http.StatusRequestEntityTooLarge)
	if after, err := o.service.Size(t.Context()); err != nil || after != size {
		t.Fatalf("the ledger has %d entries, %d before: %v", after, size, err)
	}
}

// TestARetestBringsAFile, which is in the ledger with its digest.
func TestARetestBringsAFile(t *testing.T) {
	o := actor(t)
	v, err := o.service.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := v.Assessment.Results[0]
	body := map[string]any{"expectation": r.Expectation, "subject": r.Subject.Type + "/" + r.Subject.ID, "result": "fail", "note": "the report is of another product",
		"file": map[string]any{"filename": "report.pdf", "content_base64": inBase64("%PDF-1.7 report")}}
	var made people.Retest
	who := someone("aokonjo", access.Auditor)
	o.ask(who, http.MethodPost, "/v1/retests", body).want(t, http.StatusOK).into(t, &made)
	if made.Filename != "report.pdf" || made.FileSHA256 != evidence.Sum([]byte("%PDF-1.7 report")).String() {
		t.Fatalf("on record: %+v", made)
	}
	o.get(who, "/v1/evidence?kind="+people.KindFile+"&key_prefix="+made.FileSHA256).want(t, http.StatusOK, made.FileSHA256)
	body["file"] = map[string]any{"filename": "a/b", "content_base64": "aGVsbG8="}
	o.ask(who, http.MethodPost, "/v1/retests", body).want(t, http.StatusUnprocessableEntity, "no name of a file")
	body["file"], body["note"] = nil, "  "
	o.ask(who, http.MethodPost, "/v1/retests", body).want(t, http.StatusUnprocessableEntity)
}

// TestCheckpoints: the one that an export signs, and the newest one.
func TestCheckpoints(t *testing.T) {
	o := reader(t)
	who := someone("", access.Viewer)
	var content, newest service.SignedCheckpoint
	o.get(who, "/v1/ledger/checkpoint").want(t, http.StatusOK).into(t, &content)
	o.get(who, "/v1/ledger/checkpoint?newest=true").want(t, http.StatusOK).into(t, &newest)
	if newest.Size < content.Size || !strings.Contains(content.Note, content.Root) || !strings.Contains(newest.Note, newest.Root) {
		t.Fatalf("of the content %+v, newest %+v", content, newest)
	}
	o.ask(who, http.MethodPost, "/v1/ledger/consistency", map[string]any{"checkpoint": content.Note}).want(t, http.StatusOK, `"consistent":true`)
}

// TestASourceIsPausedOnce: what it is already is a conflict, and none of ours.
func TestASourceIsPausedOnce(t *testing.T) {
	o := reader(t)
	for err, status := range map[error]int{agent.ErrPaused: http.StatusConflict, agent.ErrNotPaused: http.StatusConflict, agent.ErrUnknownSource: http.StatusNotFound, agent.ErrReason: http.StatusUnprocessableEntity} {
		if p := o.api.problem(t.Context(), fmt.Errorf("github: %w", err)); p.Status != status || p.Hint == "" {
			t.Errorf("%v: %+v", err, p)
		}
	}
}
