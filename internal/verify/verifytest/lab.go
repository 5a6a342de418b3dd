package verifytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Lab holds what tampering starts from.
type Lab struct {
	T        testing.TB
	Own      exporttest.Key // the organisation's
	Same     exporttest.Key // another of the same name
	Good     []byte         // what was handed out
	Earlier  []byte         // a bundle of the same ledger, two weeks before
	Note     []byte         // a checkpoint kept then
	Narrow   []byte         // with only what was used
	Redacted []byte         // by Partner
}

// Partner is a profile that hides something and keeps something.
var Partner = redact.Profile{Name: "partner", Hide: []string{"github.*"}, Keep: []string{reviews}}

// NewLab makes the good ones.
func NewLab(t testing.TB) *Lab {
	t.Helper()
	l := &Lab{T: t, Own: Key(t, "exhibit/test"), Same: Key(t, "exhibit/test")}
	l.Same = sameName(t, l.Own)
	w := New(t, Honest(t), l.Own)
	l.Good, l.Narrow = w.Bundle(redact.Profile{}, bundle.Whole), w.Bundle(redact.Profile{}, bundle.Used)
	l.Redacted = w.Bundle(Partner, bundle.Whole)
	early := Honest(t)
	early.Runs = early.Runs[:2]
	before := New(t, early, l.Own)
	l.Earlier, l.Note = before.Bundle(redact.Profile{}, bundle.Whole), before.Earlier
	return l
}

// In is the same lab for another test: what it holds is only read.
func (l *Lab) In(t testing.TB) *Lab {
	out := *l
	out.T = t
	return &out
}

// sameName is another key with the name of one.
func sameName(t testing.TB, own exporttest.Key) exporttest.Key {
	t.Helper()
	other, err := exporttest.NewKeyOf(own.Signer.Name(), "another seed")
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// again takes the good bundle apart.
func (l *Lab) again() *Pack { return Unpack(l.T, l.Good) }

// With is the good bundle with another content of a file, sealed again with the
// organisation's key.
func (l *Lab) With(name string, content []byte) []byte {
	return l.sealed(func(p *Pack) { p.set(name, content) }, nil)
}

// Swollen is the good bundle with a longer content of a file, as it was sealed.
func (l *Lab) Swollen(name string) []byte {
	return l.unsealed(func(p *Pack) { p.set(name, append(p.at(name).content, make([]byte, 1<<20)...)) })
}

// rewritten is what whoever has the key and the database can make of the
// ledger: other lines under a new signature, everything else agreeing with them.
func (p *Pack) rewritten(key exporttest.Key, change func(lines []string) []string) []byte {
	p.t.Helper()
	lines := change(p.lines(bundle.EntriesFile))
	p.setLines(bundle.EntriesFile, lines)
	n := int64(len(lines))
	var tree bundle.Tree
	for _, line := range lines {
		tree.Leaf([]byte(line))
	}
	root, err := tree.Root()
	if err != nil {
		p.t.Fatal(err)
	}
	p.checkpoint(key, n, root)
	p.set(bundle.CoverFile, []byte(fmt.Sprintf("exhibit cover v1\nsize %d\nassessed %d\nentries 0 %d\n", n, n, n)))
	for _, name := range p.Names() {
		if strings.HasPrefix(name, bundle.AttestationDir) {
			p.drop(name)
		}
	}
	p.assessment(func(a *assess.Assessment) { a.Checkpoint = assess.Checkpoint{Size: n, Root: root.String()} })
	p.Reseal(key, func(h *bundle.Head) {
		h.Ledger.Size, h.Ledger.Root = n, root.String()
		h.Assessed = h.Ledger
		h.Counts.Entries = n
		h.Trust.Attested = []bundle.Attested{}
		h.Snapshot = snapshotDigest(*h)
	})
	return p.Zip()
}

func (p *Pack) checkpoint(key exporttest.Key, n int64, root tlog.Hash) {
	p.t.Helper()
	note, err := ledger.Checkpoint{Size: n, Root: root}.Sign(key.Signer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(bundle.CheckpointFile, note)
}

// assessment changes the assessment.
func (p *Pack) assessment(change func(*assess.Assessment)) {
	p.t.Helper()
	var a assess.Assessment
	if err := json.Unmarshal(p.at(bundle.AssessmentFile).content, &a); err != nil {
		p.t.Fatal(err)
	}
	change(&a)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(&a); err != nil {
		p.t.Fatal(err)
	}
	p.set(bundle.AssessmentFile, buf.Bytes())
}

// Promising is the good bundle with other words for its reader, sealed again
// with the key.
func (l *Lab) Promising() []byte {
	return l.sealed(func(p *Pack) { p.set(bundle.ReadmeFile, []byte("This organisation is certified.\n")) },
		func(h *bundle.Head) { h.Trust.DoesNotShow = []string{} })
}
