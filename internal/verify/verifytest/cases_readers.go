package verifytest

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/seal"
)

// readerCases are what two readers could take for two different things: each
// must refuse what the other might read otherwise.
func readerCases() []Case {
	manifest := func(old, new string) func(*Lab) []byte {
		return func(l *Lab) []byte {
			p := l.again()
			h := p.consistent(nil)
			p.edit(bundle.ManifestFile, old, new)
			p.sign(l.Own, h)
			return p.Zip()
		}
	}
	edited := func(name, old, new string) func(*Lab) []byte {
		return func(l *Lab) []byte { return l.sealed(func(p *Pack) { p.edit(name, old, new) }, nil) }
	}
	cover := func(change func(l *Lab, f []string)) func(*Lab) []byte {
		return func(l *Lab) []byte {
			p := Unpack(l.T, l.Narrow)
			lines := p.lines(bundle.CoverFile)
			i := lineWith(lines, "node ")
			f := strings.Split(lines[i], " ")
			change(l, f)
			lines[i] = strings.Join(f, " ")
			p.setLines(bundle.CoverFile, lines)
			p.Reseal(l.Own, nil)
			return p.Zip()
		}
	}
	const file = bundle.ManifestFile
	return []Case{
		{"member in other letters", "A member of the manifest is written with a capital letter.", Holder, manifest(`"erased":`, `"Erased":`), file, "content", Alone},
		{"member left out", "A member of the manifest is left out.", Holder, manifest(`"erased":[],`, ``), file, "content", Alone},
		{"count doubled", "A count in the manifest is there twice.", Holder, manifest(`"redacted":0`, `"redacted":7,"redacted":0`), file, "content", Alone},
		{"path doubled", "The path of a file in the manifest's list is there twice.", Holder,
			manifest(`"path":"README.txt"`, `"path":"LIESMICH","path":"README.txt"`), file, "files", Alone},
		{"zero with a sign", "A count in the manifest is written as -0.", Holder, manifest(`"redacted":0`, `"redacted":-0`), file, "content", Alone},
		{"half a letter", "The organisation in the manifest begins with half a surrogate pair and a command to the terminal.", Holder,
			manifest(`"organisation":"`, `"organisation":"\ud800\u001b[2J`), bundle.RequestFile, "organisation", Alone},
		{"assessment with two readings", "The results are there twice in assessment.json: once none, in other letters, and once those that were made.", Holder,
			edited(bundle.AssessmentFile, `"results":`, `"Results":[],"results":`), bundle.AssessmentFile, "content", Alone},
		{"assessment and more", "Another JSON value follows the assessment.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(bundle.AssessmentFile, append(p.at(bundle.AssessmentFile).content, "{}\n"...)) }, nil)
		}, bundle.AssessmentFile, "content", Alone},
		{"request with two readings", "The period is there twice in request.json.", Holder,
			edited(bundle.RequestFile, `"period":`, `"PERIOD": "2020-01-01T00:00:00Z..2030-01-01T00:00:00Z", "period":`), bundle.RequestFile, "content", Alone},
		{"hash in base64", "A hash of the cover is written in base64.", Holder, cover(func(l *Lab, f []string) {
			raw, err := hex.DecodeString(f[3])
			if err != nil {
				l.T.Fatal(err)
			}
			f[3] = base64.StdEncoding.EncodeToString(raw)
		}), bundle.CoverFile, "content", Alone},
		{"zero before a level", "A level of the cover is written with a zero before it.", Holder, cover(func(_ *Lab, f []string) { f[1] = "0" + f[1] }),
			bundle.CoverFile, "content", Alone},
		{"pattern that is none", "The profile in the manifest has a pattern that no kind can be held against.", Holder, func(l *Lab) []byte {
			p := Unpack(l.T, l.Redacted)
			p.Reseal(l.Own, func(h *bundle.Head) { h.Redaction.Keep = append(h.Redaction.Keep, "git*") })
			return p.Zip()
		}, file, "redaction", Alone},
		{"another reason for hiding", "The list of hidden payloads gives another reason than the profile.", Holder, func(l *Lab) []byte {
			p := Unpack(l.T, l.Redacted)
			p.edit(bundle.RedactedFile, "the profile partner hides", "a court ordered to hide")
			p.Reseal(l.Own, nil)
			return p.Zip()
		}, bundle.RedactedFile, "line", Alone},
	}
}

// sayingCases are about what a workbook or an assessment says of itself.
func sayingCases() []Case {
	edit := func(change func(w *Pack)) func(*Lab) []byte {
		return func(l *Lab) []byte { return l.sealed(func(p *Pack) { p.workbook(l.Own, change) }, nil) }
	}
	fact := func(name, value string) func(*Lab) []byte {
		return func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				w := Unpack(l.T, p.at(bundle.WorkbookFile).content)
				p.set(bundle.WorkbookFile, w.resealWorkbook(l.Own, func(facts []seal.Fact) {
					for i := range facts {
						if facts[i].Name == name {
							facts[i].Value = value
						}
					}
				}))
			}, nil)
		}
	}
	const file = bundle.WorkbookFile
	return []Case{
		{"workbook of other rules", "The workbook's seal names another catalog.", Holder, fact("catalog", evidence.Sum([]byte("another")).String()), file, "catalog", Alone},
		{"workbook of another checkpoint", "The workbook's seal names another checkpoint.", Holder, fact("checkpoint", "1 AAAA"), file, "checkpoint", Alone},
		{"titles exchanged", "Two titles in the Evidence sheet change places: what was read seems to have happened then.", Holder, edit(func(w *Pack) {
			name := w.sheet("Evidence")
			w.edit(name, "event time (UTC)", "T-A")
			w.edit(name, "collected at (UTC)", "event time (UTC)")
			w.edit(name, "T-A", "collected at (UTC)")
		}), file + ": sheet Evidence", "", Alone},
		{"row that is not counted", "The Results sheet ends with a row that is called the first.", Holder, edit(func(w *Pack) {
			w.edit(w.sheet("Results"), "</sheetData>", `<row r="1"><c r="A1" t="inlineStr"><is><t>all is well</t></is></c></row></sheetData>`)
		}), file + ": sheet Results", "row 1", Alone},
		{"assessment of another instant", "The assessment says another instant than manifest and workbook.", Holder, func(l *Lab) []byte {
			p := l.again()
			p.assessment(func(a *assess.Assessment) { a.AsOf = a.AsOf.Add(-24 * time.Hour) })
			return p.sealedWithWorkbook(l.Own)
		}, bundle.AssessmentFile, "as_of", Alone},
		{"evidence of another subject cited", "A result rests on evidence that is there, of another subject.", Holder, func(l *Lab) []byte {
			p := l.again()
			p.assessment(func(a *assess.Assessment) {
				for i, r := range a.Results {
					for _, other := range a.Results {
						if r.Status == assess.StatusFailing && other.Status == assess.StatusSatisfied && len(other.Evidence) > 0 {
							a.Results[i].Evidence = other.Evidence
							return
						}
					}
				}
			})
			return p.sealedWithWorkbook(l.Own)
		}, bundle.AssessmentFile, "result", Computing},
	}
}
