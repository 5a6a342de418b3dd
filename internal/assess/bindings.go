package assess

import (
	"slices"
	"strings"
)

// bindings finds the systems that the answer to a question may name: by one
// text that is in the question and in their entries. Whoever asks looks at each
// of them again.
type bindings struct {
	systems map[binding][]int32 // places among the systems of the register
	stems   []int               // lengths of what stands before the star of a cloud reference
}

// binding is a function about the register and a text that it is asked about.
type binding struct{ function, text string }

// stem is the function of cloud references that end with a star.
const stem = "systemsOfCloud*"

func newBindings(list []*systemView) bindings {
	b := bindings{systems: map[binding][]int32{}}
	for i, s := range list {
		add := func(function, text string) {
			k := binding{function, text}
			if had := b.systems[k]; len(had) == 0 || had[len(had)-1] != int32(i) {
				b.systems[k] = append(had, int32(i))
			}
		}
		add("systemOf", s.id)
		for repo := range s.repos {
			add("systemsOfRepository", repo)
		}
		for _, v := range s.vendors {
			add("systemsOfVendor", v)
		}
		for _, m := range s.models {
			add("systemsOfModel", m)
		}
		for _, j := range s.jira {
			add("systemsOfJira", j.Project)
		}
		for _, ref := range s.cloud {
			start, wild := strings.CutSuffix(ref, "*")
			if !wild {
				add("systemsOfCloud", ref)
				continue
			}
			add(stem, start)
			if at, known := slices.BinarySearch(b.stems, len(start)); !known {
				b.stems = slices.Insert(b.stems, at, len(start))
			}
		}
	}
	return b
}

// of gives the places of the systems that may be meant, in order.
func (b *bindings) of(q question) []int32 {
	switch q.function {
	case "systemsOfRepository":
		return b.systems[binding{q.function, strings.ToLower(q.arg)}]
	case "systemsOfCloud":
		out := b.systems[binding{q.function, q.arg}]
		for _, n := range b.stems {
			if n > len(q.arg) {
				break
			}
			if more := b.systems[binding{stem, q.arg[:n]}]; len(more) > 0 {
				out = slices.Concat(out, more)
				slices.Sort(out)
			}
		}
		return slices.Compact(out)
	}
	return b.systems[binding{q.function, q.arg}]
}
