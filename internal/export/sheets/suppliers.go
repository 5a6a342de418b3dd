package sheets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// suppliers are all vendors that a record speaks of.
type suppliers struct {
	by      map[string]*supplier
	broken  []item
	results map[[2]string]*assess.Result // by slug and subject, the worst
}

func (s *suppliers) of(id string) *supplier {
	if s.by[id] == nil {
		s.by[id] = &supplier{id: id, models: map[string]*vendorModel{}}
	}
	return s.by[id]
}

func (v *supplier) model(name string) *vendorModel {
	if v.models[name] == nil {
		v.models[name] = &vendorModel{name: name}
	}
	return v.models[name]
}

// each reads the records of kinds about vendors. One that is broken gets a row
// of its own.
func each[T any](ctx context.Context, b *Book, s *suppliers, take func(*record[T]), kinds ...string) error {
	return eachRecord(ctx, b, func(r *record[T]) error {
		if r.broken != "" {
			s.broken = append(s.broken, r.item)
		} else {
			take(r)
		}
		return nil
	}, kinds...)
}

// suppliers reads all that the sheet shows.
func (b *Book) suppliers(ctx context.Context) (*suppliers, error) {
	s := &suppliers{by: map[string]*supplier{}, results: b.resultsOf(slugTriage, slugMigration)}
	for _, sys := range b.snap.Systems {
		for _, id := range sys.Vendors {
			s.of(id)
		}
	}
	for _, read := range []func(context.Context, *suppliers) error{
		b.vendorEntries, b.vendorPapers, b.vendorSettings, b.vendorModels, b.vendorChanges, b.vendorKeys} {
		if err := read(ctx, s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// resultsOf finds the worst result of each subject of expectations.
func (b *Book) resultsOf(slugs ...string) map[[2]string]*assess.Result {
	out := map[[2]string]*assess.Result{}
	for _, r := range b.snap.Assessment.Results {
		if !slices.Contains(slugs, r.Expectation) {
			continue
		}
		key := [2]string{r.Expectation, r.Subject.Type + " " + r.Subject.ID}
		if old := out[key]; old == nil || badness(r.Status) > badness(old.Status) {
			out[key] = r
		}
	}
	return out
}

func (b *Book) vendorEntries(ctx context.Context, s *suppliers) error {
	return each(ctx, b, s, func(r *record[vendorEntry]) {
		v := s.of(r.v.ID)
		old := v.entry
		newer := v.entry.ID == "" || r.event.After(v.event)
		if newer {
			v.item, v.entry = r.item, r.v
		} else {
			old = r.v
		}
		v.entry.Systems = distinct(append(v.entry.Systems, old.Systems...))
		if v.entry.Control == "" {
			v.entry.Control, v.entry.DecidedBy, v.entry.DecidedAt = old.Control, old.DecidedBy, old.DecidedAt
		}
	}, "vendor.record")
}

// vendorPapers reads contracts and assessments: the newest of each counts.
func (b *Book) vendorPapers(ctx context.Context, s *suppliers) error {
	err := each(ctx, b, s, func(r *record[vendorTerms]) {
		v := s.of(r.v.ID)
		if !r.v.Effective.After(b.snap.AsOf) && (v.terms == nil || r.v.Effective.After(v.terms.Effective.Time)) {
			v.terms = &r.v
		}
	}, "vendor.contract_terms")
	if err != nil {
		return err
	}
	return each(ctx, b, s, func(r *record[vendorAssessment]) {
		v := s.of(r.v.ID)
		if v.assessed == nil || r.v.Approved.After(v.assessed.Approved.Time) {
			v.assessed = &r.v
		}
	}, "vendor.assessment")
}

func (b *Book) vendorSettings(ctx context.Context, s *suppliers) error {
	err := each(ctx, b, s, func(r *record[vendorSetting]) {
		text := joined(": ", firstOf(r.v.Where, "organization"), firstOf(settingText(r.v.OptOut, r.v.Retention, r.v.ZDR), "not stated"))
		if r.v.CapturedBy != "" {
			text += " (copied by " + joined(", ", joined(" ", r.v.CapturedBy, onDay(r.v.Captured.Time)), joined(" ", "reviewed by", firstOf(r.v.ReviewedBy, "nobody"))) + ")"
		}
		v := s.of(r.v.Vendor)
		v.settings = append(v.settings, text)
	}, "vendor.data_controls", "vendor.settings_capture")
	if err != nil {
		return err
	}
	return each(ctx, b, s, func(r *record[vendorIncident]) {
		v := s.of(r.v.Vendor)
		state := firstOf(r.v.Status, "open")
		if !r.v.Resolved.IsZero() {
			state = "resolved " + onDay(r.v.Resolved.Time)
		}
		v.incidents = append(v.incidents, r.v.ID+" "+joined(", ", onDay(r.v.Started.Time), r.v.Impact, state))
	}, "vendor.incident")
}

// vendorModels reads which models there are, and how code asks for them.
func (b *Book) vendorModels(ctx context.Context, s *suppliers) error {
	err := each(ctx, b, s, func(r *record[modelReference]) {
		if _, known := s.by[r.v.Provider]; known {
			m := s.by[r.v.Provider].model(r.v.Model)
			m.pins = append(m.pins, cmp.Or(r.v.Pin, "unversioned"))
		}
	}, "code.model_reference")
	if err != nil {
		return err
	}
	swaps, err := b.swaps(ctx)
	if err != nil {
		return err
	}
	s.broken = append(s.broken, swaps.broken...)
	for _, x := range swaps.last() {
		m := s.of(x.vendor).model(firstOf(x.requested, x.served))
		m.systems = distinct(append(m.systems, x.system))
		m.served = append(m.served, joined(" ", x.served, "seen", onDay(x.latest)))
	}
	for _, x := range swaps.changes() {
		m := s.of(x.vendor).model(firstOf(x.requested, x.served))
		if x.at.After(m.lastChange.at) {
			m.lastChange = vendorEvent{x.item, x.at, x.text()}
		}
	}
	return nil
}

// vendorChanges reads what vendors announced.
func (b *Book) vendorChanges(ctx context.Context, s *suppliers) error {
	err := each(ctx, b, s, func(r *record[lifecycle]) {
		m := s.of(r.v.Vendor).model(r.v.Model)
		if m.life == nil || r.v.Announced.After(m.life.Announced.Time) {
			m.life = &r.v
		}
		if r.v.Status != "" && r.v.Status != "active" && r.v.Announced.After(m.lastChange.at) {
			m.lastChange = vendorEvent{r.item, r.v.Announced.Time, lifecycleText(&r.v)}
		}
	}, "vendor.model_lifecycle")
	if err != nil {
		return err
	}
	return each(ctx, b, s, func(r *record[termsRevision]) {
		if v := s.of(r.v.Vendor); r.v.Previous != "" && r.v.Fetched.After(v.revision.at) {
			v.revision = vendorEvent{r.item, r.v.Fetched.Time, revisionText(&r.v)}
		}
	}, "vendor.terms_revision")
}

func lifecycleText(l *lifecycle) string {
	text := joined(" ", l.Status, l.Model, l.Region)
	if !l.Shutdown.IsZero() {
		text += ", shut down " + onDay(l.Shutdown.Time)
	}
	return text
}

func revisionText(t *termsRevision) string {
	return joined(" ", "changed its", firstOf(t.Page, "page"), t.URL)
}

// vendorKeys counts keys. Who has left is known from the roles.
func (b *Book) vendorKeys(ctx context.Context, s *suppliers) error {
	people, err := b.directory(ctx)
	if err != nil {
		return err
	}
	left := map[string]bool{}
	err = eachRecord(ctx, b, func(r *record[assignment]) error {
		if r.v.Active != nil && !*r.v.Active {
			left[people.person(r.v.Person)] = true
		}
		return nil
	}, "role.assignment")
	if err != nil {
		return err
	}
	return each(ctx, b, s, func(r *record[vendorKey]) {
		v := s.of(r.v.Vendor)
		v.keys.count(&r.v, b.snap.AsOf, r.v.Owner != "" && left[people.person(r.v.Owner)])
	}, "vendor.api_key_inventory")
}

// observation is what sheets show of a vendor.model_observation.
type observation struct {
	Vendor    string `json:"vendor"`
	Requested string `json:"requested_model"`
	Served    string `json:"served_model"`
	Observed  when   `json:"observed_at"`
	System    string `json:"system_id"`
}

// swap is that a vendor answered a system's request for a model with another
// one, or the same: since when, and until when it was seen.
type swap struct {
	item                              // of the first that was seen
	vendor, system, requested, served string
	at, latest                        time.Time
}

func (x *swap) text() string {
	if x.requested == x.served {
		return "asked for another model than before: " + x.served
	}
	return "asked for " + x.requested + ", got " + x.served
}

// swaps are all of them, in the order in which they began.
type swaps struct {
	list   []*swap
	broken []item
}

// swaps reads what vendors served. The same is seen again every day: there are
// as many as there are models.
func (b *Book) swaps(ctx context.Context) (*swaps, error) {
	var out swaps
	by := map[[4]string]*swap{}
	err := eachRecord(ctx, b, func(r *record[observation]) error {
		if r.broken != "" {
			out.broken = append(out.broken, r.item)
			return nil
		}
		if r.v.Served == "" {
			return nil
		}
		at := r.v.Observed.Time
		x := by[[4]string{r.v.Vendor, r.v.System, r.v.Requested, r.v.Served}]
		switch {
		case x == nil:
			x = &swap{r.item, r.v.Vendor, r.v.System, r.v.Requested, r.v.Served, at, at}
			by[[4]string{r.v.Vendor, r.v.System, r.v.Requested, r.v.Served}] = x
			out.list = append(out.list, x)
		case at.Before(x.at):
			x.item, x.at = r.item, at
		case at.After(x.latest):
			x.latest = at
		}
		return nil
	}, "vendor.model_observation")
	slices.SortStableFunc(out.list, func(x, y *swap) int {
		return cmp.Or(x.at.Compare(y.at), strings.Compare(x.vendor, y.vendor), strings.Compare(x.system, y.system), strings.Compare(x.served, y.served))
	})
	return &out, err
}

// changes are those that changed something: the vendor served another model
// than was asked for, or another one was asked for than before.
func (s *swaps) changes() []*swap {
	var out []*swap
	before := map[[2]string]map[string]bool{} // served, by vendor and system
	for _, x := range s.list {
		key := [2]string{x.vendor, x.system}
		if before[key] == nil {
			before[key] = map[string]bool{}
		}
		swapped := x.requested != "" && x.requested != x.served
		adopted := x.requested == x.served && len(before[key]) > 0 && !before[key][x.served]
		if swapped || adopted {
			out = append(out, x)
		}
		before[key][x.served] = true
	}
	return out
}

// last are, of each system and requested model, what was served last.
func (s *swaps) last() []*swap {
	newest := map[[3]string]*swap{}
	for _, x := range s.list {
		key := [3]string{x.vendor, x.system, x.requested}
		if old := newest[key]; old == nil || !x.latest.Before(old.latest) {
			newest[key] = x
		}
	}
	return slices.DeleteFunc(slices.Clone(s.list), func(x *swap) bool { return newest[[3]string{x.vendor, x.system, x.requested}] != x })
}

// servedModels are the models that were served to each system last.
func (b *Book) servedModels(ctx context.Context) (map[string][]string, error) {
	s, err := b.swaps(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, x := range s.last() {
		out[x.system] = distinct(append(out[x.system], x.vendor+"/"+x.served))
	}
	return out, nil
}

// badness orders statuses, the worst highest, as the status of a control is
// made.
func badness(s assess.Status) int {
	switch s {
	case assess.StatusFailing:
		return 8
	case assess.StatusMissing:
		return 7
	case assess.StatusNotAssessed, "":
		return 6
	case assess.StatusStale:
		return 5
	case assess.StatusPendingReview:
		return 4
	case assess.StatusDue:
		return 3
	case assess.StatusWaived:
		return 2
	case assess.StatusSatisfied:
		return 1
	}
	return 0
}
