package service

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

// Spec says of what a snapshot is.
type Spec struct {
	At     time.Time
	Period *evidence.Period
	Since  time.Time // zero: nothing is compared
	Redact redact.Profile
	By     string // who the export says has made it; empty: Options.User
}

// Made is a snapshot, with what it was made from.
type Made struct {
	*export.Snapshot
	Request    gather.Request
	Profile    redact.Profile
	Unredacted evidence.Digest // of the assessment before anything was hidden
	Withheld   int             // texts made from what is hidden
	rules      evaluate.Rules
}

// Make assesses at an instant and gathers what an export of it needs, without
// what the profile hides.
func (s *Service) Make(ctx context.Context, sp Spec) (*Made, error) {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	defer s.assessed()
	a, err := e.At(ctx, sp.At)
	if err != nil {
		return nil, err
	}
	m := &Made{Profile: sp.Redact, rules: e.Rules}
	if m.Request, err = s.gatherRequest(ctx, e, sp); err != nil {
		return nil, err
	}
	if !sp.Since.IsZero() {
		if m.Request.Since, err = gather.Since(ctx, s.store, e.State(), a, sp.Since); err != nil {
			return nil, err
		}
	}
	src, err := redact.NewSource(ctx, s.store, sp.Redact, a.Checkpoint.Size)
	if err != nil {
		return nil, err
	}
	cut, withheld := src.Assessment(a)
	if withheld > 0 {
		var whole bytes.Buffer
		if err := (&export.Snapshot{Assessment: a}).WriteAssessment(&whole); err != nil {
			return nil, err
		}
		m.Unredacted, m.Withheld = evidence.Sum(whole.Bytes()), withheld
		m.Request.Since = nil // it says what changed in what is hidden
	}
	if m.Snapshot, err = gather.Snapshot(ctx, src, e.Engine(), cut, m.Request); err != nil {
		return nil, err
	}
	m.Redaction = sp.Redact.Export()
	return m, nil
}

// BundleOf is what goes into a bundle beside the snapshot.
func (s *Service) BundleOf(ctx context.Context, m *Made, used bool) (bundle.Input, error) {
	in := bundle.Input{Redaction: m.Profile, Unredacted: m.Unredacted, Withheld: m.Withheld}
	if used {
		in.Scope = bundle.Used
	}
	var err error
	if in.Rules, err = ruleFiles(m.rules); err != nil {
		return in, err
	}
	if in.Request.Inputs, err = verify.InputsOf(m.Request); err != nil {
		return in, err
	}
	cp, err := ledger.UnverifiedCheckpoint(m.Checkpoint)
	if err != nil {
		return in, err
	}
	list, err := attest.Attestations(ctx, s.store, cp.Size)
	if err != nil {
		return in, err
	}
	for _, at := range list {
		b, err := verify.BundleOf(at)
		if err != nil {
			return in, err
		}
		in.Attestations = append(in.Attestations, b)
	}
	return in, nil
}

// ruleFiles are the rules in force as files of a bundle.
func ruleFiles(r evaluate.Rules) ([]bundle.Rule, error) {
	var out []bundle.Rule
	for _, dir := range []string{"catalog", "kinds", "expectations", "crosswalk"} {
		names, err := fs.Glob(r.Shipped, dir+"/*.yaml")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(r.Shipped, name)
			if err != nil {
				return nil, err
			}
			out = append(out, bundle.Rule{Path: path.Clean(name), Text: text})
		}
	}
	for n, own := range r.Own {
		out = append(out, bundle.Rule{Path: bundle.OwnRule(n, own.Name), Text: own.Text})
	}
	bundle.SortRules(out)
	return out, nil
}

// OwnProfiles are the redaction profiles of the configuration.
func OwnProfiles(cfg *configfile.Config) []redact.Profile {
	var out []redact.Profile
	for _, p := range cfg.Export.Redaction {
		out = append(out, redact.Profile{Name: p.Name, Hide: p.Hide, Keep: p.Keep, Sheets: p.SheetsOmitted})
	}
	return out
}

// gatherRequest says what an export of a spec shows, but for what changed.
func (s *Service) gatherRequest(ctx context.Context, e *Evaluator, sp Spec) (gather.Request, error) {
	cp, err := evaluate.Content(ctx, s.store)
	if err != nil {
		return gather.Request{}, err
	}
	signed, err := cp.Sign(s.Key.Signer())
	if err != nil {
		return gather.Request{}, err
	}
	r := gather.Request{Organisation: s.Config().Organization, Period: sp.Period, GeneratedBy: cmp.Or(sp.By, s.User),
		ToolVersion: s.Version, PublicKey: s.Key.Public(), Checkpoint: signed, Shipped: e.Rules.Shipped,
		Duties: evaluate.Duties{Due: s.Config().Findings.Due, OwnerRole: s.Config().Findings.OwnerRole}}
	if s.Config().Register != "" {
		if reg, err := register.Load(s.Config().Register, register.Known{}); err == nil {
			r.Organisation, r.Roles = reg.Organization.Name, reg.Organization.Roles
		}
	}
	return r, nil
}

// RecordExport puts on record what was handed out: what says what it is, its
// file, digest and size. The snapshot's id is there so that a copy which comes
// back can be told from any other.
func (s *Service) RecordExport(ctx context.Context, sn *export.Snapshot, what map[string]any) error {
	d, err := sn.Digests()
	if err != nil {
		return err
	}
	all := maps.Clone(what)
	maps.Copy(all, map[string]any{"as_of": sn.AsOf, "by": sn.GeneratedBy, "assessed_size": sn.Assessment.Checkpoint.Size, "snapshot": d.Snapshot, "tool": sn.ToolVersion})
	if sn.Period != nil {
		all["period"] = sn.PeriodText()
	}
	if sn.Since != nil {
		all["since"] = sn.Since.From
	}
	if sn.Redaction != nil {
		all["redaction"] = sn.Redaction.Profile
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = s.store.Append(ctx, store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, At: s.clock().UTC(), Body: body}}})
	return err
}
