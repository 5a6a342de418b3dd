package github

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const (
	// deployWindow is how long after its creation a deployment may get another
	// status; the listing, newest first, is read that far back.
	deployWindow = 35 * 24 * time.Hour
	// maxOpen is how many unfinished deployments of a repository are followed.
	maxOpen = 300
)

// listedDeployment is a deployment as listed; the client library's type lacks
// what kind of environment it was for.
type listedDeployment struct {
	ID          int64     `json:"id"`
	SHA         string    `json:"sha"`
	Ref         string    `json:"ref"`
	Task        string    `json:"task"`
	Environment string    `json:"environment"`
	Creator     *account  `json:"creator"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Transient   *bool     `json:"transient_environment"`
	Production  *bool     `json:"production_environment"`
}

type deploymentStatus struct {
	ID        int64     `json:"id"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	LogURL    string    `json:"log_url"`
	TargetURL string    `json:"target_url"`
}

type deploymentPayload struct {
	Repo                  string           `json:"repo"`
	RepoID                int64            `json:"repo_id"`
	DeploymentID          int64            `json:"deployment_id"`
	Environment           string           `json:"environment"`
	ProductionEnvironment *bool            `json:"production_environment,omitempty"`
	TransientEnvironment  *bool            `json:"transient_environment,omitempty"`
	SHA                   string           `json:"sha"`
	Ref                   string           `json:"ref"`
	Task                  string           `json:"task"`
	Status                string           `json:"status,omitempty"`
	StatusAt              string           `json:"status_at,omitempty"`
	RunID                 int64            `json:"run_id,omitempty"`
	Creator               string           `json:"creator"`
	CreatorType           string           `json:"creator_type,omitempty"`
	CreatedAt             string           `json:"created_at"`
	UpdatedAt             string           `json:"updated_at,omitempty"`
	PendingReviewers      []string         `json:"pending_reviewers,omitempty"`
	ProtectionReviews     *[]reviewOfGates `json:"protection_reviews,omitempty"` // nil: not known
}

type reviewOfGates struct {
	Reviewer    string `json:"reviewer"`
	State       string `json:"state"`
	Environment string `json:"environment"`
	Comment     string `json:"comment,omitempty"`
}

// deploymentCursor is how far the deployments of a repository were read.
type deploymentCursor struct {
	Since  time.Time `json:"since"`
	Whole  bool      `json:"whole"`          // a pass came to its end
	Newest time.Time `json:"newest"`         // newest update seen
	Open   []int64   `json:"open,omitempty"` // may get another status
	// Denied is a run whose approvals the token may not read.
	Denied int64 `json:"denied,omitempty"`
}

// deploymentNote is kept with the validator of a page of deployments.
type deploymentNote struct {
	Oldest time.Time `json:"oldest"`
}

// deploymentReader reads the deployments of one repository.
type deploymentReader struct {
	*run
	repo   repository
	cur    deploymentCursor
	open   map[int64]bool // of the last run, not seen yet
	next   []int64        // still open now
	newest time.Time
	whole  bool
	gates  map[int64]*gates // by run, so that its jobs ask once
	denied int64
}

// deployments emits deployments that are new, changed or were not finished.
func (r *run) deployments(ctx context.Context, repo repository) error {
	d := &deploymentReader{run: r, repo: repo, open: map[int64]bool{}, gates: map[int64]*gates{}, whole: true}
	if err := d.begin(ctx); err != nil {
		return err
	}
	bound, changed := r.earliest(d.cur.Since), time.Time{}
	if !d.cur.Newest.IsZero() {
		bound, changed = later(bound, d.cur.Newest.Add(-deployWindow)), d.cur.Newest.Add(-runOverlap)
	}
	c := call{path: repo.path() + "/deployments", usable: noteFits(func(deploymentNote) bool { return d.cur.Whole })}
	err := pages(ctx, r.api, c, func(p page[[]*listedDeployment]) (bool, error) {
		if p.notModified {
			var note deploymentNote
			return noteFits(func(n deploymentNote) bool { note = n; return true })(p.memo) && !note.Oldest.Before(bound), nil
		}
		if p.body == nil {
			return false, &malformedError{Path: c.path, Why: "the answer holds no list of deployments"}
		}
		note := deploymentNote{}
		for _, dep := range p.body {
			if dep == nil || !fitID(dep.ID) || dep.CreatedAt.IsZero() {
				return false, &malformedError{Path: c.path, Why: "a deployment without id or date"}
			}
			note.Oldest = earlier(dep.CreatedAt.UTC(), note.Oldest)
			if (dep.UpdatedAt.Before(changed) && !d.open[dep.ID]) || dep.CreatedAt.Before(r.earliest(d.cur.Since)) {
				continue
			}
			if err := d.read(ctx, dep); err != nil {
				return false, err
			}
		}
		more := len(p.body) > 0 && !note.Oldest.Before(bound)
		if !d.whole {
			return more, nil
		}
		return more, r.keep(p.answer, note)
	})
	if err != nil {
		return err
	}
	return d.end(ctx)
}

// begin takes up the position of the last run. If approvals that were denied
// can be read now, everything is read again.
func (d *deploymentReader) begin(ctx context.Context) error {
	if !d.cursor(d.repo.cursorName("deployments"), &d.cur) || d.since.Before(d.cur.Since) {
		d.cur = deploymentCursor{Since: d.since}
	}
	if d.cur.Denied > 0 {
		_, err := d.gatesOf(ctx, d.cur.Denied)
		if fatal := d.fatal(ctx, err); fatal != nil {
			return fatal
		}
		if err == nil && d.denied == 0 {
			d.cur = deploymentCursor{Since: d.cur.Since}
		}
	}
	d.newest = d.cur.Newest
	for _, id := range d.cur.Open {
		d.open[id] = true
	}
	return nil
}

// end follows those that were open and that the listing did not show again,
// and says what was denied.
func (d *deploymentReader) end(ctx context.Context) error {
	left := make([]int64, 0, len(d.open))
	for id := range d.open {
		left = append(left, id)
	}
	slices.Sort(left)
	for _, id := range left {
		var dep listedDeployment
		path := fmt.Sprintf("%s/deployments/%d", d.repo.path(), id)
		_, err := d.api.get(ctx, call{path: path}, &dep)
		switch {
		case statusOf(err) == http.StatusNotFound:
			continue // it was deleted
		case err == nil && dep.ID != id:
			err = &malformedError{Path: path, Why: "the answer is about another deployment"}
		}
		if err == nil {
			err = d.read(ctx, &dep)
		}
		if err != nil {
			return err
		}
	}
	d.cover.reaches(KindDeployment, d.cur.Since)
	if d.denied > 0 {
		err := d.gap(connector.Gap{Kinds: []string{KindDeployment}, Scope: d.repo.FullName + " approvals", Reason: connector.Denied, Permission: permActions,
			Detail: "who let deployments through cannot be read; GitHub answers so when the token lacks the permission " + permActions})
		if err != nil {
			return err
		}
	}
	if !d.whole {
		return nil // the next run asks again
	}
	slices.Sort(d.next)
	d.cur.Whole, d.cur.Newest, d.cur.Open, d.cur.Denied = true, d.newest, d.next[:min(len(d.next), maxOpen)], d.denied
	return d.setCursor(d.repo.cursorName("deployments"), d.cur)
}

// read emits one deployment, or says what was missing.
func (d *deploymentReader) read(ctx context.Context, dep *listedDeployment) error {
	delete(d.open, dep.ID)
	pay, err := d.payload(ctx, dep)
	if err != nil {
		d.whole = false
		return d.missed(ctx, part{kinds: []string{KindDeployment}, scope: fmt.Sprintf("%s deployment %d", d.repo.FullName, dep.ID),
			permission: permDeployments}, err)
	}
	d.newest = later(d.newest, earlier(dep.UpdatedAt.UTC(), d.now))
	done := slices.Contains([]string{"success", "failure", "error", "inactive"}, pay.Status)
	if !done && dep.CreatedAt.After(d.now.Add(-deployWindow)) {
		d.next = append(d.next, dep.ID)
	}
	link := d.cfg.web(d.repo.FullName+"/deployments", nil)
	if pay.RunID > 0 {
		link = d.cfg.web(fmt.Sprintf("%s/actions/runs/%d", d.repo.FullName, pay.RunID), nil)
	}
	return d.record(connector.Record{
		Kind: KindDeployment, Subject: connector.Subject{Type: "release", ID: d.repo.FullName + "@" + dep.SHA},
		Key: strconv.FormatInt(dep.ID, 10), EventTime: dep.CreatedAt.UTC(), URL: link,
	}, pay)
}

func (d *deploymentReader) payload(ctx context.Context, dep *listedDeployment) (deploymentPayload, error) {
	path := fmt.Sprintf("%s/deployments/%d/statuses", d.repo.path(), dep.ID)
	pay := deploymentPayload{
		Repo: d.repo.FullName, RepoID: d.repo.ID, DeploymentID: dep.ID, Environment: line(dep.Environment, 255), SHA: dep.SHA,
		ProductionEnvironment: dep.Production, TransientEnvironment: dep.Transient, Ref: line(dep.Ref, 300), Task: line(dep.Task, 100),
		Creator: dep.Creator.name(), CreatedAt: stamp(dep.CreatedAt), UpdatedAt: stamp(dep.UpdatedAt),
	}
	if dep.Creator != nil {
		pay.CreatorType = line(dep.Creator.Type, 40)
	}
	if !isSHA(dep.SHA) {
		return pay, &malformedError{Path: path, Why: "a deployment's commit is none that git makes"}
	}
	var newest deploymentStatus
	err := pages(ctx, d.api, call{path: path}, func(p page[[]deploymentStatus]) (bool, error) {
		if p.body == nil {
			return false, &malformedError{Path: path, Why: "the answer holds no list of statuses"}
		}
		for _, s := range p.body {
			if s.State == "" || s.CreatedAt.IsZero() {
				return false, &malformedError{Path: path, Why: "a status without state or date"}
			}
			if c := s.CreatedAt.Compare(newest.CreatedAt); c > 0 || c == 0 && s.ID > newest.ID {
				newest = s
			}
			if run := d.runOf(s); run > 0 {
				pay.RunID = max(pay.RunID, run)
			}
		}
		return true, nil
	})
	if err != nil {
		return pay, err
	}
	pay.Status, pay.StatusAt = line(newest.State, 40), stamp(newest.CreatedAt)
	if pay.RunID == 0 {
		return pay, nil // no workflow deployed it, so no gate of an environment was passed
	}
	return pay, d.addGates(ctx, &pay)
}

var runLink = regexp.MustCompile(`^https?://[^/]+/([^/]+/[^/]+)/actions/runs/([0-9]{1,15})(?:/|$)`)

// runOf is the workflow run that set a status, as its links give away. Whoever
// sets one chooses the links: a run of another repository has no say in this.
func (d *deploymentReader) runOf(s deploymentStatus) int64 {
	for _, link := range []string{s.LogURL, s.TargetURL} {
		if m := runLink.FindStringSubmatch(link); m != nil && strings.EqualFold(m[1], d.repo.FullName) {
			if n, err := strconv.ParseInt(m[2], 10, 64); err == nil && fitID(n) {
				return n
			}
		}
	}
	return 0
}

// gates are what is known of the gates that a run passed or waits before.
type gates struct {
	reviews []reviewOfGates
	known   bool
	pending map[string][]string // reviewers, by environment
}

// addGates says who let a deployment through, or who can.
func (d *deploymentReader) addGates(ctx context.Context, pay *deploymentPayload) error {
	g, err := d.gatesOf(ctx, pay.RunID)
	if err != nil || !g.known {
		return err
	}
	reviews := []reviewOfGates{}
	for _, rv := range g.reviews {
		if rv.Environment == pay.Environment {
			reviews = append(reviews, rv)
		}
	}
	pay.ProtectionReviews = &reviews
	if !slices.Contains([]string{"waiting", "queued", "pending"}, pay.Status) {
		return nil
	}
	if g.pending == nil {
		if g.pending, err = d.pendingReviewers(ctx, pay.RunID); err != nil {
			return err
		}
	}
	pay.PendingReviewers = g.pending[pay.Environment]
	return nil
}

// gatesOf asks who approved or rejected the deployments of a run. A run that
// was deleted leaves it unknown; a denial is remembered and said once.
func (d *deploymentReader) gatesOf(ctx context.Context, id int64) (*gates, error) {
	if g := d.gates[id]; g != nil {
		return g, nil
	}
	g := &gates{}
	if d.denied > 0 {
		return g, nil
	}
	var list []struct {
		State        string   `json:"state"`
		Comment      string   `json:"comment"`
		User         *account `json:"user"`
		Environments []struct {
			Name string `json:"name"`
		} `json:"environments"`
	}
	path := fmt.Sprintf("%s/actions/runs/%d/approvals", d.repo.path(), id)
	_, err := d.api.get(ctx, call{path: path}, &list)
	switch statusOf(err) {
	case http.StatusForbidden:
		d.denied, err = id, nil
		return g, err
	case http.StatusNotFound:
		d.gates[id] = g
		return g, nil
	}
	if err != nil {
		return nil, err
	}
	g.known = true
	for _, a := range list {
		if a.State == "" || a.Environments == nil {
			return nil, &malformedError{Path: path, Why: "a review without state or environments"}
		}
		for _, e := range a.Environments {
			g.reviews = append(g.reviews, reviewOfGates{Reviewer: a.User.name(), State: line(a.State, 40), Environment: line(e.Name, 255), Comment: line(a.Comment, 200)})
		}
	}
	d.gates[id] = g
	return g, nil
}

// pendingReviewers asks who may let the waiting deployments of a run through.
func (d *deploymentReader) pendingReviewers(ctx context.Context, id int64) (map[string][]string, error) {
	var list []struct {
		Environment struct {
			Name string `json:"name"`
		} `json:"environment"`
		Reviewers []gateReviewer `json:"reviewers"`
	}
	_, err := d.api.get(ctx, call{path: fmt.Sprintf("%s/actions/runs/%d/pending_deployments", d.repo.path(), id)}, &list)
	if status := statusOf(err); status == http.StatusForbidden || status == http.StatusNotFound {
		return map[string][]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, p := range list {
		out[line(p.Environment.Name, 255)] = reviewerNames(p.Reviewers)
	}
	return out, nil
}

// gateReviewer is a person or team that may let a deployment through.
type gateReviewer struct {
	Type     string `json:"type"`
	Reviewer struct {
		Login string `json:"login"`
		Slug  string `json:"slug"`
	} `json:"reviewer"`
}

// reviewerNames names reviewers, in order.
func reviewerNames(list []gateReviewer) []string {
	names := []string{}
	for _, g := range list {
		name := "user:" + line(g.Reviewer.Login, 100)
		if g.Type != "User" {
			name = line(strings.ToLower(g.Type), 40) + ":" + line(g.Reviewer.Slug, 100)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
