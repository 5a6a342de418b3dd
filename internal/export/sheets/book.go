package sheets

import (
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Counts are what was written, for the cover to show and for a verifier to
// compare. Rows fills them, so the cover comes last.
type Counts struct {
	Evidence int // rows
	Results  int
	Controls int
	InPeriod int // evidence whose event lies in the period
	Later    int // evidence that was collected after the as-of
	Reread   int // evidence whose payload was read again and held against its digest
}

// Limits are what the format at hand cannot do, for the method page to say.
type Limits struct {
	Cell     int // characters a cell holds; 0: any number
	Cells    int // cells written so far
	Lines    int // lines of its deepest cell that a row shows
	Links    int // links a sheet holds
	Rows     int // rows a sheet holds
	Unlinked int // cells that would have had a link but for Links
}

// Book is all sheets of one snapshot.
type Book struct {
	Counts  Counts
	Limits  Limits
	Digests export.Digests
	Ledger  ledger.Checkpoint // the signed one

	snap    *export.Snapshot
	cited   map[citation]bool // evidence that results lead to
	records map[string]bool   // kinds that sheets of records read, and whether they lead there
	led     map[string]int    // how many of a kind they lead to
	asked   evidence.Digest   // the last of them
	results map[string][]*assess.Result

	resting  []resting            // what satisfied results rest on, by evidence
	operated map[string]time.Time // first operating record of a control; filled by the rows of Evidence

	lives map[string]*finding.Life
}

// citation is as much of a digest as tells the cited ones apart.
type citation [16]byte

func citationOf(d evidence.Digest) citation { return citation(d[:16]) }

// New makes the book of a snapshot.
func New(snap *export.Snapshot) (*Book, error) {
	cp, err := snap.Validate()
	if err != nil {
		return nil, err
	}
	d, err := snap.Digests()
	if err != nil {
		return nil, err
	}
	b := &Book{snap: snap, Ledger: cp, Digests: d, cited: make(map[citation]bool), records: recordKinds(), led: make(map[string]int), results: make(map[string][]*assess.Result), operated: make(map[string]time.Time),
		lives: make(map[string]*finding.Life, len(snap.Lives))}
	for _, l := range snap.Lives {
		b.lives[l.ID] = l
	}
	for _, r := range snap.Assessment.Results {
		b.results[r.Control] = append(b.results[r.Control], r)
		if len(r.Evidence) > 0 {
			b.cited[citationOf(r.Evidence[0])] = true
		}
	}
	b.resting = restingOn(snap)
	return b, nil
}

// Snapshot is what the book is of.
func (b *Book) Snapshot() *export.Snapshot { return b.snap }

// Turns of the sheets: what links lead to first, what counts last.
const (
	turnEvidence = iota
	turnResults
	turnRecords
	turnControls
	turnPages
)

// Sheets returns the sheets in the order in which they are shown.
func (b *Book) Sheets() []Sheet {
	all := []Sheet{
		{Layout: coverLayout, Turn: turnPages, Page: b.cover},
		{Layout: summaryLayout, Turn: turnPages, Page: b.summary},
		{Layout: controlsLayout, Turn: turnControls, Rows: b.controls, Choices: conclusions()},
		{Layout: soaLayout, Turn: turnPages, Rows: b.statement},
		{Layout: resultsLayout, Turn: turnResults, Rows: b.resultRows},
		{Layout: evidenceLayout, Turn: turnEvidence, Rows: b.evidence},
		{Layout: populationsLayout, Turn: turnResults, Rows: b.populations},
		{Layout: itemsLayout, Turn: turnResults, Rows: b.items, Choices: inSample()},
		{Layout: systemsLayout, Turn: turnRecords, Rows: b.systems},
		{Layout: vendorsLayout, Turn: turnRecords, Rows: b.vendors},
		{Layout: changesLayout, Turn: turnRecords, Rows: b.changes},
		{Layout: risksLayout, Turn: turnRecords, Rows: b.risks},
		{Layout: incidentsLayout, Turn: turnRecords, Rows: b.incidents},
		{Layout: ncLayout, Turn: turnRecords, Rows: b.ncs},
		{Layout: gapsLayout, Turn: turnResults, Rows: b.gaps},
		{Layout: waiversLayout, Turn: turnResults, Rows: b.waivers},
		{Layout: shadowLayout, Turn: turnRecords, Rows: b.shadow},
		{Layout: auditLayout, Turn: turnRecords, Rows: b.audits},
		{Layout: peopleLayout, Turn: turnRecords, Rows: b.people},
		{Layout: runsLayout, Turn: turnRecords, Rows: b.runs},
		{Layout: coverageLayout, Turn: turnRecords, Rows: b.coverage},
		{Layout: sinceLayout, Turn: turnRecords, Rows: b.since},
		{Layout: crosswalkLayout, Turn: turnControls, Rows: b.crosswalk},
		{Layout: methodLayout, Turn: turnPages, Page: b.method},
	}
	out := all[:0]
	for _, s := range all {
		if !b.snap.Redaction.Omitted(s.Name) {
			out = append(out, s)
		}
	}
	return out
}

// InTurn returns the sheets in the order in which they are to be written, as
// indices into the sheets shown.
func InTurn(shown []Sheet) []int {
	var out []int
	for turn := turnEvidence; turn <= turnPages; turn++ {
		for i := len(shown) - 1; i >= 0; i-- { // the cover after the method
			if shown[i].Turn == turn {
				out = append(out, i)
			}
		}
	}
	return out
}

// maxLed is how many items of a kind other sheets lead to: as many links as a
// sheet holds, so that a kind of which there are millions leaves room for others.
const maxLed = 60_000

// leadsTo reports whether a row of another sheet leads to this evidence: a
// result, or a sheet of records of its kind.
func (b *Book) leadsTo(ev *evidence.Evidence) bool {
	switch {
	case b.cited[citationOf(ev.Digest)]:
		return true
	case !b.records[ev.Kind]:
		return false
	case ev.Digest != b.asked: // the same item may be asked about twice
		b.asked = ev.Digest
		b.led[ev.Kind]++
	}
	return b.led[ev.Kind] <= maxLed
}

// evidenceRef leads to the row of an evidence item.
func evidenceRef(d evidence.Digest) Ref { return Ref{evidenceLayout.Name, d.String()} }

// RecordKinds are the kinds whose records in force have a row of their own in
// a sheet beside Evidence, sorted.
func RecordKinds() []string {
	return slices.Sorted(maps.Keys(recordKinds()))
}

// recordKinds are RecordKinds by name, with whether rows lead to them. Each
// sheet of records names its own.
func recordKinds() map[string]bool {
	out := map[string]bool{}
	for _, list := range [][]string{soaKinds(), systemKinds(), waiverKinds(), vendorKinds(), changeKinds(), riskKinds(), incidentKinds(), ncKinds(), shadowKinds(), auditKinds(), peopleKinds()} {
		for _, kind := range list {
			out[kind] = kind != reviewKind // of which there are many: the change that they are about is led to
		}
	}
	return out
}
