// Package importfile reads records from files of JSON lines: what another
// system exported, or the history that another collector read. Each line is a
// record, or a run header that says who read the records after it, when, and
// how much of the scope.
//
// It may import internal/catalog, internal/evidence and the store's contract,
// whose limits it applies, and does no I/O of its own. It promises to name the line, the field and the remedy of everything it
// refuses, and to hold one line in memory at a time.
package importfile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// MaxLine is the longest line that is read, in bytes.
const MaxLine = 16 << 20

// Options say how a file is to be read.
type Options struct {
	Catalog *catalog.Catalog
	Source  string   // for records before any run header; a header may not contradict it
	Taken   []string // sources that a file may not name: others speak for them
	Replay  bool     // lines carry their own clocks
	Now     time.Time

	// Refuse says why a file cannot bring a record, for what only people do by
	// command. Nil refuses nothing.
	Refuse func(kind string, payload []byte) error
	// Account of the machine that brings the file; it stands beside the identity
	// of what a person handed in. Person is who brings it; needed for
	// what was handed in.
	Account, Person string
}

// Header opens a run.
type Header struct {
	Source     string            `json:"source"`
	StartedAt  time.Time         `json:"started_at,omitzero"`
	FinishedAt time.Time         `json:"finished_at,omitzero"`
	Scope      map[string]string `json:"scope,omitempty"` // kind → complete | partial | denied
	Identity   string            `json:"identity,omitempty"`
	Method     string            `json:"method,omitempty"` // file (default), or upload: handed in by a person
	Gaps       []evidence.Gap    `json:"gaps,omitempty"`
}

// Item is one line: a Header, or a Record.
type Item struct {
	Line   int
	Header *Header
	Record evidence.Record
}

// LineError is what is wrong with a line.
type LineError struct {
	Line int // from 1
	Err  error
}

func (e LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e LineError) Unwrap() error { return e.Err }

type line struct {
	Run       *Header          `json:"run"`
	Kind      string           `json:"kind"`
	Major     int              `json:"major"`
	Subject   evidence.Subject `json:"subject"`
	Key       string           `json:"key"`
	EventTime *time.Time       `json:"event_time"`
	Collected *time.Time       `json:"collected_at"`
	Period    *evidence.Period `json:"period"`
	URL       string           `json:"url"`
	Payload   json.RawMessage  `json:"payload"`
}

// Read yields the items of r in order. An item that is refused comes with a
// LineError, and reading goes on with the next line; any other error ends it.
func Read(r io.Reader, o Options) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		p := parser{o: o, header: &Header{Source: o.Source}}
		br := bufio.NewReaderSize(r, 1<<16)
		for n := 1; ; n++ {
			raw, err := readLine(br)
			if errors.Is(err, errLineTooLong) {
				if !yield(Item{Line: n}, LineError{n, err}) {
					return
				}
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Item{Line: n}, fmt.Errorf("line %d: %w", n, err))
				return
			}
			if n == 1 {
				raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // a byte order mark
			}
			if text := bytes.TrimSpace(raw); len(text) > 0 {
				item, perr := p.parse(text, n)
				if perr != nil {
					perr = LineError{n, perr}
				}
				if !yield(item, perr) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

var errLineTooLong = fmt.Errorf("longer than %d MiB: split the payload, or keep the file and import its digest", MaxLine>>20)

// readLine returns a line without its end. Of a line that is too long it reads
// the rest without keeping it.
func readLine(br *bufio.Reader) ([]byte, error) {
	var out []byte
	tooLong := false
	for {
		part, err := br.ReadSlice('\n')
		if !tooLong {
			out = append(out, part...)
			tooLong = len(out) > MaxLine
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if tooLong && (err == nil || errors.Is(err, io.EOF)) {
			return nil, errLineTooLong
		}
		return out, err
	}
}

type parser struct {
	o      Options
	header *Header
}

func (p *parser) parse(text []byte, n int) (Item, error) {
	item := Item{Line: n}
	var l line
	// Strict: no name twice or in other letters, no unknown name, no half of a
	// surrogate pair, one value.
	if err := jsonv2.Unmarshal(text, &l, jsonv2.RejectUnknownMembers(true)); err != nil {
		return item, jsonError(err)
	}
	if l.Run != nil {
		item.Header = l.Run
		return item, p.open(l.Run)
	}
	var err error
	item.Record, err = p.record(l)
	return item, err
}

// jsonError says in our words what a line is, if it is not a record.
func jsonError(err error) error {
	var syntax *jsontext.SyntacticError
	var meaning *jsonv2.SemanticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: the line ends before the object does")
	case errors.Is(err, jsonv2.ErrUnknownName) && errors.As(err, &meaning):
		return fmt.Errorf("unknown field %q", meaning.JSONPointer.LastToken())
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntax):
		return fmt.Errorf("field %q stands twice", syntax.JSONPointer.LastToken())
	case errors.As(err, &syntax) && strings.Contains(err.Error(), "after top-level value"):
		return errors.New("more than one value: one JSON object a line")
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at character %d: %w", syntax.ByteOffset, syntax.Err)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// open checks a run header and makes it the current one.
func (p *parser) open(h *Header) error {
	if h.Source == "" {
		h.Source = p.o.Source
	}
	switch {
	case h.Source == "":
		return errors.New("run: source is missing: name it here or with --source")
	case slices.Contains(p.o.Taken, h.Source):
		return fmt.Errorf("run: source %q is read by exhibit itself: choose another name", h.Source)
	case p.o.Source != "" && h.Source != p.o.Source:
		return fmt.Errorf("run: source is %q, but --source says %q", h.Source, p.o.Source)
	case !p.o.Replay && (!h.StartedAt.IsZero() || !h.FinishedAt.IsZero()):
		return errors.New("run: started_at and finished_at need --replay: without it, the run is now")
	case !slices.Contains([]string{"", "file", "upload"}, h.Method):
		return fmt.Errorf("run: method is %q: use file, or upload for what a person handed in", h.Method)
	case p.o.Replay && h.FinishedAt.IsZero():
		return errors.New("run: finished_at is missing: a replayed run needs its own clock")
	}
	if h.StartedAt.IsZero() {
		h.StartedAt = h.FinishedAt
	}
	if h.StartedAt.After(h.FinishedAt) {
		return errors.New("run: started_at is after finished_at")
	}
	if h.FinishedAt.After(p.o.Now) {
		return fmt.Errorf("run: finished_at %s is in the future", h.FinishedAt.Format(time.RFC3339))
	}
	for kind, status := range h.Scope {
		if _, ok := p.o.Catalog.Kind(kind); !ok {
			return fmt.Errorf("run: scope: %w", p.unknownKind(kind))
		}
		if !slices.Contains([]string{"complete", "partial", "denied"}, status) {
			return fmt.Errorf("run: scope of %s is %q: use complete, partial or denied", kind, status)
		}
	}
	p.header = h
	return nil
}

func (p *parser) record(l line) (evidence.Record, error) {
	rec := evidence.Record{
		Kind: l.Kind, Major: max(l.Major, 1), Subject: l.Subject, Key: l.Key,
		URL: l.URL, Period: l.Period, CollectedAt: p.o.Now,
	}
	if p.header.Source == "" {
		return rec, errors.New("no source: begin the file with a run header, or pass --source")
	}
	if slices.Contains(p.o.Taken, p.header.Source) {
		return rec, fmt.Errorf("source %q is read by exhibit itself: choose another name", p.header.Source)
	}
	kind, ok := p.o.Catalog.Kind(l.Kind)
	switch {
	case l.Kind == "":
		return rec, errors.New("kind is missing")
	case !ok:
		return rec, p.unknownKind(l.Kind)
	case l.Subject.Type == "" || l.Subject.ID == "":
		return rec, errors.New("subject needs type and id")
	case l.Key == "":
		return rec, errors.New("key is missing: the record's natural key within the source")
	case len(l.Payload) == 0:
		return rec, errors.New("payload is missing")
	}
	payload, err := evidence.Canonical(l.Payload)
	if err != nil {
		return rec, fmt.Errorf("payload: %w", err)
	}
	if errs := kind.Validate(payload); len(errs) > 0 {
		return rec, fmt.Errorf("payload: %w", errors.Join(errs...))
	}
	if p.o.Refuse != nil {
		if err := p.o.Refuse(l.Kind, payload); err != nil {
			return rec, err
		}
	}
	rec.Payload = payload
	declared := eventTime(kind, payload)
	switch {
	case l.EventTime == nil:
		l.EventTime = declared
	case declared != nil && !declared.Equal(*l.EventTime):
		return rec, fmt.Errorf("event_time %s is not the payload's %s, %s: one of them is wrong",
			l.EventTime.Format(time.RFC3339), kind.EventTime, declared.Format(time.RFC3339))
	}
	if err := p.times(l, &rec); err != nil {
		return rec, err
	}
	_, err = store.Prepare(&rec) // the store's own limits, before anything is stored
	return rec, err
}

// eventTime returns the time in the payload field that the kind names for it,
// or nil: a record need not say its event time twice.
func eventTime(kind *catalog.Kind, payload []byte) *time.Time {
	if kind.EventTime == "" {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(payload, &fields) != nil {
		return nil
	}
	var t time.Time
	if json.Unmarshal(fields[kind.EventTime], &t) != nil || t.IsZero() {
		return nil
	}
	return &t
}

// times applies the three clocks: nothing happens after it was collected, and
// collected_at is the agent's own unless the file is replayed.
func (p *parser) times(l line, rec *evidence.Record) error {
	if p.o.Replay {
		rec.CollectedAt = p.header.FinishedAt
		if l.Collected != nil {
			rec.CollectedAt = l.Collected.UTC()
		}
		if rec.CollectedAt.IsZero() {
			return errors.New("collected_at is missing: give it here or in a run header's finished_at")
		}
		if rec.CollectedAt.After(p.o.Now) {
			return fmt.Errorf("collected_at %s is in the future", rec.CollectedAt.Format(time.RFC3339))
		}
	} else if l.Collected != nil {
		return errors.New("collected_at needs --replay: without it, records are collected now")
	}
	if l.EventTime != nil {
		rec.EventTime = l.EventTime.UTC()
		if rec.EventTime.After(rec.CollectedAt) {
			return fmt.Errorf("event_time %s is after collected_at %s: nothing can be read before it happens",
				rec.EventTime.Format(time.RFC3339), rec.CollectedAt.Format(time.RFC3339))
		}
	}
	if l.Period != nil && l.Period.From.After(l.Period.To) {
		return errors.New("period: from is after to")
	}
	return nil
}

func (p *parser) unknownKind(kind string) error {
	family, _, _ := strings.Cut(kind, ".")
	var near []string
	for _, k := range p.o.Catalog.Kinds {
		if strings.HasPrefix(k.ID, family+".") {
			near = append(near, k.ID)
		}
	}
	if len(near) == 0 {
		return fmt.Errorf("kind %q is not known", kind)
	}
	return fmt.Errorf("kind %q is not known; kinds of this family: %s", kind, strings.Join(near, ", "))
}
