package sandbox

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// repo is a repository with its history worked out.
type repo struct {
	repoFile
	founder *person
	commits []*commit // production branch and merged heads, oldest first
	pulls   []*pull   // by number
	texts   map[string]string
	pushed  time.Time
}

type commit struct {
	sha     string
	parents []string
	at      time.Time
	by      *person
	message string
	files   []fileChange
	pull    int // number of the pull request it came from, or 0
	webflow bool
	main    bool // on the first-parent line of the production branch
}

type pull struct {
	pullFile
	id      int64
	by      *person
	merger  *person
	heads   []*commit // pushes to the branch, oldest first
	files   []fileChange
	reviews []*review
	merge   *commit
	baseSHA string
	updated time.Time
}

type review struct {
	id     int64
	by     *person
	state  string
	commit string
	at     time.Time
}

// fakeSHA is a commit id that depends on what it names and on nothing else.
func fakeSHA(parts ...string) string {
	sum := sha1.Sum([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// blobSHA is the id that git gives a file of this content.
func blobSHA(text string) string {
	return fakeSHA(fmt.Sprintf("blob %d", len(text)), text)
}

func (w *world) loadHub() error {
	w.hub.owner = w.company.Organization.ID
	names, err := yamlFiles("org/github")
	if err != nil {
		return err
	}
	for _, name := range names {
		r := &repo{}
		if err := readYAML(name, &r.repoFile); err != nil {
			return err
		}
		if err := w.buildRepo(r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.hub.repos = append(w.hub.repos, r)
	}
	slices.SortFunc(w.hub.repos, func(a, b *repo) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// buildRepo works out commits, heads, reviews and file contents.
func (w *world) buildRepo(r *repo) error {
	if r.Main == "" {
		r.Main = "main"
	}
	var err error
	if r.founder, err = w.person(r.Founder); err != nil {
		return err
	}
	for i := range r.Pulls {
		p, err := w.buildPull(r, r.Pulls[i])
		if err != nil {
			return fmt.Errorf("pull request %d: %w", r.Pulls[i].N, err)
		}
		r.pulls = append(r.pulls, p)
	}
	slices.SortFunc(r.pulls, func(a, b *pull) int { return cmp.Compare(a.N, b.N) })
	if err := w.buildLine(r); err != nil {
		return err
	}
	r.fillTexts()
	r.pushed = r.Created.at(w.now)
	for _, c := range r.commits {
		r.pushed = laterOf(r.pushed, c.at)
	}
	for _, p := range r.pulls {
		r.pushed = laterOf(r.pushed, p.heads[len(p.heads)-1].at)
	}
	return nil
}

func (w *world) buildPull(r *repo, f pullFile) (*pull, error) {
	p := &pull{pullFile: f, id: r.ID*1000 + int64(f.N)}
	if p.Base == "" {
		p.Base = r.Main
	}
	if p.Branch == "" {
		p.Branch = fmt.Sprintf("change/%d", f.N)
	}
	if len(p.Commits) == 0 {
		p.Commits = []ago{f.Opened}
	}
	var err error
	if p.by, err = w.person(f.By); err != nil {
		return nil, err
	}
	if p.files, err = parseFileChanges(f.Files); err != nil {
		return nil, err
	}
	p.updated = f.Opened.at(w.now)
	for k, at := range p.Commits {
		c := &commit{
			sha: fakeSHA("head", r.Name, fmt.Sprint(f.N), fmt.Sprint(k)), at: at.at(w.now), by: p.by,
			message: f.Title, files: p.files, pull: f.N,
		}
		p.heads = append(p.heads, c)
		p.updated = laterOf(p.updated, c.at)
	}
	if err := w.buildReviews(p); err != nil {
		return nil, err
	}
	for _, at := range []ago{f.Merged, f.Closed} {
		if at.set {
			p.updated = laterOf(p.updated, at.at(w.now))
		}
	}
	if err := p.checkOrder(); err != nil {
		return nil, err
	}
	return p, w.pickMerger(p)
}

// checkOrder refuses times that cannot be: they would plant trouble that
// STORY.md does not tell.
func (p *pull) checkOrder() error {
	for i, at := range p.Commits {
		switch {
		case at.offset < p.Opened.offset:
			return fmt.Errorf("push %d is older than the pull request", i+1)
		case i > 0 && at.offset < p.Commits[i-1].offset:
			return fmt.Errorf("push %d is older than the one before", i+1)
		}
	}
	for _, end := range []ago{p.Merged, p.Closed} {
		if end.set && end.offset < p.Commits[len(p.Commits)-1].offset {
			return errors.New("it ended before its last push")
		}
	}
	for _, rv := range p.reviews {
		if rv.at.Before(p.heads[0].at) {
			return fmt.Errorf("the review of %s is older than the pull request", rv.by.ID)
		}
	}
	return nil
}

// buildReviews reads the reviews; each is of the head that was there when it
// was submitted.
func (w *world) buildReviews(p *pull) error {
	states := map[string]string{
		"approved": "APPROVED", "changes": "CHANGES_REQUESTED", "commented": "COMMENTED", "dismissed": "DISMISSED",
	}
	for i, line := range p.Reviews {
		words := strings.Fields(line)
		if len(words) != 3 || states[words[1]] == "" {
			return fmt.Errorf("review %q: want a login, a state and a time", line)
		}
		by, err := w.person(words[0])
		if err != nil {
			return err
		}
		at, err := parseAgo(words[2])
		if err != nil {
			return err
		}
		rv := &review{id: p.id*100 + int64(i+1), by: by, state: states[words[1]], at: at.at(w.now), commit: p.heads[0].sha}
		for _, h := range p.heads {
			if !h.at.After(rv.at) {
				rv.commit = h.sha
			}
		}
		p.reviews = append(p.reviews, rv)
		p.updated = laterOf(p.updated, rv.at)
	}
	return nil
}

// pickMerger settles who merged: whoever the data name, else the author.
func (w *world) pickMerger(p *pull) error {
	if !p.Merged.set {
		return nil
	}
	id := p.MergedBy
	if id == "" {
		id = p.By
	}
	var err error
	p.merger, err = w.person(id)
	return err
}

// buildLine orders the first commit, the merges into the production branch
// and the direct pushes by time, and links them.
func (w *world) buildLine(r *repo) error {
	first := &commit{at: r.Created.at(w.now), by: r.founder, message: "Initial commit", main: true}
	var line []*commit
	for _, p := range r.pulls {
		if p.Merged.set && p.Base == r.Main {
			p.merge = &commit{
				at: p.Merged.at(w.now), by: p.by, files: p.files, pull: p.N, webflow: true, main: true,
				message: fmt.Sprintf("%s (#%d)", p.Title, p.N),
			}
			if p.Method == "merge" {
				p.merge.by, p.merge.message = p.merger, fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.N, w.hub.owner, p.Branch, p.Title)
			}
			line = append(line, p.merge)
		}
	}
	for _, f := range r.Pushes {
		by, err := w.person(f.By)
		if err != nil {
			return err
		}
		files, err := parseFileChanges(f.Files)
		if err != nil {
			return err
		}
		line = append(line, &commit{at: f.At.at(w.now), by: by, message: f.Message, files: files, main: true})
	}
	slices.SortStableFunc(line, func(a, b *commit) int { return a.at.Compare(b.at) })
	line = append([]*commit{first}, line...)
	r.linkLine(line)
	return nil
}

// linkLine gives the commits their ids and parents, and puts the heads of
// pull requests merged with a merge commit beside it.
func (r *repo) linkLine(line []*commit) {
	prev := ""
	for i, c := range line {
		c.sha = fakeSHA("main", r.Name, fmt.Sprint(i), c.message)
		if prev != "" {
			c.parents = []string{prev}
		}
		if p := r.pull(c.pull); p != nil {
			p.baseSHA = prev
			from := prev
			for _, h := range p.heads {
				h.parents = []string{from}
				from = h.sha
			}
			if p.Method == "merge" {
				c.parents = append(c.parents, from)
				r.commits = append(r.commits, p.heads...)
			}
		}
		r.commits = append(r.commits, c)
		prev = c.sha
	}
	for _, p := range r.pulls {
		if p.baseSHA == "" {
			p.baseSHA = prev
			p.heads[0].parents = []string{prev}
		}
	}
	slices.SortStableFunc(r.commits, func(a, b *commit) int { return a.at.Compare(b.at) })
}

// pull finds a pull request by number, or nil.
func (r *repo) pull(n int) *pull {
	for _, p := range r.pulls {
		if p.N == n {
			return p
		}
	}
	return nil
}

// head is the newest commit of the production branch.
func (r *repo) head() *commit {
	for _, c := range slices.Backward(r.commits) {
		if c.main {
			return c
		}
	}
	return nil
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
