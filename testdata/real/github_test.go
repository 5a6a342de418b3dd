//go:build peers

package real

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// hub seeds a GitHub through its own API, as its people would.
type hub struct {
	t    *testing.T
	base string
}

// as makes a request in the name of somebody and expects a status.
func (h hub) as(who string, want int, method, path string, body, into any) {
	h.t.Helper()
	var in io.Reader = http.NoBody
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			h.t.Fatal(err)
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.base+path, in)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-"+who)
	req.Header.Set("Accept", "application/vnd.github+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != want {
		h.t.Fatalf("emulate: %s %s as %s: status %d, want %d: %.300s", method, path, who, resp.StatusCode, want, b)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(b, into); err != nil {
		h.t.Fatalf("emulate: %s %s: %v", method, path, err)
	}
}

type object = map[string]any

// repository makes a repository with a README on main, to which all may write
// but the reader.
func (h hub) repository(name string, private bool) string {
	h.t.Helper()
	h.as("anouk", http.StatusCreated, http.MethodPost, "/orgs/meridian/repos", object{"name": name, "private": private, "auto_init": true}, nil)
	repo := "/repos/meridian/" + name
	for _, who := range []string{"bram", "chidi", "dana"} {
		h.as("anouk", http.StatusCreated, http.MethodPut, repo+"/collaborators/"+who, object{"permission": "push"}, nil)
	}
	return repo
}

// file commits a file to a branch.
func (h hub) file(who, repo, branch, path, text string) {
	h.t.Helper()
	h.as(who, http.StatusCreated, http.MethodPut, repo+"/contents/"+path, object{"message": "Add " + path, "branch": branch,
		"content": base64.StdEncoding.EncodeToString([]byte(text))}, nil)
}

// pull is an open pull request.
type pull struct {
	hub
	repo   string
	number int
	head   string
}

// open proposes new files in a branch of their own.
func (h hub) open(who, repo, title string, files ...string) pull {
	h.t.Helper()
	var main struct {
		Object struct{ SHA string }
	}
	h.as(who, http.StatusOK, http.MethodGet, repo+"/git/ref/heads/main", nil, &main)
	branch := fmt.Sprintf("change-%.8s-%d", main.Object.SHA, len(title))
	h.as(who, http.StatusCreated, http.MethodPost, repo+"/git/refs", object{"ref": "refs/heads/" + branch, "sha": main.Object.SHA}, nil)
	for _, f := range files {
		h.file(who, repo, branch, f, title+"\n")
	}
	var made struct {
		Number int
		Head   struct{ SHA string }
	}
	h.as(who, http.StatusCreated, http.MethodPost, repo+"/pulls", object{"title": title, "head": branch, "base": "main"}, &made)
	return pull{h, repo, made.Number, made.Head.SHA}
}

func (p pull) review(who, event string) {
	p.t.Helper()
	p.as(who, http.StatusCreated, http.MethodPost, fmt.Sprintf("%s/pulls/%d/reviews", p.repo, p.number), object{"event": event, "body": "read"}, nil)
}

func (p pull) merge(who, method string, want int) {
	p.t.Helper()
	p.as(who, want, http.MethodPut, fmt.Sprintf("%s/pulls/%d/merge", p.repo, p.number), object{"merge_method": method}, nil)
}

// seedGitHub makes what the people of Meridian did, two repositories and one
// that no configuration names.
func seedGitHub(t *testing.T, base string) {
	h := hub{t, base}
	scoring := h.repository("credit-scoring", true)
	p := h.open("anouk", scoring, "AIGOV-9: new features", "model/features.py") // #1: approved twice, checked, merged
	protection := object{
		"required_status_checks":        object{"strict": true, "contexts": []string{"evaluation"}},
		"required_pull_request_reviews": object{"required_approving_review_count": 2, "dismiss_stale_reviews": true},
		"enforce_admins":                true, "restrictions": nil,
	}
	h.as("anouk", http.StatusOK, http.MethodPut, scoring+"/branches/main/protection", protection, nil)
	p.review("bram", "APPROVE")
	p.merge("anouk", "merge", http.StatusUnprocessableEntity) // the peer itself holds it back
	h.as("anouk", http.StatusCreated, http.MethodPost, scoring+"/check-runs",
		object{"name": "evaluation", "head_sha": p.head, "status": "completed", "conclusion": "success"}, nil)
	p.review("chidi", "APPROVE")
	p.merge("anouk", "merge", http.StatusOK)
	h.open("bram", scoring, "Idea for later", "model/idea.py") // #2: stays open

	assistant := h.repository("support-assistant", false)
	p = h.open("dana", assistant, "System prompt", "prompts/system.md") // #1: approved at its head
	p.review("bram", "APPROVE")
	p.merge("dana", "merge", http.StatusOK)
	p = h.open("dana", assistant, "AIGOV-2: softer tone", "prompts/tone.md") // #2: nobody looked
	p.merge("dana", "merge", http.StatusOK)
	p = h.open("chidi", assistant, "Refuse legal questions now", "prompts/refusals.md") // #3: approved, then changed
	p.review("bram", "APPROVE")
	h.as("chidi", http.StatusAccepted, http.MethodPut, fmt.Sprintf("%s/pulls/%d/update-branch", assistant, p.number), object{}, nil)
	p.merge("chidi", "merge", http.StatusOK)
	p = h.open("dana", assistant, "Guide for agents", "docs/guide.md") // #4: touches no AI file
	p.merge("dana", "merge", http.StatusOK)
	p = h.open("dana", assistant, "Shorter answers and a joke", "prompts/short.md", "prompts/joke.md") // #5: refused, merged all the same
	p.review("chidi", "REQUEST_CHANGES")
	p.merge("dana", "merge", http.StatusOK)
	p = h.open("dana", assistant, "Two steps in one", "prompts/one.md", "prompts/two.md") // #6: several commits become one
	p.review("bram", "APPROVE")
	p.merge("dana", "squash", http.StatusOK)
	h.file("chidi", assistant, "main", "prompts/hotfix.md", "past the pull requests\n") // a push

	h.repository("website", false)
}
