package assess

// chosen remembers what a join's where said of each row, for conditions that do
// not look at the subject: they say the same for every subject, and later, as
// long as the register and the joins that they look at are the same.
type chosen struct {
	register int
	mark     uint64 // of the joins that the where looks at
	rows     []choice
}

// choice is what a where said of one row.
type choice struct {
	until int64
	said  uint8 // 0: nothing is known
}

const (
	keptOut = 1 + iota
	keptIn
)

// past gives what is remembered of the i-th join; nil if nothing may be.
func (sc *scope) past(i int) *chosen {
	j := sc.p.joins[i]
	if sc.w.chosen == nil || j.where == nil || j.where.prepare() != nil || !sc.p.alike(j) {
		return nil
	}
	mark := uint64(hashStart)
	for k, other := range sc.p.joins {
		if j.where.vars[other.name] {
			mark = mix(mark, sc.join(k).mark)
		}
	}
	c := &sc.w.chosen[i]
	if c.register != sc.w.v.register || c.mark != mark {
		*c = chosen{register: sc.w.v.register, mark: mark, rows: c.rows[:0]}
	}
	return c
}

// alike reports whether a join's where says the same of a row for every
// subject. One that looks at other joins only does for the organisation, and
// only if it loops: else it is not said which of them it looks at.
func (p *plan) alike(j *join) bool {
	vars := j.where.vars
	if p.as != "" && p.as != j.as && vars[p.as] || vars["systems"] {
		return false
	}
	for _, other := range p.joins {
		if vars[other.name] && (p.kind != nil || j.where.nesting == 0 || j.where.growth.unbounded) {
			return false
		}
	}
	return true
}

// look gives what is known of a row at an instant.
func (c *chosen) look(row int32, at int64) (keep bool, until int64, known bool) {
	if c == nil || int(row) >= len(c.rows) {
		return false, 0, false
	}
	r := c.rows[row]
	return r.said == keptIn, r.until, r.said != 0 && r.until >= at
}

// note remembers what was said of a row.
func (c *chosen) note(row int32, keep bool, until int64) {
	if c == nil {
		return
	}
	for int(row) >= len(c.rows) {
		c.rows = append(c.rows, choice{})
	}
	c.rows[row] = choice{until: until, said: keptOut}
	if keep {
		c.rows[row].said = keptIn
	}
}
