package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// before is what there was at the revision of --since: nothing, where nothing
// was committed yet.
func (s *scanner) before(ctx context.Context, path, repo string) (aiscan.Report, error) {
	tree, err := aiscan.Git(path, s.o.since)
	switch {
	case errors.Is(err, aiscan.ErrNoCommit):
		return aiscan.Report{}, nil
	case errors.Is(err, gitdir.ErrNoRepository):
		return aiscan.Report{}, hinted{fmt.Errorf("--since %s: %w", s.o.since, err), "name the folder that holds .git, not one below it"}
	case err != nil:
		return aiscan.Report{}, hinted{fmt.Errorf("--since %s: %w", s.o.since, err), "name a branch, tag or commit that is in this clone; a shallow clone has too few (fetch-depth: 0)"}
	}
	return s.read(ctx, tree, repo)
}

// use is what a signal shows, wherever it stands and of whatever version.
type use struct {
	provider      string
	scope         aiscan.Scope
	rule, excerpt string
}

// place is a use in a file. Its line is no part of it: lines move.
type place struct {
	use
	path string
}

func places(r aiscan.Report) map[place]bool {
	all := map[place]bool{}
	for _, f := range r.Sightings {
		for _, sig := range f.Signals {
			all[placeOf(f, sig)] = true
		}
	}
	return all
}

func placeOf(f aiscan.Sighting, sig aiscan.Signal) place {
	return place{use{f.Provider, f.Scope, sig.Signature, strings.TrimSuffix(sig.Excerpt, " "+sig.Version)}, sig.Path}
}

// shownOfRule is how many signals of each rule a sighting shows.
const shownOfRule = 10

// onlyNew leaves of a report what an older one of the same tree has not. What
// left one file and is in another, for the same purpose, has moved. Both reports
// are whole.
func onlyNew(now, before aiscan.Report) aiscan.Report {
	had, has := places(before), places(now)
	left := map[use]int{}
	for p := range had {
		if !has[p] {
			left[p.use]++
		}
	}
	moved := map[place]bool{}
	old := func(p place) bool {
		if had[p] || moved[p] {
			return true
		}
		if left[p.use] > 0 {
			left[p.use]--
			moved[p] = true
		}
		return moved[p]
	}
	out := now
	out.Sightings = []aiscan.Sighting{}
	for _, f := range now.Sightings {
		f.Signals = slices.DeleteFunc(slices.Clone(f.Signals), func(sig aiscan.Signal) bool { return old(placeOf(f, sig)) })
		if f.Count = len(f.Signals); f.Count > 0 {
			f.Signals = firstOfRules(f.Signals)
			out.Sightings = append(out.Sightings, f)
		}
	}
	out.Secrets = newSecrets(now.Secrets, before.Secrets)
	return out
}

// firstOfRules are the first signals of each rule.
func firstOfRules(all []aiscan.Signal) []aiscan.Signal {
	shown := map[string]int{}
	return slices.DeleteFunc(all, func(sig aiscan.Signal) bool {
		shown[sig.Signature]++
		return shown[sig.Signature] > shownOfRule
	})
}

// newSecrets are the credentials that did not lie open before, in whatever file.
func newSecrets(now, before []aiscan.Secret) []aiscan.Secret {
	had := map[aiscan.Secret]bool{}
	anywhere := func(c aiscan.Secret) aiscan.Secret { return aiscan.Secret{Provider: c.Provider, Hint: c.Hint} }
	for _, c := range before {
		had[anywhere(c)] = true
	}
	return slices.DeleteFunc(slices.Clone(now), func(c aiscan.Secret) bool { return had[anywhere(c)] })
}
