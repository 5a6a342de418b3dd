package github

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What GraphQL tells of a repository is believed only as far as it is whole.
func FuzzFingerprint(f *testing.F) {
	f.Add([]byte(`{"databaseId":1,"pushedAt":"2026-01-01T00:00:00Z","defaultBranchRef":{"name":"main","target":{"oid":"` + strings.Repeat("a", 40) + `"}},
		"b0":null,"b1":{"name":"release","target":{"oid":"x"}},"pullRequests":{"nodes":[{"updatedAt":"2026-01-01T00:00:00Z"}]}}`))
	f.Add([]byte(`{"databaseId":null,"pullRequests":{"nodes":[null]},"defaultBranchRef":null}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var n *printNode
		if json.Unmarshal(b, &n) != nil || n == nil {
			return
		}
		p := n.print(time.Time{})
		if p.settled {
			t.Error("settled without a date to tell by")
		}
		for branch, head := range p.heads {
			if !isSHA(head) {
				t.Errorf("%q is at %q", branch, head)
			}
		}
	})
}

// The closed issues that a text names are few, sorted, and none twice.
func FuzzClosedIssues(f *testing.F) {
	f.Add("Fixes #7", "resolves: acme/app#12, closes #7")
	f.Fuzz(func(t *testing.T, title, body string) {
		last := ""
		for _, k := range closedIssues(repository{FullName: "acme/app"}, title, body) {
			if k <= last || !utf8.ValidString(k) || len(k) > 420 {
				t.Errorf("issue %q after %q", k, last)
			}
			last = k
		}
	})
}

// A key is read whole or refused, and nothing of it stands in the error.
func FuzzKey(f *testing.F) {
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n")
	f.Add(`-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`)
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseKey(text)
		if (key == nil) != (err != nil) || err != nil && len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("key %v, error %v", key != nil, err)
		}
	})
}
