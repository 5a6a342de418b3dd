package jira

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// position is where the reading of a project stands, kept between runs.
type position struct {
	Digest  string    `json:"digest"`  // of the settings it was read with
	Updated time.Time `json:"updated"` // the newest update that was seen
	// Again are issues to read again whatever became of them: those that gave a
	// gap, which so is reported until it is closed, and those with an approval
	// pending.
	Again []string `json:"again,omitempty"`
	// Late are issues with a history that is not whole, and what to call them.
	Late map[string]string `json:"late,omitempty"`
	// Hidden: issues were hidden from that run, older ones too.
	Hidden bool `json:"hidden,omitempty"`
}

// Bounds of what a position remembers; beyond them the next run reads the
// whole project again.
const (
	maxAgain = 1000
	maxLate  = 2000
)

func (r *projectRun) cursorName() string { return "updated:" + r.project.Key }

// start returns since when to read, and whether that leaves out older issues
// that an earlier run has read.
func (r *projectRun) start() (from time.Time, partly bool) {
	r.seen, r.reread, r.late = map[string]time.Time{}, map[string]bool{}, map[string]string{}
	from, r.blind = r.cfg.since, r.fieldsMissing
	var p position
	if r.req.Full || !r.book.Position(r.cursorName(), &p) || p.Digest != r.cfg.digest || p.Updated.Before(from) || tooFar(p.Updated) {
		return from, false
	}
	r.newest, r.old = p.Updated, p
	for id, key := range p.Late {
		r.late[id] = key
	}
	return p.Updated, true
}

// again marks an issue to be read again by the next run.
func (r *projectRun) again(is *issue) { r.reread[is.id] = true }

// end keeps where the reading stands. After a run that is blind the position
// stays where it was, so that the next one reads the same again; where that
// would not do, it is given up, and the next run reads the whole project.
func (r *projectRun) end() error {
	if r.old.Hidden && !r.isHidden {
		r.forget = true
		if err := r.hidden("issues were hidden from earlier runs and seem not to be now; the next run reads the whole project"); err != nil {
			return err
		}
	}
	p := position{Digest: r.cfg.digest, Updated: r.newest, Late: r.late, Hidden: r.isHidden}
	for id := range r.reread {
		p.Again = append(p.Again, id)
	}
	slices.Sort(p.Again)
	if asOf := r.asOf.Add(-time.Second); p.Updated.After(asOf) {
		p.Updated = asOf // what changed while we read is read again
	}
	p.Updated = p.Updated.UTC().Truncate(time.Second)
	switch {
	case r.forget, len(p.Again) > maxAgain, len(p.Late) > maxLate:
		return r.book.Cursor(r.cursorName(), position{})
	case r.blind, r.newest.IsZero():
		return nil
	}
	return r.book.Cursor(r.cursorName(), p)
}

// lateGap reports the histories that are not whole, those of earlier runs too.
func (r *projectRun) lateGap() error {
	if len(r.late) == 0 {
		return nil
	}
	var names []string
	for _, id := range sortedIDs(r.late) {
		names = append(names, r.late[id])
	}
	const named = 10
	text := strings.Join(names[:min(len(names), named)], "; ")
	if len(names) > named {
		text += fmt.Sprintf("; and %d more", len(names)-named)
	}
	return r.gap(r.historyKinds(), "project "+r.project.Key+", histories", &scopeError{connector.Truncated,
		fmt.Sprintf("%d histories are not whole (settings: history_since, if that is known): %s", len(names), text)})
}

func sortedIDs(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for id := range m {
		out = append(out, id)
	}
	slices.SortFunc(out, compareIDs)
	return out
}
