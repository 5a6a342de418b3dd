package corpus

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Sum is the outcomes of many repositories together.
type Sum struct {
	Repos, Clean, Flagged int
	Pairs, Aside, Scopes  Count
}

func sum(os []Outcome) Sum {
	var s Sum
	for _, o := range os {
		s.Repos++
		if o.Repo.Labels.Kind == "clean" {
			s.Clean++
		}
		if o.Flagged {
			s.Flagged++
		}
		s.Pairs.Add(o.Pairs)
		s.Aside.Add(o.Aside)
		s.Scopes.Add(o.Scopes)
	}
	return s
}

// Table renders the outcomes in Markdown.
func Table(os []Outcome) string {
	var b strings.Builder
	of := split(os)
	b.WriteString("| repositories | count | right | wrong | missed | precision | recall | clean ones flagged |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, row := range []struct {
		name string
		of   []Outcome
	}{
		{"all", os},
		{"first set, errors handed out", of["first"]},
		{"first set, held out", of["held out"]},
		{"second set", of["second"]},
		{"third set", of["third"]},
		{"after real trees", of["real"]},
	} {
		s := sum(row.of)
		fmt.Fprintf(&b, "| %s | %d | %s | %d of %d |\n", row.name, s.Repos, cells(s.Pairs), s.Flagged, s.Clean)
	}
	s := sum(os)
	fmt.Fprintf(&b, "\nScopes of what was found rightly: %d right, %d wrong, %d missed. Use by tests, examples and copies of others' code,\nsaid to be that: %d of %d.\n\n",
		s.Scopes.Right, s.Scopes.Wrong, s.Scopes.Missed, s.Aside.Right, s.Aside.Right+s.Aside.Missed)
	byClass(&b, os)
	byEco(&b, os)
	return b.String()
}

func cells(c Count) string {
	return fmt.Sprintf("%d | %d | %d | %.3f | %.3f", c.Right, c.Wrong, c.Missed, c.Precision(), c.Recall())
}

func split(os []Outcome) map[string][]Outcome {
	of := map[string][]Outcome{}
	for _, o := range os {
		set := o.Repo.Labels.Set
		if o.Repo.HeldOut() {
			set = "held out"
		}
		of[set] = append(of[set], o)
	}
	return of
}

func byClass(b *strings.Builder, os []Outcome) {
	all := map[fact.Class]ByClass{}
	for _, o := range os {
		for k, c := range o.Classes {
			a := all[k]
			a.Signals.Add(c.Signals)
			a.Lines.Add(c.Lines)
			all[k] = a
		}
	}
	b.WriteString("| class of signal | reported | of them wrong | precision | labelled lines | of them missed | recall |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, k := range slices.Sorted(maps.Keys(all)) {
		c := all[k]
		fmt.Fprintf(b, "| %s | %d | %d | %.3f | %d | %d | %.3f |\n", k, c.Signals.Right+c.Signals.Wrong, c.Signals.Wrong,
			c.Signals.Precision(), c.Lines.Right+c.Lines.Missed, c.Lines.Missed, c.Lines.Recall())
	}
}

func byEco(b *strings.Builder, os []Outcome) {
	all, repos := map[string]Count{}, map[string]int{}
	for _, o := range os {
		for _, e := range o.Repo.Labels.Eco {
			c := all[e]
			c.Add(o.Pairs)
			all[e] = c
			repos[e]++
		}
	}
	b.WriteString("\n| ecosystem | repositories | right | wrong | missed | precision | recall |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, e := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(b, "| %s | %d | %s |\n", e, repos[e], cells(all[e]))
	}
}
