package readiness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// World is what a pack is made from.
type World struct {
	Assessment *assess.Assessment
	Records    Records
	Reads      map[string]time.Time // by kind: when a source last read all of it
	Since      time.Time            // the last audit
	SinceFrom  string               // how that is known
	Delta      []Difference         // between then and now; nil where it was not asked for
	// Operates tells of a piece of evidence whether it shows that something was
	// done, and when. An entry of a register shows that a thing is there.
	Operates func(evidence.Digest) (at time.Time, ok bool)
}

// Difference is something that changed between two instants.
type Difference struct {
	What   string   `json:"what"`
	Count  int      `json:"count"`
	Detail []string `json:"detail"`
}

// States of an item.
const (
	There   = "there"
	Partly  = "partly"
	Missing = "missing"
)

// Pack is what there is for a stage.
type Pack struct {
	Stage      string            `json:"stage"`
	Title      string            `json:"title"`
	About      string            `json:"about"`
	AsOf       time.Time         `json:"as_of"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Since      time.Time         `json:"since,omitzero"`
	SinceFrom  string            `json:"since_from,omitempty"`
	There      int               `json:"there"`
	Total      int               `json:"total"`
	Items      []Ready           `json:"items"`
	Programme  []Audited         `json:"programme"`
}

// Ready is an item with what is there and what is not.
type Ready struct {
	ID           string     `json:"id"`
	Title        string     `json:"title"`
	Controls     []string   `json:"controls"`
	State        string     `json:"state"`
	Shown        []Shown    `json:"shown"`
	More         int        `json:"more"`  // pieces of evidence beyond those shown
	Lines        []string   `json:"lines"` // what was counted
	Missing      []string   `json:"missing"`
	Expectations []Standing `json:"expectations"`
}

// Shown is a document or a piece of evidence.
type Shown struct {
	What       string          `json:"what"`
	Kind       string          `json:"kind"`
	Name       string          `json:"name"` // id of the document, key of the record
	Version    string          `json:"version,omitempty"`
	Source     string          `json:"source"`
	Evidence   evidence.Digest `json:"evidence"`
	SHA256     string          `json:"sha256,omitempty"` // of the document
	Date       time.Time       `json:"date,omitzero"`
	ApprovedBy string          `json:"approved_by,omitempty"`
	ApprovedAt time.Time       `json:"approved_at,omitzero"`
	Approval   string          `json:"approval"` // of what; empty where nobody has to approve and nobody did
}

// Standing is how an expectation stands.
type Standing struct {
	Expectation string                `json:"expectation"`
	Satisfied   int                   `json:"satisfied"`
	Total       int                   `json:"total"`
	Counts      map[assess.Status]int `json:"counts"`
}

// shownAtMost is how many pieces of evidence an item shows of each want.
const shownAtMost = 5

// Prepare says what there is for a stage.
func (b *Book) Prepare(stage Stage, w World) Pack {
	p := Pack{Stage: stage.ID, Title: stage.Title, About: stage.About, AsOf: w.Assessment.AsOf, Checkpoint: w.Assessment.Checkpoint,
		Total: len(stage.Items), Items: []Ready{}, Programme: Programme(w.Assessment, w.Records)}
	if stage.asksSince() {
		p.Since, p.SinceFrom = w.Since, w.SinceFrom
	}
	for _, item := range stage.Items {
		r := &Ready{ID: item.ID, Title: item.Title, Controls: item.Controls, Expectations: standings(w.Assessment, item.Expectations)}
		if item.Build != "" {
			b.build(r, item.Build, w)
		}
		for _, want := range item.Wants {
			want.look(r, w)
		}
		p.Items = append(p.Items, r.settled())
		if r.State == There {
			p.There++
		}
	}
	return p
}

func (s Stage) asksSince() bool {
	return slices.ContainsFunc(s.Items, func(i Item) bool {
		return i.Build == "delta" || slices.ContainsFunc(i.Wants, func(w Want) bool { return w.Since })
	})
}

// settled fills in the state, and what JSON wants to be a list.
func (r *Ready) settled() Ready {
	switch {
	case len(r.Missing) == 0:
		r.State = There
	case len(r.Shown)+len(r.Lines) > 0:
		r.State = Partly
	default:
		r.State = Missing
	}
	for _, list := range []*[]string{&r.Controls, &r.Lines, &r.Missing} {
		if *list == nil {
			*list = []string{}
		}
	}
	if r.Shown == nil {
		r.Shown = []Shown{}
	}
	return *r
}

func (r *Ready) miss(format string, args ...any) {
	r.Missing = append(r.Missing, fmt.Sprintf(format, args...))
}

func (r *Ready) line(format string, args ...any) {
	r.Lines = append(r.Lines, fmt.Sprintf(format, args...))
}

func standings(a *assess.Assessment, slugs []string) []Standing {
	out := []Standing{}
	for _, slug := range slugs {
		s := Standing{Expectation: slug, Counts: map[assess.Status]int{}}
		for _, r := range a.Results {
			if r.Expectation != slug {
				continue
			}
			s.Counts[r.Status]++
			if r.Status != assess.StatusNotApplicable {
				s.Total++
			}
		}
		s.Satisfied = s.Counts[assess.StatusSatisfied]
		out = append(out, s)
	}
	return out
}

// look holds the records against what is wanted.
func (want Want) look(r *Ready, w World) {
	found := want.find(w)
	if want.Per == "system" {
		want.perSystem(r, found, w)
		return
	}
	if len(found) == 0 {
		want.none(r, w)
		return
	}
	if want.Approved && found[0].ApprovedBy == "" {
		r.miss("%s: the newest, %s, is not approved (%s)", want.Name, found[0].Name, found[0].Approval)
	}
	r.show(found)
}

func (r *Ready) show(found []Shown) {
	n := min(shownAtMost, len(found))
	r.Shown, r.More = append(r.Shown, found[:n]...), r.More+len(found)-n
}

// none says that there is nothing, and why that may be known or fine.
func (want Want) none(r *Ready, w World) {
	after := ""
	if want.Since {
		after = " since " + w.Since.Format(time.DateOnly)
	}
	read := want.read(w)
	switch {
	case !read.IsZero() && want.NoneIsFine:
		r.line("no %s%s, by a complete reading of %s", want.Name, after, read.Format(time.DateOnly))
	case !read.IsZero():
		r.miss("%s%s: none, by a complete reading of %s", want.Name, after, read.Format(time.DateOnly))
	default:
		r.miss("%s%s: nobody has read a source that would show it", want.Name, after)
	}
}

// read is when all that could show what is wanted was read, zero if it was not.
func (want Want) read(w World) time.Time {
	var oldest time.Time
	for _, k := range want.kinds() {
		at, ok := w.Reads[k]
		if !ok {
			return time.Time{}
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

func (want Want) kinds() []string {
	if len(want.Documents) > 0 {
		return append(slices.Clone(want.Kinds), "document.revision")
	}
	return want.Kinds
}

// find returns what fits, newest first: the newest revision of each document,
// or the records where there is no document.
func (want Want) find(w World) []Shown {
	var out []Shown
	for _, d := range w.Records.Of("document.revision") {
		id := d.Text("doc_id")
		seen := slices.ContainsFunc(out, func(s Shown) bool { return s.Name == id && s.Kind == d.Kind })
		if slices.Contains(want.Documents, id) && !seen {
			out = append(out, document(want.Name, d, w.Records))
		}
	}
	if len(out) > 0 {
		return out // the document that is asked for; records of it add nothing
	}
	for _, rec := range w.Records.Of(want.Kinds...) {
		if want.Since && !rec.At().After(w.Since) || !want.says(rec) {
			continue
		}
		by, at := rec.Approval()
		s := Shown{What: want.Name, Kind: rec.Kind, Name: rec.Key, Version: rec.Text("version"), Source: rec.Source, Evidence: rec.Digest,
			Date: rec.EventTime, ApprovedBy: by, ApprovedAt: at}
		switch {
		case by != "":
			s.Approval = "as the record states"
		case want.Approved:
			s.Approval = "it names nobody who approved it"
		}
		out = append(out, s)
	}
	return out
}

// says reports whether the field that matters says one of the words.
func (want Want) says(rec Record) bool {
	if want.Field == "" {
		return true
	}
	text := strings.ToLower(rec.Text(want.Field))
	return slices.ContainsFunc(want.Words, func(word string) bool { return strings.Contains(text, word) })
}

// document shows a document with the approval of exactly its content.
func document(what string, d Record, all Records) Shown {
	s := Shown{What: what, Kind: d.Kind, Name: d.Text("doc_id"), Version: d.Text("version"), Source: d.Source, Evidence: d.Digest,
		SHA256: d.Text("sha256"), Date: d.EventTime, Approval: "no approval is on record"}
	for _, a := range all.Of("document.approval") {
		if a.Text("doc_id") != s.Name || a.Text("decision") == "rejected" {
			continue
		}
		if a.Text("sha256") == s.SHA256 {
			s.ApprovedBy, s.ApprovedAt, s.Approval = a.Text("approver"), a.Time("approved_at"), "of exactly this content"
			return s
		}
		s.Approval = "what was approved is another content"
	}
	return s
}

// perSystem wants one for each registered system in scope.
func (want Want) perSystem(r *Ready, found []Shown, w World) {
	systems := w.Records.Systems(w.Assessment.AsOf)
	if len(systems) == 0 {
		r.miss("%s: no AI system is registered", want.Name)
		return
	}
	about := map[evidence.Digest]string{}
	for _, rec := range w.Records.Of(want.Kinds...) {
		about[rec.Digest] = cmp.Or(rec.Text("system_id"), rec.Subject.ID)
	}
	for _, sys := range systems {
		i := slices.IndexFunc(found, func(s Shown) bool { return about[s.Evidence] == sys.Subject.ID })
		switch {
		case i < 0:
			r.miss("%s of %s: none", want.Name, sys.Subject.ID)
			continue
		case want.Approved && found[i].ApprovedBy == "":
			r.miss("%s of %s: the newest, %s, is not approved", want.Name, sys.Subject.ID, found[i].Name)
		}
		r.Shown = append(r.Shown, found[i])
	}
}
