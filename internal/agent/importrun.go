package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// ImportConnector stands for the connector in runs that a file brought.
const ImportConnector = "import"

// importBatch is how many records are committed at a time.
const importBatch = 1000

// maxLineErrors bounds how many refused lines an import names.
const maxLineErrors = 100

// RefusedError lists the lines for which a file was not imported.
type RefusedError struct {
	Lines []error // the first of them, in order
	Total int
}

func (e *RefusedError) Error() string {
	msg := fmt.Sprintf("nothing was imported: %d lines are refused", e.Total)
	if e.Total == 1 {
		msg = "nothing was imported: 1 line is refused"
	}
	for _, l := range e.Lines {
		msg += "\n  " + l.Error()
	}
	if more := e.Total - len(e.Lines); more > 0 {
		msg += fmt.Sprintf("\n  and %d more", more)
	}
	return msg
}

// Import reads a file of records twice: to check every line, then to append
// them. A file with a refused line changes nothing. An import that was cut off
// leaves an open run, which claims nothing; importing again completes it.
func (c *Collector) Import(ctx context.Context, in io.ReadSeeker, o importfile.Options, progress func(records int64)) ([]evidence.Run, error) {
	if err := checkLines(ctx, in, o); err != nil {
		return nil, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	imp := importing{c: c, o: o, progress: progress, header: importfile.Header{Source: o.Source}}
	for item, err := range importfile.Read(in, o) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = imp.take(ctx, item)
		}
		if err != nil {
			return imp.runs, err
		}
	}
	return imp.runs, imp.closeRun(ctx)
}

func checkLines(ctx context.Context, in io.Reader, o importfile.Options) error {
	var refused RefusedError
	lines := 0
	for item, err := range importfile.Read(in, o) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		lines++
		if err == nil && o.Person == "" && handedIn(item) {
			err = importfile.LineError{Line: item.Line, Err: errNobodyBrought}
		}
		var le importfile.LineError
		switch {
		case errors.As(err, &le):
			refused.Total++
			if len(refused.Lines) < maxLineErrors {
				refused.Lines = append(refused.Lines, le)
			}
		case err != nil:
			return err
		}
	}
	if refused.Total > 0 {
		return &refused
	}
	if lines == 0 {
		return errors.New("the file holds no records")
	}
	return nil
}

// errNobodyBrought: what was handed in is accepted by neither the person that a
// file names nor the one who brings the file, so both have to be known.
var errNobodyBrought = errors.New("it is what a person handed in: say who imports it, with --as and an id of the register")

// handedIn reports whether a line brings what a second person has to accept.
func handedIn(item importfile.Item) bool {
	return item.Header != nil && item.Header.Method == MethodUpload || item.Record.Kind == people.KindUpload
}

// importing is one pass over a checked file.
type importing struct {
	c        *Collector
	o        importfile.Options
	progress func(int64)
	header   importfile.Header
	stated   bool // header was in the file
	rec      *recorder
	beside   bool // a connector reads the source of the run too
	pending  []evidence.Record
	done     int64
	runs     []evidence.Run
}

func (i *importing) take(ctx context.Context, item importfile.Item) error {
	if item.Header != nil {
		if err := i.closeRun(ctx); err != nil {
			return err
		}
		i.header, i.stated = *item.Header, true
		return i.openRun(ctx)
	}
	if i.rec == nil {
		if err := i.openRun(ctx); err != nil {
			return err
		}
	}
	i.pending = append(i.pending, item.Record)
	if len(i.pending) < importBatch {
		return nil
	}
	return i.flush(ctx)
}

func (i *importing) openRun(ctx context.Context) error {
	if err := i.c.closeDangling(ctx, i.header.Source); err != nil {
		return err
	}
	if err := i.besideConnector(ctx); err != nil {
		return err
	}
	method, reliability, identity := "file", "export", i.header.Identity
	if i.header.Method == MethodUpload {
		method, reliability = MethodUpload, "manual"
		if i.o.Account != "" {
			identity = people.Identity(identity, i.o.Account)
		}
	}
	i.rec = newRecorder(i.c, evidence.Provenance{
		Agent: "exhibit/" + i.c.Version, Source: i.header.Source, Connector: ImportConnector, ConnectorVersion: i.c.Version,
		Identity: identity, Method: method, Reliability: reliability, Imported: i.o.Replay,
		ImportedBy: importedBy(i.o),
	}, nil)
	if i.o.Replay && i.stated {
		i.rec.run.StartedAt = i.header.StartedAt.UTC()
	}
	return i.rec.open(ctx)
}

// importedBy names who brings a file.
func importedBy(o importfile.Options) string {
	if o.Account == "" {
		return o.Person
	}
	return people.Identity(o.Person, o.Account)
}

// besideConnector finds out whether a connector reads the source of the run
// too. What a file lacks is then no sign that it is not there.
func (i *importing) besideConnector(ctx context.Context) error {
	i.beside = false
	for run, err := range i.c.Store.Runs(ctx, i.header.Source) {
		if err != nil {
			return err
		}
		i.beside = i.beside || run.Provenance.Connector != ImportConnector
	}
	return nil
}

func (i *importing) flush(ctx context.Context) error {
	if len(i.pending) == 0 {
		return nil
	}
	if err := i.rec.append(ctx, store.Batch{Run: i.rec.run.ID, Records: i.pending}); err != nil {
		return err
	}
	i.done += int64(len(i.pending))
	i.pending = i.pending[:0]
	if i.progress != nil {
		i.progress(i.done)
	}
	return nil
}

// closeRun ends the run with what its header claims. Without a header nobody
// said how much of the scope was read, so that every kind is partial.
func (i *importing) closeRun(ctx context.Context) error {
	if i.rec == nil {
		return nil
	}
	if err := i.flush(ctx); err != nil {
		return err
	}
	r := i.rec
	i.rec = nil
	r.run.FinishedAt = i.c.Clock().UTC()
	if i.o.Replay && i.stated {
		r.run.FinishedAt = i.header.FinishedAt.UTC()
	}
	r.run.Gaps = i.header.Gaps
	r.run.Status = evidence.RunComplete
	for kind := range r.kinds() {
		if _, ok := i.header.Scope[kind]; !ok {
			r.run.Kinds[kind] = evidence.KindRead{Coverage: "partial", IndependentCount: -1,
				Query: "imported file; how much of the scope it holds was not stated"}
		}
	}
	for kind, status := range i.header.Scope {
		k, _ := i.c.Catalog.Kind(kind)
		query := "imported file"
		if i.beside && status == "complete" {
			status, query = "partial", "imported file, beside what a connector reads of the source"
		}
		r.run.Kinds[kind] = evidence.KindRead{Coverage: status, Enumerated: status == "complete" && k.Nature == catalog.State,
			IndependentCount: -1, Query: query}
	}
	for _, k := range r.run.Kinds {
		if k.Coverage != "complete" {
			r.run.Status = evidence.RunPartial
		}
	}
	run, err := r.end(ctx)
	i.runs = append(i.runs, run)
	return err
}

// Now returns the collector's clock, UTC.
func (c *Collector) Now() time.Time { return c.Clock().UTC() }
