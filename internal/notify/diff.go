package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ChangeType is what happened to an item.
type ChangeType string

// The types of changes, the most urgent first.
const (
	Reopened  ChangeType = "reopened"
	Opened    ChangeType = "opened"
	Overdue   ChangeType = "overdue"
	Failed    ChangeType = "run_failed"
	Silent    ChangeType = "source_silent"
	Expiring  ChangeType = "expiring" // in Days days
	DueSoon   ChangeType = "due_soon" // in Days days
	Assigned  ChangeType = "assigned" // to another owner
	Changed   ChangeType = "status_changed"
	Recovered ChangeType = "run_recovered"
	Resolved  ChangeType = "resolved"
)

// ChangeTypes are all types, the most urgent first.
var ChangeTypes = []ChangeType{Reopened, Opened, Overdue, Failed, Silent, Expiring, DueSoon, Assigned, Changed, Recovered, Resolved}

// Change is one thing that people are told.
type Change struct {
	Type ChangeType `json:"type"`
	At   time.Time  `json:"at"`
	Was  string     `json:"was,omitempty"`  // the state, status or owner before
	Days int        `json:"days,omitempty"` // the threshold that was passed: 30, 7 or 1
	Item Item       `json:"item"`
}

// expiryDays and dueDays are the thresholds that are told, each once.
var (
	expiryDays = []int{30, 7, 1}
	dueDays    = []int{7, 1}
)

const day = 24 * time.Hour

// Key names an item.
type Key struct {
	Topic Topic
	ID    string
}

// Known is what is remembered of an item: as much as tells a change.
type Known struct {
	State       string `json:"state"`
	Status      string `json:"status,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Due         int64  `json:"due,omitempty"`      // seconds since 1970
	DueTold     int    `json:"due_told,omitempty"` // days; overdue is toldOverdue
	Expires     int64  `json:"expires,omitempty"`
	ExpiresTold int    `json:"expires_told,omitempty"`
	Gone        int64  `json:"gone,omitempty"` // since when it is not observed
}

// toldOverdue stands in Known.DueTold for: told that it is overdue.
const toldOverdue = -1

// Memory is what is remembered of all items.
type Memory map[Key]Known

// forgetAfter is how long an item that is not observed any more is remembered:
// one that comes back before is not new.
const forgetAfter = 90 * day

// Diff tells what changed from what is remembered to an observation, in the
// order of the observation, and what is to be remembered after it. It changes
// neither. Of an item that is not observed nothing is said: that it was not
// seen does not mean that it is over.
func Diff(prev Memory, next Observation) ([]Change, Memory) {
	memory := make(Memory, len(next.Items))
	var out []Change
	for i := range next.Items {
		it := &next.Items[i]
		key := Key{it.Topic, it.ID}
		if _, twice := memory[key]; twice {
			continue
		}
		was, known := prev[key]
		d := differ{at: next.At, item: it, was: was, known: known}
		memory[key] = d.compare()
		out = append(out, d.changes...)
	}
	for key, k := range prev {
		if _, seen := memory[key]; seen {
			continue
		}
		if k.Gone == 0 {
			k.Gone = next.At.Unix()
		}
		if next.At.Unix()-k.Gone < int64(forgetAfter/time.Second) {
			memory[key] = k
		}
	}
	return out, memory
}

// differ compares one item with what is remembered of it.
type differ struct {
	at      time.Time
	item    *Item
	was     Known
	known   bool
	changes []Change
}

func (d *differ) tell(t ChangeType, was string, days int) {
	d.changes = append(d.changes, Change{Type: t, At: d.at, Was: was, Days: days, Item: *d.item})
}

func (d *differ) compare() Known {
	it := d.item
	k := Known{State: it.State, Status: it.Status, Owner: it.Owner, Due: unix(it.DueAt), Expires: unix(it.ExpiresAt)}
	switch it.Topic {
	case TopicFinding:
		d.finding()
	case TopicDuty:
		if !d.known || d.was.Gone != 0 {
			d.tell(Opened, "", 0)
		} else {
			d.owner()
		}
	case TopicShadow:
		d.shadow()
	case TopicRun:
		d.run()
	case TopicWaiver:
		if d.known && d.was.State != it.State {
			d.tell(Changed, d.was.State, 0)
		}
	case TopicControl:
		if d.known && d.was.Status != it.Status {
			d.tell(Changed, d.was.Status, 0)
		}
	}
	k.DueTold = d.due(k.Due)
	k.ExpiresTold = d.expiry(k.Expires)
	return k
}

func (d *differ) finding() {
	it, was := d.item, d.was
	switch {
	case !d.known && !it.open():
	case !d.known:
		d.tell(Opened, "", 0)
	case it.open() && !openFinding(was.State):
		d.tell(Reopened, was.State, 0)
	case !it.open() && openFinding(was.State) && it.State == StateResolved:
		d.tell(Resolved, was.Status, 0)
	case !it.open() && was.State != it.State:
		d.tell(Changed, was.State, 0)
	case it.open() && was.Status != it.Status:
		d.tell(Changed, was.Status, 0)
	case it.open():
		d.owner()
	}
}

func (d *differ) owner() {
	if d.was.Owner != d.item.Owner && d.item.Owner != "" {
		d.tell(Assigned, d.was.Owner, 0)
	}
}

// shadow tells new cases only.
func (d *differ) shadow() {
	switch {
	case d.item.State != StateNew:
	case !d.known:
		d.tell(Opened, "", 0)
	case d.was.State != StateNew:
		d.tell(Reopened, d.was.State, 0)
	}
}

func (d *differ) run() {
	state, was := d.item.State, d.was.State
	if d.known && state == was {
		return
	}
	switch {
	case state == StateSilent:
		d.tell(Silent, was, 0)
	case state != StateComplete:
		d.tell(Failed, was, 0)
	case d.known:
		d.tell(Recovered, was, 0)
	}
}

// due tells that an open item is due soon or overdue, each once for a due
// date. What opens with a due date that is near says so itself.
func (d *differ) due(due int64) (told int) {
	if due == 0 || !d.item.open() {
		return 0
	}
	if d.known && d.was.Due == due {
		told = d.was.DueTold
	}
	reached := threshold(time.Unix(due, 0).Sub(d.at), dueDays)
	if d.at.Unix() > due {
		reached = toldOverdue
	}
	if !tighter(reached, told) {
		return told
	}
	switch {
	case len(d.changes) > 0 && (d.changes[0].Type == Opened || d.changes[0].Type == Reopened):
	case reached == toldOverdue:
		d.tell(Overdue, "", 0)
	default:
		d.tell(DueSoon, "", reached)
	}
	return reached
}

// expiry tells that something will expire, once for each threshold. A threshold
// counts only for what was good for more than twice as long: what is renewed
// every week is not told every week.
func (d *differ) expiry(expires int64) (told int) {
	if expires == 0 || d.item.Topic != TopicExpiring && d.item.Topic != TopicWaiver || d.at.Unix() >= expires {
		return 0
	}
	if d.known && expires-d.was.Expires < int64(day/time.Second) {
		told = d.was.ExpiresTold
	}
	days := expiryDays
	if from := d.item.ValidFrom; from != nil {
		whole := time.Unix(expires, 0).Sub(*from)
		days = slices.DeleteFunc(slices.Clone(days), func(n int) bool { return whole <= 2*time.Duration(n)*day })
	}
	reached := threshold(time.Unix(expires, 0).Sub(d.at), days)
	if !tighter(reached, told) {
		return told
	}
	d.tell(Expiring, "", reached)
	return reached
}

// threshold returns the smallest of days, which descend, that what is left has
// come down to; 0 if none.
func threshold(left time.Duration, days []int) (reached int) {
	for _, n := range days {
		if left <= time.Duration(n)*day {
			reached = n
		}
	}
	return reached
}

// tighter reports whether a threshold is more urgent than what was told.
func tighter(reached, told int) bool {
	urgency := func(n int) int {
		switch n {
		case toldOverdue:
			return 1000
		case 0:
			return 0
		}
		return 100 - n
	}
	return urgency(reached) > urgency(told)
}

func unix(t *time.Time) int64 {
	if t == nil || t.IsZero() {
		return 0
	}
	return t.Unix()
}

// byUrgency orders changes: by severity, by what happened, by when it is due.
func byUrgency(a, b *Change) int {
	when := func(c *Change) int64 {
		for _, t := range []*time.Time{c.Item.DueAt, c.Item.ExpiresAt} {
			if t != nil {
				return t.Unix()
			}
		}
		return 1<<63 - 1
	}
	return cmp.Or(
		cmp.Compare(severityRank(a.Item.Severity), severityRank(b.Item.Severity)),
		cmp.Compare(slices.Index(ChangeTypes, a.Type), slices.Index(ChangeTypes, b.Type)),
		cmp.Compare(when(a), when(b)),
		strings.Compare(a.Item.Control, b.Item.Control), strings.Compare(a.Item.ID, b.Item.ID),
	)
}
