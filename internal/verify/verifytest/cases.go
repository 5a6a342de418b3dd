package verifytest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
)

// By says with which means somebody changed a bundle.
type By string

// Means, from the least.
const (
	Nobody  By = "no key"
	Another By = "a key of his own, of the same name"
	Holder  By = "the organisation's key"
	Insider By = "the organisation's key and its database"
)

// Needs says what it takes to find it.
type Needs string

// Needs.
const (
	Alone     Needs = ""              // the bundle alone
	TheKey    Needs = "--key"         // a public key obtained elsewhere
	Past      Needs = "--against"     // a state of the ledger kept from earlier
	Computing Needs = "recomputation" // a verifier with the rules engine
)

// Case is one kind of tampering.
type Case struct {
	Kind  string // short, unique
	Done  string // what is done, in words
	By    By
	Make  func(l *Lab) []byte
	File  string // what the report names begins with it
	Place string // and its place holds this
	Needs Needs
}

// Cases are all kinds of tampering.
func Cases() []Case {
	var out []Case
	for _, group := range [][]Case{resultCases(), evidenceCases(), ledgerCases(), runCases(), ruleCases(), redactionCases(), attestationCases(),
		workbookCases(), manifestCases(), containerCases(), insiderCases(), readerCases(), sayingCases()} {
		out = append(out, group...)
	}
	return out
}

// sealed makes a case's bundle: change it, and seal it again with the key.
func (l *Lab) sealed(change func(p *Pack), head func(*bundle.Head)) []byte {
	p := l.again()
	change(p)
	p.Reseal(l.Own, head)
	return p.Zip()
}

// unsealed changes it and leaves the seal as it was.
func (l *Lab) unsealed(change func(p *Pack)) []byte {
	p := l.again()
	change(p)
	return p.Zip()
}

// worst is the number of a failing or missing result.
func worst(a *assess.Assessment) int {
	for i, r := range a.Results {
		if r.Status == assess.StatusFailing || r.Status == assess.StatusMissing {
			return i
		}
	}
	return -1
}

// upgrade makes a failing result look satisfied, in its control too.
func upgrade(a *assess.Assessment) {
	i := worst(a)
	r := a.Results[i]
	for j := range a.Controls {
		for k, c := range a.Controls[j].Results {
			if c.Expectation == r.Expectation && c.Subject == r.Subject {
				a.Controls[j].Results[k].Status, a.Controls[j].Results[k].Reason = assess.StatusSatisfied, "approved before the merge"
			}
		}
	}
	r.Status, r.Reason = assess.StatusSatisfied, "approved before the merge"
}

// hide takes a failing result out, of its control too.
func hide(a *assess.Assessment) {
	i := worst(a)
	r := a.Results[i]
	a.Results = append(a.Results[:i:i], a.Results[i+1:]...)
	for j := range a.Controls {
		var keep []*assess.Result
		for _, c := range a.Controls[j].Results {
			if c.Expectation != r.Expectation || c.Subject != r.Subject {
				keep = append(keep, c)
			}
		}
		a.Controls[j].Results = keep
	}
}

func resultCases() []Case {
	const file = bundle.AssessmentFile
	return []Case{
		{"result upgraded", "A failing result is called satisfied in assessment.json.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.assessment(upgrade) })
		}, file, "content", Alone},
		{"result upgraded, signed", "The same, and everything is sealed again with the organisation's key.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.assessment(upgrade) }, nil)
		}, bundle.WorkbookFile, "snapshot", Alone},
		{"result upgraded, workbook agreeing", "The same, and the workbook names the new snapshot and assessment.", Holder, func(l *Lab) []byte {
			p := l.again()
			p.assessment(upgrade)
			return p.sealedWithWorkbook(l.Own)
		}, file, "result", Computing},
		{"failing result hidden", "A failing result is taken out, with its control's, and everything is sealed again.", Holder, func(l *Lab) []byte {
			p := l.again()
			p.assessment(hide)
			return p.sealedWithWorkbook(l.Own)
		}, bundle.WorkbookFile, "results", Alone},
		{"control called better", "The status of a control is changed and nothing else.", Holder, func(l *Lab) []byte {
			p := l.again()
			p.assessment(func(a *assess.Assessment) {
				for i := range a.Controls {
					if a.Controls[i].ID == "A.6.2.5" {
						a.Controls[i].Status = assess.StatusSatisfied
					}
				}
			})
			return p.sealedWithWorkbook(l.Own)
		}, file, "control A.6.2.5", Computing},
		{"evidence cited that is not there", "A result rests on an evidence id that no line has.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				p.assessment(func(a *assess.Assessment) { a.Results[0].Evidence = []evidence.Digest{evidence.Sum([]byte("nothing"))} })
			}, nil)
		}, file, "result 0", Alone},
		{"assessment of another day", "The assessment claims to be of an earlier size of the ledger.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.assessment(func(a *assess.Assessment) { a.Checkpoint.Size-- }) }, nil)
		}, file, "checkpoint", Alone},
	}
}

func evidenceCases() []Case {
	return []Case{
		{"evidence swapped", "The content of an evidence file is exchanged.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.set(p.evidence(), []byte(`{"a":1}`)) })
		}, bundle.EvidenceDir, "content", Alone},
		{"evidence swapped, lists agreeing", "The same, and sums and manifest agree with it; the signature cannot.", Nobody, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) { p.set(p.evidence(), []byte(`{"a":1}`)); p.consistent(nil) })
		}, bundle.ManifestFile, "content", Alone},
		{"evidence swapped, signed", "The same, sealed again with the organisation's key.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(p.evidence(), []byte(`{"a":1}`)) }, nil)
		}, bundle.EvidenceDir, "content", Alone},
		{"approval back-dated in the file", "An approval that came too late gets an earlier time, in a file named by its new digest.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				name := p.holding("2026-11-19T18:00:00Z")
				c := strings.ReplaceAll(p.Text(name), "2026-11-19T18:00:00Z", "2026-11-19T08:00:00Z")
				p.drop(name)
				p.add(bundle.EvidenceDir+evidence.Sum([]byte(c)).String()+".json", []byte(c))
			}, nil)
		}, "", "", Alone},
		{"waiver extended", "The end of a waiver is moved, in its file, sealed again.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				name := p.holding("expires_at")
				p.edit(name, `"expires_at":"2026-12`, `"expires_at":"2028-12`)
			}, nil)
		}, bundle.EvidenceDir, "content", Alone},
		{"evidence dropped", "An evidence file is left out.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.drop(p.evidence()) }, nil)
		}, "bundle", "", Alone},
		{"evidence added", "An evidence file is added that no line names.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				c := []byte(`{"planted":true}`)
				p.add(bundle.EvidenceDir+evidence.Sum(c).String()+".json", c)
			}, nil)
		}, bundle.EvidenceDir, "", Alone},
		{"payload called erased", "A payload is left out and called erased; no entry erased it.", Holder, func(l *Lab) []byte {
			p := l.again()
			name := p.evidence()
			p.drop(name)
			d, err := evidence.ParseDigest(strings.TrimSuffix(strings.TrimPrefix(name, bundle.EvidenceDir), ".json"))
			if err != nil {
				l.T.Fatal(err)
			}
			p.Reseal(l.Own, func(h *bundle.Head) { h.Erased = []evidence.Digest{d} })
			return p.Zip()
		}, bundle.ManifestFile, "erased", Alone},
	}
}

func ruleCases() []Case {
	const own = bundle.RulesDir + "own/0000-exhibit.yaml"
	return []Case{
		{"threshold changed", "A threshold in the organisation's own rules is lowered, sealed again.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.edit(own, `"approvals":1`, `"approvals":0`) }, nil)
		}, bundle.AssessmentFile, "catalog", Computing},
		{"rule weakened", "The condition of a rule is made always true, sealed again.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				p.edit(bundle.RulesDir+"expectations/A.6.2.5.yaml", "r.submitted_at <= change.merged_at", "true")
			}, nil)
		}, bundle.AssessmentFile, "catalog", Computing},
		{"rules dropped", "The organisation's own rules are left out, sealed again.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.drop(own) }, nil)
		}, bundle.AssessmentFile, "catalog", Computing},
		{"rule planted", "A file with a path out of the folder is put among the rules.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.add(bundle.RulesDir+"own/.hidden.yaml", []byte("a: 1\n")) }, nil)
		}, bundle.RulesDir + "own/.hidden.yaml", "", Alone},
		{"rules that are none", "A file of rules is no YAML.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(own, []byte("{{{")) }, nil)
		}, bundle.RulesDir, "content", Computing},
		{"request changed", "The organisation in request.json is another than in the manifest.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.edit(bundle.RequestFile, "Acme", "Ecma") }, nil)
		}, bundle.RequestFile, "organisation", Alone},
		{"roles changed", "The organisation's roles in request.json are changed: the workbook shows others.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.edit(bundle.RequestFile, "developer", "bystander") }, nil)
		}, bundle.WorkbookFile, "", Computing},
	}
}
