package store

import (
	"context"
	"fmt"
)

// searchCheck gathers, line by line, what zones and counts have to say.
type searchCheck struct {
	zones  []Zone // as stored
	at     int    // number of the zone being built
	build  *ZoneBuilder
	found  error // the first zone that does not hold
	counts map[Pair]*CountRow
	pair   Pair             // of the evidence taken last
	count  *CountRow        // and its count
	kinds  map[string]int64 // numbers of kinds by name, as far as they were looked up
}

func readZones(ctx context.Context, r Raw) ([]Zone, error) {
	var out []Zone
	for z, err := range r.Zones(ctx) {
		if err != nil {
			return nil, err
		}
		out = append(out, z)
	}
	return out, nil
}

// line takes the next line. Where a stored zone begins, one is built.
func (s *searchCheck) line(seq int64, sum [SumSize]byte) {
	if s.build == nil || s.at+1 < len(s.zones) && s.zones[s.at+1].First == seq {
		s.end()
		s.build = NewZone(seq)
	}
	s.build.Line(sum)
}

// end compares the zone that was built with the stored one.
func (s *searchCheck) end() {
	if s.build == nil {
		return
	}
	built := s.build.Zone()
	s.build = nil
	if s.found == nil && (s.at >= len(s.zones) || !s.zones[s.at].Equal(&built)) {
		got := "none"
		if s.at < len(s.zones) {
			got = "another"
		}
		s.found = differs(fmt.Sprintf("zone from entry %d", built.First), fmt.Sprintf("what follows from %d lines", built.N), got)
	}
	s.at++
}

// evidence takes the evidence in the line taken last; live says that its key
// was not there before.
func (s *searchCheck) evidence(p Pair, collectedAt int64, live bool) {
	s.build.Evidence(p, collectedAt)
	c := s.countOf(p)
	c.Evidence++
	if live {
		c.Live++
	}
}

func (s *searchCheck) gone(p Pair, n int64) { s.countOf(p).Live -= n }

func (s *searchCheck) countOf(p Pair) *CountRow {
	if s.count != nil && s.pair == p {
		return s.count
	}
	c := s.counts[p]
	if c == nil {
		c = &CountRow{}
		s.counts[p] = c
	}
	s.pair, s.count = p, c
	return c
}

// kindNumber gives the number of a kind's name.
func (v *verifier) kindNumber(kind string) int64 {
	if v.search.kinds == nil {
		v.search.kinds = make(map[string]int64, len(v.tables.Names))
		for id, name := range v.tables.Names {
			v.search.kinds[name] = id
		}
	}
	return v.search.kinds[kind]
}

// checkSearch compares zones and counts with what follows from the ledger.
func (v *verifier) checkSearch() error {
	s := &v.search
	s.end()
	if s.found != nil {
		return s.found
	}
	if s.at != len(s.zones) {
		return differs("zones", fmt.Sprint(s.at), len(s.zones))
	}
	if len(v.tables.Counts) != len(s.counts) {
		return differs("counts of evidence", fmt.Sprintf("%d kinds of sources", len(s.counts)), len(v.tables.Counts))
	}
	for p, c := range s.counts {
		if got, ok := v.tables.Counts[p]; !ok || got != *c {
			return differs(fmt.Sprintf("count of %s from %s", v.tables.Names[p.Kind], v.tables.Names[p.Source]), *c, got)
		}
	}
	return nil
}
