package assess

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// SampleOptions say what to draw.
type SampleOptions struct {
	Seed string
	Size int // drawn by rank; 0 means the default for the expectation
	// Always names what is drawn in any case, beside exceptions: AlwaysHighRisk
	// or a status.
	Always []string
}

// AlwaysHighRisk draws every item that concerns a high-risk AI system.
const AlwaysHighRisk = "high-risk"

// Default sizes: a population of a few is taken whole; of documents and
// settings a handful is read, of transactions more.
const (
	sampleWhole     = 5
	sampleDocuments = 5
	sampleEvents    = 25
)

// Sample is a draw from a population that anybody can repeat.
type Sample struct {
	Expectation string          `json:"expectation"`
	Control     string          `json:"control"`
	AsOf        string          `json:"as_of"`
	Checkpoint  Checkpoint      `json:"checkpoint"`
	Population  evidence.Digest `json:"population_ids_digest"`
	Count       int             `json:"population_count"`
	Complete    bool            `json:"population_complete"`
	Statement   string          `json:"population_statement"`
	Seed        string          `json:"seed"`
	Size        int             `json:"size"` // drawn by rank, at most
	SizeReason  string          `json:"size_reason"`
	Always      []string        `json:"always"`
	Method      string          `json:"method"`
	Items       []SampleItem    `json:"items"`
}

// SampleItem is an item that was drawn, with its result at the time.
type SampleItem struct {
	Subject evidence.Subject `json:"subject"`
	Why     string           `json:"why"` // exception, high-risk, a status, or drawn
	Rank    string           `json:"rank"`
	Status  Status           `json:"status"`
	Reason  string           `json:"reason"`
}

const sampleMethod = "rank of an item: SHA-256 over the seed, a line feed, and the item's id (printf '%s\\n%s' SEED ID | sha256sum); " +
	"exceptions and what is always included are taken first, then the lowest ranks of the rest"

// Draw takes a sample of an expectation's population. The same population and
// seed give the same sample on any machine, in whatever order the items come.
func Draw(a *Assessment, slug string, o SampleOptions) (*Sample, error) {
	if o.Seed == "" {
		return nil, errors.New("a draw needs a seed")
	}
	rule, population := slices.IndexFunc(a.Expectations, func(f InForce) bool { return f.Slug == slug }), population(a, slug)
	if rule < 0 || population == nil {
		return nil, fmt.Errorf("there is no expectation %q", slug)
	}
	items := Items(a, slug)
	s := &Sample{Expectation: slug, Control: a.Expectations[rule].Control, AsOf: a.AsOf.Format("2006-01-02T15:04:05.999999Z07:00"),
		Checkpoint: a.Checkpoint, Population: population.IDs, Count: population.Count, Complete: population.Complete,
		Statement: population.Statement, Seed: o.Seed, Always: o.Always, Method: sampleMethod, Items: []SampleItem{}}
	if s.Always == nil {
		s.Always = []string{}
	}
	s.Size, s.SizeReason = sampleSize(o.Size, len(items), a.Expectations[rule].Mode == modePerEvent)
	var rest []SampleItem
	for _, r := range items {
		item := SampleItem{Subject: r.Subject, Why: always(r, o.Always), Rank: SampleRank(o.Seed, r.Subject.ID), Status: r.Status, Reason: r.Reason}
		if item.Why != "" {
			s.Items = append(s.Items, item)
		} else {
			item.Why = "drawn"
			rest = append(rest, item)
		}
	}
	slices.SortFunc(s.Items, byRank)
	slices.SortFunc(rest, byRank)
	s.Items = append(s.Items, rest[:min(s.Size, len(rest))]...)
	return s, nil
}

func population(a *Assessment, slug string) *Population {
	i := slices.IndexFunc(a.Populations, func(p Population) bool { return p.Expectation == slug })
	if i < 0 {
		return nil
	}
	return &a.Populations[i]
}

// Items are the results of an expectation for the members of its population:
// what stands for an empty or unknown population is none.
func Items(a *Assessment, slug string) []*Result {
	p := population(a, slug)
	if p == nil || p.Count == 0 {
		return nil
	}
	var out []*Result
	for _, r := range a.Results {
		if r.Expectation == slug {
			out = append(out, r)
		}
	}
	return out
}

func sampleSize(asked, n int, events bool) (size int, reason string) {
	switch {
	case asked > 0:
		return asked, "as asked for"
	case n <= sampleWhole:
		return n, fmt.Sprintf("a population of at most %d is taken whole", sampleWhole)
	case events:
		return min(sampleEvents, n), fmt.Sprintf("%d of a population of transactions", sampleEvents)
	}
	return min(sampleDocuments, n), fmt.Sprintf("%d of a population of documents or settings", sampleDocuments)
}

// always says why an item is drawn in any case, or nothing.
func always(r *Result, names []string) string {
	switch r.Status {
	case StatusSatisfied, StatusNotApplicable:
	default:
		return "exception"
	}
	for _, name := range names {
		if name == AlwaysHighRisk && strings.EqualFold(r.Tier, "high") || name == string(r.Status) {
			return name
		}
	}
	return ""
}

// SampleRank is the rank of an item in a draw, in hexadecimal.
func SampleRank(seed, id string) string {
	sum := sha256.Sum256([]byte(seed + "\n" + id))
	return hex.EncodeToString(sum[:])
}

func byRank(a, b SampleItem) int {
	if c := strings.Compare(a.Rank, b.Rank); c != 0 {
		return c
	}
	return compareSubjects(a.Subject, b.Subject)
}
