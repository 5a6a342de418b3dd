package verify

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// maxLine is the longest ledger line that is read.
const maxLine = 16 << 20

// ledgerBook is what the ledger's lines in a bundle say.
type ledgerBook struct {
	head     bundle.Head
	parser   evidence.Parser
	tree     bundle.Tree
	keys     ledger.Succession
	open     map[string]*openRun
	sources  map[string]string // of every run, by id
	manifest map[string][sha256.Size]byte
	heads    map[keySum]keyState // of whole ledgers
	at       time.Time           // of the line before

	cited    map[evidence.Digest]*citation
	payloads []payloadRef
	erased   map[evidence.Digest]erasure
	hidden   map[evidence.Digest]*bundle.Redacted
	rows     []rowSums // of the evidence entries, in order
	seqs     []int64
	entries  int64

	against *compared // roots at other sizes that somebody wants to know
	keep    bool      // what a recomputation needs
	kept    keptLines
}

// openRun is a run whose closing line was not met yet.
type openRun struct {
	source   string
	manifest *bundle.RunManifest
}

// payloadRef is a payload that an evidence line names.
type payloadRef struct {
	sum  evidence.Digest
	size int
}

// erasure is where a payload was erased.
type erasure struct{ seq int64 }

// citation is an evidence item that a result rests on.
type citation struct {
	found  bool
	hidden bool // its payload
	event  time.Time
	row    int // number among the evidence lines
}

// keySum names a key of a source.
type keySum [16]byte

type keyState struct {
	revision int
	gone     bool
	row      int // number of the evidence line of the newest revision
}

// rowSums is what a row of the Evidence sheet must say, as one digest.
type rowSums [16]byte

func newLedgerBook(head bundle.Head, a *assess.Assessment) *ledgerBook {
	b := &ledgerBook{head: head, open: map[string]*openRun{}, sources: map[string]string{}, manifest: map[string][sha256.Size]byte{},
		heads: map[keySum]keyState{}, cited: map[evidence.Digest]*citation{}, erased: map[evidence.Digest]erasure{},
		hidden: map[evidence.Digest]*bundle.Redacted{}}
	if a != nil {
		for _, r := range a.Results {
			for _, d := range r.Evidence {
				if b.cited[d] == nil {
					b.cited[d] = new(citation)
				}
			}
		}
	}
	return b
}

func (b *ledgerBook) whole() bool { return b.head.Scope == bundle.Whole }

// read goes through the cover, taking lines where it says that there are some,
// and compares the roots on the way.
func (b *ledgerBook) read(cover io.Reader, lines io.Reader) error {
	c, err := bundle.ReadCover(cover)
	if err != nil {
		return coverFailure(err)
	}
	if c.Size != b.head.Ledger.Size || c.Assessed != b.head.Assessed.Size {
		return fail(bundle.CoverFile, "size", fmt.Sprintf("%d, assessed %d", b.head.Ledger.Size, b.head.Assessed.Size),
			fmt.Sprintf("%d, assessed %d", c.Size, c.Assessed))
	}
	br := bufio.NewReaderSize(lines, 1<<16)
	for {
		if err := b.boundary(c); err != nil {
			return err
		}
		it, err := c.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return coverFailure(err)
		}
		if err := b.stretch(br, it); err != nil {
			return err
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		return fail(bundle.EntriesFile, fmt.Sprintf("line %d", b.entries+1), "the end", "more")
	}
	if b.entries != b.head.Counts.Entries {
		return fail(bundle.EntriesFile, "lines", fmt.Sprint(b.head.Counts.Entries), fmt.Sprint(b.entries))
	}
	if err := b.root("the ledger", b.head.Ledger.Root); err != nil {
		return err
	}
	for _, r := range b.open {
		if err := b.finish(r.manifest); err != nil {
			return err
		}
	}
	return nil
}

// boundary compares the root where the assessment was made.
func (b *ledgerBook) boundary(c *bundle.CoverReader) error {
	if b.tree.Size() != c.Assessed {
		return nil
	}
	return b.root("the part that was assessed", b.head.Assessed.Root)
}

// stretch takes one item of the cover.
func (b *ledgerBook) stretch(br *bufio.Reader, it bundle.CoverItem) error {
	if it.Node {
		if b.whole() && b.head.Redaction.Nothing() && it.From < b.head.Assessed.Size {
			return fail(bundle.CoverFile, fmt.Sprintf("positions from %d", it.From), "lines, in a bundle of the whole ledger", "a hash")
		}
		b.tree.Node(it.Level, it.Hash)
		return b.against.at(&b.tree)
	}
	for seq := it.From; seq < it.To; seq++ {
		if err := b.line(br, seq); err != nil {
			return err
		}
	}
	return nil
}

func coverFailure(err error) error {
	var form *zipform.FormError
	if errors.As(err, &form) {
		return err
	}
	return fail(bundle.CoverFile, "content", "what covers the whole ledger", err.Error())
}

func (b *ledgerBook) root(of, want string) error {
	got, err := b.tree.Root()
	if err != nil {
		return err
	}
	if got.String() != want {
		return fail(bundle.EntriesFile, fmt.Sprintf("root over %s, %d entries", of, b.tree.Size()), want, got.String())
	}
	return nil
}

// line reads the line of position seq.
func (b *ledgerBook) line(br *bufio.Reader, seq int64) error {
	raw, err := readLine(br)
	l := linePlace{b.entries + 1, seq}
	if err != nil {
		return l.fail("a line", err.Error())
	}
	b.entries++
	before, err := b.rootBefore(raw)
	if err != nil {
		return err
	}
	b.tree.Leaf(raw)
	if err := b.against.at(&b.tree); err != nil {
		return err
	}
	e, err := evidence.SplitLine(seq, raw)
	if err != nil {
		return l.fail("a ledger line in its only form", err.Error())
	}
	b.kept.line(b.keep, e)
	if e.At.Before(b.at) {
		return l.fail("a time not before "+b.at.Format(time.RFC3339Nano), e.At.Format(time.RFC3339Nano))
	}
	b.at = e.At
	if e.Type == evidence.EntryKey {
		if err := store.AddHandover(&b.keys, e, before); err != nil {
			return l.fail("a handover of the key that holds", err.Error())
		}
	}
	if e.Type == evidence.EntryEvidence {
		ev, err := b.parser.Check(e)
		if err != nil {
			return l.fail("evidence in its only form", err.Error())
		}
		ev.Digest = evidence.Sum(raw)
		return b.item(l, ev)
	}
	if _, err := evidence.ParseLine(seq, raw); err != nil {
		return l.fail("a ledger line in its only form", err.Error())
	}
	return b.other(l, e)
}

// rootBefore gives the root before a line by which the key is handed over.
func (b *ledgerBook) rootBefore(raw []byte) (*tlog.Hash, error) {
	if !bytes.HasSuffix(raw, []byte(`"type":"key","v":1}`)) {
		return nil, nil
	}
	h, err := b.tree.Root()
	return &h, err
}

// linePlace says where a line is.
type linePlace struct{ n, seq int64 }

func (l linePlace) fail(expected, found string) error {
	return fail(bundle.EntriesFile, fmt.Sprintf("line %d, ledger position %d", l.n, l.seq), expected, found)
}

// other takes a line that is no evidence.
func (b *ledgerBook) other(l linePlace, e evidence.Entry) error {
	if !b.allowed(e) {
		return l.fail("an entry of a type that such a bundle has", string(e.Type))
	}
	switch e.Type {
	case evidence.EntryRunOpened:
		return b.opens(l, e)
	case evidence.EntryRunClosed:
		return b.closes(l, e)
	case evidence.EntryGone:
		return b.gone(l, e)
	case evidence.EntryErasure:
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return l.fail("an erasure", err.Error())
		}
		b.erased[er.Payload] = erasure{e.Seq}
	}
	return nil
}

// allowed reports whether the bundle may have the line.
func (b *ledgerBook) allowed(e evidence.Entry) bool {
	switch {
	case !b.whole():
		return bundle.Plain(e.Type) && e.Type != evidence.EntryGone
	case !b.head.Redaction.Nothing():
		return bundle.Plain(e.Type)
	}
	return true
}

func (b *ledgerBook) opens(l linePlace, e evidence.Entry) error {
	m, r, err := bundle.OpenRun(e)
	if err != nil {
		return l.fail("a run", err.Error())
	}
	if _, twice := b.sources[r.ID]; twice {
		return l.fail("a run that is opened once", clip(r.ID))
	}
	b.sources[r.ID] = r.Provenance.Source
	b.open[r.ID] = &openRun{source: r.Provenance.Source, manifest: m}
	return nil
}

func (b *ledgerBook) opened(l linePlace, id string) (*openRun, error) {
	r := b.open[id]
	if r == nil {
		return nil, l.fail("a run that is open here", clip(id))
	}
	return r, nil
}

func (b *ledgerBook) closes(l linePlace, e evidence.Entry) error {
	c, err := evidence.ParseRunClosed(e)
	if err != nil {
		return l.fail("a run", err.Error())
	}
	r, err := b.opened(l, c.ID)
	if err != nil {
		return err
	}
	if _, err := r.manifest.Close(e); err != nil {
		return l.fail("a run", err.Error())
	}
	if b.whole() && e.Seq < b.head.Assessed.Size {
		if want, found := r.manifest.Disagrees(c); want != "" {
			return l.fail(want, found)
		}
	}
	delete(b.open, c.ID)
	return b.finish(r.manifest)
}

// finish notes what the file of a run must hold.
func (b *ledgerBook) finish(m *bundle.RunManifest) error {
	content, err := m.Content()
	if err != nil {
		return err
	}
	name := bundle.RunFile(m.ID)
	if _, twice := b.manifest[name]; twice {
		return fail(name, "", "the manifest of one run", "two runs of the same name")
	}
	b.manifest[name] = sha256.Sum256(content)
	return nil
}

func (b *ledgerBook) gone(l linePlace, e evidence.Entry) error {
	g, err := evidence.ParseGone(e)
	if err != nil {
		return l.fail("keys that are gone", err.Error())
	}
	r, err := b.opened(l, g.Run)
	if err != nil {
		return err
	}
	for _, key := range g.Keys {
		k := keyOf(r.source, g.Kind, key)
		s, ok := b.heads[k]
		if !ok || s.gone {
			return l.fail("a key that was there: "+clip(key), "none")
		}
		s.gone = true
		b.heads[k] = s
		b.kept.wentAway(b.keep, s.row, g.At, l.seq)
	}
	r.manifest.Gone[g.Kind] += int64(len(g.Keys))
	return nil
}

func keyOf(parts ...string) keySum {
	var buf bytes.Buffer
	for _, p := range parts {
		buf.WriteString(p)
		buf.WriteByte(0)
	}
	sum := sha256.Sum256(buf.Bytes())
	return keySum(sum[:16])
}

// item takes an evidence entry.
func (b *ledgerBook) item(l linePlace, ev evidence.Evidence) error {
	r, err := b.opened(l, ev.Run)
	if err != nil {
		return err
	}
	if ev.Seq >= b.head.Assessed.Size {
		return l.fail(fmt.Sprintf("evidence before position %d, where it was assessed", b.head.Assessed.Size), fmt.Sprint(ev.Seq))
	}
	if b.whole() {
		k := keyOf(r.source, ev.Kind, ev.Key)
		before := b.heads[k]
		if ev.Revision != before.revision+1 {
			return l.fail(fmt.Sprintf("revision %d of key %s", before.revision+1, clip(ev.Key)), fmt.Sprint(ev.Revision))
		}
		b.heads[k] = keyState{revision: ev.Revision, row: len(b.seqs)}
		b.kept.item(b.keep, ev, before)
	}
	r.manifest.Item(ev.Kind, ev.Revision)
	if c := b.cited[ev.Digest]; c != nil {
		c.found, c.event, c.row = true, ev.EventTime, len(b.seqs)
	}
	if b.head.Redaction.Hides(ev.Kind) {
		b.hidden[ev.PayloadSum] = &bundle.Redacted{Payload: ev.PayloadSum}
	}
	b.payloads = append(b.payloads, payloadRef{ev.PayloadSum, ev.PayloadSize})
	b.rows = append(b.rows, sumsOf(ev))
	b.seqs = append(b.seqs, ev.Seq)
	return nil
}

func readLine(br *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := br.ReadSlice('\n')
		if err == nil {
			part = part[:len(part)-1]
			if long == nil {
				return bytes.Clone(part), nil
			}
			return append(long, part...), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if long = append(long, part...); len(long) > maxLine {
			return nil, fmt.Errorf("a line of more than %d bytes", maxLine)
		}
	}
}

// rowAt is the number of the evidence line at a position, or -1.
func (b *ledgerBook) rowAt(seq int64) int {
	if i, ok := slices.BinarySearch(b.seqs, seq); ok {
		return i
	}
	return -1
}
