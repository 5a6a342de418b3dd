package github

import (
	"context"
	"fmt"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const (
	// rerunWindow is how long after its creation a run can be run again or
	// still be running; the listing, ordered by creation, is read that far back.
	rerunWindow = 35 * 24 * time.Hour
	// runOverlap is how late a run may show up in the listing.
	runOverlap = 10 * time.Minute
	// maxAttempts is how many attempts of one run are read.
	maxAttempts = 50
)

// runCursor is how far the workflow runs of a repository were read.
type runCursor struct {
	Since     time.Time `json:"since"`
	Whole     bool      `json:"whole"`  // a pass came to its end
	Newest    time.Time `json:"newest"` // newest update among completed runs
	Artifacts string    `json:"artifacts,omitempty"`
}

// runNote is kept with the validator of a page of runs.
type runNote struct {
	Oldest time.Time `json:"oldest"` // creation of the oldest on the page
}

// workflowRun is a run as listed; the client library's type lacks the path.
type workflowRun struct {
	gh.WorkflowRun
	Path string `json:"path"`
}

type runList struct {
	Runs *[]*workflowRun `json:"workflow_runs"`
}

// runs emits the completed attempts that are new or changed. Runs are listed
// by creation, newest first, and without a filter: with one GitHub ends the
// listing after 1,000.
func (r *run) runs(ctx context.Context, repo repository) error {
	var cur runCursor
	artifacts := mark(r.cfg.ArtifactWorkflows)
	if len(r.cfg.ArtifactWorkflows) > 0 {
		artifacts = mark("artifacts and jobs", r.cfg.ArtifactWorkflows)
	}
	if !r.cursor(repo.cursorName("runs"), &cur) || r.since.Before(cur.Since) || cur.Artifacts != artifacts {
		cur = runCursor{Since: r.since, Artifacts: artifacts}
	}
	bound, changed := r.earliest(cur.Since), time.Time{}
	if !cur.Newest.IsZero() {
		bound, changed = later(bound, cur.Newest.Add(-rerunWindow)), cur.Newest.Add(-runOverlap)
	}
	newest, whole := cur.Newest, true
	c := call{path: repo.path() + "/actions/runs", usable: noteFits(func(runNote) bool { return cur.Whole })}
	err := pages(ctx, r.api, c, func(p page[*runList]) (bool, error) {
		if p.notModified {
			var note runNote
			return noteFits(func(n runNote) bool { note = n; return true })(p.memo) && !note.Oldest.Before(bound), nil
		}
		if p.body == nil || p.body.Runs == nil {
			return false, &malformedError{Path: c.path, Why: "the answer holds no list of runs"}
		}
		note := runNote{}
		for _, w := range *p.body.Runs {
			if w == nil {
				continue
			}
			note.Oldest = earlier(w.GetCreatedAt().UTC(), note.Oldest)
			updated := w.GetUpdatedAt().UTC()
			if w.GetStatus() != "completed" || updated.Before(changed) || updated.Before(r.earliest(cur.Since)) {
				continue // what is still running is read again when it is done
			}
			ok, err := r.runWithAttempts(ctx, repo, w)
			if err != nil {
				return false, err
			}
			whole = whole && ok
			newest = later(newest, updated)
		}
		more := len(*p.body.Runs) > 0 && !note.Oldest.Before(bound)
		if !whole {
			return more, nil
		}
		return more, r.keep(p.answer, note)
	})
	if err != nil {
		return err
	}
	r.cover.reaches(KindWorkflowRun, cur.Since)
	if !whole {
		return nil // the next run asks again
	}
	cur.Whole, cur.Newest = true, newest
	return r.setCursor(repo.cursorName("runs"), cur)
}

// runWithAttempts emits a run and, if it was run again, its earlier attempts,
// which the listing no longer shows. whole is whether nothing of it was missed.
func (r *run) runWithAttempts(ctx context.Context, repo repository, w *workflowRun) (whole bool, err error) {
	whole = true
	for n := max(1, w.GetRunAttempt()-maxAttempts); n < w.GetRunAttempt(); n++ {
		var old workflowRun
		path := fmt.Sprintf("%s/actions/runs/%d/attempts/%d", repo.path(), w.GetID(), n)
		if _, err := r.api.get(ctx, call{path: path}, &old); err != nil {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{KindWorkflowRun}, scope: path, permission: permActions}, err); err != nil {
				return false, err
			}
			continue
		}
		ok, err := r.emitRun(ctx, repo, &old)
		if err != nil {
			return false, err
		}
		whole = whole && ok
	}
	ok, err := r.emitRun(ctx, repo, w)
	return whole && ok, err
}

func (r *run) emitRun(ctx context.Context, repo repository, w *workflowRun) (whole bool, err error) {
	if !fitID(w.GetID()) || !isSHA(w.GetHeadSHA()) {
		return false, r.missed(ctx, part{kinds: []string{KindWorkflowRun}, scope: repo.FullName},
			&malformedError{Path: repo.path() + "/actions/runs", Why: "a run without an id or a commit"})
	}
	pay := runPayload{
		Repo: repo.FullName, RepoID: repo.ID, RunID: w.GetID(), RunAttempt: max(1, w.GetRunAttempt()), Name: line(w.GetName(), 200),
		WorkflowPath: line(w.Path, 300), HeadSHA: w.GetHeadSHA(), HeadBranch: line(w.GetHeadBranch(), 300), Event: w.GetEvent(),
		Conclusion: w.GetConclusion(), CreatedAt: stamp(w.GetCreatedAt().Time), StartedAt: stamp(w.GetRunStartedAt().Time),
		UpdatedAt: stamp(w.GetUpdatedAt().Time), Actor: login(w.Actor),
	}
	if w.TriggeringActor != nil {
		pay.TriggeringActor = login(w.TriggeringActor)
	}
	whole = true
	if matchAny(r.cfg.artifacts, pay.WorkflowPath) {
		if err := r.runDetail(ctx, repo, &pay); err != nil {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{KindWorkflowRun}, scope: fmt.Sprintf("%s run %d artifacts and jobs", repo.FullName, w.GetID()),
				permission: permActions}, err); err != nil {
				return false, err
			}
		}
	}
	return whole, r.record(connector.Record{
		Kind: KindWorkflowRun, Subject: connector.Subject{Type: "release", ID: repo.FullName + "@" + w.GetHeadSHA()},
		Key: fmt.Sprintf("%d/%d", w.GetID(), pay.RunAttempt), EventTime: w.GetUpdatedAt().UTC(), URL: w.GetHTMLURL(),
	}, pay)
}

// runDetail adds what an attempt made and how its jobs ended.
func (r *run) runDetail(ctx context.Context, repo repository, pay *runPayload) (err error) {
	if pay.Artifacts, err = r.artifacts(ctx, repo, pay.RunID); err != nil {
		return err
	}
	pay.Jobs, err = r.jobs(ctx, repo, pay.RunID, pay.RunAttempt)
	return err
}

// jobs lists the jobs of an attempt in GitHub's order.
func (r *run) jobs(ctx context.Context, repo repository, id int64, attempt int) ([]jobPayload, error) {
	var out []jobPayload
	type list struct {
		Jobs *[]*gh.WorkflowJob `json:"jobs"`
	}
	path := fmt.Sprintf("%s/actions/runs/%d/attempts/%d/jobs", repo.path(), id, attempt)
	err := pages(ctx, r.api, call{path: path}, func(p page[list]) (bool, error) {
		if p.body.Jobs == nil {
			return false, &malformedError{Path: path, Why: "the answer holds no list of jobs"}
		}
		for _, j := range *p.body.Jobs {
			if j != nil {
				out = append(out, jobPayload{Name: line(j.GetName(), 200), Conclusion: line(j.GetConclusion(), 40),
					StartedAt: stamp(j.GetStartedAt().Time), CompletedAt: stamp(j.GetCompletedAt().Time)})
			}
		}
		return len(out) < maxFiles, nil
	})
	return out, err
}

// listedArtifact is an artifact as listed; the library's type lacks the digest.
type listedArtifact struct {
	gh.Artifact
	Digest string `json:"digest"`
}

func (r *run) artifacts(ctx context.Context, repo repository, id int64) ([]artifactPayload, error) {
	var out []artifactPayload
	type list struct {
		Artifacts *[]*listedArtifact `json:"artifacts"`
	}
	path := fmt.Sprintf("%s/actions/runs/%d/artifacts", repo.path(), id)
	err := pages(ctx, r.api, call{path: path}, func(p page[list]) (bool, error) {
		if p.body.Artifacts == nil {
			return false, &malformedError{Path: path, Why: "the answer holds no list of artifacts"}
		}
		for _, a := range *p.body.Artifacts {
			if a != nil && fitID(a.GetID()) && a.GetSizeInBytes() <= maxID {
				out = append(out, artifactPayload{ID: a.GetID(), Name: line(a.GetName(), 200), Size: a.GetSizeInBytes(),
					Digest: line(a.Digest, 100), CreatedAt: stamp(a.GetCreatedAt().Time)})
			}
		}
		return len(out) < maxFiles, nil
	})
	return out, err
}
