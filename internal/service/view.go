package service

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// View is how everything stood at one instant, as one checkpoint of the ledger
// knows it. It does not change: whoever holds one may read it for as long as
// they like, side by side with others.
type View struct {
	Assessment *assess.Assessment
	Findings   []FindingRow // open, resolved and waived ones, then duties; the most urgent first
	Owners     []OwnerView  // whose move it is, by person; what nobody owns comes last
	Shadow     shadow.Result
	Wholeness  Wholeness
	Made       time.Time       // by the clock of whoever made it
	Past       bool            // of an instant that was asked for, not of now
	Expiring   []assess.Expiry // of a view of now: what will not be satisfied any more in 30 days, the earliest first

	seen int64 // entries of the ledger when it was made

	policy  finding.Policy
	book    *finding.Book
	systems *ask.World

	beside sync.Map // what others make of it; see Beside

	index    sync.Once
	byID     map[string]int              // places in Findings
	controls map[string]int              // places in Assessment.Controls
	results  map[string][]*assess.Result // by expectation
	inForce  map[string]int              // places in Assessment.Expectations
	about    map[named]*assess.Result

	resting sync.Once
	rests   []restsOn // in order
}

// Systems are the AI systems of the register, as it was then.
func (v *View) Systems() []ask.System { return v.systems.Systems() }

// System returns the AI system with an id.
func (v *View) System(id string) (ask.System, error) {
	return systemOf(v.systems, id)
}

// Finding returns the finding or duty with an id.
func (v *View) Finding(id string) (FindingRow, error) {
	v.makeIndex()
	if i, ok := v.byID[id]; ok {
		return v.Findings[i], nil
	}
	return FindingRow{}, notFound(id, nil, "exhibit findings --state all lists them; exhibit assess records what is open now", "no finding %q is in the ledger", id)
}

// Life returns the history of a finding, if the ledger has it or the assessment
// of this view opens it.
func (v *View) Life(id string) (*finding.Life, bool) { return v.book.Life(id) }

// Control returns a clause or Annex A control with its results.
func (v *View) Control(id string) (*assess.Control, error) {
	v.makeIndex()
	if i, ok := v.controls[id]; ok {
		return &v.Assessment.Controls[i], nil
	}
	var known []string
	for _, c := range v.Assessment.Controls {
		known = append(known, c.ID)
	}
	return nil, notFound(id, known, "clauses 4 to 10 and controls A.2.2 to A.10.4", "there is no clause or control %q", id)
}

// Expectation returns a rule in force and its results.
func (v *View) Expectation(slug string) (*assess.InForce, []*assess.Result, error) {
	v.makeIndex()
	if i, ok := v.inForce[slug]; ok {
		return &v.Assessment.Expectations[i], v.results[slug], nil
	}
	var known []string
	for _, e := range v.Assessment.Expectations {
		known = append(known, e.Slug)
	}
	return nil, nil, notFound(slug, known, "exhibit catalog explain lists them", "no expectation is called %q", slug)
}

// named is what tells results from one another.
type named struct {
	expectation string
	subject     evidence.Subject
}

// Result returns the result of an expectation for a subject.
func (v *View) Result(slug string, subject evidence.Subject) (*assess.Result, error) {
	v.makeIndex()
	if r, ok := v.about[named{slug, subject}]; ok {
		return r, nil
	}
	if _, _, err := v.Expectation(slug); err != nil {
		return nil, err
	}
	return nil, notFound(subject.ID, nil, "exhibit status shows its results", "%s has no result for %s/%s", slug, subject.Type, subject.ID)
}

// RestsOn returns the results that rest on a piece of evidence.
func (v *View) RestsOn(d evidence.Digest) []*assess.Result {
	v.resting.Do(v.makeRests)
	begin := beginning(d)
	at, _ := slices.BinarySearchFunc(v.rests, begin, func(x restsOn, want uint64) int { return cmp.Compare(x.begin, want) })
	var out []*assess.Result
	for ; at < len(v.rests) && v.rests[at].begin == begin; at++ {
		if r := v.Assessment.Results[v.rests[at].result]; slices.Contains(r.Evidence, d) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

// restsOn says that a result rests on a piece of evidence whose digest begins so.
type restsOn struct {
	begin  uint64
	result int32 // place in Assessment.Results
}

func beginning(d evidence.Digest) uint64 { return binary.BigEndian.Uint64(d[:]) }

func (v *View) makeRests() {
	n := 0
	for _, r := range v.Assessment.Results {
		n += len(r.Evidence)
	}
	v.rests = make([]restsOn, 0, n)
	for i, r := range v.Assessment.Results {
		for _, d := range r.Evidence {
			v.rests = append(v.rests, restsOn{beginning(d), int32(i)})
		}
	}
	slices.SortFunc(v.rests, func(x, y restsOn) int { return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.result, y.result)) })
}

// Beside keeps with a view what somebody makes of it, under a key of theirs. make
// may be called more than once at the same time; one of what it makes is kept, for
// as long as the view is.
func (v *View) Beside(key any, make func() any) any {
	if kept, ok := v.beside.Load(key); ok {
		return kept
	}
	kept, _ := v.beside.LoadOrStore(key, make())
	return kept
}

// Owner is who has the next move on a result, and why.
func (v *View) Owner(r *assess.Result) (person, from string) { return v.policy.Owner(r) }

// Index makes now what the first who looks for something would wait for.
func (v *View) Index() {
	v.makeIndex()
	v.resting.Do(v.makeRests)
}

func (v *View) makeIndex() {
	v.index.Do(func() {
		v.byID = make(map[string]int, len(v.Findings))
		for i := range v.Findings {
			v.byID[v.Findings[i].ID] = i
		}
		v.controls = map[string]int{}
		for i := range v.Assessment.Controls {
			v.controls[v.Assessment.Controls[i].ID] = i
		}
		v.inForce = map[string]int{}
		for i := range v.Assessment.Expectations {
			v.inForce[v.Assessment.Expectations[i].Slug] = i
		}
		v.results = map[string][]*assess.Result{}
		v.about = make(map[named]*assess.Result, len(v.Assessment.Results))
		for _, r := range v.Assessment.Results {
			v.results[r.Expectation] = append(v.results[r.Expectation], r)
			if n := (named{r.Expectation, r.Subject}); v.about[n] == nil {
				v.about[n] = r
			}
		}
	})
}

// Current returns the newest view that was made, or makes the first. It may be
// older than the ledger: Assessment.Checkpoint and AsOf say what it shows. While
// KeepCurrent makes the first it waits a little, and is a Busy then.
func (s *Service) Current(ctx context.Context) (*View, error) {
	for end := time.Now().Add(pastWait); ; {
		switch v := s.view.Load(); {
		case v != nil:
			return v, nil
		case !s.first.making.Load():
			return s.Refresh(ctx)
		case time.Now().After(end):
			return nil, &Busy{After: 3 * time.Second, Making: s.first.says()}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// first is how far the making of the first view is.
type first struct {
	making   atomic.Bool
	read, of atomic.Int64 // entries of the ledger
}

func (f *first) says() string {
	switch read, of := f.read.Load(), f.of.Load(); {
	case of == 0:
		return "the first view of how things stand is being made"
	case of-read > of/100:
		return fmt.Sprintf("the first view of how things stand is being made: %d of %d entries of the ledger are read", read, of)
	default:
		return fmt.Sprintf("the first view of how things stand is being made: the %d entries of the ledger are read and are being assessed", of)
	}
}

// Refresh makes the view of now. Others see it from then on.
func (s *Service) Refresh(ctx context.Context) (*View, error) {
	size, err := s.Size(ctx)
	if err != nil {
		return nil, err
	}
	a, expiring, err := s.assessAhead(ctx, s.clock().UTC())
	if err != nil {
		return nil, err
	}
	v, err := s.ViewOf(ctx, a, false)
	if err != nil {
		return nil, err
	}
	v.Expiring, v.seen = expiring, size
	s.show(ctx, v)
	return v, nil
}

// ViewOf makes the view that belongs to an assessment: of now, or of an instant
// that is past.
func (s *Service) ViewOf(ctx context.Context, a *assess.Assessment, past bool) (*View, error) {
	v := &View{Assessment: a, Made: s.clock().UTC(), Past: past}
	var until time.Time
	if past {
		until = a.AsOf
	}
	var events []finding.Event
	var err error
	if v.policy, err = FindingPolicy(ctx, s.Config(), s.store, a.AsOf); err != nil {
		return nil, err
	}
	if v.book, events, err = s.livesWith(ctx, a, v.policy, until); err != nil {
		return nil, err
	}
	v.Findings = rowsOf(a, v.book, events, v.policy)
	q := store.EvidenceQuery{Kinds: []string{"inventory.ai_system"}, Before: a.Checkpoint.Size, Payloads: true}
	if v.systems, err = ask.NewWorld(a, s.store.Evidence(ctx, q), ask.Options{}); err != nil {
		return nil, err
	}
	v.Owners = ownerViews(v.Findings, v.systems, a)
	if v.Shadow, err = agent.ReconcileShadow(ctx, s.store, a.AsOf); err != nil {
		return nil, err
	}
	v.Wholeness, err = ReadWholeness(ctx, s.store, a.AsOf)
	return v, err
}

// livesWith returns the lives of findings with what an assessment adds to them.
func (s *Service) livesWith(ctx context.Context, a *assess.Assessment, p finding.Policy, until time.Time) (*finding.Book, []finding.Event, error) {
	if !until.IsZero() {
		var b evaluate.Lives
		if err := b.Read(ctx, s.store, until); err != nil {
			return nil, nil, err
		}
		return b.With(a, p)
	}
	s.ledgerLives.Lock()
	defer s.ledgerLives.Unlock()
	if err := s.lives.Read(ctx, s.store, time.Time{}); err != nil {
		return nil, nil, err
	}
	book, events, err := s.lives.With(a, p)
	if errors.Is(err, finding.ErrPast) { // a later assessment is on record already: show what it left
		return s.lives.Clone(), nil, nil
	}
	return book, events, err
}

// Draw draws a sample from the population of an expectation.
func (s *Service) Draw(v *View, slug string, o assess.SampleOptions) (*assess.Sample, error) {
	if _, _, err := v.Expectation(slug); err != nil {
		return nil, err
	}
	if o.Seed == "" {
		return nil, mistake("a seed chosen by whoever audits: nobody else should know it beforehand", "a draw needs a seed")
	}
	sample, err := assess.Draw(v.Assessment, slug, o)
	if err != nil {
		return nil, fmt.Errorf("draw from %s: %w", slug, err)
	}
	return sample, nil
}

// Waivers are those on record now, of any source.
func (s *Service) Waivers(ctx context.Context) ([]people.Waiver, error) {
	return OnRecord(ctx, s.store, people.KindWaiver, people.ParseWaiver)
}

// Statements are the versions of the statement of applicability on record now.
func (s *Service) Statements(ctx context.Context) ([]people.Statement, error) {
	return OnRecord(ctx, s.store, people.KindStatement, people.ParseStatement)
}
