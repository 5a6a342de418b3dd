package verifytest

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/attest/attesttest"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

// Tool is the program and version that the bundles say made them.
const Tool = "exhibit 1.0.0-test"

// Rule is the rule of the world.
const Rule = `control: A.6.2.5
expectations:
  - slug: change-approved
    version: 1
    title: Changes are approved
    statement: Somebody approved each change before it merged.
    severity: major
    strength: operation
    automation: full
    cause: approval
    per: change
    population:
      kind: github.pull_request
      as: change
      where: has(change.merged_at)
      at: change.merged_at
    uses:
      approvals: {kind: github.pull_request_review, match: {repo: change.repo, pr_number: change.number}}
    checks:
      - that: approvals.filter(r, r.state == "APPROVED" && r.submitted_at <= change.merged_at).size() >= params.approvals
        because: '"nobody approved it before the merge: " + orElse(change.title, "")'
    seen: '"approved before the merge"'
    params:
      approvals: 2
    freshness: {mode: per_event, lookback: 365d, collection_max_age: 7d}
    remedy: Have a second person look at it.
`

// Rules are those of the world: few, so that tests are quick.
func Rules(t testing.TB) evaluate.Rules {
	t.Helper()
	files := fstest.MapFS{"expectations/A.6.2.5.yaml": {Data: []byte(Rule)}}
	for _, name := range []string{"catalog/iso42001.yaml", "kinds/github.yaml", "kinds/inventory.yaml", "kinds/waiver.yaml", "kinds/soa.yaml", "kinds/role.yaml"} {
		text, err := fs.ReadFile(config.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	own, err := evaluate.Thresholds("exhibit.yaml", map[string]map[string]json.RawMessage{"change-approved": {"approvals": json.RawMessage("1")}})
	if err != nil {
		t.Fatal(err)
	}
	return evaluate.Rules{Shipped: files, Own: []evaluate.RuleFile{own}}
}

// World is a ledger as a script has it.
type World struct {
	T       testing.TB
	Key     exporttest.Key
	Store   store.Store
	Rules   evaluate.Rules
	Earlier []byte // signed checkpoint after the first two runs
	clock   time.Time
	seen    map[string]bool // keys that are there
}

// New plays a script with a key.
func New(t testing.TB, s *Script, key exporttest.Key) *World {
	t.Helper()
	w := &World{T: t, Key: key, Rules: Rules(t), clock: Day, seen: map[string]bool{}}
	w.Store = memory.New(key.Signer, func() time.Time { return w.clock })
	for i, r := range s.Runs {
		w.play(r)
		if i == 1 {
			w.between(s.Attest)
		}
	}
	return w
}

func (w *World) append(b store.Batch) {
	w.T.Helper()
	if _, err := w.Store.Append(context.Background(), b); err != nil {
		w.T.Fatal(err)
	}
}

func (w *World) play(r Run) {
	w.T.Helper()
	w.clock = at(r.Day, 700)
	run := evidence.Run{ID: r.ID, StartedAt: at(r.Day, 690), Provenance: evidence.Provenance{Agent: "exhibit", Source: r.Source, Connector: r.Source,
		ConnectorVersion: "1", Identity: "reader", Method: "api", Reliability: "direct_api"}}
	w.append(store.Batch{Open: &run})
	for i := range r.Records {
		r.Records[i].CollectedAt = at(r.Day, 695)
		w.seen[r.Records[i].Kind+" "+r.Records[i].Key] = true
	}
	for _, key := range r.Gone {
		delete(w.seen, reviews+" "+key)
	}
	closed := run
	closed.FinishedAt, closed.Status, closed.Kinds = at(r.Day, 699), evidence.RunComplete, map[string]evidence.KindRead{}
	for _, k := range r.Kinds {
		n := int64(0)
		for _, rec := range r.Records {
			if rec.Kind == k {
				n++
			}
		}
		closed.Kinds[k] = evidence.KindRead{Coverage: "complete", Enumerated: true, Query: "all", IndependentCount: n - 1, Seen: n}
	}
	w.append(store.Batch{Run: r.ID, Records: r.Records})
	w.append(store.Batch{Run: r.ID, Close: &store.RunClose{Run: closed, Seen: func(kind, key, _ string) bool { return w.seen[kind+" "+key] }}})
}

// between does what is done in a week: somebody assesses, takes note of a
// finding, and has the ledger's state attested.
func (w *World) between(attested bool) {
	w.T.Helper()
	w.clock = at(2, 0)
	e := w.evaluator()
	a, err := e.At(context.Background(), w.clock)
	if err != nil {
		w.T.Fatal(err)
	}
	var lives evaluate.Lives
	after, events, err := lives.With(a, finding.Policy{})
	if err != nil {
		w.T.Fatal(err)
	}
	w.findings(events)
	for _, l := range after.Lives() {
		if l.State != finding.Open {
			continue
		}
		noted, err := finding.Acknowledge(l, "a.berg", "seen", w.clock)
		if err != nil {
			w.T.Fatal(err)
		}
		w.findings([]finding.Event{noted})
		break
	}
	if w.Earlier, err = w.Store.Checkpoint(context.Background()); err != nil {
		w.T.Fatal(err)
	}
	if attested {
		w.attest()
	}
}

func (w *World) findings(events []finding.Event) {
	w.T.Helper()
	bodies, err := finding.Bodies(events)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, b := range bodies {
		w.append(store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryFinding, At: w.clock, Body: b}}})
	}
}

// authority is made once: making keys takes a second.
var authority = sync.OnceValues(func() (func([]byte) (*attest.Timestamp, error), error) { return newStamper() })

// attest records a time-stamp and a cosignature of the ledger as it is.
func (w *World) attest() {
	w.T.Helper()
	cp, err := ledger.UnverifiedCheckpoint(w.Earlier)
	if err != nil {
		w.T.Fatal(err)
	}
	stamp, err := authority()
	if err != nil {
		w.T.Fatal(err)
	}
	ts, err := stamp(w.Earlier)
	if err != nil {
		w.T.Fatal(err)
	}
	witness, err := attesttest.NewWitness("witness.example/w1", func() time.Time { return w.clock })
	if err != nil {
		w.T.Fatal(err)
	}
	text, _, _ := bytes.Cut(w.Earlier, []byte("\n\n"))
	for _, a := range []attest.Attestation{
		{Kind: attest.KindTimestamp, Note: w.Earlier, Checkpoint: cp, Timestamp: ts},
		{Kind: attest.KindCosignature, Note: w.Earlier, Checkpoint: cp, Cosignature: &attest.Cosignature{URL: "https://witness.example", Key: witness.Key(),
			Line: witness.Line(string(text) + "\n"), Time: w.clock}},
	} {
		body, err := a.Body()
		if err != nil {
			w.T.Fatal(err)
		}
		w.append(store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryAttestation, At: w.clock, Body: body}}})
	}
}

func (w *World) evaluator() *evaluate.Evaluator {
	w.T.Helper()
	eng, err := w.Rules.Compile()
	if err != nil {
		w.T.Fatal(err)
	}
	return evaluate.New(eng, w.Store)
}

// Snapshot is what an export of the world is made from, and what goes into a
// bundle beside it.
func (w *World) Snapshot(p redact.Profile) (*export.Snapshot, bundle.Input) {
	w.T.Helper()
	ctx, in := context.Background(), bundle.Input{Redaction: p}
	e := w.evaluator()
	a, err := e.At(ctx, AsOf)
	if err != nil {
		w.T.Fatal(err)
	}
	cp, err := evaluate.Content(ctx, w.Store)
	if err != nil {
		w.T.Fatal(err)
	}
	signed, err := cp.Sign(w.Key.Signer)
	if err != nil {
		w.T.Fatal(err)
	}
	src, err := redact.NewSource(ctx, w.Store, p, a.Checkpoint.Size)
	if err != nil {
		w.T.Fatal(err)
	}
	cut, withheld := src.Assessment(a)
	if withheld > 0 {
		var whole bytes.Buffer
		if err := (&export.Snapshot{Assessment: a}).WriteAssessment(&whole); err != nil {
			w.T.Fatal(err)
		}
		in.Withheld, in.Unredacted = withheld, evidence.Sum(whole.Bytes())
	}
	req := gather.Request{Organisation: "Acme", Roles: []string{"developer"}, GeneratedBy: "a.berg", ToolVersion: "1.0.0-test", PublicKey: w.Key.Public,
		Checkpoint: signed, Duties: evaluate.Duties{Due: map[string]time.Duration{"major": 720 * time.Hour}}}
	snap, err := gather.Snapshot(ctx, src, e.Engine(), cut, req)
	if err != nil {
		w.T.Fatal(err)
	}
	snap.Redaction = p.Export()
	if in.Request.Inputs, err = verify.InputsOf(req); err != nil {
		w.T.Fatal(err)
	}
	w.rest(&in, cp)
	return snap, in
}

// rest adds rules and attestations.
func (w *World) rest(in *bundle.Input, cp ledger.Checkpoint) {
	w.T.Helper()
	err := fs.WalkDir(w.Rules.Shipped, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(w.Rules.Shipped, name)
		in.Rules = append(in.Rules, bundle.Rule{Path: path.Clean(name), Text: text})
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	for n, own := range w.Rules.Own {
		in.Rules = append(in.Rules, bundle.Rule{Path: bundle.OwnRule(n, own.Name), Text: own.Text})
	}
	bundle.SortRules(in.Rules)
	list, err := attest.Attestations(context.Background(), w.Store, cp.Size)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, at := range list {
		b, err := verify.BundleOf(at)
		if err != nil {
			w.T.Fatal(err)
		}
		in.Attestations = append(in.Attestations, b)
	}
}

// Bundle exports the world.
func (w *World) Bundle(p redact.Profile, scope string) []byte {
	w.T.Helper()
	snap, in := w.Snapshot(p)
	in.Scope = scope
	var buf bytes.Buffer
	if _, err := bundle.Write(context.Background(), &buf, snap, w.Key.Signer, bundle.Options{Input: in, TempDir: w.T.TempDir()}); err != nil {
		w.T.Fatal(err)
	}
	return buf.Bytes()
}

// Workbook exports the world's workbook alone.
func (w *World) Workbook() []byte {
	w.T.Helper()
	snap, _ := w.Snapshot(redact.Profile{})
	var buf bytes.Buffer
	if _, err := xlsx.Write(context.Background(), &buf, snap, w.Key.Signer, xlsx.Options{TempDir: w.T.TempDir()}); err != nil {
		w.T.Fatal(err)
	}
	return buf.Bytes()
}

// Key makes the key of a name; an organisation's is called "exhibit/test".
func Key(t testing.TB, name string) exporttest.Key {
	t.Helper()
	k, err := exporttest.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Verifier is the public half of a key.
func Verifier(t testing.TB, k exporttest.Key) note.Verifier {
	t.Helper()
	v, err := ledger.ParseVerifier(k.Public)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Options are how a bundle of the world is verified by this program.
func Options(t testing.TB, k exporttest.Key) verify.Options {
	return verify.Options{Key: Verifier(t, k), Recompute: &verify.Recompute{Tool: Tool, TempDir: t.TempDir()}}
}
