package expenses

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg   *config
	set   *aisign.Set
	book  *coverage.Book
	now   time.Time
	since time.Time
	known map[[2]string]found // texts that were looked up
	seen  map[[32]byte]int    // how often a charge stands in the file that has it most
	sums  map[key]*sum
	full  bool // there are more charges than are remembered

	read   int // files that could be read
	rows   int64
	newest time.Time // of the first and the last rows of all files
}

// key is what charges are added up by.
type key struct{ provider, place, month, currency, actor string }

// sum is the charges of a key.
type sum struct {
	match       aisign.Match
	total       *big.Rat
	charges     int64
	refunds     int64
	first, last time.Time
	entries     map[string]bool
	people      map[string]bool
}

// Bounds of memory.
const (
	maxKnown   = 100_000
	maxCharges = 2_000_000
	maxSums    = 200_000
	maxPeople  = 20_000
	maxText    = 512 // of what is remembered of a line, in bytes
)

// Collect reads all exports.
func (c *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	set, err := c.signatures()
	if err != nil {
		return nil, fmt.Errorf("expenses: signatures: %w", err)
	}
	r := newRun(cfg, set, coverage.New(c.Describe(), req, emit))
	if len(r.book.Wants(records.KindActivity)) == 0 {
		return r.book.Result(), nil
	}
	if !req.Since.IsZero() {
		r.since = req.Since.UTC()
		r.book.Since(r.since, records.KindActivity)
	}
	if err := r.files(ctx); err != nil {
		return nil, err
	}
	if err := r.tell(); err != nil {
		return nil, err
	}
	return r.book.Result(), nil
}

func newRun(cfg *config, set *aisign.Set, book *coverage.Book) *run {
	return &run{
		cfg: cfg, set: set, book: book, now: time.Now().UTC(), known: map[[2]string]found{}, seen: map[[32]byte]int{}, sums: map[key]*sum{},
	}
}

func (r *run) files(ctx context.Context) error {
	names, problems := search(r.cfg.Files)
	part := coverage.Part{Kinds: []string{records.KindActivity}, Permission: permRead}
	for _, pattern := range r.cfg.Files {
		part.Scope = "files " + pattern
		if err := r.book.Missed(ctx, part, problems[pattern]); err != nil {
			return err
		}
	}
	for i, name := range names {
		r.book.Progress(name, i, len(names))
		r.book.Query(name, records.KindActivity)
		part.Scope = "file " + name
		err := r.book.Part(ctx, part, func() error {
			err := r.file(ctx, name)
			if err == nil {
				r.read++
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := r.silent(); err != nil {
		return err
	}
	if r.full {
		return r.book.Gap(connector.Gap{Kinds: part.Kinds, Scope: "charges of " + r.cfg.Name, Reason: connector.Truncated,
			Detail: "there are more charges of vendors of AI than are remembered in one run; set fewer files"})
	}
	return nil
}

// saw notes how far an export goes.
func (r *run) saw(dates ...string) {
	for _, d := range dates {
		if at, err := r.cfg.dateOf(d, r.now); err == nil && at.After(r.newest) {
			r.newest = at
		}
	}
}

// silent tells of exports that say nothing, or nothing any more: that is not the
// same as that nothing was paid.
func (r *run) silent() error {
	if r.read == 0 {
		return nil // told by each file
	}
	text := fmt.Sprintf("charges of %s: %d lines of any merchant", r.cfg.Name, r.rows)
	if !r.newest.IsZero() {
		text += ", newest " + r.newest.Format(time.DateOnly)
	}
	r.book.Query(text, records.KindActivity)
	gap := connector.Gap{Kinds: []string{records.KindActivity}, Scope: "charges of " + r.cfg.Name, Reason: connector.Hidden}
	switch days := r.cfg.SilentAfter; {
	case r.rows == 0:
		gap.Detail = "its files hold no charge of any merchant: nobody can tell whether nothing was paid or nothing was exported"
	case days > 0 && !r.newest.IsZero() && r.newest.Before(r.now.AddDate(0, 0, -days)):
		gap.Detail = "its newest charge is of " + r.newest.Format(time.DateOnly) + ": what was paid since is not in it"
	default:
		return nil
	}
	return r.book.Gap(gap)
}

var (
	errShort = errors.New("it has fewer fields than the header")
	errRow   = errors.New("it has no merchant")
)

// row takes one row. here counts what stands in the same file.
func (r *run) row(line row, here map[[32]byte]int) error {
	merchant, date := line.get("merchant"), line.get("date")
	if merchant == "" && date == "" {
		return nil // a total, or a remark below the table
	}
	if !line.whole() {
		return errShort
	}
	if merchant == "" && line.get("description") == "" {
		return errRow
	}
	match, ok := r.vendor(merchant, line.get("description"))
	if !ok {
		return nil
	}
	at, err := r.cfg.dateOf(date, r.now)
	if err != nil {
		return err
	}
	amount, currency, err := r.amount(line)
	if err != nil {
		return err
	}
	if at.Before(r.since.Truncate(24*time.Hour)) || !r.fresh(line, here) {
		return nil
	}
	r.add(match, line, at, amount, currency)
	return nil
}

// found is whose a charge is.
type found struct {
	aisign.Match
	amid bool // a service that a longer text names: the amount may hold others too
	some bool
}

// vendor finds whose a charge is: by the merchant, else by what was bought.
func (r *run) vendor(merchant, description string) (found, bool) {
	at := [2]string{merchant, description}
	f, known := r.known[at]
	if !known {
		if f = r.look("", merchant); !f.some {
			f = r.look(merchant, description)
		}
		if len(merchant)+len(description) > maxText {
			return f, f.some
		}
		if len(r.known) >= maxKnown {
			clear(r.known)
		}
		r.known[[2]string{strings.Clone(merchant), strings.Clone(description)}] = f
	}
	return f, f.some
}

// look looks one text up. A cloud's service goes before a vendor whose name
// stands in it: Azure OpenAI Service is Microsoft's.
func (r *run) look(biller, text string) found {
	first := func(all []aisign.Match) (found, bool) {
		if all = slices.DeleteFunc(all, aisign.Match.IsWeak); len(all) == 0 {
			return found{}, false
		}
		return found{Match: all[0], some: true}, true
	}
	if f, ok := first(r.set.Cost(text)); ok {
		return f
	}
	if f, ok := first(r.set.Bill(biller, text)); ok {
		f.amid = true
		return f
	}
	f, _ := first(r.set.Merchant(text))
	return f
}

// amount reads what was paid, above nothing for a charge.
func (r *run) amount(line row) (*big.Rat, string, error) {
	amount, currency, err := amountOf(line.get("amount"), r.cfg.Decimal)
	if err == nil && r.cfg.Charges == negative {
		amount.Neg(amount)
	}
	if credit := line.get("credit"); credit != "" {
		back, of, problem := amountOf(credit, r.cfg.Decimal)
		switch {
		case problem != nil:
			return nil, "", problem
		case err != nil && !errors.Is(err, errNoAmount):
			return nil, "", err
		case back.Sign() != 0: // a refund, whatever its sign
			back.Abs(back)
			if amount == nil {
				amount = new(big.Rat)
			}
			amount, currency, err = new(big.Rat).Sub(amount, back), or(currency, of), nil
		}
	}
	if err != nil {
		return nil, "", err
	}
	if stated := strings.ToUpper(strings.TrimSpace(line.get("currency"))); stated != "" {
		currency = fit(stated, 10)
	}
	return amount, or(currency, r.cfg.Currency), nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// fresh reports whether a charge was not counted yet. Exports overlap: of
// charges that are all alike, as many are counted as the file has that has
// most; with a number of the transaction, one.
func (r *run) fresh(line row, here map[[32]byte]int) bool {
	h := sha256.New()
	if id := line.get("id"); id != "" {
		fmt.Fprintf(h, "id\x00%s", id)
	} else {
		r.cfg.Columns.each(func(role, _ string) { fmt.Fprintf(h, "%s\x00%s\x00", role, line.get(role)) })
	}
	sum := [32]byte(h.Sum(nil))
	here[sum]++
	if line.get("id") != "" && r.seen[sum] > 0 || here[sum] <= r.seen[sum] {
		return false
	}
	if len(r.seen) >= maxCharges {
		r.full = true
		return false
	}
	r.seen[sum]++
	return true
}

func (r *run) add(match found, line row, at time.Time, amount *big.Rat, currency string) {
	place := fit(line.get("cost_centre"), 200)
	k := key{match.ID, or(place, unassigned), at.Format("2006-01"), currency, ""}
	who := strings.TrimSpace(line.get("person"))
	if r.cfg.People == pseudonym && who != "" {
		k.actor = grants.Pseudonym(r.cfg.salt, who)
	}
	s := r.sums[k]
	if s == nil {
		if len(r.sums) >= maxSums {
			r.full = true
			return
		}
		s = &sum{match: match.Match, total: new(big.Rat), first: at, last: at, entries: map[string]bool{}, people: map[string]bool{}}
		r.sums[k] = s
	}
	s.total.Add(s.total, amount)
	if amount.Sign() < 0 {
		s.refunds++
	} else {
		s.charges++
	}
	if at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
	field := match.Field
	if match.amid {
		field = "bills"
	}
	s.entries[field+" "+match.Entry] = true
	if who != "" && len(s.people) < maxPeople {
		s.people[strings.ToLower(who[:min(len(who), maxText)])] = true
	}
}

// fit is a text that can be part of a key.
func fit(s string, limit int) string {
	return strings.NewReplacer("|", "/", "\uFFFD", "?").Replace(records.Line(s, limit))
}

// tell emits a record for each sum, in order.
func (r *run) tell() error {
	all := make([]key, 0, len(r.sums))
	for k := range r.sums {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b key) int {
		return strings.Compare(strings.Join([]string{a.month, a.provider, a.place, a.currency, a.actor}, "\x00"),
			strings.Join([]string{b.month, b.provider, b.place, b.currency, b.actor}, "\x00"))
	})
	for _, k := range all {
		rec, seen := r.record(k, r.sums[k])
		if err := r.book.Record(rec, seen); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) record(k key, s *sum) (connector.Record, records.Seen) {
	seen := records.Seen{
		Channel: "expense", Provider: k.provider, Vendor: s.match.Vendor, Category: string(s.match.Category), Place: k.place, PlaceName: k.place,
		Account: fit(r.cfg.Name, 100), Signals: []string{}, Rules: []string{}, Actor: k.actor, Requests: grants.Count(s.charges + s.refunds),
		Amount: decimalOf(s.total), Currency: k.currency, FirstSeen: records.Stamp(s.first), LastSeen: records.Stamp(s.last), Period: k.month,
		Confidence: "inferred",
	}
	for e := range s.entries {
		field, entry, _ := strings.Cut(e, " ")
		switch field {
		case "costs":
			seen.Signals = append(seen.Signals, "bill of "+entry)
		case "bills":
			field = "costs"
			seen.Signals = append(seen.Signals, "bill that names "+entry+": the amount may hold other services too")
		default:
			seen.Signals = append(seen.Signals, "merchant "+entry)
		}
		seen.Rules = append(seen.Rules, k.provider+"/"+field)
	}
	if s.refunds > 0 {
		seen.Signals = append(seen.Signals, fmt.Sprintf("refunds: %d", s.refunds))
	}
	slices.Sort(seen.Signals)
	slices.Sort(seen.Rules)
	seen.Rules = slices.Compact(seen.Rules)
	if len(s.people) > 0 && k.actor == "" {
		seen.Actors = grants.Count(int64(len(s.people)))
	}
	if s.match.Category == aisign.CodingAgent {
		seen.Scope = "development"
	}
	name := grants.Key(seen)
	if k.currency != "" {
		name += "|" + k.currency
	}
	return connector.Record{
		Kind: records.KindActivity, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: name,
		EventTime: s.first, Period: &connector.Period{From: s.first, To: s.last},
	}, seen
}

// decimalOf writes an amount with two decimals, or as many as it needs.
func decimalOf(r *big.Rat) string {
	for n := 2; n < 12; n++ {
		text := r.FloatString(n)
		if back, ok := new(big.Rat).SetString(text); ok && back.Cmp(r) == 0 {
			return text
		}
	}
	return r.FloatString(12)
}
