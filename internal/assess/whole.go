package assess

import "time"

// Readings are the instants since which what an assessment says is known with
// no part unseen. What is absent from Expectations was never read like that.
type Readings struct {
	Expectations  map[string]time.Time // by slug: of all that the expectation needs, what was read longest ago
	Applicability time.Time            // the statement of applicability; zero if never
}

// readings returns the last readings by an instant in which no part of what an
// expectation needs was unseen. A result's CollectedAt is not always one of
// them: a run that names what it could not see counts for the rest.
func (s *State) readings(at int64) Readings {
	out := Readings{Expectations: make(map[string]time.Time, len(s.eng.rules))}
	for _, r := range s.eng.rules {
		if t := s.coverage.whole(r.needs, at); t != absent {
			out.Expectations[r.Slug] = instant(t)
		}
	}
	if t := s.coverage.wholeKind(soaKind, at); t != absent {
		out.Applicability = instant(t)
	}
	return out
}

// whole returns when the kinds that a rule needs were last read whole: the
// oldest of these instants, absent if a kind never was.
func (c *coverage) whole(needs []need, t int64) int64 {
	oldest := int64(absent)
	for _, n := range needs {
		id := n.kind.kind.ID
		if n.optional && !c.askedFor(id, t) {
			continue
		}
		at := c.wholeKind(id, t)
		if at == absent {
			return absent
		}
		if oldest == absent || at < oldest {
			oldest = at
		}
	}
	return oldest
}

// askedFor reports whether any source was asked for a kind by t.
func (c *coverage) askedFor(kind string, t int64) bool {
	for _, cv := range c.kinds[kind] {
		if cv.asked <= t {
			return true
		}
	}
	return false
}

// wholeKind returns when every source that was asked for a kind by t had last
// read all of it, absent if one never did.
func (c *coverage) wholeKind(kind string, t int64) int64 {
	oldest := int64(absent)
	for _, cv := range c.kinds[kind] {
		if cv.asked > t {
			continue
		}
		at := cv.lastWhole(t)
		if at == absent {
			return absent
		}
		if oldest == absent || at < oldest {
			oldest = at
		}
	}
	return oldest
}

// lastWhole returns when the last reading by t ended that saw every part.
func (cv *covering) lastWhole(t int64) int64 {
	for i := len(cv.readings) - 1; i >= 0; i-- {
		if r := &cv.readings[i]; r.finished <= t && len(r.blind) == 0 {
			return r.finished
		}
	}
	return absent
}
