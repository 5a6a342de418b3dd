package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// auditServer answers as the audit log does: oldest first, after a cursor,
// from the instant in the phrase on.
func auditServer(f *fakeGitHub, events *[]any, asked *[]url.Values) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		*asked = append(*asked, q)
		from := time.Time{}
		for word := range strings.FieldsSeq(q.Get("phrase")) {
			if at, ok := strings.CutPrefix(word, "created:>="); ok {
				from, _ = time.Parse(time.RFC3339, at)
			}
		}
		all := []any{}
		for _, e := range *events {
			if at, ok := e.(obj)["created_at"].(int64); !ok || !time.UnixMilli(at).Before(from) {
				all = append(all, e)
			}
		}
		start, _ := strconv.Atoi(strings.TrimPrefix(q.Get("after"), "c"))
		per, _ := strconv.Atoi(q.Get("per_page"))
		end := min(start+per, len(all))
		if end < len(all) {
			next := *r.URL
			q.Set("after", fmt.Sprintf("c%d", end))
			next.RawQuery, next.Scheme, next.Host = q.Encode(), "https", "elsewhere.example"
			w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next", <https://elsewhere.example?before=>; rel="prev"`, next.String()))
		}
		_ = json.NewEncoder(w).Encode(all[min(start, len(all)):end])
	}
}

func readAudit(h *host, f *fakeGitHub, more ...any) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(more...), onlyKinds(github.KindAuditEvent))
}

func TestAuditLog(t *testing.T) {
	f, h := newInventory(t)
	var events []any
	var asked []url.Values
	at := started.Add(-48 * time.Hour)
	for i := range 250 {
		events = append(events, auditJSON(fmt.Sprintf("e%03d", i), at.Add(time.Duration(i)*time.Minute).Format(time.RFC3339)))
	}
	events = append(events, events[249]) // twice in the answer
	f.on("/orgs/acme/audit-log", auditServer(f, &events, &asked))
	cov := readAudit(h, f, "audit_phrase", "action:protected_branch")
	if len(h.records) != 250 || len(h.gaps) != 0 || h.emitted != 250 {
		t.Errorf("%d records, %d emitted, gaps %+v", len(h.records), h.emitted, h.gaps)
	}
	if q := asked[0]; q.Get("include") != "web" || q.Get("order") != "asc" || q.Get("per_page") != "100" || !strings.HasPrefix(q.Get("phrase"), "action:protected_branch created:>=") {
		t.Errorf("asked %v", q)
	}
	if since := cov[github.KindAuditEvent].Since; time.Since(since) < 179*24*time.Hour || time.Since(since) > 181*24*time.Hour {
		t.Errorf("reaches back to %s: GitHub keeps 180 days", since)
	}
	asked = nil
	events = append(events, auditJSON("late", started.Add(-30*time.Minute).Format(time.RFC3339)))
	again := readAudit(h, f, "audit_phrase", "action:protected_branch")
	if h.revisions != 1 || len(asked) != 1 || again[github.KindAuditEvent].Since != cov[github.KindAuditEvent].Since {
		t.Errorf("again: %d revisions, asked %d times, %+v", h.revisions, len(asked), again)
	}
	events = append([]any{auditJSON("other", recent(100))}, events...)
	if readAudit(h, f); h.revisions != 1 {
		t.Errorf("another phrase: %d revisions", h.revisions)
	}
	cov = readAudit(newHost(t), f, "audit_include", "all")
	if since := cov[github.KindAuditEvent].Since; time.Since(since) > 8*24*time.Hour {
		t.Errorf("with events of git it reaches back to %s: GitHub keeps those seven days", since)
	}
}

// A run that is cut off goes on where it stopped.
func TestAuditLogCutOff(t *testing.T) {
	f, h := newInventory(t)
	var events []any
	var asked []url.Values
	for i := range 500 {
		events = append(events, auditJSON(fmt.Sprintf("e%03d", i), started.AddDate(0, 0, -100).Add(time.Duration(i)*4*time.Hour).Format(time.RFC3339)))
	}
	serve := auditServer(f, &events, &asked)
	f.on("/orgs/acme/audit-log", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("after") == "c300" {
			reply(w, 500, "boom")
			return
		}
		serve(w, r)
	})
	cov := readAudit(h, f)
	if len(h.records) != 300 || len(h.gaps) != 1 || cov[github.KindAuditEvent].Status != connector.Refused {
		t.Fatalf("%d records, %+v, gaps %+v", len(h.records), cov, h.gaps)
	}
	f.on("/orgs/acme/audit-log", serve)
	asked = nil
	cov = readAudit(h, f)
	if len(h.records) != 500 || h.revisions != 200 || len(asked) > 3 || cov[github.KindAuditEvent].Status != connector.Complete {
		t.Errorf("%d records, %d new, asked %d times, %+v", len(h.records), h.revisions, len(asked), cov)
	}
}

// A source that was not read for longer than events are kept has a hole in its
// history, and says so.
func TestAuditLogHole(t *testing.T) {
	f, h := newInventory(t)
	readAudit(h, f)
	var cur map[string]any
	if err := json.Unmarshal([]byte(h.cursors["audit"]), &cur); err != nil {
		t.Fatal(err)
	}
	cur["newest"], cur["whole"] = recent(200), recent(199)
	b, err := json.Marshal(cur)
	if err != nil {
		t.Fatal(err)
	}
	h.cursors["audit"] = string(b)
	cov := readAudit(h, f)
	if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Truncated || time.Since(cov[github.KindAuditEvent].Since) > 181*24*time.Hour {
		t.Errorf("%+v, gaps %+v", cov, h.gaps)
	}
	if readAudit(h, f); len(h.gaps) != 0 {
		t.Errorf("then: gaps %+v", h.gaps)
	}
}

func TestAuditLogNotOffered(t *testing.T) {
	for _, tc := range []struct {
		plan, want string
		reason     connector.Reason
	}{
		{"team", "plan is team", connector.Unsupported}, {"", "does not say which", connector.Unsupported}, {"enterprise", "404", connector.Denied},
	} {
		f, h := newInventory(t)
		f.on("/orgs/acme/audit-log", status(404, "Not Found"))
		f.set("/orgs/acme", obj{"login": "acme", "public_repos": 0, "total_private_repos": 1, "plan": obj{"name": tc.plan}})
		cov := readAudit(h, f)
		if len(h.gaps) != 1 || h.gaps[0].Reason != tc.reason || !strings.Contains(h.gaps[0].Detail, tc.want) || h.gaps[0].Permission != "organization_administration:read" {
			t.Errorf("plan %q: gaps %+v", tc.plan, h.gaps)
		}
		if k := cov[github.KindAuditEvent]; k.Status == connector.Complete {
			t.Errorf("plan %q: %+v", tc.plan, k)
		}
	}
}

func TestAuditLogHostile(t *testing.T) {
	deep := any("x")
	for range 100 {
		deep = obj{"a": deep}
	}
	long := strings.Repeat("é", 100000)
	f, h := newInventory(t)
	f.set("/orgs/acme/audit-log", []any{
		auditJSON("a", recent(3), "action", "x\u0000\ny", "actor", long, "deep", deep, "n", 1e300, "list", []any{1, "two", nil, deep}, "a\u0000b", 1,
			"client_secret", "s3cr3t", "PASSWORD", "s3cr3t", "text", "Bearer s3cr3t", "nothing", nil),
		auditJSON("", recent(3)), auditJSON("", recent(3)), auditJSON("future", "2999-01-01T00:00:00Z"), auditJSON("timeless", recent(3), "created_at", nil, "@timestamp", "x"),
		auditJSON("b", recent(2)),
	})
	readAudit(h, f)
	if len(h.records) != 3 || len(h.gaps) != 2 {
		t.Errorf("%v, gaps %+v", h.keys(github.KindAuditEvent), h.gaps)
	}
	for _, r := range h.records {
		for _, secret := range []string{"s3cr3t", "203.0.113.9", "token=y", "ghp_", "abc="} {
			if strings.Contains(string(r.Payload), secret) {
				t.Errorf("%s holds %s", r.Key, secret)
			}
		}
	}
	if cur := h.cursors["audit"]; strings.Contains(cur, "2999") {
		t.Errorf("an event of the future moved the cursor: %s", cur)
	}
}

// A log that never ends, or goes in a circle, ends as a gap.
func TestAuditLogEndless(t *testing.T) {
	for name, next := range map[string]string{"circle": "after=x", "page": "page=2", "nothing": "foo=1"} {
		f, h := newInventory(t)
		n := 0
		f.on("/orgs/acme/audit-log", func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com/x?%s>; rel="next"`, next))
			_ = json.NewEncoder(w).Encode([]any{auditJSON(fmt.Sprint("e", n), recent(3))})
		})
		readAudit(h, f)
		if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Malformed || n > 5 {
			t.Errorf("%s: asked %d times, gaps %+v", name, n, h.gaps)
		}
	}
}
