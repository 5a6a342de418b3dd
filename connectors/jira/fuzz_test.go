package jira

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// A path gives a value or an error, never both.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.b", "a[].c", "a[b=c].d", "transition:status=Done|Closed.first_by", "=x", "a["} {
		f.Add(s, `{"a":[{"b":"c","d":1}]}`)
	}
	f.Fuzz(func(t *testing.T, s, doc string) {
		p, err := parsePath(s)
		if err != nil {
			return
		}
		var fields map[string]any
		if json.Unmarshal([]byte(doc), &fields) != nil {
			return
		}
		v, err := p.resolve(&issue{id: "1", key: "A-1", fields: fields})
		if err != nil && v != nil {
			t.Errorf("%q of %q: both a value and an error", s, doc)
		}
	})
}

// The text of a document is no longer than the document.
func FuzzPlainText(f *testing.F) {
	f.Add(`{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"x"},{"type":"hardBreak"}]}]}`)
	f.Fuzz(func(t *testing.T, s string) {
		var v any
		if json.Unmarshal([]byte(s), &v) != nil {
			return
		}
		if text, ok := plainText(v); ok && len(text) > len(s) {
			t.Errorf("%q gives more text than there was: %q", s, text)
		}
	})
}

// Whatever an issue holds, its records are ones that a host takes, and the
// same each time.
func FuzzIssue(f *testing.F) {
	for _, s := range []string{
		`{"id":"1","key":"A-1","fields":{"summary":"x\u0000","created":"2026-01-01T10:00:00.000+0000","updated":"2026-01-01T10:00:00.000+0000","labels":["b","a"],"attachment":[{"id":"2","size":1,"filename":"f"}],"issuelinks":[{"type":{"name":"x"},"inwardIssue":{"key":"B-1"}}]}}`,
		`{"id":"1","key":"A-1","fields":{"created":1,"issuetype":{"name":"T"},"customfield_1":[{"value":"s"}],"priority":{"name":"High"}},"changelog":{"total":1,"histories":[{"id":"1","created":1,"items":[{"field":"status","to":"3"}]}]}}`,
		`{"id":"1","key":"A-1","fields":null}`, `{"id":"../1","key":"A-1"}`, `[]`,
	} {
		f.Add(s)
	}
	cfg, err := parseConfig(connector.Config{Secrets: map[string]string{"token": "t"}, Settings: json.RawMessage(`{"base_url":"https://x.example","projects":[{"key":"A"}],
		"custom_fields":{"c":"customfield_1"},"issue_types":[{"project":"A","type":"T","kind":"risk.assessment","for_each":"system_id",
		"fields":{"system_id":"customfield_1[].value","approved_at":"transition:status=3.at","assessor":"assignee"}}]}`)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		recs := fuzzRecords(cfg, s)
		again := fuzzRecords(cfg, s)
		for i, r := range recs {
			if r.Key == "" || r.Subject.ID == "" || !json.Valid(r.Payload) || !strings.HasPrefix(r.URL, "https://x.example/browse/A") && !strings.HasPrefix(r.URL, "https://x.example/browse/") {
				t.Errorf("%q gives %+v", s, r)
			}
			for _, id := range []string{r.Key, r.Subject.ID} {
				if !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
					t.Errorf("%q gives the id %q", s, id)
				}
			}
			if string(again[i].Payload) != string(r.Payload) || again[i].Key != r.Key {
				t.Errorf("%q gives two stories: %s, %s", s, r.Payload, again[i].Payload)
			}
		}
	})
}

func fuzzRecords(cfg *config, s string) []connector.Record {
	is, bad := parseIssue([]byte(s))
	if bad != nil {
		return nil
	}
	var out []connector.Record
	files, err := is.attachments()
	if err == nil {
		if r, err := is.record(cfg, files); err == nil {
			out = append(out, r)
		}
	}
	if recs, err := is.transitions(cfg); err == nil {
		out = append(out, recs...)
	}
	if recs, err := cfg.IssueTypes[0].records(cfg, is); err == nil {
		out = append(out, recs...)
	}
	_ = is.missingHistory()
	return out
}

// A history is read in order, each entry once, or refused.
func FuzzHistory(f *testing.F) {
	f.Add(`[{"id":"2","created":1,"items":[{"field":"status","from":"1","to":"2"}]},{"id":"1","created":"2026-01-01T10:00:00.000+0000","author":null},{"id":"2","created":1}]`)
	f.Add(`[null]`)
	f.Fuzz(func(t *testing.T, s string) {
		var list []*change
		if json.Unmarshal([]byte(s), &list) != nil || checkChanges(list) != nil {
			return
		}
		is := &issue{id: "1", key: "A-1"}
		is.setHistory(list)
		seen := map[string]bool{}
		var last time.Time
		for _, c := range is.history {
			if seen[c.ID] || c.at.Before(last) {
				t.Errorf("%q: twice or out of order", s)
			}
			seen[c.ID], last = true, c.at
		}
	})
}

// An approval is a record with a decision that is known, or an error.
func FuzzApproval(f *testing.F) {
	f.Add(`{"id":"1","finalDecision":"approved","completedDate":{"epochMillis":1767261600000},"approvers":[{"approver":{"accountId":"a"},"approverDecision":"approved"}]}`)
	f.Add(`{"id":1,"finalDecision":"pending","createdDate":{"iso8601":"x"}}`)
	f.Fuzz(func(t *testing.T, s string) {
		var a *approval
		if json.Unmarshal([]byte(s), &a) != nil {
			return
		}
		rec, err := a.record(&issue{id: "1", key: "A-1", fields: map[string]any{}}, "https://x.example/browse/A-1")
		if err != nil {
			return
		}
		var p approvalPayload
		if json.Unmarshal(rec.Payload, &p) != nil || (p.Decision == "pending") != rec.EventTime.IsZero() {
			t.Errorf("%q gives %s at %s", s, rec.Payload, rec.EventTime)
		}
	})
}
