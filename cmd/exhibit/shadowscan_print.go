package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export/scanned"
	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// scanRow is a sighting as shadow scan -o json prints it.
type scanRow struct {
	ID         string            `json:"id"`
	Repo       string            `json:"repo"`
	Provider   string            `json:"provider"`
	Vendor     string            `json:"vendor"`
	Category   aisign.Category   `json:"category"`
	Egress     aisign.Egress     `json:"egress"`
	Signals    []scanSignal      `json:"signals"`
	Count      int               `json:"count"` // of signals; signals holds the first ones of each rule
	Confidence aiscan.Confidence `json:"confidence"`
	Why        string            `json:"why"`
	Scope      aiscan.Scope      `json:"scope"`
	Candidate  bool              `json:"candidate"`
	Registered bool              `json:"registered"`
	System     string            `json:"system,omitempty"`
	Because    string            `json:"because,omitempty"` // why no registered system accounts for it
}

type scanSignal struct {
	Path      string `json:"path"`
	Line      int    `json:"line,omitempty"`
	Signature string `json:"signature"`
	Excerpt   string `json:"excerpt"`
}

// scanJSON is a scan as shadow scan -o json prints it.
type scanJSON struct {
	Root      string          `json:"root"`
	Commit    string          `json:"commit,omitempty"`
	Files     int             `json:"files"`
	Bytes     int64           `json:"bytes"`
	Rules     string          `json:"rules"`
	Sightings []scanRow       `json:"sightings"`
	Models    []aiscan.Model  `json:"models"`
	Secrets   []aiscan.Secret `json:"secrets"`
	Assets    []aiscan.Asset  `json:"assets"`
	Unread    []aiscan.Unread `json:"unread"`
}

func scanRows(s *scanned.Scan) []scanRow {
	out := []scanRow{}
	for _, f := range s.Report.Sightings {
		v := s.Verdicts[f.ID]
		r := scanRow{ID: f.ID, Repo: s.Repo, Provider: f.Provider, Vendor: f.Vendor, Category: f.Category, Egress: f.Egress, Signals: []scanSignal{}, Count: f.Count,
			Confidence: f.Confidence, Why: f.Why, Scope: f.Scope, Candidate: v.Candidate, Registered: v.Registered, System: v.System, Because: v.Why}
		for _, sig := range f.Signals {
			r.Signals = append(r.Signals, scanSignal{sig.Path, sig.Line, sig.Signature, sig.Excerpt})
		}
		out = append(out, r)
	}
	return out
}

// print writes what was found, as the format says.
func (s *scanner) print(scans []scanned.Scan) error {
	out := s.g.std.out
	switch s.g.output {
	case "table":
		for i := range scans {
			s.table(out, &scans[i])
		}
		return nil
	case "jsonl":
		for i := range scans {
			if err := printRows(out, "jsonl", scanRows(&scans[i])); err != nil {
				return err
			}
		}
		return nil
	}
	all := make([]scanJSON, len(scans))
	for i := range scans {
		r := scans[i].Report
		all[i] = scanJSON{scans[i].Repo, r.Commit, r.Files, r.Bytes, r.Rules, scanRows(&scans[i]), r.Models, r.Secrets, r.Assets, r.Unread}
	}
	if len(all) == 1 {
		return printJSON(out, "json", all[0])
	}
	return printJSON(out, "json", all)
}

// firstPlace is where a person looks: a file and a line, or a commit in short.
func firstPlace(sig aiscan.Signal) string {
	if hash, ok := strings.CutPrefix(sig.Path, "commit:"); ok && len(hash) > 12 {
		return fmt.Sprintf("commit %s %s", hash[:12], sig.Excerpt)
	}
	if sig.Line == 0 && sig.Excerpt == sig.Path {
		return sig.Path
	}
	if sig.Line == 0 {
		return sig.Path + " " + sig.Excerpt
	}
	return fmt.Sprintf("%s:%d %s", sig.Path, sig.Line, sig.Excerpt)
}

// standing is how a sighting stands, for people, and its place in the list.
func standing(v scanned.Verdict) (word string, rank int) {
	switch {
	case !v.Candidate:
		return "supporting", 2
	case v.Registered && v.System != "":
		return "registered", 1
	case v.Registered:
		return "decided", 1
	}
	return "unregistered", 0
}

func (s *scanner) table(out io.Writer, one *scanned.Scan) {
	found := slices.Clone(one.Report.Sightings)
	slices.SortStableFunc(found, func(a, b aiscan.Sighting) int {
		_, x := standing(one.Verdicts[a.ID])
		_, y := standing(one.Verdicts[b.ID])
		return cmp.Compare(x, y)
	})
	t := table{head: []string{"STATE", "PRODUCT", "SCOPE", "CONFIDENCE", "SEEN", "FIRST PLACE", "REGISTER"}}
	counts := [3]int{}
	var open []bool
	for _, f := range found {
		v := one.Verdicts[f.ID]
		word, rank := standing(v)
		counts[rank]++
		if rank == 2 && !s.o.all {
			continue
		}
		place := ""
		if len(f.Signals) > 0 {
			place = firstPlace(f.Signals[0])
		}
		says := cmp.Or(v.System, v.Why)
		t.add(word, f.Provider, string(f.Scope), string(f.Confidence), fmt.Sprint(f.Count), short(place, 60), short(says, 70))
		open = append(open, rank == 0)
	}
	if s.g.coloured() {
		t.tint = func(row, col int) string {
			if row >= 0 && col == 0 && open[row] {
				return "\x1b[1;31m"
			}
			return ""
		}
	}
	fmt.Fprintf(out, "%s\n", clean(one.Repo))
	if len(t.rows) > 0 {
		t.print(out)
	}
	s.summary(out, one, counts)
}

// summary says in words what the table holds, and what it cannot.
func (s *scanner) summary(out io.Writer, one *scanned.Scan, counts [3]int) {
	r := one.Report
	since := ""
	if s.o.since != "" {
		since = " new since " + clean(s.signs.Concealed(s.o.since))
	}
	fmt.Fprintf(out, "%d %s%s: %d unregistered, %d accounted for; %d in tests, documentation or examples%s.\n", counts[0]+counts[1], plural(counts[0]+counts[1], "use", "uses"),
		since, counts[0], counts[1], counts[2], map[bool]string{true: "", false: " (shown with --all)"}[s.o.all || counts[2] == 0])
	for _, c := range r.Secrets {
		fmt.Fprintf(out, "A credential of %s lies open at %s:%d (%s).\n", clean(c.Provider), clean(c.Path), c.Line, clean(c.Hint))
	}
	fmt.Fprintf(out, "%d %s, %.1f MB, %d of them unchanged since an earlier scan; %d not read.\n", r.Files, plural(r.Files, "file", "files"), float64(r.Bytes)/1e6, r.Reused, len(r.Unread))
	for i, u := range r.Unread {
		if i == 5 {
			fmt.Fprintf(out, "  … and %d more: -o json names them all\n", len(r.Unread)-i)
			break
		}
		fmt.Fprintf(out, "  %s: %s\n", clean(u.Path), clean(u.Reason))
	}
	if !s.against.known {
		fmt.Fprintln(out, "There is no register to hold this against: name one with --register, or in the configuration.")
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// files writes the further formats.
func (s *scanner) files(scans []scanned.Scan) error {
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{s.o.sarif, func(w io.Writer) error { return scanned.SARIF(w, scans) }},
		{s.o.cyclone, func(w io.Writer) error { return scanned.CycloneDX(w, scans[0]) }},
		{s.o.spdx, func(w io.Writer) error { return scanned.SPDX(w, scans[0]) }},
	} {
		if f.path == "" {
			continue
		}
		if err := writeBeside(f.path, f.write); err != nil {
			return err
		}
		s.g.note("wrote %s", f.path)
	}
	return nil
}

// writeBeside writes a file whole, or leaves what was there.
func writeBeside(path string, write func(io.Writer) error) error {
	f, err := besideFile(path)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing there once it was renamed
	if err := errors.Join(write(f), f.Close()); err != nil {
		return outputError(path, err)
	}
	return outputError(path, os.Rename(f.Name(), path))
}
