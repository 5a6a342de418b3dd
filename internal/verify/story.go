package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// story compares the assessment, the entries and the files with one another.
func (a *archive) story() error {
	b := a.book
	for _, c := range b.cited {
		if !c.found {
			return a.uncited()
		}
	}
	a.report.held(checkCited, int64(len(b.cited)))
	for _, r := range a.assessment.Runs {
		if _, ok := b.sources[r.Run]; !ok && r.Run != "" {
			return fail(bundle.AssessmentFile, "runs", "a run whose entries are in the ledger", clip(r.Run))
		}
	}
	if n := len(b.payloads); n != a.head.Counts.Evidence {
		return fail(bundle.EntriesFile, "evidence entries", fmt.Sprint(a.head.Counts.Evidence), fmt.Sprint(n))
	}
	a.report.held(checkEntries, b.entries)
	if b.whole() {
		a.report.held(checkHistory, int64(len(b.heads)))
	}
	if len(b.manifest) > 0 {
		return fail(slices.Min(slices.Collect(maps.Keys(b.manifest))), "", "the manifest of a run that the ledger has", "none")
	}
	if n := a.report.Runs; n != a.head.Counts.Runs {
		return fail(bundle.ManifestFile, "counts", fmt.Sprintf("%d manifests of runs", a.head.Counts.Runs), fmt.Sprint(n))
	}
	a.report.held(checkRuns, int64(a.report.Runs))
	return nil
}

// uncited names the result that rests on evidence that is not there.
func (a *archive) uncited() error {
	for i, r := range a.assessment.Results {
		for _, d := range r.Evidence {
			if !a.book.cited[d].found {
				return fail(bundle.AssessmentFile, fmt.Sprintf("result %d, %s for %s", i, clip(r.Expectation), clip(r.Subject.ID)),
					"evidence that is in the ledger", d.String())
			}
		}
	}
	return errors.New("a citation of no result")
}

// eventTimes compares those of results with those of their evidence.
func (a *archive) eventTimes() {
	equal, other := int64(0), int64(0)
	for _, r := range a.assessment.Results {
		if r.EventTime == nil || len(r.Evidence) == 0 {
			continue
		}
		if slices.ContainsFunc(r.Evidence, func(d evidence.Digest) bool { return a.book.cited[d].event.Equal(*r.EventTime) }) {
			equal++
		} else {
			other++
		}
	}
	a.report.held(checkEvents, equal)
	if other > 0 {
		a.report.Notes = append(a.report.Notes, fmt.Sprintf(
			"%d results state an event time that is not the event time of their evidence: an expectation may take it from within a record", other))
	}
}

// payloadSets checks that the files are those that the entries name, with
// their sizes, but for what the ledger says was erased and what is hidden.
func (a *archive) payloadSets() error {
	want := a.book.payloads
	slices.SortFunc(want, func(x, y payloadRef) int { return compareDigests(x.sum, y.sum) })
	for i := 1; i < len(want); i++ {
		if want[i].sum == want[i-1].sum && want[i].size != want[i-1].size {
			return fail(bundle.EntriesFile, "payload "+want[i].sum.String(), fmt.Sprintf("one size, %d", want[i-1].size), fmt.Sprint(want[i].size))
		}
	}
	want = slices.CompactFunc(want, func(x, y payloadRef) bool { return x.sum == y.sum })
	erased, err := a.erased(want)
	if err != nil {
		return err
	}
	i := 0
	for _, w := range want {
		_, hidden := a.book.hidden[w.sum]
		at := i < len(a.payloads) && a.payloads[i].sum == w.sum
		path := bundle.EvidenceDir + w.sum.String() + ".json"
		switch {
		case i < len(a.payloads) && compareDigests(a.payloads[i].sum, w.sum) < 0:
			return fail(bundle.EvidenceDir+a.payloads[i].sum.String()+".json", "", "only files that an entry names", "one more")
		case hidden && at:
			return fail(path, "", "no file: the profile hides it", "one")
		case erased[w.sum] && at:
			return fail(path, "", "no file: it was erased", "one")
		case hidden || erased[w.sum]:
			continue
		case !at:
			return fail("bundle", "", "the file "+path+", which an entry names", "none")
		case a.payloads[i].size != w.size:
			return fail(path, "content", fmt.Sprintf("%d bytes, as its entry says", w.size), fmt.Sprint(a.payloads[i].size))
		}
		i++
	}
	if i < len(a.payloads) {
		return fail(bundle.EvidenceDir+a.payloads[i].sum.String()+".json", "", "only files that an entry names", "one more")
	}
	a.book.payloads = nil
	a.report.held(checkPayloads, int64(len(a.payloads)))
	return nil
}

// erased reads the manifest's list of what was erased.
func (a *archive) erased(named []payloadRef) (map[evidence.Digest]bool, error) {
	out := map[evidence.Digest]bool{}
	for i, d := range a.head.Erased {
		if i > 0 && compareDigests(a.head.Erased[i-1], d) >= 0 {
			return nil, fail(bundle.ManifestFile, "erased", "payloads in ascending order", d.String())
		}
		if _, ok := a.book.erased[d]; !ok {
			return nil, fail(bundle.ManifestFile, "erased", "payloads that a ledger entry erased", d.String())
		}
		if _, ok := slices.BinarySearchFunc(named, d, func(p payloadRef, d evidence.Digest) int { return compareDigests(p.sum, d) }); !ok {
			return nil, fail(bundle.ManifestFile, "erased", "payloads that an entry names, each once", d.String())
		}
		out[d] = true
		delete(a.book.hidden, d)
	}
	return out, nil
}

func compareDigests(a, b evidence.Digest) int { return bytes.Compare(a[:], b[:]) }

// redaction compares what is hidden with what the profile says, and makes sure
// that no result quotes it.
func (a *archive) redaction() error {
	if a.head.Redaction.Nothing() {
		if n := a.entries[bundle.RedactedFile].Size; n != 0 {
			return fail(bundle.RedactedFile, "content", "nothing, where nothing is hidden", fmt.Sprintf("%d bytes", n))
		}
		if n := a.head.Counts.Redacted; n != 0 || a.head.Redaction.Withheld != 0 || a.head.Unredacted != a.head.Assessment {
			return fail(bundle.ManifestFile, "redaction", "nothing withheld where nothing is hidden", fmt.Sprint(n))
		}
		return nil
	}
	if err := a.hiddenLines(); err != nil {
		return err
	}
	list := make([]*bundle.Redacted, 0, len(a.book.hidden))
	for _, r := range a.book.hidden {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y *bundle.Redacted) int { return compareDigests(x.Payload, y.Payload) })
	entry, ok := a.entries[bundle.RedactedFile]
	if !ok {
		return fail("bundle", "", "the file "+bundle.RedactedFile, "none")
	}
	if err := a.sameRedacted(a.zip.Open(entry), list); err != nil {
		return err
	}
	if a.head.Counts.Redacted != len(list) {
		return fail(bundle.ManifestFile, "counts", fmt.Sprintf("%d hidden payloads", len(list)), fmt.Sprint(a.head.Counts.Redacted))
	}
	for i, r := range a.assessment.Results {
		if err := a.withheld(i, r); err != nil {
			return err
		}
	}
	a.report.held(checkRedacted, int64(len(list)))
	a.report.Notes = append(a.report.Notes, fmt.Sprintf("%d payloads are hidden by the profile %s, and %d texts withheld; %s lists them",
		len(list), clip(a.head.Redaction.Name), a.head.Redaction.Withheld, bundle.RedactedFile))
	return nil
}

// withheld checks that a result on hidden evidence does not quote it.
func (a *archive) withheld(i int, r *assess.Result) error {
	rests := slices.ContainsFunc(r.Evidence, func(d evidence.Digest) bool { return a.book.cited[d].hidden })
	if rests && (!strings.HasSuffix(r.Reason, redact.Withheld) || r.Owner != "") {
		return fail(bundle.AssessmentFile, fmt.Sprintf("result %d, %s for %s", i, clip(r.Expectation), clip(r.Subject.ID)),
			"a reason that is withheld, and no owner: it rests on hidden evidence", "a reason")
	}
	return nil
}

// hiddenLines goes through the lines once more, for what they say about hidden
// payloads.
func (a *archive) hiddenLines() error {
	var parser evidence.Parser
	return a.eachLine(func(e evidence.Entry) error {
		if e.Type != evidence.EntryEvidence {
			return nil
		}
		ev, err := parser.Evidence(e)
		if err != nil {
			return err
		}
		r := a.book.hidden[ev.PayloadSum]
		if r == nil {
			return nil
		}
		r.Evidence++
		if i, have := slices.BinarySearch(r.Kinds, ev.Kind); !have {
			r.Kinds = slices.Insert(r.Kinds, i, strings.Clone(ev.Kind))
		}
		if c := a.book.cited[ev.Digest]; c != nil {
			c.hidden = true
		}
		return nil
	})
}

// sameRedacted compares redacted.jsonl with what it must say.
func (a *archive) sameRedacted(file io.Reader, list []*bundle.Redacted) error {
	br := newLineReader(file)
	for i, r := range list {
		want, err := r.Line(a.head.Redaction.Profile)
		if err != nil {
			return err
		}
		got, err := readLine(br)
		if err != nil || !bytes.Equal(got, bytes.TrimSuffix(want, []byte("\n"))) {
			return fail(bundle.RedactedFile, fmt.Sprintf("line %d", i+1), string(bytes.TrimSpace(want)), clip(string(got)))
		}
	}
	if _, err := br.ReadByte(); err != io.EOF {
		return fail(bundle.RedactedFile, fmt.Sprintf("line %d", len(list)+1), "the end", "more")
	}
	return nil
}
