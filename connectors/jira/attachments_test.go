package jira

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const helloSHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func hashing(f *fakeJira, more map[string]any) map[string]any {
	a := map[string]any{"sha256": true}
	for k, v := range more {
		a[k] = v
	}
	return f.settings(map[string]any{"attachments": a})
}

func TestAttachments(t *testing.T) {
	f := newFakeJira(t)
	big := strings.Repeat("x", 3<<20)
	f.add(1, "Task", map[string]any{"attachment": []any{f.attach("12", "report.pdf", big), f.attach("7", "=cmd()\n.txt", "hello")}})
	f.add(2, "Task", map[string]any{"attachment": []any{}})
	f.add(3, "Task", nil) // the answer does not say
	rec, _, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	meta := func(id, name string, size int) map[string]any {
		return map[string]any{"id": id, "name": name, "size": float64(size), "author": "acc-1", "created": "2026-01-02T10:00:00Z", "mime_type": "text/plain"}
	}
	want := []any{[]any{meta("7", "=cmd() .txt", 5), meta("12", "report.pdf", 3<<20)}, []any{}, nil}
	var got []any
	for _, r := range rec.Records(KindIssue) {
		got = append(got, connectortest.Payload(t, r)["attachments"])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range f.calls {
		if strings.Contains(c, "attachment") {
			t.Errorf("content was read without being asked for: %s", c)
		}
	}
	rec, _, err = run(t, hashing(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	sum := sha256.Sum256([]byte(big))
	want[0].([]any)[0].(map[string]any)["sha256"] = helloSHA256
	want[0].([]any)[1].(map[string]any)["sha256"] = hex.EncodeToString(sum[:])
	if diff := cmp.Diff(want[0], connectortest.Payload(t, rec.Records(KindIssue)[0])["attachments"]); diff != "" {
		t.Error(diff)
	}
	if rec.Counted().Bytes < 3<<20 {
		t.Errorf("only %d bytes were counted", rec.Counted().Bytes)
	}
	// Changed issues are read again, their files are not; a full run reads all.
	f.forget()
	f.issues[0]["fields"].(map[string]any)["updated"] = "2026-03-01T10:00:00.000+0000"
	again, _, err := run(t, hashing(f, nil), rec)
	if err != nil || len(again.Records(KindIssue)) == 0 || f.times("GET /rest/api/3/attachment/content/7") != 0 ||
		!strings.Contains(string(again.Records(KindIssue)[0].Payload), helloSHA256) {
		t.Errorf("calls %v, error %v", f.calls, err)
	}
	if _, _, err := connectortest.Collect(t, New(), connector.Request{Config: config0(t, hashing(f, nil)), Full: true}, again); err != nil || f.times("GET /rest/api/3/attachment/content/7") != 1 {
		t.Errorf("a full run: calls %v, error %v", f.calls, err)
	}
}

// Cloud sends us on to the host that keeps files. The credential stays behind.
func TestAttachmentsOnAnotherHost(t *testing.T) {
	var seen []string
	media := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+r.Header.Get("Cookie"))
		fmt.Fprint(w, "hello")
	}))
	defer media.Close()
	f := newFakeJira(t)
	f.add(1, "Task", map[string]any{"attachment": []any{f.attach("7", "a.txt", "hello")}})
	f.routes["GET /rest/api/3/attachment/content/7"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(media.URL, "127.0.0.1", "localhost", 1)+"/file?token=once", http.StatusSeeOther)
	}
	rec, _, err := run(t, hashing(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 0 || !strings.Contains(string(rec.Records(KindIssue)[0].Payload), helloSHA256) {
		t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
	}
	if diff := cmp.Diff([]string{""}, seen); diff != "" {
		t.Errorf("the media host saw credentials: %s", diff)
	}
}

// What could not be read has no hash, and the issue is kept all the same.
func TestAttachmentsThatCannotBeRead(t *testing.T) {
	const route = "GET /rest/api/3/attachment/content/7"
	torn := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5")
		fmt.Fprint(w, "he")
	}
	for name, tt := range map[string]struct {
		answer   http.HandlerFunc
		size     int
		unhashed string
		reason   connector.Reason // empty: no gap
	}{
		"larger than wanted": {nil, 100, "too_large", ""},
		"denied":             {status(403), 5, "unread", connector.Denied},
		"a token's scope":    {status(401), 5, "unread", connector.Denied},
		"not there":          {status(404), 5, "unread", connector.NotFound},
		"broken":             {status(500), 5, "unread", connector.Unavailable},
		"a login page":       {raw("text/html", "<html>log in</html>"), 5, "unread", connector.Malformed},
		"shorter":            {raw("text/plain", "hell"), 5, "unread", connector.Malformed},
		"JSON":               {raw("application/json", "{}"), 5, "unread", connector.Malformed},
		"breaks off":         {torn, 5, "unread", connector.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			a := f.attach("7", "a.txt", "hello")
			a["size"] = tt.size
			f.add(1, "Task", map[string]any{"attachment": []any{a}})
			if tt.answer != nil {
				f.routes[route] = tt.answer
			}
			rec, cov, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, hashing(f, map[string]any{"max_bytes": 50}))}, nil)
			if err != nil || len(rec.Records(KindIssue)) != 1 {
				t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
			}
			m := connectortest.Payload(t, rec.Records(KindIssue)[0])["attachments"].([]any)[0].(map[string]any)
			if m["unhashed"] != tt.unhashed || m["sha256"] != nil {
				t.Errorf("%v", m)
			}
			if tt.reason == "" {
				if len(rec.Gaps()) != 0 || cov[KindIssue].Status != connector.Complete {
					t.Errorf("gaps %+v", rec.Gaps())
				}
				return
			}
			if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != tt.reason || rec.Gaps()[0].Scope != "issue INC-1" || cov[KindIssue].Status != connector.Partial {
				t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov[KindIssue])
			}
		})
	}
}

// A host of files that is down is not asked for every file.
func TestAttachmentsHostDown(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 100
	for i := range 30 {
		a := f.attach(fmt.Sprint(100+i), "a.txt", "hello")
		f.add(i+1, "Task", map[string]any{"attachment": []any{a}})
		f.routes["GET /rest/api/3/attachment/content/"+fmt.Sprint(100+i)] = status(503)
	}
	rec, _, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, hashing(f, nil))}, nil)
	if err != nil || len(rec.Gaps()) != 30 || len(rec.Records(KindIssue)) != 30 || len(f.calls) > 20 {
		t.Errorf("%d gaps, %d calls, error %v", len(rec.Gaps()), len(f.calls), err)
	}
}

func TestAttachmentsThatAreNone(t *testing.T) {
	for name, v := range map[string]any{
		"text": "none", "null item": []any{nil}, "no size": []any{map[string]any{"id": "7", "filename": "x"}},
		"a path": []any{map[string]any{"id": "../../admin", "filename": "x", "size": 1}},
		"minus":  []any{map[string]any{"id": "7", "filename": "x", "size": -1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", map[string]any{"attachment": v})
			rec, _, err := run(t, hashing(f, nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || len(rec.Records(KindIssue)) != 0 {
				t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
			}
			for _, c := range f.calls {
				if strings.Contains(c, "admin") {
					t.Errorf("a hostile id led to the request %s", c)
				}
			}
		})
	}
}

func TestHashCache(t *testing.T) {
	c := newHashCache("no JSON")
	for i := range maxHashes + 10 {
		c.put(fmt.Sprint(i), strings.Repeat("a", 64))
	}
	c.put("20", strings.Repeat("b", 64))
	s := c.String()
	if len(c.known) != maxHashes || len(s) > 64<<10 {
		t.Errorf("%d hashes in %d bytes", len(c.known), len(s))
	}
	if d := newHashCache(s); d.String() != s || d.known["20"][0] != 'b' || d.known["9"] != "" {
		t.Error("what is kept is not what is read")
	}
}
