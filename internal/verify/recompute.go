package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
)

// Recompute says how to make everything anew from a bundle.
type Recompute struct {
	Tool    string // "exhibit " and the version of this program
	Shipped fs.FS  // the rules that it comes with; nil: those of the bundle are not compared with them
	// Prepared is Shipped in forms that are read sooner.
	Prepared evaluate.Prepared
	TempDir  string // for large parts of the workbook; empty: the system's
}

// Inputs is what gathering needs beside ledger, rules and the manifest, as a
// bundle's request.json keeps it.
type Inputs struct {
	Roles     []string          `json:"roles,omitempty"`
	Due       map[string]string `json:"due,omitempty"` // by severity, a duration
	OwnerRole string            `json:"owner_role,omitempty"`
	Since     string            `json:"since,omitempty"`
}

// InputsOf takes them from a request.
func InputsOf(r gather.Request) (json.RawMessage, error) {
	in := Inputs{Roles: r.Roles, OwnerRole: r.Duties.OwnerRole, Due: map[string]string{}}
	for severity, d := range r.Duties.Due {
		in.Due[severity] = d.String()
	}
	if r.Since != nil {
		in.Since = export.Time(r.Since.From)
	}
	return json.Marshal(in)
}

func (in Inputs) duties() (evaluate.Duties, error) {
	d := evaluate.Duties{OwnerRole: in.OwnerRole, Due: map[string]time.Duration{}}
	for severity, text := range in.Due {
		due, err := time.ParseDuration(text)
		if err != nil {
			return d, err
		}
		d.Due[severity] = due
	}
	return d, nil
}

// recomputable says why a bundle cannot be recomputed, or nothing.
func (a *archive) recomputable() string {
	switch h := &a.head; {
	case a.opt.Recompute == nil:
		return "not asked for"
	case h.Scope != bundle.Whole:
		return "narrowed: the bundle holds only what the results rest on"
	case !h.Redaction.Nothing():
		return fmt.Sprintf("payloads are hidden by the profile %s", clip(h.Redaction.Name))
	case h.Counts.Rules == 0:
		return "the bundle holds no rules"
	}
	return ""
}

// recompute assesses anew and writes the workbook anew.
func (a *archive) recompute(ctx context.Context) error {
	if why := a.recomputable(); why != "" {
		a.report.Recomputed = "no: " + why
		if a.opt.Recompute != nil {
			a.report.Notes = append(a.report.Notes, "not recomputed: that each status follows from the evidence and the rules, and that no result was left out, rests on the signature alone")
		}
		return nil
	}
	rules, err := a.ruleFiles()
	if err != nil {
		return err
	}
	other := a.otherRules(rules)
	if a.opt.Recompute.Shipped != nil && len(other) == 0 { // to the byte, so what is known of ours holds for them
		rules.Trusted, rules.Prepared = true, a.opt.Recompute.Prepared
	}
	eng, err := rules.Compile()
	if err != nil {
		return fail(bundle.RulesDir, "content", "rules that can be compiled", clip(err.Error()))
	}
	v, err := newView(a)
	if err != nil {
		return err
	}
	ev := evaluate.New(eng, v)
	made, err := ev.At(ctx, a.assessment.AsOf)
	if err != nil {
		return a.differs(fail(bundle.AssessmentFile, "content", "an assessment that can be made anew", clip(err.Error())))
	}
	if err := a.sameAssessment(made); err != nil {
		return a.differs(err)
	}
	a.report.held(checkAssessed, int64(len(made.Results)))
	if err := a.sameWorkbook(ctx, ev, v, made, rules); err != nil {
		return a.differs(err)
	}
	a.report.Recomputed = "yes"
	if len(other) > 0 {
		a.report.Recomputed = "yes, by other rules than those that this program comes with"
		a.report.Notes = append(a.report.Notes, fmt.Sprintf("%d files of rules outside rules/own/ are not those that this program comes with: %s; the bundle was made by %s, this is %s",
			len(other), firstOf(other), clip(a.head.Tool), a.opt.Recompute.Tool))
	}
	return nil
}

// differs takes what recomputing came to. What another version of the program
// made may differ without anybody having changed it.
func (a *archive) differs(err error) error {
	var f *Failure
	if !errors.As(err, &f) || a.head.Tool == a.opt.Recompute.Tool {
		return err
	}
	a.report.Recomputed = fmt.Sprintf("differs: made by %s, this is %s: %s", clip(a.head.Tool), a.opt.Recompute.Tool, f.Error())
	a.report.Notes = append(a.report.Notes, "the seal holds, and recomputing came to something else than the bundle says; made by "+clip(a.head.Tool)+
		", this is "+a.opt.Recompute.Tool+": verify with the version that made it before concluding anything")
	return nil
}

// ruleFiles are the rules in the bundle.
func (a *archive) ruleFiles() (evaluate.Rules, error) {
	files := memFS{}
	r := evaluate.Rules{Shipped: files}
	total := int64(0)
	for _, path := range sortedPaths(a.rules) {
		entry := a.rules[path]
		if total += int64(entry.Size); total > maxRules {
			return r, fail(bundle.RulesDir, "", fmt.Sprintf("at most %d bytes of rules", maxRules), "more")
		}
		b, _, err := a.zip.Read(entry, maxRules)
		if err != nil {
			return r, err
		}
		if strings.HasPrefix(path, "own/") {
			r.Own = append(r.Own, evaluate.RuleFile{Name: bundle.RulesDir + path, Text: b})
			continue
		}
		files[path] = b
	}
	return r, nil
}

// maxRules bounds the files of rules, together.
const maxRules = 32 << 20

// sameAssessment compares the assessment made anew with the bundle's.
func (a *archive) sameAssessment(made *assess.Assessment) error {
	if made.Catalog != a.assessment.Catalog {
		return fail(bundle.AssessmentFile, "catalog", "the digest of the rules in the bundle: "+made.Catalog.Digest.String(), a.assessment.Catalog.Digest.String())
	}
	snap := export.Snapshot{Assessment: made}
	var buf bytes.Buffer
	if err := snap.WriteAssessment(&buf); err != nil {
		return err
	}
	if evidence.Sum(buf.Bytes()) == a.head.Assessment {
		return nil
	}
	if err := firstDifferent(made, a.assessment); err != nil {
		return err
	}
	return fail(bundle.AssessmentFile, "content", "sha256 "+evidence.Sum(buf.Bytes()).String()+", recomputed", a.head.Assessment.String())
}

// firstDifferent names the first result or control that came out differently.
func firstDifferent(made, found *assess.Assessment) error {
	for i, r := range made.Results {
		if i == len(found.Results) {
			return fail(bundle.AssessmentFile, fmt.Sprintf("result %d", i), resultWords(r), "none")
		}
		want, _ := json.Marshal(r)
		got, _ := json.Marshal(found.Results[i])
		if !bytes.Equal(want, got) {
			return fail(bundle.AssessmentFile, fmt.Sprintf("result %d", i), resultWords(r)+", recomputed", resultWords(found.Results[i]))
		}
	}
	if len(found.Results) > len(made.Results) {
		return fail(bundle.AssessmentFile, fmt.Sprintf("result %d", len(made.Results)), "no more results, recomputed", resultWords(found.Results[len(made.Results)]))
	}
	for i, c := range made.Controls {
		want, _ := json.Marshal(c)
		got, _ := json.Marshal(found.Controls[i])
		if !bytes.Equal(want, got) {
			return fail(bundle.AssessmentFile, "control "+clip(c.ID), fmt.Sprintf("%s, %d of %d: %s, recomputed", c.Status, c.Satisfied, c.Total, clip(c.Reason)),
				fmt.Sprintf("%s, %d of %d: %s", found.Controls[i].Status, found.Controls[i].Satisfied, found.Controls[i].Total, clip(found.Controls[i].Reason)))
		}
	}
	return nil
}

func resultWords(r *assess.Result) string {
	if r == nil {
		return "none"
	}
	return clip(fmt.Sprintf("%s for %s %s: %s: %s", r.Expectation, r.Subject.Type, r.Subject.ID, r.Status, r.Reason))
}

// sameWorkbook writes the workbook anew and compares.
func (a *archive) sameWorkbook(ctx context.Context, ev *evaluate.Evaluator, v *view, made *assess.Assessment, rules evaluate.Rules) error {
	req, err := a.gatherRequest(rules.Shipped)
	if err != nil {
		return err
	}
	if since := a.inputs().Since; since != "" {
		from, err := time.Parse(time.RFC3339Nano, since)
		if err != nil {
			return fail(bundle.RequestFile, "since", "a time", clip(since))
		}
		if req.Since, err = gather.Since(ctx, v, ev.State(), made, from); err != nil {
			return err
		}
	}
	snap, err := gather.Snapshot(ctx, v, ev.Engine(), made, req)
	if err != nil {
		return fail(bundle.WorkbookFile, "content", "a workbook that can be written anew", clip(err.Error()))
	}
	snap.Redaction = a.head.Redaction.Export() // a profile may only leave sheets out
	section, err := a.zip.Section(a.entries[bundle.WorkbookFile])
	if err != nil {
		return err
	}
	cmp, err := newSameBytes(section)
	if err != nil {
		return err
	}
	write := func(w io.Writer) error {
		_, err := xlsx.Write(ctx, w, snap, nobody{a.key}, xlsx.Options{TempDir: a.opt.Recompute.TempDir})
		return err
	}
	if err := write(cmp); err != nil && !errors.Is(err, errDiffers) {
		return err
	}
	if cmp.same() {
		a.report.held(checkWorkbook, int64(cmp.parts))
		return nil
	}
	return nameDifference(section, write, a.opt.Recompute.TempDir)
}

// inputs reads what gathering was given; a form of it that is not known is no
// input.
func (a *archive) inputs() Inputs {
	var in Inputs
	if json.Unmarshal(a.request.Inputs, &in) != nil {
		return Inputs{}
	}
	return in
}

func (a *archive) gatherRequest(shipped fs.FS) (gather.Request, error) {
	in := a.inputs()
	duties, err := in.duties()
	if err != nil {
		return gather.Request{}, fail(bundle.RequestFile, "due", "durations", clip(err.Error()))
	}
	r := gather.Request{Organisation: a.head.Organisation, Roles: in.Roles, GeneratedBy: a.head.GeneratedBy,
		ToolVersion: strings.TrimPrefix(a.head.Tool, "exhibit "), PublicKey: a.sealed.Key, Checkpoint: a.note, Duties: duties, Shipped: shipped}
	if a.head.Period != "none" {
		from, to, _ := strings.Cut(a.head.Period, "..")
		f, err1 := time.Parse(time.RFC3339Nano, from)
		t, err2 := time.Parse(time.RFC3339Nano, to)
		if err := errors.Join(err1, err2); err != nil {
			return r, fail(bundle.ManifestFile, "period", "two times", clip(a.head.Period))
		}
		r.Period = &evidence.Period{From: f, To: t}
	}
	return r, nil
}

// nobody signs in the place of a key whose private half is not here: what it
// signs has the right form and is never compared.
type nobody struct{ note.Verifier }

// Sign gives bytes of the length of a signature.
func (nobody) Sign([]byte) ([]byte, error) { return make([]byte, 64), nil }
