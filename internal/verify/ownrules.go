package verify

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
)

// ownRules says in notes what the organisation's own rules changed: a result
// that follows from them follows from nothing else.
func (a *archive) ownRules() {
	var off, changed, own []string
	for _, e := range a.assessment.Expectations {
		switch name := clip(e.Slug); {
		case e.Off != "":
			off = append(off, name+" ("+clip(e.Off)+")")
		case e.Own:
			own = append(own, name)
		case len(e.Changed) > 0:
			changed = append(changed, name+" ("+clip(strings.Join(e.Changed, ", "))+")")
		}
	}
	for _, n := range []struct {
		list []string
		what string
	}{{off, "expectations are switched off by the organisation"}, {changed, "expectations have thresholds of the organisation"},
		{own, "expectations are the organisation's own"}} {
		if len(n.list) > 0 {
			a.report.Notes = append(a.report.Notes, fmt.Sprintf("%d %s: %s", len(n.list), n.what, firstOf(n.list)))
		}
	}
}

// ownWords says in a note which texts for the reader of the bundle are not those
// that this program writes: whoever has the key can seal others.
func (a *archive) ownWords() {
	shows, doesNot := a.head.Trust.Words(a.head.Ledger.Size)
	if !slices.Equal(shows, a.head.Trust.Shows) || !slices.Equal(doesNot, a.head.Trust.DoesNotShow) {
		a.otherWords = append(a.otherWords, bundle.ManifestFile+" (trust)")
	}
	if len(a.otherWords) > 0 {
		a.report.Notes = append(a.report.Notes, fmt.Sprintf("%s: not in the words of this program; the bundle was made by %s: "+
			"rely on no instruction and no statement there that a bundle of your own copy does not have", strings.Join(a.otherWords, ", "), clip(a.head.Tool)))
	}
}

// firstOf joins the first of a list that may be long.
func firstOf(list []string) string {
	const most = 10
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return strings.Join(list[:most], "; ") + fmt.Sprintf("; and %d more", len(list)-most)
}

// otherRules names the files of a bundle's shipped rules that this program does
// not come with, or with another content, and those that the bundle lacks.
func (a *archive) otherRules(r evaluate.Rules) []string {
	if a.opt.Recompute.Shipped == nil {
		return nil
	}
	var out []string
	for _, path := range sortedPaths(a.rules) {
		if strings.HasPrefix(path, "own/") {
			continue
		}
		theirs, err1 := fs.ReadFile(r.Shipped, path)
		ours, err2 := fs.ReadFile(a.opt.Recompute.Shipped, path)
		if err1 != nil || err2 != nil || !bytes.Equal(theirs, ours) {
			out = append(out, bundle.RulesDir+path)
		}
	}
	for _, dir := range []string{"catalog", "kinds", "expectations", "crosswalk"} {
		names, _ := fs.Glob(a.opt.Recompute.Shipped, dir+"/*.yaml") // the pattern is a good one
		for _, path := range names {
			if _, ok := a.rules[path]; !ok {
				out = append(out, bundle.RulesDir+path+" (missing)")
			}
		}
	}
	return out
}

// notEstablished says what nothing in a bundle can show, where the caller gave
// nothing to hold it against.
func (a *archive) notEstablished() {
	if len(a.opt.Against) > 0 {
		return
	}
	seen := int64(0)
	for _, at := range a.head.Trust.Attested {
		seen = max(seen, at.Size)
	}
	if seen == a.checkpoint.Size && seen > 0 {
		return
	}
	a.report.Notes = append(a.report.Notes, fmt.Sprintf("not established: that the key's holder did not write the ledger anew, or leave out what came last; "+
		"the bundle was held against no earlier state (--against), and others have seen %d of its %d entries", seen, a.checkpoint.Size))
}

// sameInstant compares the instant of the assessment with the manifest's.
func (a *archive) sameInstant(as *assess.Assessment) error {
	if got := timeText(as.AsOf); got != a.head.AsOf {
		return fail(bundle.AssessmentFile, "as_of", a.head.AsOf, got)
	}
	return nil
}
