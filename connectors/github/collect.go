package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg    *config
	req    connector.Request
	emit   connector.Emitter
	api    *api
	cover  *coverage
	since  time.Time // events before it are not looked for
	now    time.Time
	cancel context.CancelCauseFunc

	rulesetTurn sync.Mutex
	rulesets    map[string]ruleset // of accounts, by source and id

	sboms   *sbomTurn
	scanner *codeScanner // nil if no code is scanned
	asked   sync.Map     // branches that were asked for: branchAnswer
	prints  map[int64]fingerprint
}

// Collect reads the scope. Repositories are read side by side; within one, the
// kinds one after the other.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	now := time.Now().UTC()
	cfg, err := parseConfig(req.Config, now)
	if err != nil {
		return nil, err
	}
	if req.Full {
		req.Cursors, req.Validators = connector.Memory(req.Cursors), nil
	}
	var counted func(connector.Calls)
	if rec, ok := emit.(connector.CallRecorder); ok {
		counted = rec.Calls
	}
	a, err := newAPI(cfg, req.Validators, counted)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &run{cfg: cfg, req: req, emit: emit, api: a, cover: newCoverage(), since: cfg.since, now: now, cancel: cancel, rulesets: map[string]ruleset{}}
	if req.Since.After(r.since) {
		r.since = req.Since.UTC()
	}
	if _, err := a.cred.ready(ctx, nil); err != nil {
		return nil, r.fatalOr(ctx, err)
	}
	if err := r.all(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	return r.cover.result(req.Wants), nil
}

func (r *run) all(ctx context.Context) error {
	r.describeQueries()
	r.enumerated()
	if err := r.organization(ctx); err != nil {
		return err
	}
	repos, err := r.repositories(ctx)
	if err != nil {
		return err
	}
	if err := r.fingerprints(ctx, repos); err != nil {
		return err
	}
	if err := r.planSBOMs(repos); err != nil {
		return err
	}
	if err := r.planCode(); err != nil {
		return err
	}
	var mu sync.Mutex
	done := int64(0)
	return each(ctx, r.cfg.Concurrency, repos, func(ctx context.Context, repo repository) error {
		if err := r.repository(ctx, repo); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		r.emit.Progress(connector.Progress{Message: "read " + repo.FullName, Done: done, Total: int64(len(repos))})
		return nil
	})
}

// orgStep reads some kinds of the organisation as a whole.
type orgStep struct {
	kinds      []string
	permission string
	read       func(context.Context) error
}

// orgSteps are what is read once, before the repositories.
func (r *run) orgSteps() []orgStep {
	return r.furtherOrgSteps()
}

// organization reads what belongs to no single repository. Without a
// configured organisation there is nothing of it to read.
func (r *run) organization(ctx context.Context) error {
	for _, s := range r.orgSteps() {
		if !r.wantsAny(s.kinds) {
			continue
		}
		if r.cfg.Organization == "" {
			for _, k := range s.kinds {
				r.cover.update(k, func(s *seen) { s.unasked = true })
			}
			continue
		}
		p := part{kinds: s.kinds, scope: "organisation " + r.cfg.Organization, permission: s.permission}
		if err := r.take(ctx, p, s.read(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// take notes how the reading of a part went. It returns an error only when
// the run must end.
func (r *run) take(ctx context.Context, p part, err error) error {
	if err != nil {
		return r.missed(ctx, p, err)
	}
	for _, k := range p.kinds {
		r.cover.update(k, func(s *seen) { s.read++ })
	}
	return nil
}

// step reads some kinds of one repository.
type step struct {
	kinds      []string
	permission string
	read       func(context.Context, repository) error
}

// steps are what is read of each repository, in this order.
func (r *run) steps() []step {
	merged := &mergedCommits{}
	return append([]step{
		{[]string{KindPullRequest, KindReview}, permPulls, func(ctx context.Context, repo repository) error { return r.pulls(ctx, repo, merged) }},
		{[]string{KindPush}, permContents, func(ctx context.Context, repo repository) error { return r.pushes(ctx, repo, merged) }},
		{[]string{KindBranchProtection}, permAdmin, r.protection},
		{[]string{KindWorkflowRun}, permActions, r.runs},
		{[]string{KindFileRevision}, permContents, r.files},
	}, r.furtherSteps()...)
}

func (r *run) repository(ctx context.Context, repo repository) error {
	for _, s := range r.steps() {
		if !r.wantsAny(s.kinds) {
			continue
		}
		if r.scanner == nil && s.kinds[0] == codeKinds()[0] {
			continue
		}
		if len(r.cfg.files) == 0 && s.kinds[0] == KindFileRevision { // nobody said which files
			r.cover.update(KindFileRevision, func(s *seen) { s.unasked = true })
			continue
		}
		p := part{kinds: s.kinds, scope: repo.FullName, permission: s.permission}
		if err := r.take(ctx, p, s.read(ctx, repo)); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) wantsAny(kinds []string) bool {
	for _, k := range kinds {
		if r.req.Wants(k) {
			return true
		}
	}
	return false
}

// describeQueries says for each kind what is asked.
func (r *run) describeQueries() {
	branches := "default branch"
	for _, b := range r.cfg.Branches {
		branches += ", " + b
	}
	for kind, q := range map[string]string{
		KindPullRequest:      "GET /repos/{repo}/pulls?state=all&sort=updated, /pulls/{n}, /pulls/{n}/files",
		KindReview:           "GET /repos/{repo}/pulls/{n}/reviews of every pull request that was read",
		KindPush:             "GET /repos/{repo}/commits?sha={branch}, first parents without a merged pull request; branches: " + branches,
		KindBranchProtection: "GET /repos/{repo}/branches/{branch}, /protection and /rules/branches/{branch}; branches: " + branches,
		KindWorkflowRun:      "GET /repos/{repo}/actions/runs, completed attempts",
		KindFileRevision:     fmt.Sprintf("GET /repos/{repo}/commits?path={path} for files on the default branch that match %q", r.cfg.FileGlobs),
	} {
		r.cover.update(kind, func(s *seen) { s.query = line(q, 1000) })
	}
	for kind, q := range r.furtherQueries() {
		r.cover.update(kind, func(s *seen) { s.query = line(q, 1000) })
	}
}

// enumerated are the kinds of which every run lists all that there is.
func (r *run) enumerated() {
	for _, kind := range append([]string{KindRepository, KindBranchProtection}, furtherEnumerated()...) {
		r.cover.update(kind, func(s *seen) { s.enumerated = true })
	}
}

// stop makes an error of the emitter the end of the run, as it is.
func (r *run) stop(err error) error {
	if err != nil {
		r.cancel(err)
	}
	return err
}

// record emits a fact whose payload is to be encoded. One that the host would
// refuse becomes a gap instead, so that a hostile name cannot end the run.
func (r *run) record(rec connector.Record, payload any) error {
	if !r.req.Wants(rec.Kind) {
		return nil
	}
	b, err := json.Marshal(payload)
	if err == nil && (!records.Fit(rec.Key) || !records.Fit(rec.Subject.ID) || rec.EventTime.After(r.latest())) {
		err = errors.New("its name or its date is none that evidence can have")
	}
	if err != nil {
		return r.gap(connector.Gap{Kinds: []string{rec.Kind}, Scope: "record " + rec.Key, Reason: connector.Malformed, Detail: err.Error()})
	}
	rec.Major, rec.Payload, rec.URL = 1, b, records.Link(rec.URL)
	return r.stop(r.emit.Record(rec))
}

// latest is how far ahead of ours GitHub's clock may be.
func (*run) latest() time.Time { return time.Now().Add(time.Minute) }

// keep stores a validator with a note, if the source gave one.
func (r *run) keep(a answer, note any) error {
	if a.notModified || a.validator.IsZero() {
		return nil
	}
	memo, err := json.Marshal(note)
	if err != nil {
		return err
	}
	if len(memo) > 60<<10 || len(a.key) > 4000 {
		return nil // it is read in full next time
	}
	v := a.validator
	v.Memo = memo
	return r.stop(r.emit.Validator(a.key, v))
}

// cursor reads the position stored under name into v; false if there is none.
func (r *run) cursor(name string, v any) bool {
	s, ok := r.req.Cursors[name]
	return ok && json.Unmarshal([]byte(s), v) == nil
}

func (r *run) setCursor(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return r.stop(r.emit.Cursor(name, string(b)))
}

// each calls f for every item, at most limit at a time, until one fails.
func each[T any](ctx context.Context, limit int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, item := range items {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(ctx, item); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
