package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

// describe: the descriptor is valid, always the same, and fits the case.
func (e *exam) describe(context.Context) {
	if err := wire.CheckDescriptor(e.desc); err != nil {
		e.bad("the descriptor is not valid: %v", err)
	}
	if !reflect.DeepEqual(e.desc, e.c.Describe()) {
		e.bad("Describe returns different values")
	}
	schema, err := configschema.Compile(e.desc.ConfigSchema)
	if err != nil {
		e.bad("%v", err)
		return
	}
	if err := schema.Validate(e.cs.Config.Settings); err != nil {
		e.bad("the settings of the case do not fit the config schema: %v", err)
	}
	known := map[string]bool{}
	for _, s := range e.desc.Secrets {
		known[s.Name] = true
		if s.Required && e.cs.Config.Secrets[s.Name] == "" {
			e.bad("the case lacks the secret %s, which is required", s.Name)
		}
	}
	for name := range e.cs.Config.Secrets {
		if !known[name] {
			e.bad("the case has the secret %s, which is not described", name)
		}
	}
}

// check: the report is about what was described, and leaks nothing.
func (e *exam) check(ctx context.Context) {
	logged := e.capture(func() {
		report, err := e.c.Check(ctx, e.cs.Config)
		if err != nil {
			e.secretFree("the error of Check", err.Error())
			e.bad("Check failed: %v", err)
			return
		}
		e.report(report)
	})
	e.secretFree("the log of Check", logged)
}

func (e *exam) report(r connector.CheckReport) {
	e.secretFree("the report of Check", fmt.Sprintf("%+v", r))
	if r.Problem != "" {
		e.bad("Check found a problem, so the case cannot be read: %s", r.Problem)
	} else if r.Identity == "" {
		e.bad("Check does not say who the source takes us for (Identity)")
	}
	stated := map[string]bool{}
	for _, p := range r.Permissions {
		stated[p.Permission] = true
	}
	described := map[string]bool{}
	for _, p := range e.desc.Permissions {
		described[p.ID] = true
		if !stated[p.ID] {
			e.bad("Check says nothing about the permission %s (say unknown if it cannot be told)", p.ID)
		}
	}
	for id := range stated {
		if !described[id] {
			e.bad("Check reports the permission %s, which is not described", id)
		}
	}
}

// collect: a first run keeps every rule.
func (e *exam) collect(ctx context.Context) {
	e.first = newRecorder(e.desc)
	var err error
	logged := e.capture(func() { e.cover, err = e.c.Collect(ctx, e.request(), e.first) })
	e.secretFree("the log of Collect", logged)
	if err != nil {
		e.secretFree("the error of Collect", err.Error())
		e.bad("Collect failed: %v", err)
		return
	}
	if len(e.first.records) == 0 {
		e.bad("the case holds no records: give it a source with something to read")
	}
	for group := range e.first.attested {
		e.bad("group %q is called unchanged in a first run", group)
	}
	e.result(e.first, e.cover, nil)
}

// result checks what a run that ended well emitted and claims.
func (e *exam) result(r *recorder, coverage connector.Coverage, kinds []string) {
	for _, p := range r.problems {
		e.bad("%s", p)
	}
	for _, rec := range r.records {
		if err := wire.CheckTimes(rec, time.Now().Add(time.Minute)); err != nil {
			e.bad("%v", err)
		}
	}
	for _, text := range r.texts {
		e.secretFree("what Collect emits", text)
	}
	if len(kinds) == 0 {
		for _, k := range e.desc.Kinds {
			kinds = append(kinds, k.Kind)
		}
	}
	if err := r.rules.Coverage(coverage, kinds); err != nil {
		e.bad("%v", err)
	}
	for kind, c := range coverage {
		e.secretFree("the coverage", c.Query)
		if c.Enumerated && c.Status != connector.Complete {
			e.bad("coverage of %s: enumerated, but not complete", kind)
		}
	}
	for _, g := range r.gaps {
		for _, kind := range g.Kinds {
			if coverage[kind].Status == connector.Complete {
				e.bad("coverage of %s is complete although gap %q says that records are missing", kind, g.Scope)
			}
		}
	}
}

// again: a second run with the first one's state tells the same story, and so
// does one that reads all anew.
func (e *exam) again(ctx context.Context) {
	if e.first == nil || e.cover == nil {
		e.bad("there was no first run to compare with")
		return
	}
	req := e.request()
	req.Cursors, req.Validators = e.first.cursors, e.first.validators
	second := newRecorder(e.desc)
	coverage, err := e.c.Collect(ctx, req, second)
	if err != nil {
		e.bad("the second run failed: %v", err)
		return
	}
	e.result(second, coverage, nil)
	e.sameStory("the second run", second, coverage)

	req.Full, req.Cursors, req.Validators = true, connector.Memory(req.Cursors), nil
	full := newRecorder(e.desc)
	if coverage, err = e.c.Collect(ctx, req, full); err != nil {
		e.bad("the full run failed: %v", err)
		return
	}
	for group := range full.attested {
		e.bad("the full run calls group %q unchanged: Full means reading all again", group)
	}
	e.result(full, coverage, nil)
	e.sameStory("the full run", full, coverage)
}

// sameStory holds a later run of an unchanged source against the first.
func (e *exam) sameStory(which string, r *recorder, coverage connector.Coverage) {
	groups := e.first.groups()
	for group, count := range r.attested {
		if known, ok := groups[group]; (!ok && count > 0) || known != count {
			e.bad("%s attests %d records of group %q, the first run emitted %d", which, count, group, known)
		}
	}
	for key, rec := range r.records {
		if old, ok := e.first.records[key]; ok && !sameRecord(old, rec) {
			e.bad("%s emits record %q of kind %s with other content than the first, though the source has not changed",
				which, key.key, key.kind)
		} else if !ok {
			e.bad("%s emits record %q of kind %s, which the first did not", which, key.key, key.kind)
		}
	}
	for key, rec := range e.first.records {
		_, seen := r.records[key]
		_, attested := r.attested[rec.Group]
		if coverage[key.kind].Enumerated && !seen && !attested {
			e.bad("%s claims to have enumerated %s, but neither emits nor attests record %q: it would count as gone",
				which, key.kind, key.key)
		}
	}
}

// kinds: a run for one kind names it in its coverage and emits no other.
func (e *exam) kinds(ctx context.Context) {
	for _, k := range e.desc.Kinds {
		req := e.request()
		req.Kinds = []string{k.Kind}
		r := newRecorder(e.desc)
		coverage, err := e.c.Collect(ctx, req, r)
		if err != nil {
			e.bad("a run for %s alone failed: %v", k.Kind, err)
			continue
		}
		e.result(r, coverage, req.Kinds)
		for _, rec := range r.sorted() {
			if rec.Kind != k.Kind {
				e.bad("a run for %s alone emits record %q of kind %s", k.Kind, rec.Key, rec.Kind)
				break
			}
		}
	}
}

// cancel: Collect returns soon after its context has ended.
func (e *exam) cancel(ctx context.Context) {
	ended, end := context.WithCancel(ctx)
	end()
	if err, late := e.timed(ended, newRecorder(e.desc)); late {
		e.bad("Collect does not return within %v of being called with an ended context", e.cs.Patience)
	} else if err == nil {
		e.bad("Collect succeeds with a context that has ended")
	}
	middle, end := context.WithCancel(ctx)
	defer end()
	r := newRecorder(e.desc)
	r.hook = func() error { end(); return nil }
	if _, late := e.timed(middle, r); late {
		e.bad("Collect does not return within %v of its context's end", e.cs.Patience)
	}
}

// timed runs Collect and reports whether it is late after ctx has ended.
func (e *exam) timed(ctx context.Context, r *recorder) (err error, late bool) {
	done := make(chan error, 1)
	go func() {
		_, err := e.c.Collect(ctx, e.request(), r)
		done <- err
	}()
	select {
	case err := <-done:
		return err, false
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err, false
	case <-time.After(e.cs.Patience):
		return nil, true
	}
}

// errEmit is what a failing emitter returns.
var errEmit = errors.New("the host cannot take more")

// emitter: an emitter's error ends the run and is returned as it is.
func (e *exam) emitter(ctx context.Context) {
	if e.first == nil || e.first.items == 0 {
		e.bad("nothing was emitted in the first run, so nothing can fail")
		return
	}
	for _, n := range []int{1, e.first.items/2 + 1, e.first.items} {
		var items, after atomic.Int64
		r := newRecorder(e.desc)
		r.hook = func() error {
			if items.Add(1) < int64(n) {
				return nil
			}
			after.Add(1)
			return errEmit
		}
		_, err := e.c.Collect(ctx, e.request(), r)
		if !errors.Is(err, errEmit) {
			e.bad("the emitter failed at item %d of %d, but Collect returned %v", n, e.first.items, err)
		}
		if after.Load() > 100 {
			e.bad("Collect emitted %d items more after the emitter had failed", after.Load()-1)
		}
	}
}

// secretFree reports a secret in a text. Values of fewer than six bytes are
// too likely to stand there by chance.
func (e *exam) secretFree(where, text string) {
	for name, value := range e.cs.Config.Secrets {
		if len(value) >= 6 && strings.Contains(text, value) {
			problem := Problem{e.name, fmt.Sprintf("%s holds the value of the secret %s", where, name)}
			if !slices.Contains(e.found, problem) {
				e.found = append(e.found, problem)
			}
		}
	}
}

// capture returns what slog's default logger wrote while f ran.
func (e *exam) capture(f func()) string {
	var b lockedBuffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	f()
	return b.String()
}

// lockedBuffer is a buffer that several goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
