package sheets

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var changesLayout = Layout{Name: "Changes",
	About: "Changes of AI in production, by us and by vendors: who made them, who agreed before they took effect, and what was tested. The type of a merge is told from the paths it touches.",
	Tab:   "3E6A94", Large: true, Flat: true, Frozen: 1, Columns: tail(
		Column{"change id", 44}, Column{"system", 28}, Column{"type", 14}, Column{"initiated by", 10}, Column{"author", 18},
		Column{"merged or effective (UTC)", 18}, Column{"approver", 41}, Column{"approved (UTC)", 18}, Column{"approval before effect", 13},
		Column{"approved commit is final", 13}, Column{"evaluation run", 36}, Column{"passed", 13}, Column{"release approval", 68},
		Column{"result", 14}, Column{"results about it", 60}, Column{"what changed", 52})}

func changeKinds() []string {
	return []string{"github.pull_request", reviewKind, "github.push", "github.deployment", "github.repository",
		"inventory.ai_system", "model_registry.deployment", "model_registry.approval", "cloud.guardrail", "vendor.model_observation",
		"vendor.model_lifecycle", "vendor.terms_revision", "jira.change_request", "release.approval", "evaluation.run"}
}

// Who a change comes from.
const (
	byUs     = "us"
	byVendor = "vendor"
)

// prodChange is one change of production.
type prodChange struct {
	item
	id, by, author, what string
	systems, types       []string
	at                   time.Time
	consent              consent
	asked                bool     // whether somebody had to agree: not to what a vendor does
	refs                 []string // by which evaluations and decisions name what changed
	requests             []*changeRequest
}

// consent is who agreed to a change.
type consent struct {
	by      []string
	at      time.Time
	before  *bool // nil: not established
	final   *bool
	unknown bool // of what is served, the registry does not tell who approved it when
}

// changeBook is what the rows of the sheet are made from: everything but the
// changes themselves, in little room.
type changeBook struct {
	*Book
	w        Writer
	people   *names
	bind     *bindings
	reviews  *reviews
	requests *changeRequests
	tests    *tests
	verdicts *verdicts
	whole    map[string]bool // sources that read all reviews
	rows     int
}

// changes writes one row per change of production: merges, pushes round the
// pull requests, deployments, endpoints, guardrails, then what vendors did.
func (b *Book) changes(ctx context.Context, w Writer) error {
	c := &changeBook{Book: b, w: w, verdicts: b.verdicts(), whole: b.wholeReviews()}
	var err error
	if c.people, err = b.directory(ctx); err != nil {
		return err
	}
	if c.bind, err = b.bindings(ctx); err != nil {
		return err
	}
	if c.requests, err = b.changeRequests(ctx); err != nil {
		return err
	}
	if c.tests, err = b.tests(ctx); err != nil {
		return err
	}
	if c.reviews, err = c.readReviews(ctx); err != nil {
		return err
	}
	for _, write := range []func(context.Context) error{c.codeChanges, c.deployments, c.endpoints, c.guardrails, c.vendorSwaps, c.announcements, c.terms} {
		if err := write(ctx); err != nil {
			return err
		}
	}
	if c.rows == 0 {
		return b.none(w, changesLayout, "github.pull_request", "github.push", "model_registry.deployment", "vendor.model_observation")
	}
	return nil
}

// wholeReviews are the sources whose newest run read all reviews.
func (b *Book) wholeReviews() map[string]bool {
	out := map[string]bool{}
	for i := range b.snap.Runs {
		r := &b.snap.Runs[i]
		if k, has := r.Kinds[reviewKind]; has {
			out[r.Provenance.Source] = k.Coverage == "complete"
		}
	}
	return out
}

// brokenChange writes the row of a record of which it cannot be told whether
// it is a change of production.
func (c *changeBook) brokenChange(r item) error {
	c.rows++
	return c.brokenRow(c.w, changesLayout, r)
}

// row writes the row of a change.
func (c *changeBook) row(x *prodChange) error {
	c.rows++
	w, about := c.w, c.verdicts.about(x)
	w.Text(x.id)
	if len(x.systems) == 0 {
		w.Text("none registered")
	} else {
		w.Text(strings.Join(c.systemNames(x.systems), ", "))
	}
	w.Text(strings.Join(x.types, ", "))
	w.Text(x.by)
	w.Text(x.author)
	w.Date(x.at)
	w.Text(strings.Join(x.consent.by, ", "))
	w.Date(x.consent.at)
	if x.asked {
		established(w, x.consent.before)
		established(w, x.consent.final)
	} else {
		w.Blank()
		w.Blank()
	}
	c.testCells(x)
	w.Text(strings.Join(append(c.tests.decisions(x), requestTexts(x.requests)...), "; "))
	c.resultCells(about)
	w.Text(x.what)
	return c.shown(w, x.item)
}

// testCells write the evaluations of what changed, and whether one was passed.
func (c *changeBook) testCells(x *prodChange) {
	runs := c.tests.of(x)
	var texts []string
	var passed *bool
	for _, r := range runs {
		text := r.id
		if !r.at.IsZero() && !x.at.IsZero() && r.at.After(x.at) {
			text += " (" + onDay(r.at) + ", after it took effect)"
		}
		texts = append(texts, text)
		if r.passed != nil && (passed == nil || *r.passed) {
			passed = r.passed
		}
	}
	c.w.Text(strings.Join(distinct(texts), ", "))
	switch {
	case len(runs) == 0:
		c.w.Blank()
	default:
		established(c.w, passed)
	}
}

// resultCells write the worst of the results about a change, and lead to it.
func (c *changeBook) resultCells(about []*assess.Result) {
	if len(about) == 0 {
		c.w.Blank()
		c.w.Blank()
		return
	}
	worst := slices.MaxFunc(about, func(x, y *assess.Result) int { return badness(x.Status) - badness(y.Status) })
	c.w.Status(worst.Status)
	var slugs []string
	for _, r := range about {
		if r.Status == worst.Status {
			slugs = append(slugs, r.Expectation)
		}
	}
	slices.Sort(slugs)
	c.w.Link(strings.Join(distinct(slugs), ", "), resultRef(worst))
}

// verdicts find the results about a change.
type verdicts struct {
	all  []*assess.Result
	head map[string]int32 // by the subject's id: the last of them
	next []int32          // the one before
}

// aboutChanges are the expectations of which a result about an endpoint, a
// model or a vendor is one about a change, though no event decided it.
func aboutChanges() []string {
	return []string{"operational-change-control", "unintended-change-reviewed", "pre-release-evaluation", "deployed-model-approved",
		"release-approval-by-tier", "release-readiness-checklist", "risk-assessment-after-change", "impact-assessment-after-change", slugTriage, slugMigration}
}

// verdicts indexes the results that may be about a change.
func (b *Book) verdicts() *verdicts {
	v := &verdicts{head: map[string]int32{}}
	for _, r := range b.snap.Assessment.Results {
		switch r.Subject.Type {
		case "change", "release":
		case "deployment", "model", "vendor":
			if !slices.Contains(aboutChanges(), r.Expectation) {
				continue
			}
		default:
			continue
		}
		last, known := v.head[r.Subject.ID]
		if !known {
			last = -1
		}
		v.head[r.Subject.ID] = int32(len(v.all))
		v.all, v.next = append(v.all, r), append(v.next, last)
	}
	return v
}

// about lists the results about a change, by expectation. A model and a vendor
// are changed more than once: of theirs, those count that rest on the record.
func (v *verdicts) about(x *prodChange) []*assess.Result {
	var out []*assess.Result
	i, known := v.head[x.subject.ID]
	for ; known && i >= 0; i = v.next[i] {
		r := v.all[i]
		if t := r.Subject.Type; (t == "model" || t == "vendor") && !slices.Contains(r.Evidence, x.digest) {
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(x, y *assess.Result) int { return strings.Compare(x.Expectation, y.Expectation) })
	return out
}

// sure reports whether a result says that it was seen that something lacks.
func sure(about []*assess.Result) bool {
	return slices.ContainsFunc(about, func(r *assess.Result) bool {
		return r.Status == assess.StatusFailing || r.Status == assess.StatusMissing || r.Underlying == assess.StatusFailing || r.Underlying == assess.StatusMissing
	})
}
