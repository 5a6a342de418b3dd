package verifytest

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// lineWith is the number of the first line that has all of the texts.
func lineWith(lines []string, texts ...string) int {
	return slices.IndexFunc(lines, func(s string) bool {
		return !slices.ContainsFunc(texts, func(t string) bool { return !strings.Contains(s, t) })
	})
}

func ledgerCases() []Case {
	const file = bundle.EntriesFile
	edit := func(change func(lines []string) []string, head func(*bundle.Head)) func(*Lab) []byte {
		return func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.setLines(file, change(p.lines(file))) }, head)
		}
	}
	rewrite := func(change func(lines []string) []string) func(*Lab) []byte {
		return func(l *Lab) []byte { return l.again().rewritten(l.Own, change) }
	}
	return []Case{
		{"approval back-dated in the ledger", "The event time of a line is moved, sealed again; the checkpoint stays.", Holder, edit(func(lines []string) []string {
			i := lineWith(lines, `"event_time":"2026-11-19T18`)
			lines[i] = strings.Replace(lines[i], `"event_time":"2026-11-19T18`, `"event_time":"2026-11-19T08`, 1)
			return lines
		}, nil), file, "root", Alone},
		{"entry dropped", "A line is left out.", Holder, edit(func(lines []string) []string { return slices.Delete(lines, 2, 3) },
			func(h *bundle.Head) { h.Counts.Entries-- }), file, "", Alone},
		{"entry added", "A line is put in twice.", Holder, edit(func(lines []string) []string { return append(lines, lines[len(lines)-1]) },
			func(h *bundle.Head) { h.Counts.Entries++ }), file, "", Alone},
		{"entries reordered", "Two lines of one run change places.", Holder, edit(func(lines []string) []string {
			i := lineWith(lines, `acme/claims/3"`)
			lines[i], lines[i+1] = lines[i+1], lines[i]
			return lines
		}, nil), file, "root", Alone},
		{"entry hidden behind its hash", "A line is left out and its hash given in its place.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				lines := p.lines(file)
				h := tlog.RecordHash([]byte(lines[2]))
				p.setLines(file, slices.Delete(lines, 2, 3))
				cover := p.lines(bundle.CoverFile)
				var from, to int
				if _, err := fmt.Sscanf(cover[3], "entries %d %d", &from, &to); err != nil {
					l.T.Fatal(err)
				}
				p.setLines(bundle.CoverFile, slices.Replace(cover, 3, 4, "entries 0 2", fmt.Sprintf("node 0 2 %x", h[:]), fmt.Sprintf("entries 3 %d", to)))
			}, func(h *bundle.Head) { h.Counts.Entries-- })
		}, bundle.CoverFile, "", Alone},
		{"last week dropped", "The lines of the last run are left out, the checkpoint stays.", Holder, edit(func(lines []string) []string {
			return lines[:lineWith(lines, `"type":"run_opened"`, "gh-2")]
		}, nil), file, "", Alone},
		{"old checkpoint replayed", "The checkpoint is exchanged for an earlier one of the same ledger.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.set(bundle.CheckpointFile, l.Note) }, nil)
		}, bundle.CheckpointFile, "size and root", Alone},
		{"checkpoint of another key", "The checkpoint is signed again by another key of the same name.", Another, func(l *Lab) []byte {
			return l.unsealed(func(p *Pack) {
				p.set(bundle.CheckpointFile, Unpack(l.T, New(l.T, Honest(l.T), l.Same).Bundle(redact.Profile{}, bundle.Used)).at(bundle.CheckpointFile).content)
			})
		}, bundle.CheckpointFile, "", Alone},
		{"line not in its form", "A space is put into a line; the ledger is written anew.", Insider, rewrite(func(lines []string) []string {
			lines[2] = strings.Replace(lines[2], `"body":{`, `"body": {`, 1)
			return lines
		}), file, "line 3", Alone},
		{"time goes back", "A line is dated before the one before it; the ledger is written anew.", Insider, rewrite(func(lines []string) []string {
			lines[3] = strings.Replace(lines[3], `{"at":"2026-11-0`, `{"at":"2025-11-0`, 1)
			return lines
		}), file, "line 4", Alone},
		{"revision skipped", "A revision is left out; the ledger is written anew.", Insider, rewrite(func(lines []string) []string {
			i := lineWith(lines, `"revision":2`)
			lines[i] = strings.Replace(lines[i], `"revision":2`, `"revision":3`, 1)
			return lines
		}), file, "line", Alone},
		{"item removed from a run", "An evidence line is removed; the ledger is written anew.", Insider, rewrite(func(lines []string) []string {
			i := lineWith(lines, `"key":"acme/claims/4"`)
			return slices.Delete(lines, i, i+1)
		}), file, "line", Alone},
		{"key called gone that never was", "A gone line names a key that nothing had.", Insider, rewrite(func(lines []string) []string {
			i := lineWith(lines, `"type":"gone"`)
			lines[i] = strings.Replace(lines[i], "acme/claims/9/r", "acme/claims/8/r", 1)
			return lines
		}), file, "line", Alone},
	}
}

func runCases() []Case {
	const file = bundle.EntriesFile
	return []Case{
		{"run forged", "A run that read nothing is put at the end of the lines.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) {
				lines := p.lines(file)
				opened := strings.ReplaceAll(lines[lineWith(lines, `"type":"run_opened"`, "gh-2")], "gh-2", "gh-3")
				p.setLines(file, append(lines, opened))
			}, func(h *bundle.Head) { h.Counts.Entries++ })
		}, file, "", Alone},
		{"run opened twice", "A run is opened a second time; the ledger is written anew.", Insider, func(l *Lab) []byte {
			return l.again().rewritten(l.Own, func(lines []string) []string {
				i := lineWith(lines, `"type":"run_opened"`, "gh-2")
				return slices.Insert(lines, i+1, lines[i])
			})
		}, file, "line", Alone},
		{"run's counts lowered", "A run says that it read less; the ledger is written anew.", Insider, func(l *Lab) []byte {
			return l.again().rewritten(l.Own, func(lines []string) []string {
				i := lineWith(lines, `"type":"run_closed"`, "gh-1")
				lines[i] = strings.Replace(lines[i], `"new":4`, `"new":3`, 1)
				return lines
			})
		}, file, "line", Alone},
		{"run manifest changed", "The manifest of a run says that it counted more.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.edit(bundle.RunFile("gh-1"), `"independent_count":3`, `"independent_count":4`) }, nil)
		}, bundle.RunFile("gh-1"), "content", Alone},
		{"run manifest dropped", "The manifest of a run is left out.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.drop(bundle.RunFile("gh-1")) }, nil)
		}, bundle.RunFile("gh-1"), "", Alone},
		{"run manifest added", "A manifest is added for a run that never was.", Holder, func(l *Lab) []byte {
			return l.sealed(func(p *Pack) { p.add(bundle.RunFile("gh-9"), []byte("{}\n")) }, nil)
		}, bundle.RunFile("gh-9"), "", Alone},
	}
}

// insiderCases are made by whoever has key and database: the ledger is another
// from the start, and nothing in it disagrees. Only what somebody kept shows it.
func insiderCases() []Case {
	anew := func(key func(*Lab) exporttest.Key, change func(*Lab, *Script)) func(*Lab) []byte {
		return func(l *Lab) []byte {
			s := Honest(l.T)
			change(l, s)
			return New(l.T, s, key(l)).Bundle(redact.Profile{}, bundle.Whole)
		}
	}
	own := func(l *Lab) exporttest.Key { return l.Own }
	const file = bundle.CheckpointFile
	return []Case{
		{"failing change never was", "A change that nobody approved is removed from the database and everything is made anew.", Insider,
			anew(own, func(_ *Lab, s *Script) { r := s.Run("gh-1"); r.Records = slices.Delete(r.Records, 3, 4) }), file, "against", Past},
		{"approval dated back from the start", "An approval is written into the past and everything is made anew.", Insider,
			anew(own, func(l *Lab, s *Script) {
				s.Run("gh-1").Records = append(s.Run("gh-1").Records, Approval(l.T, 4, at(0, 20)))
			}), file, "against", Past},
		{"waiver extended from the start", "A waiver gets a later end and everything is made anew.", Insider,
			anew(own, func(l *Lab, s *Script) { s.Runs[0].Records[1] = waiver(l.T, AsOf.AddDate(2, 0, 0)) }), file, "against", Past},
		{"run forged in the past", "A run that never was is put before all others and everything is made anew.", Insider,
			anew(own, func(l *Lab, s *Script) {
				s.Runs[0].Records = append(s.Runs[0].Records, Approval(l.T, 3, at(0, 10)))
				s.Runs[0].Kinds = append(s.Runs[0].Kinds, reviews)
			}), file, "against", Past},
		{"attestations forgotten", "The database is changed, and what others said about the old one is left out.", Insider,
			anew(own, func(_ *Lab, s *Script) {
				s.Attest = false
				r := s.Run("gh-1")
				r.Records = slices.Delete(r.Records, 3, 4)
			}), file, "against", Past},
		{"weeks dropped", "The last weeks are dropped, and the bundle is made of what was before.", Insider, func(l *Lab) []byte {
			s := Honest(l.T)
			s.Runs = s.Runs[:1]
			return New(l.T, s, l.Own).Bundle(redact.Profile{}, bundle.Whole)
		}, file, "against", Past},
		{"everything made anew by somebody else", "The whole bundle is made anew with another key of the same name.", Another,
			anew(func(l *Lab) exporttest.Key { return l.Same }, func(_ *Lab, s *Script) { r := s.Run("gh-1"); r.Records = slices.Delete(r.Records, 3, 4) }),
			bundle.NoteFile, "key", TheKey},
		{"sealed again by somebody else", "Manifest and workbook are sealed with another key of the same name; the checkpoint cannot be.", Another, func(l *Lab) []byte {
			p := l.again()
			p.set(bundle.KeyFile, []byte(l.Same.Public+"\n"))
			p.workbook(l.Same, func(*Pack) {})
			p.Reseal(l.Same, func(h *bundle.Head) { h.Trust.Key = l.Same.Public })
			return p.Zip()
		}, "", "signature", Alone},
	}
}
