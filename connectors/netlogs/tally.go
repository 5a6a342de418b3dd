package netlogs

import (
	"maps"
	"slices"
	"strings"
)

// Bounds of one aggregate.
const (
	maxHosts  = 20
	maxAgents = 8
	// maxAggregates is how many a source keeps of all its open days.
	maxAggregates = 200_000
)

// key is what an aggregate is about: a day, a signature as software or people
// reach it, a group, and the actor where it is kept.
type key struct {
	day   int32 // since 1970, UTC
	rule  string
	group string
	actor string
}

// sum is what the lines of one file say about a key. Sums of several files add
// up to the same, whatever their order: counts are added, the ends of time
// widened, sets united and cut to their smallest members.
type sum struct {
	Queries int64    `json:"q,omitempty"` // questions, or requests
	Replies int64    `json:"r,omitempty"` // answers to them, where they have lines of their own
	Refused int64    `json:"x,omitempty"` // refusals told by the request or its answer
	Listed  int64    `json:"l,omitempty"` // refusals told by lines of their own
	Out     int64    `json:"o,omitempty"`
	Sized   bool     `json:"z,omitempty"` // some line said how many bytes
	First   int64    `json:"f"`
	Last    int64    `json:"t"`
	Hosts   []string `json:"h,omitempty"` // smallest first
	More    bool     `json:"m,omitempty"` // there were more hosts
	Agents  []string `json:"a,omitempty"` // rules of signatures that the program named itself by
	Firm    bool     `json:"s,omitempty"` // a host that is not shared with other products
	Actors  actorSet `json:"p,omitempty"`
}

// actorSet holds keyed hashes of people or machines: exactly up to a bound.
type actorSet map[uint64]struct{}

// tally adds up what one file says.
type tally struct {
	sums      map[key]*sum
	canaries  map[int32]map[int]bool // days on which each was seen
	actors    *actors
	maxActors int
	full      bool // there are more aggregates than are kept

	cached  key // of the last hit, with its sum: neighbours in a log are alike
	cachedS *sum
}

func newTally(a *actors, maxActors int) *tally {
	return &tally{sums: map[key]*sum{}, canaries: map[int32]map[int]bool{}, actors: a, maxActors: maxActors}
}

func dayOf(at int64) int32 { return int32(at / 86400) }

// add counts a hit.
func (t *tally) add(e *event) {
	who := t.actors.of(e)
	k := key{day: dayOf(e.at), rule: e.to.rule(), group: who.group, actor: who.name}
	s := t.cachedS
	if s == nil || t.cached != k {
		if s = t.sums[k]; s == nil {
			if len(t.sums) >= maxAggregates {
				t.full = true
				return
			}
			s = &sum{First: e.at, Last: e.at}
			t.sums[k] = s
		}
		t.cached, t.cachedS = k, s
	}
	switch {
	case e.only:
		s.Listed++
	case e.reply:
		s.Replies++
	default:
		s.Queries++
	}
	if e.blocked && !e.only {
		s.Refused++
	}
	if e.out >= 0 {
		s.Out, s.Sized = s.Out+e.out, true
	}
	s.First, s.Last = min(s.First, e.at), max(s.Last, e.at)
	s.Firm = s.Firm || !e.mixed
	s.host(e.host)
	if rule := t.actors.program(e.agent); rule != "" {
		s.Agents = insert(s.Agents, rule, maxAgents)
	}
	if who.hash != 0 && !e.only {
		s.person(who.hash, t.maxActors)
	}
}

func (t *tally) canary(day int32, which int) {
	if t.canaries[day] == nil {
		t.canaries[day] = map[int]bool{}
	}
	t.canaries[day][which] = true
}

// person adds one to the set, which holds at most one more than the bound: then
// it is known that there are more.
func (s *sum) person(hash uint64, bound int) {
	if len(s.Actors) > bound {
		return
	}
	if s.Actors == nil {
		s.Actors = actorSet{}
	}
	s.Actors[hash] = struct{}{}
}

func (s *sum) host(host []byte) {
	for _, h := range s.Hosts {
		if equalFold(host, h) {
			return
		}
	}
	if len(s.Hosts) == maxHosts {
		s.More = true
		if compareFold(host, s.Hosts[maxHosts-1]) >= 0 {
			return
		}
	}
	s.Hosts = insert(s.Hosts, strings.ToLower(string(host)), maxHosts)
}

func compareFold(b []byte, lower string) int {
	for i := 0; i < len(b) && i < len(lower); i++ {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return int(c) - int(lower[i])
		}
	}
	return len(b) - len(lower)
}

// insert adds to a sorted set and cuts it to its smallest members.
func insert(set []string, s string, bound int) []string {
	i, found := slices.BinarySearch(set, s)
	if found || i >= bound {
		return set
	}
	set = slices.Insert(set, i, s)
	return set[:min(len(set), bound)]
}

// merge adds another file's sum of the same key.
func (s *sum) merge(o *sum, bound int) {
	s.Queries, s.Replies, s.Refused, s.Listed = s.Queries+o.Queries, s.Replies+o.Replies, s.Refused+o.Refused, s.Listed+o.Listed
	s.Out, s.Sized, s.Firm, s.More = s.Out+o.Out, s.Sized || o.Sized, s.Firm || o.Firm, s.More || o.More
	s.First, s.Last = min(s.First, o.First), max(s.Last, o.Last)
	for _, h := range o.Hosts {
		if _, found := slices.BinarySearch(s.Hosts, h); !found && len(s.Hosts) == maxHosts {
			s.More = true
		}
		s.Hosts = insert(s.Hosts, h, maxHosts)
	}
	for _, a := range o.Agents {
		s.Agents = insert(s.Agents, a, maxAgents)
	}
	for h := range o.Actors {
		s.person(h, bound)
	}
}

// clone returns a copy that shares nothing.
func (s *sum) clone() *sum {
	c := *s
	c.Hosts, c.Agents, c.Actors = slices.Clone(s.Hosts), slices.Clone(s.Agents), maps.Clone(s.Actors)
	return &c
}

// requests is how many requests there were: where questions and answers are
// both logged, the greater number of the two.
func (s *sum) requests() int64 { return max(s.Queries, s.Replies, s.Listed) }

// blocked is how many of them were refused.
func (s *sum) blocked() int64 { return max(s.Refused, s.Listed) }
