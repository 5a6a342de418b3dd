package sandbox

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// governanceCommit is one commit of the governance repository, as
// org/governance writes it. Files are templates; see governanceText.
type governanceCommit struct {
	At      ago               `yaml:"at"`
	By      string            `yaml:"by"`
	Message string            `yaml:"message"`
	Files   map[string]string `yaml:"files"`
	from    string
}

// governanceCommits reads all commits, oldest first.
func (w *world) governanceCommits() ([]*governanceCommit, error) {
	names, err := yamlFiles("org/governance")
	if err != nil {
		return nil, err
	}
	var all []*governanceCommit
	for _, name := range names {
		var list []*governanceCommit
		if err := readYAML(name, &list); err != nil {
			return nil, err
		}
		for _, c := range list {
			c.from = name
			if !c.At.set || c.At.offset >= 0 {
				return nil, fmt.Errorf("%s: %q: a commit lies in the past", name, c.Message)
			}
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b *governanceCommit) int { return cmp.Compare(a.At.offset, b.At.offset) })
	return all, nil
}

// writeGovernance makes the repository at dir: commits with the times and the
// authors that the data give, so the same Now gives the same commit ids.
func (w *world) writeGovernance(dir string) error {
	commits, err := w.governanceCommits()
	if err != nil {
		return err
	}
	repository, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")},
	})
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	tree, err := repository.Worktree()
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	state := map[string]string{}
	for _, c := range commits {
		if err := w.writeCommit(dir, tree, c, state); err != nil {
			return fmt.Errorf("%s: %q: %w", c.from, c.Message, err)
		}
	}
	return nil
}

func (w *world) writeCommit(dir string, tree *git.Worktree, c *governanceCommit, state map[string]string) error {
	by, err := w.person(c.By)
	if err != nil {
		return err
	}
	text := &governanceText{w: w, commit: c, state: state, done: map[string]bool{}}
	for _, name := range sortedKeys(c.Files) {
		if err := text.render(name); err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(state[name]), 0o644); err != nil {
			return err
		}
		if err := tree.AddWithOptions(&git.AddOptions{Path: name, SkipStatus: true}); err != nil {
			return err
		}
	}
	who := object.Signature{Name: by.Name, Email: by.Email, When: c.At.at(w.now)}
	_, err = tree.Commit(c.Message, &git.CommitOptions{Author: &who, Committer: &who})
	return err
}

// governanceText fills in the files of one commit. state holds every file's
// content as of the commits so far.
type governanceText struct {
	w      *world
	commit *governanceCommit
	state  map[string]string
	done   map[string]bool
	depth  int
}

// render fills in one file of the commit and keeps it in state.
func (t *governanceText) render(name string) error {
	raw, here := t.commit.Files[name]
	if t.done[name] || !here {
		return nil
	}
	if t.depth++; t.depth > 8 {
		return errors.New("files refer to each other's digests in a circle")
	}
	defer func() { t.depth-- }()
	out, err := t.w.fill(name, raw, template.FuncMap{"sha": t.sha})
	if err != nil {
		return err
	}
	t.state[name], t.done[name] = out, true
	return nil
}

// sha is the SHA-256 of a file's content as of this commit.
func (t *governanceText) sha(name string) (string, error) {
	if err := t.render(name); err != nil {
		return "", err
	}
	text, found := t.state[name]
	if !found {
		return "", fmt.Errorf("there is no file %s yet", name)
	}
	return digest(text), nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// fill runs a template with what all data files may use: at and day give times,
// digest the SHA-256 of a text, commit the merge of a pull request, list the
// words of each of its arguments, series points in time.
func (w *world) fill(name, raw string, extra template.FuncMap) (string, error) {
	funcs := template.FuncMap{
		"at":        func(s string) (string, error) { return w.relative(s, time.RFC3339) },
		"day":       func(s string) (string, error) { return w.relative(s, time.DateOnly) },
		"digest":    digest,
		"commit":    w.mergeOf,
		"series":    w.series,
		"objective": objective,
		"list": func(lines ...string) [][]string {
			out := make([][]string, len(lines))
			for i, l := range lines {
				out[i] = strings.Fields(l)
			}
			return out
		},
	}
	t, err := template.New(name).Option("missingkey=error").Funcs(funcs).Funcs(extra).Parse(raw)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, nil); err != nil {
		return "", err
	}
	return strings.TrimLeft(b.String(), "\n"), nil
}

func (w *world) relative(s, layout string) (string, error) {
	a, err := parseAgo(s)
	if err != nil {
		return "", err
	}
	return a.at(w.now).Format(layout), nil
}

// mergeOf is the commit that a pull request became.
func (w *world) mergeOf(name string, number int) (string, error) {
	for _, r := range w.hub.repos {
		if p := r.pull(number); r.Name == name && p != nil && p.merge != nil {
			return p.merge.sha, nil
		}
	}
	return "", fmt.Errorf("no merged pull request %d in %s", number, name)
}

// point is one of a series of times.
type point struct {
	Index int
	when  time.Time
}

// At is the point as RFC 3339.
func (p point) At() string { return p.when.Format(time.RFC3339) }

// Day is the point's day.
func (p point) Day() string { return p.when.Format(time.DateOnly) }

// Value swings from base to base+swing along the series, always the same way.
func (p point) Value(base, swing float64) float64 {
	return math.Round((base+swing*float64(p.Index*7%11)/10)*10000) / 10000
}

// Count is a whole number that swings as Value does.
func (p point) Count(base, swing float64) int { return int(p.Value(base, swing)) }

// Pick chooses one of the words, going round.
func (p point) Pick(words ...string) string { return words[p.Index*7%11%len(words)] }

// series lists points from one time to another, a step apart.
func (w *world) series(from, to, step string) ([]point, error) {
	var bounds [3]ago
	for i, s := range []string{from, to, "+" + step} {
		var err error
		if bounds[i], err = parseAgo(s); err != nil {
			return nil, err
		}
	}
	if bounds[2].offset <= 0 {
		return nil, fmt.Errorf("a series with step %q never ends", step)
	}
	var out []point
	for d := bounds[0].offset; d <= bounds[1].offset; d += bounds[2].offset {
		out = append(out, point{Index: len(out), when: w.now.Add(d)})
	}
	return out, nil
}

// objective says what is measured for an objective of the year.
func objective(id string) (string, error) {
	metric, known := map[string]string{
		"OBJ-1": "recall of urgent claims",
		"OBJ-2": "escalation to a person when the assistant is unsure",
		"OBJ-3": "share of staff trained",
		"OBJ-4": "days until an incident is resolved, at most",
		"OBJ-5": "area under the curve of the fraud score",
		"OBJ-6": "exceptions in force, at most",
	}[id]
	if !known {
		return "", fmt.Errorf("there is no objective %s", id)
	}
	return metric, nil
}
