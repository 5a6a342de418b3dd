package verifytest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// sealedWithWorkbook seals a bundle again whose assessment was changed, with a
// workbook that names the new digests.
func (p *Pack) sealedWithWorkbook(key exporttest.Key) []byte {
	p.t.Helper()
	h := p.consistent(nil)
	w := Unpack(p.t, p.at(bundle.WorkbookFile).content)
	old, err := seal.Claimed(w.at(xlsx.SealPart).content)
	if err != nil {
		p.t.Fatal(err)
	}
	opened, err := seal.Open(w.at(xlsx.SealPart).content, old)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, text := range map[string]string{opened.Fact("snapshot"): h.Snapshot.String(), opened.Fact("assessment"): h.Assessment.String()} {
		for i := range w.files {
			w.files[i].content = bytes.ReplaceAll(w.files[i].content, []byte(name), []byte(text))
		}
	}
	book := w.resealAs(key, opened.Facts, map[string]string{"snapshot": h.Snapshot.String(), "assessment": h.Assessment.String()})
	p.set(bundle.WorkbookFile, book)
	p.Reseal(key, func(b *bundle.Head) { b.Counts.Results = results(p) })
	return p.Zip()
}

// results counts those of the assessment.
func results(p *Pack) int {
	n := 0
	p.assessment(func(a *assess.Assessment) { n = len(a.Results) })
	return n
}

// resealAs seals with other values of some facts.
func (p *Pack) resealAs(key exporttest.Key, facts []seal.Fact, values map[string]string) []byte {
	p.t.Helper()
	s := seal.Seal{Of: "workbook", Key: key.Public}
	for _, f := range facts {
		if v, ok := values[f.Name]; ok {
			f.Value = v
		}
		s.Facts = append(s.Facts, f)
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

func redactionCases() []Case {
	again := func(change func(l *Lab, p *Pack), head func(*bundle.Head)) func(*Lab) []byte {
		return func(l *Lab) []byte {
			p := Unpack(l.T, l.Redacted)
			change(l, p)
			p.Reseal(l.Own, head)
			return p.Zip()
		}
	}
	return []Case{
		{"redaction list shortened", "A hidden payload is taken off the list.", Holder, again(func(_ *Lab, p *Pack) {
			p.setLines(bundle.RedactedFile, p.lines(bundle.RedactedFile)[1:])
		}, nil), bundle.RedactedFile, "line", Alone},
		{"more hidden than the profile says", "An evidence file is left out and put on the list, against the profile.", Holder, again(func(_ *Lab, p *Pack) {
			name := p.holding("expires_at")
			p.drop(name)
			d := strings.TrimSuffix(strings.TrimPrefix(name, bundle.EvidenceDir), ".json")
			line := fmt.Sprintf(`{"evidence":1,"kinds":["waiver.record"],"payload":%q,"why":"the profile partner hides waiver.record"}`, d)
			p.setLines(bundle.RedactedFile, append(p.lines(bundle.RedactedFile), line))
		}, func(h *bundle.Head) { h.Counts.Redacted++ }), "bundle", "", Alone},
		{"hidden payload shown", "A payload that the profile hides is put in.", Holder, again(func(l *Lab, p *Pack) {
			good := l.again()
			name := good.holding(Canary)
			p.add(name, good.at(name).content)
		}, nil), bundle.EvidenceDir, "", Alone},
		{"profile narrowed", "The profile in the manifest says that less is hidden than is.", Holder, again(func(*Lab, *Pack) {}, func(h *bundle.Head) {
			h.Redaction.Keep = append(h.Redaction.Keep, prs)
		}), "bundle", "", Alone},
		{"reason quoted", "The reason of a result on hidden evidence is put back.", Holder, func(l *Lab) []byte {
			p := Unpack(l.T, l.Redacted)
			p.assessment(func(a *assess.Assessment) { a.Results[worst(a)].Reason = "nobody approved it: " + Canary })
			return p.sealedWithWorkbook(l.Own)
		}, bundle.AssessmentFile, "result", Alone},
		{"redaction denied", "The manifest says that nothing is hidden.", Holder, again(func(*Lab, *Pack) {}, func(h *bundle.Head) {
			h.Redaction.Hide, h.Redaction.Name = []string{}, "none"
		}), "", "", Alone},
	}
}

func attestationCases() []Case {
	token, note, proof := bundle.AttestationFile(0, "tsr"), bundle.AttestationFile(1, "note"), bundle.AttestationFile(0, "proof")
	return []Case{
		{"time-stamp swapped", "The token of a time-stamp is changed.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { b := bytes.Clone(p.at(token).content); b[len(b)-1] ^= 1; p.set(token, b) }, nil)
		}, token, "content", Alone},
		{"time-stamp of another ledger", "Token and entry are those of a time-stamp of another ledger of the same key.", Holder, func(l *Lab) []byte {
			s := Honest(l.T)
			s.Run("gh-1").Records = s.Run("gh-1").Records[1:]
			other := Unpack(l.T, New(l.T, s, l.Own).Bundle(redact.Profile{}, bundle.Whole))
			return l.sealed(func(p *Pack) {
				for _, ext := range []string{"json", "note", "proof", "tsr"} {
					name := bundle.AttestationFile(0, ext)
					p.set(name, other.at(name).content)
				}
			}, func(h *bundle.Head) { h.Trust.Attested[0] = other.Head().Trust.Attested[0] })
		}, proof, "content", Alone},
		{"time moved in the manifest", "The manifest says that the time-stamp is older.", Holder, func(l *Lab) []byte {
			return l.sealed(func(*Pack) {}, func(h *bundle.Head) { h.Trust.Attested[0].Time = "2020-01-01T00:00:00Z" })
		}, bundle.ManifestFile, "attestation 0", Alone},
		{"attested size raised", "The manifest says that a witness saw more of the ledger.", Holder, func(l *Lab) []byte {
			return l.sealed(func(*Pack) {}, func(h *bundle.Head) { h.Trust.Attested[1].Size++ })
		}, bundle.ManifestFile, "attestation 1", Alone},
		{"proof cut", "A hash is left out of a proof of consistency.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.setLines(proof, p.lines(proof)[1:]) }, nil)
		}, proof, "content", Alone},
		{"cosignature dropped", "The witness's line is taken off the note.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { lines := p.lines(note); p.setLines(note, lines[:len(lines)-1]) }, nil)
		}, note, "content", Alone},
		{"attestation taken off the list", "The files stay and the manifest does not list them.", Holder, func(l *Lab) []byte {
			return l.sealed(func(*Pack) {}, func(h *bundle.Head) { h.Trust.Attested = h.Trust.Attested[:1] })
		}, bundle.ManifestFile, "trust", Alone},
	}
}

func workbookCases() []Case {
	edit := func(change func(w *Pack)) func(*Lab) []byte {
		return func(l *Lab) []byte { return l.sealed(func(p *Pack) { p.workbook(l.Own, change) }, nil) }
	}
	sheet := func(name, old, new string) func(*Lab) []byte {
		return edit(func(w *Pack) { w.edit(w.sheet(name), old, new) })
	}
	const file = bundle.WorkbookFile
	return []Case{
		{"cell edited", "A reason in the Results sheet is changed, workbook and bundle sealed again.", Holder,
			sheet("Results", "nobody approved it before the merge", "somebody approved it before the merge"), file + ": sheet Results", "cell", Computing},
		{"status edited", "A status in the Results sheet is changed.", Holder, sheet("Results", ">failing<", ">satisfied<"), file + ": sheet Results", "cell", Computing},
		{"workbook edited, not sealed", "The same without any key.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) {
				w := Unpack(l.T, p.at(bundle.WorkbookFile).content)
				w.edit(w.sheet("Results"), "nobody", "anybody")
				p.set(bundle.WorkbookFile, w.Zip())
			})
		}, file, "content", Alone},
		{"date edited in the Evidence sheet", "A collected-at is moved by a day.", Holder, edit(func(w *Pack) {
			name := w.sheet("Evidence")
			i := strings.Index(w.Text(name), "<v>46328.")
			w.edit(name, w.Text(name)[i:i+9], "<v>46327.")
		}), file + ": sheet Evidence", "row", Alone},
		{"row of evidence dropped", "A row is taken out of the Evidence sheet.", Holder, edit(func(w *Pack) {
			name := w.sheet("Evidence")
			text := w.Text(name)
			from := strings.Index(text, `<row r="3"`)
			to := from + strings.Index(text[from:], "</row>") + len("</row>")
			w.set(name, []byte(text[:from]+text[to:]))
		}), file + ": sheet Evidence", "rows", Alone},
		{"link target changed", "A link leads to another row.", Holder, edit(func(w *Pack) {
			name := w.sheet("Control status")
			i := strings.Index(w.Text(name), "<hyperlink ")
			tail := w.Text(name)[i:]
			link := tail[:strings.Index(tail, ">")]
			w.edit(name, link, strings.Replace(link, "!A", "!B", 1))
		}), file + ": sheet Control status", "", Computing},
		{"row hidden", "A row of the Results sheet is hidden.", Holder, sheet("Results", `<row r="3"`, `<row r="3" hidden="1"`), file + ": sheet Results", "row", Computing},
		{"sheet hidden", "A sheet is hidden.", Holder, edit(func(w *Pack) {
			w.edit("xl/workbook.xml", `<sheet name="Results"`, `<sheet state="hidden" name="Results"`)
		}),
			file + ": xl/workbook.xml", "content", Computing},
		{"style changed", "Red is turned to green in the styles.", Holder, edit(func(w *Pack) { w.edit("xl/styles.xml", "<fills ", "<fills  ") }), file + ": xl/styles.xml", "content", Computing},
		{"drop-down changed", "The list of conclusions gets another entry.", Holder, edit(func(w *Pack) {
			name := w.sheet("Control status")
			w.edit(name, "Minor", "Minus")
		}), file + ": sheet Control status", "", Computing},
		{"named range moved", "A defined name leads to another cell.", Holder, edit(func(w *Pack) { w.edit("xl/workbook.xml", "$B$3<", "$B$4<") }), file + ": xl/workbook.xml", "content", Computing},
		{"macro added", "A part with a macro is put into the workbook.", Holder, edit(func(w *Pack) { w.add("xl/vbaProject.bin", []byte("MZ")) }), file + ": xl/vbaProject.bin", "", Computing},
		{"external link added", "A part that leads to another workbook is put in.", Holder, edit(func(w *Pack) {
			w.add("xl/externalLinks/externalLink1.xml", []byte("<externalLink/>"))
		}), file + ": xl/externalLinks/externalLink1.xml", "", Computing},
		{"formula planted", "A cell of the Results sheet becomes a formula.", Holder, edit(func(w *Pack) {
			name := w.sheet("Results")
			text := w.Text(name)
			i := strings.Index(text, `<c r="A3"`)
			j := i + strings.Index(text[i:], "</c>")
			w.set(name, []byte(text[:i]+`<c r="A3"><f>HYPERLINK("http://evil.example")</f><v>0</v>`+text[j:]))
		}), file + ": sheet Results", "cell A3", Computing},
		{"figure on the cover changed", "The number of results on the cover is changed.", Holder, edit(func(w *Pack) {
			name := w.sheet("Cover")
			w.edit(name, "Acme", "Ecma")
		}), file + ": sheet Cover", "cell", Computing},
		{"workbook of another snapshot", "The workbook is one of two weeks before.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(bundle.WorkbookFile, Unpack(l.T, l.Earlier).at(bundle.WorkbookFile).content) }, nil)
		}, file, "", Alone},
		{"workbook saved again", "The workbook was opened and saved by a spreadsheet program, and put back.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				w := Unpack(l.T, p.at(bundle.WorkbookFile).content)
				w.drop(xlsx.SealPart)
				p.set(bundle.WorkbookFile, w.Zip())
			}, nil)
		}, file, "", Alone},
		{"workbook is none", "The workbook is exchanged for something else.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(bundle.WorkbookFile, []byte("PK\x03\x04 nothing")) }, nil)
		}, file, "", Alone},
	}
}

func manifestCases() []Case {
	const file = bundle.ManifestFile
	head := func(change func(*bundle.Head)) func(*Lab) []byte {
		return func(l *Lab) []byte { return l.sealed(func(*Pack) {}, change) }
	}
	text := func(old, new string) func(*Lab) []byte {
		return func(l *Lab) []byte {
			p := l.again()
			h := p.consistent(nil)
			p.edit(file, old, new)
			p.sign(l.Own, h)
			return p.Zip()
		}
	}
	return []Case{
		{"key exchanged", "exhibit.pub is exchanged for another key.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(bundle.KeyFile, []byte(l.Same.Public+"\n")) }, nil)
		}, bundle.KeyFile, "content", Alone},
		{"trust overstated", "The manifest says that it is not self-signed.", Holder, head(func(h *bundle.Head) { h.Trust.SelfSigned = false }), file, "trust", Alone},
		{"scope changed", "A whole bundle is called a narrowed one, so that nothing is recomputed.", Holder, head(func(h *bundle.Head) { h.Scope = bundle.Used }), bundle.EntriesFile, "line", Alone},
		{"as-of moved", "The manifest says another as-of than its seal.", Holder, func(l *Lab) []byte {
			p := l.again()
			h := p.consistent(func(h *bundle.Head) { h.AsOf = "2026-11-22T08:00:00Z" })
			h.AsOf = "2026-11-21T08:00:00Z"
			p.sign(l.Own, h)
			return p.Zip()
		}, bundle.NoteFile, "as-of", Alone},
		{"counts changed", "The manifest counts one result less.", Holder, head(func(h *bundle.Head) { h.Counts.Results-- }), bundle.AssessmentFile, "counts", Alone},
		{"member doubled", "A member of the manifest is there twice.", Holder, text(`"scope":"whole"`, `"scope":"used","scope":"whole"`), file, "content", Alone},
		{"member added", "The manifest has a member that the format does not know.", Holder, text(`"scope":"whole"`, `"scope":"whole","approved":true`), file, "content", Alone},
		{"format of a later day", "The manifest says another version of the format.", Holder, text(bundle.Format, "exhibit bundle v9"), file, "content", Alone},
		{"file not listed", "A file is put in after sealing.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.add("evidence/run.exe", []byte("MZ")) })
		}, "evidence/run.exe", "", Alone},
		{"file that the format does not know", "A file is put in and listed.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.add("evidence/run.exe", []byte("MZ")) }, nil)
		}, "evidence/run.exe", "", Alone},
		{"sums changed", "sums.sha256 says something else than the files.", Holder, func(l *Lab) []byte {
			p := l.again()
			h := p.consistent(nil)
			p.edit(bundle.SumsFile, "FORMAT.md", "FORMAT.mb")
			p.set(file, p.manifest(h))
			p.sign(l.Own, h)
			return p.Zip()
		}, bundle.SumsFile, "content", Alone},
		{"files in another order", "Two files change places.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.files[0], p.files[1] = p.files[1], p.files[0] })
		}, bundle.ReadmeFile, "", Alone},
		{"file renamed", "A file gets another name.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.files[0].name = "FORMAT.mb" })
		}, "FORMAT.mb", "", Alone},
		{"seal dropped", "The seal is left out.", Nobody, func(l *Lab) []byte { return l.unsealed(func(p *Pack) { p.drop(bundle.NoteFile) }) }, "bundle", "last entries", Alone},
		{"seal of another bundle", "The seal is exchanged for that of an earlier bundle.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.set(bundle.NoteFile, Unpack(l.T, l.Earlier).at(bundle.NoteFile).content) })
		}, file, "content", Alone},
	}
}

// containerCases are refused before any content is looked at.
func containerCases() []Case {
	raw := func(change func(b []byte) []byte) func(*Lab) []byte {
		return func(l *Lab) []byte { return change(bytes.Clone(l.Good)) }
	}
	le := binary.LittleEndian
	dir := func(b []byte) int { return int(le.Uint32(b[len(b)-6:])) }
	named := func(from, to string) func(b []byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
	}
	return []Case{
		{"file doubled", "Two entries have the same name.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.files = append([]file{p.files[0]}, p.files...) })
		}, bundle.FormatFile, "", Alone},
		{"truncated", "The end is cut off.", Nobody, raw(func(b []byte) []byte { return b[:len(b)-10] }), "bundle", "byte", Alone},
		{"bytes appended", "Bytes follow the archive.", Nobody, raw(func(b []byte) []byte { return append(b, "more"...) }), "bundle", "byte", Alone},
		{"bytes before", "Bytes stand before the archive, as in one that runs itself.", Nobody, raw(func(b []byte) []byte { return append([]byte("MZ"), b...) }), "bundle", "byte", Alone},
		{"gap", "Bytes stand between the last entry and the directory.", Nobody, raw(func(b []byte) []byte {
			d := dir(b)
			out := append(append(bytes.Clone(b[:d]), 0, 0), b[d:]...)
			le.PutUint32(out[len(out)-6:], uint32(d+2))
			return out
		}), "bundle", "byte", Alone},
		{"comment", "The archive has a comment.", Nobody, raw(func(b []byte) []byte {
			le.PutUint16(b[len(b)-2:], 3)
			return append(b, "hey"...)
		}), "bundle", "byte", Alone},
		{"called encrypted", "The flag for encryption is set on an entry.", Nobody, raw(func(b []byte) []byte {
			b[6] |= 1
			b[dir(b)+8] |= 1
			return b
		}), "bundle", "byte", Alone},
		{"entries overlapping", "Two entries of the directory have the same content.", Nobody, raw(func(b []byte) []byte {
			d := dir(b)
			second := d + 46 + int(le.Uint16(b[d+28:]))
			le.PutUint32(b[second+42:], 0)
			return b
		}), "bundle", "byte", Alone},
		{"name not in ASCII", "A name has a letter that looks like another.", Nobody, raw(named("README.txt", "READM\u0395.tx")), "bundle", "byte", Alone},
		{"NUL in a name", "A name has a NUL in it.", Nobody, raw(named("README.txt", "README\x00txt")), "bundle", "byte", Alone},
		{"path traversal", "A name leads out of the folder.", Nobody, raw(named("ledger/cover.txt", "../../../over.tx")), "bundle", "byte", Alone},
		{"absolute path", "A name begins at the root.", Nobody, raw(named("README.txt", "/etc/passw")), "bundle", "byte", Alone},
		{"two names for one entry", "The name before the content is another than in the directory.", Nobody, raw(func(b []byte) []byte {
			copy(b[30:], "FORGED.md")
			return b
		}), "bundle: FORMAT.md", "byte", Alone},
		{"link", "An entry is called a symbolic link.", Nobody, raw(func(b []byte) []byte {
			le.PutUint32(b[dir(b)+38:], 0xa1ff0000)
			return b
		}), "bundle", "byte", Alone},
		{"zip bomb", "An entry says that it unpacks to a terabyte.", Nobody, raw(func(b []byte) []byte {
			le.PutUint32(b[dir(b)+24:], 0xfffffff0)
			return b
		}), "bundle", "byte", Alone},
		{"bit changed", "One bit in the middle is changed.", Nobody, raw(func(b []byte) []byte { b[len(b)/2] ^= 4; return b }), "", "", Alone},
	}
}
