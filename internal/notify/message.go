package notify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Message is what is sent over a channel: what changed, grouped by owner.
type Message struct {
	ID           string    `json:"id"` // also of each repetition
	At           time.Time `json:"at"` // when it was put together
	Organization string    `json:"organization"`
	Kind         string    `json:"kind"` // changes, first or test
	Recipient    string    `json:"recipient,omitempty"`
	LinkBase     string    `json:"link_base,omitempty"`
	Groups       []Group   `json:"groups"`
	Total        int       `json:"total"` // changes, with those not listed
	More         int       `json:"more"`  // not listed
	Counts       []Count   `json:"counts"`
}

// Kinds of messages.
const (
	KindChanges = "changes"
	KindFirst   = "first" // what is open when Exhibit looks for the first time
	KindTest    = "test"
)

// Group is the changes that concern one person.
type Group struct {
	Owner   string   `json:"owner,omitempty"` // empty: nobody is named
	Changes []Change `json:"changes"`
}

// Count is how many changes of a type there are, on one topic.
type Count struct {
	Type  ChangeType `json:"type"`
	Topic Topic      `json:"topic"`
	N     int        `json:"n"`
}

// compose puts a message together from changes. Of several about one item the
// last is told. At most limit are listed, the most urgent.
func (m Message) compose(changes []Change, limit int) Message {
	changes = lastOfEach(changes)
	m.Total = len(changes)
	for i := range changes {
		m.count(&changes[i])
	}
	slices.SortStableFunc(m.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(slices.Index(ChangeTypes, a.Type), slices.Index(ChangeTypes, b.Type)),
			cmp.Compare(slices.Index(Topics, a.Topic), slices.Index(Topics, b.Topic)))
	})
	slices.SortStableFunc(changes, func(a, b Change) int { return byUrgency(&a, &b) })
	if m.Total > limit {
		m.More = m.Total - limit
		changes = changes[:limit]
	}
	for _, c := range changes {
		c.Item = bounded(c.Item)
		at := slices.IndexFunc(m.Groups, func(g Group) bool { return g.Owner == c.Item.Owner })
		if at < 0 {
			at = len(m.Groups)
			m.Groups = append(m.Groups, Group{Owner: c.Item.Owner})
		}
		m.Groups[at].Changes = append(m.Groups[at].Changes, c)
	}
	slices.SortStableFunc(m.Groups, func(a, b Group) int { // nobody last
		return cmp.Or(-cmp.Compare(min(len(a.Owner), 1), min(len(b.Owner), 1)), strings.Compare(a.Owner, b.Owner))
	})
	return m
}

func (m *Message) count(c *Change) {
	for i := range m.Counts {
		if m.Counts[i].Type == c.Type && m.Counts[i].Topic == c.Item.Topic {
			m.Counts[i].N++
			return
		}
	}
	m.Counts = append(m.Counts, Count{c.Type, c.Item.Topic, 1})
}

// lastOfEach keeps the last change of each item. What opened and was changed
// since is still told as opened; what expires keeps a word of its own.
func lastOfEach(changes []Change) []Change {
	at := map[Key]int{}
	out := changes[:0:0]
	for _, c := range changes {
		key := Key{c.Item.Topic, c.Item.ID}
		i, seen := at[key]
		if !seen {
			at[key] = len(out)
			out = append(out, c)
			continue
		}
		first := out[i]
		if (first.Type == Opened || first.Type == Reopened) && c.Type != Resolved && c.Item.open() {
			c.Type, c.Was = first.Type, first.Was
		}
		out[i] = c
	}
	return out
}

// Title is the message in one line.
func (m *Message) Title() string {
	switch m.Kind {
	case KindTest:
		return "Exhibit: test message"
	case KindFirst:
		return "Exhibit looks for the first time: " + m.countWords()
	}
	if m.Total == 1 && len(m.Groups) == 1 {
		c := &m.Groups[0].Changes[0]
		return "Exhibit: " + c.Heading() + ": " + shorten(c.Item.Title, 100)
	}
	return "Exhibit: " + m.countWords()
}

// countWords says how many changes of each type there are.
func (m *Message) countWords() string {
	var out []string
	for i, c := range m.Counts {
		if i == 4 && len(m.Counts) > 5 {
			rest := 0
			for _, c := range m.Counts[i:] {
				rest += c.N
			}
			out = append(out, thousands(rest)+" other changes")
			break
		}
		out = append(out, thousands(c.N)+" "+nouns(c.Topic, c.N)+" "+verb(c.Type, c.Topic))
	}
	return strings.Join(out, ", ")
}

// MoreLine says what is not listed; empty if all is.
func (m *Message) MoreLine() string {
	if m.More == 0 {
		return ""
	}
	return "and " + thousands(m.More) + " more"
}

// Link is the address of a path in the dashboard; empty where none is
// configured.
func (m *Message) Link(path string) string {
	if m.LinkBase == "" || !strings.HasPrefix(path, "/") {
		return ""
	}
	return strings.TrimRight(m.LinkBase, "/") + path
}

// OwnerLine names the person that a group concerns.
func (g *Group) OwnerLine() string {
	if g.Owner == "" {
		return "Nobody is named as owner"
	}
	return "For " + g.Owner
}

// Heading is what happened, in a few words.
func (c *Change) Heading() string {
	noun := nouns(c.Item.Topic, 1)
	switch c.Type {
	case Expiring, DueSoon:
		return fmt.Sprintf("%s %s within %s", noun, verb(c.Type, c.Item.Topic), plural(c.Days, "day"))
	case Changed:
		return fmt.Sprintf("%s %s, was %s", noun, plain(cmp.Or(c.now(), "changed")), plain(cmp.Or(c.Was, "unknown")))
	}
	if c.Item.Severity != "" && c.Item.Topic == TopicFinding {
		return c.Item.Severity + " " + noun + " " + verb(c.Type, c.Item.Topic)
	}
	return noun + " " + verb(c.Type, c.Item.Topic)
}

// now is what Was has become.
func (c *Change) now() string {
	if c.Item.Topic == TopicControl || c.Item.Topic == TopicFinding && c.Item.open() {
		return c.Item.Status
	}
	return c.Item.State
}

// Facts are the details of a change, each a short line.
func (c *Change) Facts() []string {
	it := &c.Item
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+" "+value)
		}
	}
	add("control", it.Control)
	if c.Type != Changed {
		add("status", it.Status)
	}
	add("systems", strings.Join(it.Systems, ", "))
	if it.DueAt != nil {
		add("due", it.DueAt.UTC().Format(time.DateOnly))
	}
	if it.ExpiresAt != nil {
		add("expires", it.ExpiresAt.UTC().Format("2006-01-02 15:04 UTC"))
	}
	if c.Type == Assigned && c.Was != "" {
		add("before", c.Was)
	}
	return out
}

func nouns(t Topic, n int) string {
	one, many := string(t), string(t)+"s"
	switch t {
	case TopicDuty:
		many = "duties"
	case TopicShadow:
		one, many = "use of AI that nobody registered", "uses of AI that nobody registered"
	case TopicRun:
		one, many = "source", "sources"
	case TopicExpiring:
		one, many = "evidence", "pieces of evidence"
	}
	if n == 1 {
		return one
	}
	return many
}

func verb(c ChangeType, t Topic) string {
	switch c {
	case Opened:
		switch t {
		case TopicShadow:
			return "seen"
		case TopicDuty:
			return "to be done"
		}
	case Failed:
		return "not read as a whole"
	case Silent:
		return "silent"
	case Recovered:
		return "read again as a whole"
	case Expiring:
		if t == TopicWaiver {
			return "ending"
		}
		return "expiring"
	case DueSoon:
		return "due"
	case Assigned:
		return "handed over"
	case Changed:
		return "changed"
	case Overdue:
		return "overdue"
	}
	return string(c)
}
