package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

// file is an entry of an archive taken apart.
type file struct {
	name    string
	content []byte
	method  uint16
}

// pack is an archive taken apart, to be put together again otherwise.
type pack struct {
	t     *testing.T
	files []file
}

func unpack(t *testing.T, b []byte) *pack {
	t.Helper()
	zr, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := &pack{t: t}
	for it, err := range zr.Items() {
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(it)
		if err != nil {
			t.Fatal(err)
		}
		p.files = append(p.files, file{it.Name, c, it.Method})
	}
	return p
}

func (p *pack) at(name string) *file {
	p.t.Helper()
	for i := range p.files {
		if p.files[i].name == name {
			return &p.files[i]
		}
	}
	p.t.Fatalf("no file %s", name)
	return nil
}

func (p *pack) drop(name string) {
	p.files = slices.DeleteFunc(p.files, func(f file) bool { return f.name == name })
}

func (p *pack) add(name string, content string) {
	i, _ := slices.BinarySearchFunc(p.files, name, func(f file, n string) int { return strings.Compare(f.name, n) })
	p.files = slices.Insert(p.files, i, file{name, []byte(content), zipform.Deflated})
}

// edit replaces the first occurrence of old, which must be there.
func (p *pack) edit(name, old, new string) {
	p.t.Helper()
	f := p.at(name)
	if !bytes.Contains(f.content, []byte(old)) {
		p.t.Fatalf("%s does not contain %q", name, old)
	}
	f.content = bytes.Replace(f.content, []byte(old), []byte(new), 1)
}

// sheet is the part of a sheet of a workbook.
func (p *pack) sheet(name string) string {
	p.t.Helper()
	list, err := xlsx.Sheets(p.at("xl/workbook.xml").content, p.at("xl/_rels/workbook.xml.rels").content)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range list {
		if s.Name == name {
			return s.Part
		}
	}
	p.t.Fatalf("no sheet %s", name)
	return ""
}

// zip puts the archive together as it is.
func (p *pack) zip() []byte {
	p.t.Helper()
	var buf bytes.Buffer
	w := zipform.NewWriter(&buf, "")
	for _, f := range p.files {
		level := zipform.Normal
		if f.method == zipform.Stored {
			level = zipform.Store
		}
		if _, err := w.AddBytes(f.name, f.content, level); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		p.t.Fatal(err)
	}
	return buf.Bytes()
}

// parts says how each file would be packed.
func (p *pack) parts() []zipform.Part {
	p.t.Helper()
	b := p.zip()
	zr, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		p.t.Fatal(err)
	}
	var out []zipform.Part
	for it, err := range zr.Items() {
		if err != nil {
			p.t.Fatal(err)
		}
		part, err := it.Finish()
		if err != nil {
			p.t.Fatal(err)
		}
		out = append(out, part)
	}
	return out
}

// reseal makes sums, manifest and seal agree with the files as they are now,
// signed by key: what an attacker with a key of his own can do, and one who
// has the ledger's.
func (p *pack) reseal(key exporttest.Key, head func(*bundle.Head)) {
	p.t.Helper()
	m, err := bundle.ReadManifest(bytes.NewReader(p.at(bundle.ManifestFile).content))
	if err != nil {
		p.t.Fatal(err)
	}
	h := m.Head
	h.Workbook = evidence.Sum(p.at(bundle.WorkbookFile).content)
	h.Assessment = evidence.Sum(p.at(bundle.AssessmentFile).content)
	if head != nil {
		head(&h)
	}
	var sums strings.Builder
	for _, f := range p.files {
		if f.name < bundle.SumsFile && f.name != bundle.ManifestFile && f.name != bundle.NoteFile {
			sum := sha256.Sum256(f.content)
			fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), f.name)
		}
	}
	p.at(bundle.SumsFile).content = []byte(sums.String())
	var list []bundle.File
	parts := p.parts()
	for _, part := range parts {
		if part.Name == bundle.ManifestFile || part.Name == bundle.NoteFile {
			continue
		}
		s := seal.FromZip(part)
		list = append(list, bundle.File{Path: s.Name, SHA256: s.Sum, Size: s.Size, PackedSHA256: s.Packed, PackedSize: s.PackedSize})
	}
	hb, err := json.Marshal(h)
	if err != nil {
		p.t.Fatal(err)
	}
	lb, err := json.Marshal(list)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at(bundle.ManifestFile).content = append(append(hb[:len(hb)-1], `,"files":`...), append(lb, '}')...)
	i := slices.IndexFunc(p.files, func(f file) bool { return f.name == bundle.ManifestFile })
	s := seal.Seal{Of: "bundle", Key: key.Public, Parts: []seal.Part{seal.FromZip(p.parts()[i])}, Facts: []seal.Fact{
		{Name: "as-of", Value: h.AsOf}, {Name: "snapshot", Value: h.Snapshot.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", h.Ledger.Size, h.Ledger.Root)}}}
	msg, err := s.Sign(key.Signer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at(bundle.NoteFile).content = msg
}

// resealWorkbook does the same for a workbook taken apart.
func (p *pack) resealWorkbook(key exporttest.Key) []byte {
	p.t.Helper()
	old, err := seal.Open(p.at(xlsx.SealPart).content, verifier(p.t, exporttestKey(p.t).Public))
	if err != nil {
		p.t.Fatal(err)
	}
	s := seal.Seal{Of: "workbook", Key: key.Public, Facts: old.Facts}
	for _, part := range p.parts() {
		if part.Name != xlsx.SealPart {
			s.Parts = append(s.Parts, seal.FromZip(part))
		}
	}
	msg, err := s.Sign(key.Signer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.at(xlsx.SealPart).content = msg
	return p.zip()
}

func exporttestKey(t *testing.T) exporttest.Key {
	t.Helper()
	k, err := exporttest.NewKey("exhibit/test")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// swapLines exchanges two lines of a file.
func (p *pack) swapLines(name string, i, j int) {
	f := p.at(name)
	lines := bytes.Split(f.content, []byte("\n"))
	lines[i], lines[j] = lines[j], lines[i]
	f.content = bytes.Join(lines, []byte("\n"))
}

func (p *pack) dropLine(name string, i int) {
	f := p.at(name)
	f.content = bytes.Join(slices.Delete(bytes.Split(f.content, []byte("\n")), i, i+1), []byte("\n"))
}

// firstEvidence is the path of some evidence file.
func (p *pack) firstEvidence() string {
	for _, f := range p.files {
		if strings.HasPrefix(f.name, bundle.EvidenceDir) {
			return f.name
		}
	}
	return ""
}

// TestAttacksOnABundle changes a bundle in ways that somebody would. "seal"
// says with whose key it was sealed again: nobody's, another, or the ledger's
// own, which is the hardest to see.
func TestAttacksOnABundle(t *testing.T) {
	other, err := exporttest.NewKey("exhibit/attacker")
	if err != nil {
		t.Fatal(err)
	}
	own := exporttestKey(t)
	none := exporttest.Key{}
	tests := []struct {
		name   string
		key    exporttest.Key
		change func(p *pack)
		head   func(*bundle.Head)
		file   string // what the report must name
	}{
		{"evidence file replaced, manifest not", none, func(p *pack) { p.at(p.firstEvidence()).content = []byte(`{"a":1}`) }, nil, "evidence/"},
		{"evidence file replaced, manifest consistent but not signed", none, func(p *pack) {
			note := bytes.Clone(p.at(bundle.NoteFile).content)
			p.at(p.firstEvidence()).content = []byte(`{"a":1}`)
			p.reseal(own, nil)
			p.at(bundle.NoteFile).content = note
		}, nil, bundle.ManifestFile},
		{"everything sealed again by another key", other, func(p *pack) {}, nil, "bundle"},
		{"evidence file replaced, sealed by the own key", own, func(p *pack) { p.at(p.firstEvidence()).content = []byte(`{"a":1}`) }, nil, "evidence/"},
		{"evidence file dropped", own, func(p *pack) { p.drop(p.firstEvidence()) }, func(h *bundle.Head) { h.Counts.Payloads-- }, "bundle"},
		{"evidence file added", own, func(p *pack) {
			c := `{"planted":true}`
			sum := sha256.Sum256([]byte(c))
			p.add(bundle.EvidenceDir+hex.EncodeToString(sum[:])+".json", c)
		}, func(h *bundle.Head) { h.Counts.Payloads++ }, "evidence/"},
		{"foreign file added", own, func(p *pack) { p.add("evidence/run.exe", "MZ") }, nil, "evidence/run.exe"},
		{"entry dropped", own, func(p *pack) { p.dropLine(bundle.EntriesFile, 2) }, nil, bundle.EntriesFile},
		{"entry hidden behind its hash", own, func(p *pack) {
			line := bytes.Split(p.at(bundle.EntriesFile).content, []byte("\n"))[2]
			p.dropLine(bundle.EntriesFile, 2)
			h := tlog.RecordHash(line)
			p.edit(bundle.CoverFile, "entries 0 59", fmt.Sprintf("entries 0 2\nnode 0 2 %x\nentries 3 59", h[:]))
		}, func(h *bundle.Head) { h.Counts.Entries-- }, bundle.CoverFile},
		{"entries swapped", own, func(p *pack) { p.swapLines(bundle.EntriesFile, 2, 3) }, nil, bundle.EntriesFile},
		{"entry doubled", own, func(p *pack) {
			f := p.at(bundle.EntriesFile)
			f.content = append(f.content, f.content[:bytes.IndexByte(f.content, '\n')+1]...)
		}, nil, bundle.EntriesFile},
		{"event re-dated", own, func(p *pack) {
			p.edit(bundle.EntriesFile, `"event_time":"2026-11-20T`, `"event_time":"2026-11-21T`)
		}, nil, bundle.EntriesFile},
		{"collection re-dated", own, func(p *pack) {
			p.edit(bundle.EntriesFile, `"collected_at":"2026-11-21T`, `"collected_at":"2026-10-21T`)
		}, nil, bundle.EntriesFile},
		{"older checkpoint", own, func(p *pack) {
			s := sample(p.t)
			note, _, err := s.Ledger.Checkpoint(59, own.Signer)
			if err != nil {
				p.t.Fatal(err)
			}
			p.at(bundle.CheckpointFile).content = note
		}, nil, bundle.CheckpointFile},
		{"older checkpoint, manifest too", own, func(p *pack) {
			s := sample(p.t)
			note, _, err := s.Ledger.Checkpoint(59, own.Signer)
			if err != nil {
				p.t.Fatal(err)
			}
			p.at(bundle.CheckpointFile).content = note
		}, func(h *bundle.Head) {
			s := sample(t)
			_, cp, err := s.Ledger.Checkpoint(59, own.Signer)
			if err != nil {
				t.Fatal(err)
			}
			h.Ledger.Size, h.Ledger.Root = cp.Size, cp.Root.String()
		}, bundle.CoverFile},
		{"assessed root changed", own, func(p *pack) {}, func(h *bundle.Head) { h.Assessed.Size-- }, bundle.AssessmentFile},
		{"result upgraded", none, func(p *pack) { p.edit(bundle.AssessmentFile, `"status":"failing"`, `"status":"satisfied"`) }, nil, bundle.AssessmentFile},
		{"result rests on evidence that is not there", own, func(p *pack) {
			a := string(p.at(bundle.AssessmentFile).content)
			i := strings.Index(a, `"evidence":["`) + len(`"evidence":["`)
			p.at(bundle.AssessmentFile).content = []byte(strings.ReplaceAll(a, a[i:i+64], strings.Repeat("ab", 32)))
		}, nil, bundle.AssessmentFile},
		{"result dropped", own, func(p *pack) {
			var a assess.Assessment
			if err := json.Unmarshal(p.at(bundle.AssessmentFile).content, &a); err != nil {
				p.t.Fatal(err)
			}
			a.Results = a.Results[1:]
			b, err := json.Marshal(a)
			if err != nil {
				p.t.Fatal(err)
			}
			p.at(bundle.AssessmentFile).content = b
		}, nil, bundle.AssessmentFile},
		{"payload called erased", own, func(p *pack) { p.drop(p.firstEvidence()) }, func(h *bundle.Head) {
			d, err := evidence.ParseDigest(strings.TrimSuffix(strings.TrimPrefix(unpack(t, makeBundle(t, sample(t))).firstEvidence(), bundle.EvidenceDir), ".json"))
			if err != nil {
				t.Fatal(err)
			}
			h.Erased = append(h.Erased, d)
		}, bundle.ManifestFile},
		{"key exchanged", own, func(p *pack) { p.at(bundle.KeyFile).content = []byte(other.Public + "\n") }, nil, bundle.KeyFile},
		{"workbook of another snapshot", own, func(p *pack) {
			s := sample(p.t)
			s.Snapshot.Period = nil
			p.at(bundle.WorkbookFile).content = makeWorkbook(p.t, s)
		}, nil, bundle.WorkbookFile},
		{"workbook not sealed", own, func(p *pack) { p.at(bundle.WorkbookFile).content = []byte("PK\x03\x04 nothing") }, nil, bundle.WorkbookFile},
		{"event re-dated in the workbook", own, func(p *pack) {
			w := unpack(p.t, p.at(bundle.WorkbookFile).content)
			w.edit(w.sheet("Evidence"), "<v>46346.375000001</v>", "<v>46345.375000001</v>")
			p.at(bundle.WorkbookFile).content = w.resealWorkbook(own)
		}, nil, bundle.WorkbookFile + ": sheet Evidence"},
		{"figure on the cover changed", own, func(p *pack) {
			w := unpack(p.t, p.at(bundle.WorkbookFile).content)
			w.edit(w.sheet("Cover"), "<t>51</t>", "<t>52</t>")
			p.at(bundle.WorkbookFile).content = w.resealWorkbook(own)
		}, nil, bundle.WorkbookFile + ": sheet Cover"},
		{"files in another order", none, func(p *pack) { p.files[0], p.files[1] = p.files[1], p.files[0] }, nil, bundle.ReadmeFile},
		{"file renamed", none, func(p *pack) { p.files[0].name = "FORMAT.mb" }, nil, "FORMAT.mb"},
		{"file doubled", none, func(p *pack) { p.files = slices.Insert(p.files, 1, p.files[0]) }, nil, bundle.FormatFile},
		{"seal dropped", none, func(p *pack) { p.drop(bundle.NoteFile) }, nil, "bundle"},
	}
	good := makeBundle(t, sample(t))
	key := verifier(t, own.Public)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := unpack(t, good)
			tt.change(p)
			if tt.key.Signer != nil {
				p.reseal(tt.key, tt.head)
			}
			r := checkBundle(t, p.zip(), key)
			if r.OK() {
				t.Fatal("not noticed")
			}
			if !strings.HasPrefix(r.First.File, tt.file) {
				t.Errorf("the report names %q: %v; want %q", r.First.File, r.First, tt.file)
			}
		})
	}
	// The means by which the attacks are made change nothing themselves.
	p := unpack(t, good)
	p.reseal(own, nil)
	if r := checkBundle(t, p.zip(), key); !r.OK() {
		t.Fatalf("taken apart and put together: %v", r.First)
	}
}

// TestAttacksOnTheContainer are refused before any content is looked at.
func TestAttacksOnTheContainer(t *testing.T) {
	s := sample(t)
	for what, good := range map[string][]byte{verify.WhatBundle: makeBundle(t, s), verify.WhatWorkbook: makeWorkbook(t, s)} {
		central := good[len(good)-6:]
		dir := int(central[0]) | int(central[1])<<8 | int(central[2])<<16 | int(central[3])<<24
		tests := map[string][]byte{
			"truncated":       good[:len(good)-10],
			"half":            good[:len(good)/2],
			"empty":           nil,
			"appended":        append(bytes.Clone(good), 'x'),
			"prepended":       append([]byte{0}, good...),
			"two directories": append(bytes.Clone(good), good[dir:]...),
			"two archives":    append(bytes.Clone(good), good...),
			"gap":             append(append(bytes.Clone(good[:dir]), 0, 0), good[dir:]...),
		}
		for name, data := range tests {
			t.Run(what+" "+name, func(t *testing.T) {
				r, err := verify.Bundle(t.Context(), bytes.NewReader(data), verify.Options{Key: verifier(t, s.Key.Public)})
				if what == verify.WhatWorkbook {
					r, err = verify.Workbook(t.Context(), bytes.NewReader(data), verifier(t, s.Key.Public))
				}
				if err != nil || r.OK() {
					t.Fatalf("%v, %+v", err, r.First)
				}
			})
		}
	}
}
