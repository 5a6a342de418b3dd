package corpus

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// The bars that the scanner is held to.
const (
	minPrecision = 0.95
	minRecall    = 0.90
)

func corpus(t *testing.T) ([]*Repo, *aisign.Set) {
	t.Helper()
	repos, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	set, err := aisign.Load()
	if err != nil {
		t.Fatal(err)
	}
	return repos, set
}

func scanner(t *testing.T, o aiscan.Options) *aiscan.Scanner {
	t.Helper()
	o.Salt = []byte("corpus")
	s, err := aiscan.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scan(t *testing.T, s *aiscan.Scanner, r *Repo) aiscan.Report {
	t.Helper()
	rep, err := s.Scan(t.Context(), treeOf(t, r), r.Name)
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	return rep
}

// measure scans all repositories.
func measure(t *testing.T) []Outcome {
	t.Helper()
	repos, set := corpus(t)
	s := scanner(t, aiscan.Options{Signatures: set})
	outcomes := make([]Outcome, 0, len(repos))
	for _, r := range repos {
		outcomes = append(outcomes, Score(r, FoundIn(scan(t, s, r))))
	}
	return outcomes
}

// Precision and recall reach the bars, and no clean repository is flagged.
// What is wrong or missed is printed with its place; EXHIBIT_CORPUS_ERRORS
// names a file that gets it too, without what is held out.
func TestMeasure(t *testing.T) {
	outcomes := measure(t)
	t.Logf("\n%s", Table(outcomes))
	var open strings.Builder
	for _, o := range outcomes {
		for _, e := range o.Errors {
			if o.Repo.HeldOut() {
				t.Logf("held out: %s", e)
				continue
			}
			t.Log(e)
			open.WriteString(e.String() + "\n")
		}
	}
	if name := os.Getenv("EXHIBIT_CORPUS_ERRORS"); name != "" {
		if err := os.WriteFile(name, []byte(open.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := sum(outcomes)
	if p := s.Pairs.Precision(); p < minPrecision {
		t.Errorf("precision %.3f < %.2f", p, minPrecision)
	}
	if r := s.Pairs.Recall(); r < minRecall {
		t.Errorf("recall %.3f < %.2f", r, minRecall)
	}
	for _, o := range outcomes {
		if o.Flagged {
			t.Errorf("%s is clean and was flagged", o.Repo.Name)
		}
	}
}

// memory is a cache that keeps everything.
type memory struct {
	sync.Mutex
	m map[string][]byte
}

func (c *memory) Get(key string) ([]byte, bool) {
	c.Lock()
	defer c.Unlock()
	b, ok := c.m[key]
	return b, ok
}

func (c *memory) Put(key string, value []byte) {
	c.Lock()
	defer c.Unlock()
	c.m[key] = value
}

// The same repository gives the same bytes: again, with one worker or eight,
// and from a cache. No credential is in a report or in the cache, nor anything
// in its shape.
func TestSameBytesNoKeys(t *testing.T) {
	repos, set := corpus(t)
	var shapes []*regexp.Regexp
	for _, s := range set.All() {
		for _, k := range s.Keys {
			shapes = append(shapes, regexp.MustCompile(k.RE))
		}
	}
	cache := &memory{m: map[string][]byte{}}
	runs := []*aiscan.Scanner{
		scanner(t, aiscan.Options{Signatures: set, Workers: 1}),
		scanner(t, aiscan.Options{Signatures: set, Workers: 8, Cache: cache}),
		scanner(t, aiscan.Options{Signatures: set, Workers: 1, Cache: cache}),
	}
	keys := 0
	for _, r := range repos {
		clear(cache.m)
		var first string
		for i, s := range runs {
			rep := scan(t, s, r)
			rep.Reused = 0 // the cache may tell
			b, err := json.Marshal(rep)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = string(b)
			} else if string(b) != first {
				t.Errorf("%s: run %d differs:\n%s\n%s", r.Name, i, first, b)
			}
		}
		written := []string{first}
		for k, v := range cache.m {
			written = append(written, k, string(v))
		}
		keys += len(r.Keys)
		noKeys(t, r, strings.Join(written, "\n"), shapes)
	}
	if keys < 4 {
		t.Errorf("only %d credentials in the corpus", keys)
	}
}

func noKeys(t *testing.T, r *Repo, written string, shapes []*regexp.Regexp) {
	t.Helper()
	for _, key := range r.Keys {
		if strings.Contains(written, key) || strings.Contains(written, key[len(key)-12:]) {
			t.Errorf("%s: a credential is in what was written", r.Name)
		}
	}
	for _, re := range shapes {
		if m := re.FindString(written); m != "" {
			t.Errorf("%s: something in the shape of a credential is in what was written: %.8s… by %s", r.Name, m, re)
		}
	}
}
