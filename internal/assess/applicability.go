package assess

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// applicability is the statement of applicability in force.
type applicability struct {
	version  string
	excluded map[string]string // justification by control
	digest   evidence.Digest
}

// applicability finds the newest approved statement. One that nobody approved
// changes nothing: the one before stays in force.
func (v *view) applicability() applicability {
	var best applicability
	at := int64(absent)
	v.live(soaKind, func(t *table, row int32, _ bool) {
		approved := t.time(row, "approved_at")
		if approved == absent || approved > v.at || t.text(row, "approved_by") == "" || approved < at {
			return
		}
		version := t.text(row, "version")
		if approved == at && version < best.version {
			return
		}
		at = approved
		best = applicability{version: version, excluded: exclusions(t.raw(row, "controls")), digest: t.meta(row).digest}
	})
	return best
}

// exclusions reads the controls that a statement excludes with a reason.
func exclusions(raw string) map[string]string {
	var list []struct {
		ID            string `json:"id"`
		Applicable    *bool  `json:"applicable"`
		Justification string `json:"justification"`
	}
	if raw == "" || json.Unmarshal([]byte(raw), &list) != nil {
		return nil
	}
	out := map[string]string{}
	for _, c := range list {
		if c.Applicable != nil && !*c.Applicable && strings.TrimSpace(c.Justification) != "" {
			out[c.ID] = c.Justification
		}
	}
	return out
}

// excludes says why a control does not apply, or nothing. Clauses always do.
func (a applicability) excludes(c *catalog.Control) string {
	if c == nil || !c.Annex() {
		return ""
	}
	why, ok := a.excluded[c.ID]
	if !ok {
		return ""
	}
	return fmt.Sprintf("excluded by the statement of applicability, version %s: %s", a.version, why)
}

// waiver is an accepted deviation that is valid at the instant of the view.
type waiver struct {
	id          string
	subjectType string
	subjectID   string
	expires     int64
	approver    string
	digest      evidence.Digest
}

// waivers returns the valid waivers by expectation. A waiver counts from its
// approval to its expiry, both inclusive, unless it was revoked, and only if
// somebody other than the one who asked approved it.
func (v *view) waivers() map[string][]*waiver {
	out := map[string][]*waiver{}
	v.live(waiverKind, func(t *table, row int32, _ bool) {
		approved, expires, revoked := t.time(row, "approved_at"), t.time(row, "expires_at"), t.time(row, "revoked_at")
		by, asked := t.text(row, "approved_by"), t.text(row, "requested_by")
		switch {
		case approved == absent || expires == absent || approved > v.at || expires < v.at:
			return
		case revoked != absent && revoked <= v.at:
			return
		case NameForm(by) == "" || NameForm(asked) == "" || v.reg.same(by, asked):
			return
		}
		var subject struct{ Type, ID string }
		if json.Unmarshal([]byte(t.raw(row, "subject")), &subject) != nil || subject.Type == "" || subject.ID == "" {
			return // covers nothing that could be named
		}
		w := &waiver{
			id: t.text(row, "waiver_id"), subjectType: subject.Type, subjectID: subject.ID,
			expires: expires, approver: by, digest: t.meta(row).digest,
		}
		slug := t.text(row, "expectation_slug")
		out[slug] = append(out[slug], w)
	})
	return out
}

func (w *waiver) covers(r *Result) bool {
	return (w.subjectType == "*" || w.subjectType == r.Subject.Type) && (w.subjectID == "*" || w.subjectID == r.Subject.ID)
}

// waivable reports whether a status can be accepted at all: what is known to
// be wrong can, what nobody has looked at cannot.
func waivable(r *Result) bool {
	switch r.Status {
	case StatusFailing, StatusMissing:
		return true
	case StatusStale:
		return !strings.HasPrefix(r.Reason, ReasonCollectionGap)
	}
	return false
}

// waive marks the results that valid waivers cover. Of several, the one that
// lasts longest counts.
func (f *finisher) waive(r *rule, results []*Result) {
	list := f.waivers[r.Slug]
	if len(list) == 0 {
		return
	}
	for i, res := range results {
		if !waivable(res) {
			continue
		}
		var best *waiver
		for _, w := range list {
			if w.covers(res) && (best == nil || w.expires > best.expires || w.expires == best.expires && w.id < best.id) {
				best = w
			}
		}
		if best == nil {
			continue
		}
		c := *res
		c.Underlying, c.Status, c.Waiver = res.Status, StatusWaived, best.id
		c.Reason = fmt.Sprintf("waived by %s until %s; underneath: %s", best.approver, stamp(best.expires), res.Reason)
		c.Evidence = union(res.Evidence, []evidence.Digest{best.digest})
		results[i] = &c
	}
}
