package verifytest

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

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// file is an entry of an archive taken apart.
type file struct {
	name    string
	content []byte
	method  uint16
}

// Pack is an archive taken apart, to be put together again otherwise.
type Pack struct {
	t     testing.TB
	files []file
}

// Unpack takes an archive apart.
func Unpack(t testing.TB, b []byte) *Pack {
	t.Helper()
	zr, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	p := &Pack{t: t}
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

// Text is the content of a file.
func (p *Pack) Text(name string) string { return string(p.at(name).content) }

// Names are the files, in order.
func (p *Pack) Names() []string {
	var out []string
	for _, f := range p.files {
		out = append(out, f.name)
	}
	return out
}

func (p *Pack) at(name string) *file {
	p.t.Helper()
	for i := range p.files {
		if p.files[i].name == name {
			return &p.files[i]
		}
	}
	p.t.Fatalf("no file %s", name)
	return nil
}

func (p *Pack) set(name string, content []byte) { p.at(name).content = content }

func (p *Pack) drop(name string) {
	p.at(name)
	p.files = slices.DeleteFunc(p.files, func(f file) bool { return f.name == name })
}

// add adds a file where its name sorts.
func (p *Pack) add(name string, content []byte) {
	i := slices.IndexFunc(p.files, func(f file) bool { return f.name > name || f.name == bundle.ManifestFile && name > "sums" })
	if i < 0 {
		i = len(p.files) - 1 // before the last, which seals
	}
	p.files = slices.Insert(p.files, i, file{name, content, zipform.Deflated})
}

// edit replaces the first occurrence of old, which must be there.
func (p *Pack) edit(name, old, new string) {
	p.t.Helper()
	f := p.at(name)
	if !bytes.Contains(f.content, []byte(old)) {
		p.t.Fatalf("%s does not contain %q", name, old)
	}
	f.content = bytes.Replace(f.content, []byte(old), []byte(new), 1)
}

// evidence is the first evidence file.
func (p *Pack) evidence() string {
	p.t.Helper()
	for _, f := range p.files {
		if strings.HasPrefix(f.name, bundle.EvidenceDir) {
			return f.name
		}
	}
	p.t.Fatal("no evidence file")
	return ""
}

// holding is the first evidence file whose content has a text.
func (p *Pack) holding(text string) string {
	p.t.Helper()
	for _, f := range p.files {
		if strings.HasPrefix(f.name, bundle.EvidenceDir) && bytes.Contains(f.content, []byte(text)) {
			return f.name
		}
	}
	p.t.Fatalf("no evidence file with %q", text)
	return ""
}

// lines gives and sets the lines of a file, without their newlines.
func (p *Pack) lines(name string) []string {
	return strings.Split(strings.TrimSuffix(p.Text(name), "\n"), "\n")
}

func (p *Pack) setLines(name string, lines []string) {
	text := strings.Join(lines, "\n")
	if text != "" {
		text += "\n"
	}
	p.set(name, []byte(text))
}

// sheet is the part of a sheet of a workbook.
func (p *Pack) sheet(name string) string {
	p.t.Helper()
	list, err := xlsx.Sheets([]byte(p.Text("xl/workbook.xml")), []byte(p.Text("xl/_rels/workbook.xml.rels")))
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

// Zip puts the archive together as it is.
func (p *Pack) Zip() []byte {
	p.t.Helper()
	var buf bytes.Buffer
	w := zipform.NewWriter(&buf, "")
	for _, f := range p.files {
		level := zipform.Normal
		switch dir, _, _ := strings.Cut(f.name, "/"); {
		case f.method == zipform.Stored:
			level = zipform.Store
		case slices.Contains([]string{"evidence", "attestations", "runs"}, dir):
			level = zipform.Fast
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
func (p *Pack) parts() []zipform.Part {
	p.t.Helper()
	b := p.Zip()
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

// Head is the manifest but for its list of files.
func (p *Pack) Head() bundle.Head {
	p.t.Helper()
	m, err := bundle.ReadManifest(strings.NewReader(p.Text(bundle.ManifestFile)))
	if err != nil {
		p.t.Fatal(err)
	}
	return m.Head
}

// consistent makes digests, counts of files, sums and manifest agree with the
// files as they are now.
func (p *Pack) consistent(head func(*bundle.Head)) bundle.Head {
	p.t.Helper()
	h := p.Head()
	h.Workbook = evidence.Sum(p.at(bundle.WorkbookFile).content)
	if d := evidence.Sum(p.at(bundle.AssessmentFile).content); h.Unredacted == h.Assessment {
		h.Assessment, h.Unredacted = d, d
	} else {
		h.Assessment = d
	}
	h.Snapshot = snapshotDigest(h)
	h.Counts.Payloads, h.Counts.Runs, h.Counts.Rules, h.Counts.Attestations = 0, 0, 0, 0
	for _, f := range p.files {
		for prefix, n := range map[string]*int{bundle.EvidenceDir: &h.Counts.Payloads, bundle.RunsDir: &h.Counts.Runs, bundle.RulesDir: &h.Counts.Rules,
			bundle.AttestationDir: &h.Counts.Attestations} {
			if strings.HasPrefix(f.name, prefix) {
				*n++
			}
		}
	}
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
	if p.has(bundle.SumsFile) {
		p.set(bundle.SumsFile, []byte(sums.String()))
	}
	p.set(bundle.ManifestFile, p.manifest(h))
	return h
}

func (p *Pack) has(name string) bool {
	return slices.ContainsFunc(p.files, func(f file) bool { return f.name == name })
}

// snapshotDigest is what the head's snapshot has to be.
func snapshotDigest(h bundle.Head) evidence.Digest {
	return evidence.Sum([]byte(fmt.Sprintf("exhibit snapshot v1\n%s\n%s\n%d\n%s\n%s\n%s\n", h.Assessment, h.Ledger.Origin, h.Ledger.Size, h.Ledger.Root, h.AsOf, h.Period)))
}

func (p *Pack) manifest(h bundle.Head) []byte {
	p.t.Helper()
	list := []bundle.File{}
	for _, part := range p.parts() {
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
	return append(append(hb[:len(hb)-1], `,"files":`...), append(lb, '}')...)
}

// Reseal makes everything agree and signs it: what whoever has a key can do.
func (p *Pack) Reseal(key exporttest.Key, head func(*bundle.Head)) {
	p.t.Helper()
	p.sign(key, p.consistent(head))
}

// sign signs the manifest as it is.
func (p *Pack) sign(key exporttest.Key, h bundle.Head) {
	p.t.Helper()
	i := slices.IndexFunc(p.files, func(f file) bool { return f.name == bundle.ManifestFile })
	s := seal.Seal{Of: "bundle", Key: key.Public, Parts: []seal.Part{seal.FromZip(p.parts()[i])}, Facts: []seal.Fact{
		{Name: "as-of", Value: h.AsOf}, {Name: "snapshot", Value: h.Snapshot.String()},
		{Name: "checkpoint", Value: fmt.Sprintf("%d %s", h.Ledger.Size, h.Ledger.Root)}}}
	msg, err := s.Sign(key.Signer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(bundle.NoteFile, msg)
}

// workbook changes the workbook in the bundle and seals it again with key.
func (p *Pack) workbook(key exporttest.Key, change func(w *Pack)) {
	p.t.Helper()
	w := Unpack(p.t, p.at(bundle.WorkbookFile).content)
	change(w)
	p.set(bundle.WorkbookFile, w.resealWorkbook(key, nil))
}

// resealWorkbook seals a workbook taken apart.
func (p *Pack) resealWorkbook(key exporttest.Key, facts func([]seal.Fact)) []byte {
	p.t.Helper()
	claimed, err := seal.Claimed(p.at(xlsx.SealPart).content)
	if err != nil {
		p.t.Fatal(err)
	}
	old, err := seal.Open(p.at(xlsx.SealPart).content, claimed)
	if err != nil {
		p.t.Fatal(err)
	}
	s := seal.Seal{Of: "workbook", Key: key.Public, Facts: old.Facts}
	if facts != nil {
		facts(s.Facts)
	}
	for _, part := range p.parts() {
		if part.Name != xlsx.SealPart {
			s.Parts = append(s.Parts, seal.FromZip(part))
		}
	}
	msg, err := s.Sign(key.Signer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.set(xlsx.SealPart, msg)
	return p.Zip()
}
