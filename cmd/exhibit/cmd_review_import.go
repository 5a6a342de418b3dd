package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/returned"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/people"
)

type returnOptions struct {
	as, auditor string
	dryRun      bool
	skipRefused bool
}

func newReviewImportCommand(g *globals) *cobra.Command {
	var o returnOptions
	c := &cobra.Command{
		Use:   "import FILE.xlsx",
		Short: "Put an auditor's notes and conclusions on record, from a workbook that came back",
		Long: `Reads a workbook that an auditor has filled in and saved with Excel, LibreOffice or Google Sheets: the columns auditor note
and auditor conclusion of Control status, and in sample of Population items. Each becomes a record in the ledger: who wrote
it, who brought it, when, of which snapshot, from which file. The file itself is kept too, up to 16 MiB.

The workbook must be of a snapshot that this ledger has handed out; its cover says which. Saving it removed its seal, so
nothing else in it proves anything: what differs from the export outside these columns is listed, and not imported. A formula
is never evaluated; a cell that holds one is refused, as is a conclusion other than C, Minor, Major, OFI and NA. While
anything is refused nothing is imported, unless --skip-refused says so. The same file twice adds nothing; a later one with
other words is a new revision.

A conclusion changes no status: it is what an auditor says about the evidence, not evidence of an operation. Whether the
auditor has a part in what was audited (owns a system, holds a role, approved something) is looked up and kept with it.`,
		Example: `  exhibit review import returned.xlsx --auditor "Jane Doe, Example Audits" --dry-run
  exhibit review import returned.xlsx --auditor "Jane Doe, Example Audits" --as marek
  exhibit review notes`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runReviewImport(c.Context(), g, o, args[0]) },
	}
	asFlag(c, &o.as)
	c.Flags().StringVar(&o.auditor, "auditor", "", "`who` wrote the notes")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be put on record, and nothing else")
	c.Flags().BoolVar(&o.skipRefused, "skip-refused", false, "import the rest where cells are refused")
	return c
}

// broughtBack is what a returned workbook holds, and what became of it.
type broughtBack struct {
	File      string             `json:"file"`
	SHA256    string             `json:"sha256"`
	Program   string             `json:"program,omitempty"` // that saved it, as it says
	Snapshot  string             `json:"snapshot"`
	AsOf      time.Time          `json:"as_of"`
	Auditor   string             `json:"auditor"`
	Conflicts []string           `json:"conflicts"`
	Compared  bool               `json:"compared"` // with the workbook as exported
	Why       string             `json:"not_compared,omitempty"`
	Changed   returned.Changes   `json:"changed"`
	Notes     []notePreview      `json:"notes"`
	Samples   []samplePreview    `json:"selections"`
	Refused   []returned.Refused `json:"refused"`
	Recorded  int                `json:"recorded"`
	DryRun    bool               `json:"dry_run"`

	statuses map[string]string
	kept     []byte // the file, if it is small enough to be kept
	records  []evidence.Record
}

type notePreview struct {
	ID         string `json:"conclusion_id"`
	Control    string `json:"control"`
	Conclusion string `json:"conclusion,omitempty"`
	Note       string `json:"note,omitempty"`
	State      string `json:"state"` // new | changed | on record
}

type samplePreview struct {
	ID          string   `json:"selection_id"`
	Expectation string   `json:"expectation"`
	Items       []string `json:"items"`
	State       string   `json:"state"`
}

func runReviewImport(ctx context.Context, g *globals, o returnOptions, path string) error {
	if strings.TrimSpace(o.auditor) == "" {
		return usageError{errors.New("nobody is named who wrote the notes"), "--auditor NAME, as they sign: \"Jane Doe, Example Audits\""}
	}
	if o.dryRun && o.as == "" {
		w, err := g.openToChange(ctx)
		if err != nil {
			return err
		}
		defer w.Close()
		who := people.Person{ID: "nobody", Account: account(), Active: true}
		return importReturned(ctx, &desk{w, w.svc.Looking(who)}, o, path)
	}
	d, err := g.openDesk(ctx, o.as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	return importReturned(ctx, d, o, path)
}

func importReturned(ctx context.Context, d *desk, o returnOptions, path string) error {
	b, err := readReturned(ctx, d, o, path)
	if err != nil {
		return err
	}
	if err := b.prepare(ctx, d); err != nil {
		return err
	}
	refused := len(b.Refused) > 0 && !o.skipRefused
	if !refused && !o.dryRun && len(b.records) > 0 {
		if err := b.put(ctx, d); err != nil {
			return err
		}
	}
	if err := printReturned(d.g, b); err != nil {
		return err
	}
	if refused && !o.dryRun {
		return hinted{fmt.Errorf("%s: %d cells are refused, and nothing was imported", path, len(b.Refused)),
			"mend them with the auditor, or import the rest with --skip-refused"}
	}
	return nil
}

// maxReturned is the size of the largest workbook that is read.
const maxReturned = 512 << 20

// readReturned opens a workbook, finds the export that it is of, and reads what
// was written into it.
func readReturned(ctx context.Context, d *desk, o returnOptions, path string) (*broughtBack, error) {
	if err := people.CheckFileName(filepath.Base(path)); err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", path, err), hintOf(err)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err, "name the workbook that came back"}
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, usageError{fmt.Errorf("%s is no file", path), "name the workbook that came back"}
	case info.Size() > maxReturned:
		return nil, usageError{fmt.Errorf("%s has %d MiB, more than a workbook of ours", path, info.Size()>>20), "ask for the workbook alone, without what was added"}
	}
	sum := newSum(io.Discard)
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	back, err := returned.Open(f, info.Size(), returned.DefaultLimits())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b := &broughtBack{File: filepath.Base(path), SHA256: sum.digest(), Program: back.Program, Auditor: strings.TrimSpace(o.auditor), DryRun: o.dryRun,
		Changed: returned.Changes{List: []returned.Change{}}, Notes: []notePreview{}, Samples: []samplePreview{}}
	h, err := b.match(ctx, d, back)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	in, err := back.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := b.hold(ctx, d, h, back, &in); err != nil {
		return nil, err
	}
	b.take(in)
	if b.Conflicts, err = conflicts(ctx, d, b.Auditor); err != nil {
		return nil, err
	}
	if info.Size() <= people.MaxFile {
		b.kept = make([]byte, info.Size())
		_, err = f.ReadAt(b.kept, 0)
	}
	return b, err
}

// match finds the export that a workbook is a copy of.
func (b *broughtBack) match(ctx context.Context, d *desk, back *returned.File) (service.HandedOut, error) {
	id, err := back.Snapshot(ctx)
	if err != nil {
		return service.HandedOut{}, err
	}
	if id == "" {
		return service.HandedOut{}, hinted{errors.New("its cover names no snapshot"), "ask for the file as it was handed out, with its cover"}
	}
	list, err := d.svc.HandedOut(ctx)
	if err != nil {
		return service.HandedOut{}, err
	}
	found := slices.IndexFunc(list, func(h service.HandedOut) bool {
		return h.Snapshot == id && (h.What == "workbook" || h.What == "bundle")
	})
	if found < 0 {
		return service.HandedOut{}, hinted{fmt.Errorf("it is of the snapshot %s, of which this ledger has no export on record", short(id, 17)),
			"exhibit export list shows what was handed out; --store names another ledger"}
	}
	if slices.ContainsFunc(list, func(h service.HandedOut) bool { return h.SHA256 == b.SHA256 }) {
		return service.HandedOut{}, hinted{errors.New("it is the workbook as it was handed out: nothing was written into it"), "name the copy that the auditor saved"}
	}
	b.Snapshot, b.AsOf = id, list[found].AsOf
	return list[found], nil
}

// hold writes the workbook of the snapshot anew, if that can be done, and holds
// the returned one against it.
func (b *broughtBack) hold(ctx context.Context, d *desk, h service.HandedOut, back *returned.File, in *returned.Inputs) error {
	snap, err := d.rebuild(ctx, h)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		b.Why = err.Error()
		return nil
	}
	tmp, err := os.CreateTemp("", "exhibit-*.xlsx")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if _, err := xlsx.Write(ctx, tmp, snap, d.key.Signer(), xlsx.Options{}); err != nil {
		return err
	}
	info, err := tmp.Stat()
	if err != nil {
		return err
	}
	exported, err := returned.Open(tmp, info.Size(), returned.DefaultLimits())
	if err != nil {
		return err
	}
	pages, err := pagesOf(snap)
	if err != nil {
		return err
	}
	// The pages name the program, which may be another one by now.
	skip := func(sheet string) bool { return h.Tool != version && slices.Contains(pages, sheet) }
	if b.Changed, err = returned.Compare(ctx, exported, back, skip); err != nil {
		return err
	}
	b.Compared, b.statuses = true, map[string]string{}
	for _, c := range snap.Assessment.Controls {
		b.statuses[c.ID] = string(c.Status)
	}
	items := map[string]bool{}
	for _, r := range snap.Assessment.Results {
		items[r.Expectation+"\x00"+r.Subject.Type+"/"+r.Subject.ID] = true
	}
	in.Known(func(id string) bool { _, ok := b.statuses[id]; return ok },
		func(population, item string) bool { return items[population+"\x00"+item] })
	return nil
}

// pagesOf are the sheets that are pages of text.
func pagesOf(s *export.Snapshot) ([]string, error) {
	book, err := sheets.New(s)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range book.Sheets() {
		if s.Page != nil {
			out = append(out, s.Name)
		}
	}
	return out, nil
}

// take groups what was read.
func (b *broughtBack) take(in returned.Inputs) {
	b.Refused = in.Refused
	for _, n := range in.Notes {
		b.Notes = append(b.Notes, notePreview{Control: n.Control, Conclusion: n.Conclusion, Note: n.Note})
	}
	for _, m := range in.Marks {
		i := slices.IndexFunc(b.Samples, func(s samplePreview) bool { return s.Expectation == m.Population })
		if i < 0 {
			b.Samples = append(b.Samples, samplePreview{Expectation: m.Population})
			i = len(b.Samples) - 1
		}
		b.Samples[i].Items = append(b.Samples[i].Items, m.Item)
	}
}

// prepare makes the records of what is not on record yet.
func (b *broughtBack) prepare(ctx context.Context, d *desk) error {
	from := people.NewReturned(b.Snapshot, b.AsOf, b.Auditor, b.Conflicts)
	from.Filename, from.FileSHA256 = b.File, b.SHA256
	conclusions, err := service.OnRecord(ctx, d.store, people.KindConclusion, people.ParseConclusion)
	if err != nil {
		return err
	}
	selections, err := service.OnRecord(ctx, d.store, people.KindSelection, people.ParseSelection)
	if err != nil {
		return err
	}
	add := func(rec *evidence.Record, known bool) string {
		switch {
		case rec == nil:
			return "on record"
		case known:
			b.records = append(b.records, *rec)
			return "changed"
		}
		b.records = append(b.records, *rec)
		return "new"
	}
	for i := range b.Notes {
		n := &b.Notes[i]
		c, rec, err := people.Concluded(d.Who, people.Conclusion{Control: n.Control, Status: b.statuses[n.Control], Note: n.Note, Conclusion: n.Conclusion, Returned: from},
			conclusions, d.Now)
		if err != nil {
			return err
		}
		n.ID = c.ID
		n.State = add(rec, slices.ContainsFunc(conclusions, func(o people.Conclusion) bool { return o.ID == c.ID }))
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		made, rec, err := people.Selected(d.Who, people.Selection{Expectation: s.Expectation, Items: s.Items, Returned: from}, selections, d.Now)
		if err != nil {
			return err
		}
		s.ID, s.Items = made.ID, made.Items
		s.State = add(rec, slices.ContainsFunc(selections, func(o people.Selection) bool { return o.ID == made.ID }))
	}
	return nil
}

// put appends the records, and the file that they are from.
func (b *broughtBack) put(ctx context.Context, d *desk) error {
	records := b.records
	if b.kept != nil {
		file, _, err := people.File(b.File, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b.kept)
		if err != nil {
			return err
		}
		records = append([]evidence.Record{file}, records...)
	}
	if err := d.Record(ctx, agent.MethodCommand, records...); err != nil {
		return err
	}
	b.Recorded = len(b.records)
	return nil
}
