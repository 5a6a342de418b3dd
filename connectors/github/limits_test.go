package github_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// limit is one way in which GitHub says "slow down".
type limit struct {
	name   string
	code   int
	header []string
	body   string
	known  bool // it says when
}

// limits are the shapes that were seen. wait is how long the ones that say so
// want us to wait.
func limits(wait time.Duration) []limit {
	const secondary = `{"message":"You have exceeded a secondary rate limit.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	const unrelated = `{"message":"Try again.","documentation_url":"https://docs.github.com/rest"}`
	seconds := fmt.Sprint(int(wait.Seconds()))
	date := time.Now().Add(wait).UTC().Format(http.TimeFormat)
	reset := fmt.Sprint(time.Now().Add(wait).Unix())
	return []limit{
		{"403, nothing remains", 403, []string{"X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", reset}, unrelated, true},
		{"403, a link about secondary limits", 403, nil, secondary, false},
		{"403, Retry-After and an unrelated message", 403, []string{"Retry-After", seconds}, unrelated, true},
		{"403, limited by, nothing else", 403, []string{"Gh-Limited-By", "search-elapsed-time-shared-grouped"}, `{"message":"This endpoint is temporarily being throttled."}`, false},
		{"429, Retry-After in seconds", 429, []string{"Retry-After", seconds}, unrelated, true},
		{"429, Retry-After as a date", 429, []string{"Retry-After", date}, unrelated, true},
		{"429, nothing else", 429, nil, `Too many requests`, false},
	}
}

func (l limit) answer(w http.ResponseWriter, _ *http.Request) {
	for i := 0; i+1 < len(l.header); i += 2 {
		w.Header().Set(l.header[i], l.header[i+1])
	}
	w.WriteHeader(l.code)
	fmt.Fprint(w, l.body)
}

// A limit that is far away is a gap for what was not read, and none of its
// shapes is taken for a missing permission. Nothing is sent after it.
func TestRateLimitShapes(t *testing.T) {
	for _, l := range limits(time.Hour) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.on("/repos/acme/app/actions/runs", l.answer)
			cov := h.mustCollect(f, everything("concurrency", 1))
			if len(h.gaps) != 2 || cov[github.KindPullRequest].Status != connector.Complete || h.calls.RateLimited != 1 {
				t.Fatalf("gaps %+v, calls %+v", h.gaps, h.calls)
			}
			for _, g := range h.gaps {
				if g.Reason != connector.RateLimited || g.Permission != "" {
					t.Errorf("gap %+v", g)
				}
			}
			if said := strings.Contains(h.gaps[0].Detail, "until 20"); said != l.known {
				t.Errorf("the gap says until when: %v; %s", said, h.gaps[0].Detail)
			}
			f.on("/repos/acme/app/actions/runs", nil)
			cov = h.mustCollect(f, everything())
			if cov[github.KindWorkflowRun].Status != connector.Complete || cov[github.KindFileRevision].Status != connector.Complete {
				t.Errorf("afterwards: %+v", h.gaps)
			}
		})
	}
}

// A short one is waited for, and nothing is lost.
func TestRateLimitIsWaitedFor(t *testing.T) {
	for _, l := range limits(time.Second) {
		if !l.known {
			continue // a minute is the wait where GitHub does not say
		}
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			f, h := newFake(t), newHost(t)
			organisation(f)
			var n atomic.Int32
			f.on("/repos/acme/app/pulls", func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					l.answer(w, r)
					return
				}
				f.send(w, r, f.answer("/repos/acme/app/pulls"))
			})
			cov := h.mustCollect(f, everything("max_wait_seconds", 5))
			if len(h.gaps) != 0 || h.calls.RateLimited != 1 || h.calls.Retries != 1 || len(h.keys(github.KindPullRequest)) != 2 ||
				cov[github.KindPullRequest].Status != connector.Complete {
				t.Errorf("gaps %+v, calls %+v", h.gaps, h.calls)
			}
		})
	}
}

// renamed answers as GitHub does for a repository that has another name now.
func renamed(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusMovedPermanently)
		fmt.Fprint(w, `{"message":"Moved Permanently"}`)
	}
}

// A repository that was renamed or transferred is read under its new name.
func TestRepositoryMoved(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/repositories/11", repoJSON(11, "app"))
	f.on("/repos/acme/old", renamed(f.URL+"/repositories/11"))
	for range 2 {
		cov := h.mustCollect(f, obj{"repositories": []any{"acme/old"}})
		if got := h.payloads(github.KindRepository)["11"]; len(h.gaps) != 0 || got["repo"] != "acme/app" || cov[github.KindPullRequest].Status != connector.Complete {
			t.Errorf("repository %v, gaps %+v", got, h.gaps)
		}
	}
}

// The token does not follow to another host, and what that one says is not
// taken for GitHub's word about permissions.
func TestRedirectElsewhere(t *testing.T) {
	var leaked atomic.Value
	foreign := newFake(t)
	foreign.admit = func(r *http.Request) bool {
		if a := r.Header.Get("Authorization") + r.Header.Get("Cookie"); a != "" {
			leaked.Store(a)
		}
		return true
	}
	foreign.on("/x", status(401, "who are you?"))
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on("/repos/acme/app/pulls", renamed(foreign.URL+"/x"))
	cov, err := h.collect(f, everything())
	if leaked.Load() != nil {
		t.Fatalf("the other host saw %q", leaked.Load())
	}
	if err != nil || len(h.gaps) != 1 || h.gaps[0].Reason != connector.Malformed || cov[github.KindPullRequest].Status != connector.Refused {
		t.Errorf("error %v, gaps %+v", err, h.gaps)
	}
}

// Answers that say nothing about permissions, or the wrong thing.
func TestAnswersThatAreNone(t *testing.T) {
	const runs, pulls = "/repos/acme/app/actions/runs", "/repos/acme/app/pulls"
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
	}
	torn := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5000")
		fmt.Fprint(w, `[{"number":`)
	}
	for _, tc := range []struct {
		name    string
		path    string
		handler http.HandlerFunc
		kind    string
		reason  connector.Reason
		detail  string
	}{
		{"switched off", pulls, status(410, "Gone"), github.KindPullRequest, connector.NotFound, "410"},
		{"taken down", runs, status(451, "Repository unavailable due to DMCA takedown."), github.KindWorkflowRun, connector.NotFound, "451"},
		{"out of order for long", runs, status(503, "Unicorn"), github.KindWorkflowRun, connector.Unavailable, "503"},
		{"breaks off", pulls, torn, github.KindPullRequest, connector.Unavailable, ""},
		{"single sign-on", pulls, status(403, "Resource protected by organization SAML enforcement.", "X-GitHub-SSO", "required; url=https://github.com/orgs/acme/sso"),
			github.KindPullRequest, connector.Denied, "single sign-on"},
		{"GitHub says which permission", runs, status(403, "Resource not accessible by personal access token", "X-Accepted-GitHub-Permissions", "actions=read"),
			github.KindWorkflowRun, connector.Denied, "actions=read"},
		{"null for a list", pulls, text(`null`), github.KindPullRequest, connector.Malformed, "null"},
		{"the list has another name", runs, text(`{"total_count":1,"runs":[{"id":1}]}`), github.KindWorkflowRun, connector.Malformed, "no list of runs"},
		{"the list is null", runs, text(`{"total_count":1,"workflow_runs":null}`), github.KindWorkflowRun, connector.Malformed, "no list of runs"},
		{"a next page without a number", pulls, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", `<https://api.github.com/x?after=abc>; rel="next"`)
			fmt.Fprint(w, `[]`)
		}, github.KindPullRequest, connector.Malformed, "names no page"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.on(tc.path, tc.handler)
			cov := h.mustCollect(f, everything())
			if len(h.gaps) != 1 || h.gaps[0].Reason != tc.reason || h.gaps[0].Kinds[0] != tc.kind || !strings.Contains(h.gaps[0].Detail, tc.detail) {
				t.Errorf("gaps %+v, want %s about %s with %q", h.gaps, tc.reason, tc.kind, tc.detail)
			}
			if cov[tc.kind].Status != connector.Refused || cov[github.KindFileRevision].Status != connector.Complete {
				t.Errorf("coverage %+v", cov)
			}
		})
	}
}

// GitHub's clock is years ahead of ours, or behind.
func TestClockOfGitHub(t *testing.T) {
	for _, off := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		f, h := newFake(t), newHost(t)
		organisation(f)
		f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
			f.ServeHTTP(w, r)
		})
		for range 2 {
			cov := h.mustCollect(f, everything())
			if len(h.gaps) != 0 || cov[github.KindPullRequest].Status != connector.Complete {
				t.Errorf("clock off by %v: gaps %+v", off, h.gaps)
			}
		}
		if h.revisions != 0 {
			t.Errorf("clock off by %v: %d revisions of what did not change", off, h.revisions)
		}
	}
}
