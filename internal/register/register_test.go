package register_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func load(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func known(c *catalog.Catalog) register.Known {
	return register.Known{Now: now, Controls: c.ControlIDs(), Expectations: []string{"ai-system-owner-named", "vendor-assessed"}}
}

func example(t testing.TB) []byte {
	t.Helper()
	b, err := fs.ReadFile(config.FS, "example/register.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExampleLoads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "register.yaml")
	if err := os.WriteFile(path, example(t), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := register.Load(path, known(load(t)))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := r.System("claims-triage")
	if !ok || s.Owner != "sade" || !s.IsInScope() || s.Repositories[0].ProductionBranch != "main" {
		t.Errorf("claims-triage: %+v", s)
	}
	if r.Digest() != evidence.Sum(example(t)) {
		t.Error("the digest is not that of the file")
	}
	if _, err := register.Load(path+".not", register.Known{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

// Each record has the shape of its kind, and touching the file renews nothing.
func TestRecords(t *testing.T) {
	c := load(t)
	r, err := register.Parse("register.yaml", example(t), known(c))
	if err != nil {
		t.Fatal(err)
	}
	records, err := r.Records(now)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	byKey := map[string]evidence.Record{}
	for _, rec := range records {
		k, ok := c.Kind(rec.Kind)
		if !ok {
			t.Fatalf("unknown kind %s", rec.Kind)
		}
		if errs := k.Validate(rec.Payload); errs != nil {
			t.Errorf("%s %s: %v", rec.Kind, rec.Key, errs)
		}
		if rec.Subject.Type != k.SubjectType {
			t.Errorf("%s %s: subject type %s, the kind says %s", rec.Kind, rec.Key, rec.Subject.Type, k.SubjectType)
		}
		var payload map[string]any
		if err := json.Unmarshal(rec.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		for name := range payload {
			if _, ok := k.Field(name); !ok {
				t.Errorf("%s: the kind has no field %s", rec.Kind, name)
			}
		}
		if at, _ := payload[k.EventTime].(string); (at == "") != rec.EventTime.IsZero() ||
			at != "" && at != rec.EventTime.Format(time.RFC3339) {
			t.Errorf("%s %s: event time %s, %s is %q", rec.Kind, rec.Key, rec.EventTime, k.EventTime, at)
		}
		got = append(got, rec.Kind+" "+rec.Key)
		byKey[rec.Kind+" "+rec.Key] = rec
	}
	want := []string{
		"context.register context",
		"directory.names ines", "directory.names marek", "directory.names sade",
		"inventory.ai_system claims-triage",
		"inventory.ai_system policy-assistant",
		"objective.definition OBJ-1|1",
		"role.assignment ai_officer|ines|2025-02-01T00:00:00Z",
		"role.assignment ai_system_deputy|marek|claims-triage",
		"role.assignment ai_system_owner|marek|policy-assistant",
		"role.assignment ai_system_owner|sade|claims-triage",
		"role.assignment executive|ines|2024-04-01T00:00:00Z",
		"role.assignment risk_owner|marek|2025-06-15T00:00:00Z",
		"scope.statement scope",
		"soa.record 1",
		"stakeholder.register parties",
		"vendor.record aws",
		"vendor.record openai",
		"waiver.record W-2026-01",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	const waiver = `{"approved_at":"2026-03-01T00:00:00Z","approved_by":"ines","compensating_controls":"Ines stands in during absences.",` +
		`"expectation_slug":"ai-system-owner-named","expires_at":"2026-09-01T00:00:00Z","reason":"The deputy is being recruited.",` +
		`"requested_by":"marek","subject":{"id":"policy-assistant","type":"ai_system"},"waiver_id":"W-2026-01"}`
	if d := cmp.Diff(waiver, string(byKey["waiver.record W-2026-01"].Payload)); d != "" {
		t.Error(d)
	}
	var system struct {
		Callers      []string  `json:"callers"`
		Version      string    `json:"version"`
		Excluded     []string  `json:"excluded_uses"`
		UseChangedAt time.Time `json:"intended_use_changed_at"`
		Surfaces     []string  `json:"surfaces"`
		Parties      []string  `json:"external_parties"`
	}
	if err := json.Unmarshal(byKey["inventory.ai_system claims-triage"].Payload, &system); err != nil {
		t.Fatal(err)
	}
	if len(system.Callers) != 1 || system.Version != "claims-triage-model/12" || len(system.Excluded) != 2 || system.UseChangedAt.IsZero() ||
		len(system.Surfaces) != 1 || system.Parties == nil {
		t.Errorf("who may use it, which version, for what not, and where: %+v", system)
	}
	later, err := r.Records(now.Add(48 * time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for i := range later {
		later[i].CollectedAt = records[i].CollectedAt
	}
	if d := cmp.Diff(records, later); d != "" {
		t.Errorf("a later reading differs: %s", d)
	}
}

// A role that begins next month is no fact today: only the names are there.
func TestFutureRoleIsLeftOut(t *testing.T) {
	src := base + "people: [{id: ann, name: Ann, roles: [{role: auditor, since: 2026-12-24}]}]\n"
	r, err := register.Parse("r.yaml", []byte(src), register.Known{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{now: 1, now.AddDate(0, 2, 0): 2} {
		if got, err := r.Records(at); err != nil || len(got) != want {
			t.Errorf("at %s: %d records (%v), want %d", at, len(got), err, want)
		}
	}
}

const base = "organization: {id: o, name: O}\n"

// Parts of the files below.
const (
	people = base + "people:\n- {id: ann, name: Ann}\n- {id: bob, name: Bob}\n"
	system = people + "systems:\n- {id: s, name: S, owner: ann, tier: high, stage: operate, "
	waiver = people + "waivers:\n- {id: w, expectation: vendor-assessed, subject: '*', reason: r, requested_by: ann, "
	soa    = people + "applicability:\n  version: '1'\n  controls:\n  - "
)

// cases are files with one mistake each. schema tells whether the JSON Schema
// finds it too; references, dates and patterns are beyond it.
var cases = map[string]struct {
	src, want string
	schema    bool
}{
	"no organisation":          {"people: []\n", "r.yaml:1:1: organization is missing", true},
	"empty file":               {"", "organization is missing", true},
	"duplicate person":         {people + "- {id: ann, name: A}\n", `5:8: people[2].id: "ann" is used twice`, false},
	"duplicate system":         {system + "}\n- {id: s, name: S, owner: ann, tier: high, stage: operate}\n", `systems[1].id: "s" is used twice`, false},
	"bad e-mail":               {base + "people: [{id: a, name: A, email: 'A <a@b>'}]\n", "is not an e-mail address", false},
	"id with newline":          {base + "people: [{id: \"a\\nb\", name: A}]\n", "is not an id", true},
	"unknown tier":             {strings.Replace(system, "high", "severe", 1) + "}\n", "6:38: systems[0].tier: unknown tier \"severe\"", true},
	"unknown stage":            {strings.Replace(system, "operate", "run", 1) + "}\n", "one of intake, data, build, test, deploy, operate, retire", true},
	"unknown role":             {system + "ai_role: owner}\n", `unknown AI role "owner"`, true},
	"no owner":                 {people + "systems:\n- {id: s, name: S, tier: high, stage: operate}\n", "6:3: systems[0]: owner is missing", true},
	"null owner":               {people + "systems:\n- {id: s, name: S, owner: , tier: high, stage: operate}\n", "owner: has no value", true},
	"owner not in people":      {strings.Replace(system, "owner: ann", "owner: anne", 1) + "}\n", "did you mean ann?", false},
	"deputy is owner":          {system + "deputy: ann}\n", "owner and deputy are the same person", false},
	"unknown vendor":           {system + "vendors: [acme]}\n", `there is no vendor "acme" in this register`, false},
	"bad repository":           {system + "repositories: [{name: justname}]}\n", "write owner/name", true},
	"repository twice":         {system + "repositories: [{name: o/r}, {name: O/R}]}\n", "is listed twice for this system", false},
	"glob brackets":            {system + "repositories: [{name: o/r, ai_paths: ['a/[b']}]}\n", "repositories[0].ai_paths[0]: the brackets", false},
	"glob climbs":              {system + "repositories: [{name: o/r, ai_paths: ['../x']}]}\n", "an empty name, . or .. names no file", false},
	"glob absolute":            {system + "repositories: [{name: o/r, ai_paths: [/x]}]}\n", "begins and ends with a name", false},
	"glob of too many stars":   {system + "repositories: [{name: o/r, ai_paths: ['**/a/**/b/**/c/**/d/**']}]}\n", "at most four **", false},
	"cloud ref of all":         {system + "cloud: ['*']}\n", "does not name a resource", true},
	"project with number":      {system + "jira: [{project: ML-12}]}\n", "is not the key of a project", true},
	"impossible date":          {system + "go_live: 2026-02-30}\n", "is not a date or time", false},
	"retired before live":      {system + "go_live: 2026-02-03, retired_at: 2025-01-01}\n", "is before go_live", false},
	"review to come":           {system + "reviewed_at: 2027-01-01}\n", "2027-01-01 has not come yet", false},
	"own request":              {waiver + "approved_by: ann, approved_at: 2026-01-01, expires_at: 2026-02-01}\n", "ann approves their own request", false},
	"approved, no date":        {waiver + "approved_by: bob, expires_at: 2026-02-01}\n", "approved_by and approved_at go together", false},
	"more than a year":         {waiver + "approved_by: bob, approved_at: 2026-01-01, expires_at: 2027-01-02}\n", "more than 365 days", false},
	"expires before":           {waiver + "approved_by: bob, approved_at: 2026-01-01, expires_at: 2026-01-01}\n", "is not after approved_at", false},
	"revoked before":           {waiver + "approved_by: bob, approved_at: 2026-01-01, expires_at: 2026-03-01, revoked_at: 2025-01-01}\n", "is before approved_at", false},
	"no expiry":                {waiver + "approved_by: bob, approved_at: 2026-01-01}\n", "expires_at is missing", true},
	"unknown expectation":      {strings.Replace(waiver, "vendor-assessed", "vendor-asessed", 1) + "expires_at: 2026-03-01}\n", "did you mean vendor-assessed?", false},
	"waiver of a word":         {strings.Replace(waiver, "'*'", "everything", 1) + "expires_at: 2026-03-01}\n", `"everything" is not a subject`, true},
	"waiver of half a subject": {strings.Replace(waiver, "'*'", "{type: ai_system}", 1) + "expires_at: 2026-03-01}\n", "waivers[0].subject: id is missing", true},
	"unknown control":          {soa + "{id: A.5.1, applicable: true, justification: j}\n", `there is no control "A.5.1"`, false},
	"control twice":            {soa + "{id: A.5.2, applicable: true, justification: j}\n  - {id: A.5.2, applicable: true, justification: j}\n", "is listed twice", false},
	"clause excluded":          {soa + "{id: '8.4', applicable: false, justification: j}\n", "a clause cannot be excluded", false},
	"undecided":                {soa + "{id: A.5.2, justification: j}\n", "applicable is missing", true},
	"no justification":         {soa + "{id: A.5.2, applicable: false}\n", "justification is missing", true},
	"number as version":        {"organization: {id: o, name: O}\napplicability: {version: 1, controls: []}\n", "put it in quotes", true},
	"unknown key":              {system + "riskTier: high}\n", `unknown key "riskTier"`, true},
	"owner is blank":           {strings.Replace(system, "owner: ann", "owner: ' '", 1) + "}\n", "owner: is empty", true},
	"id is blank":              {base + "people: [{id: '', name: A}]\n", "people[0].id: is empty", true},
	"reason is blank":          {strings.Replace(waiver, "reason: r", "reason: ''", 1) + "expires_at: 2026-03-01}\n", "reason: is empty", true},
	"glob of braces":           {system + "repositories: [{name: o/r, ai_paths: ['{a,{b,c']}]}\n", "the brackets of the pattern", false},
	"scope without words":      {people + "scope: {units: [a]}\n", "scope: statement is missing", true},
	"scope of nothing there":   {people + "scope: {statement: s, systems: [x]}\n", `there is no AI system "x" in this register`, false},
	"in and out of scope":      {system + "}\nscope: {statement: s, systems: [s], exclusions: [{what: s, reason: r}]}\n", "is in the scope and left out of it", false},
	"scope approved, no date":  {people + "scope: {statement: s, approved_by: ann}\n", "approved_by and approved_at go together", false},
	"scope of a bad digest":    {people + "scope: {statement: s, document_sha256: abc}\n", "is not a SHA-256", true},
	"digest approved by none":  {people + "scope: {statement: s, approved_sha256: " + strings.Repeat("a", 64) + "}\n", "nobody is said to have approved it", false},
	"unknown group":            {people + "parties: {list: [{name: n, group: press}]}\n", `unknown group "press"`, true},
	"answered and not":         {people + "parties: {list: [{name: n, requirements: [{requirement: r, addressed_by: [A.8.2], not_addressed: x}]}]}\n", "exclude one another", false},
	"unknown type of issue":    {people + "context: {issues: [{type: odd, text: t}]}\n", "one of external, internal", true},
	"own objective":            {people + "objectives: [{id: o, owner: ann, approved_by: ann, approved_at: 2026-01-01}]\n", "ann approves their own objective", false},
	"objective twice":          {people + "objectives: [{id: o}, {id: o}]\n", `objectives[1].id: "o" is used twice`, false},
	"headcount of no role":     {"organization: {id: o, name: O, headcount: {boss: 1}}\n", `unknown AI role "boss"`, true},
	"headcount below none":     {"organization: {id: o, name: O, headcount: {user: -1}}\n", "-1 is no number of people", true},
	"glob too long":            {system + "repositories: [{name: o/r, ai_paths: ['" + strings.Repeat("a", 300) + "']}]}\n", "longer than 256", true},
}

func TestProblems(t *testing.T) {
	k := known(load(t))
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := register.Parse("r.yaml", []byte(tc.src), k)
			var ps yamlfile.Problems
			if !errors.As(err, &ps) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got\n%v\nwant %q", err, tc.want)
			}
			if len(ps) > 2 {
				t.Errorf("one mistake is reported %d times:\n%v", len(ps), err)
			}
		})
	}
}

// All problems of a file come in one answer, in the order of the text.
func TestAllAtOnce(t *testing.T) {
	src := `organization: {id: o, name: O, roles: [boss]}
people:
- {id: ann, name: Ann}
systems:
- id: s
  name: S
  owner: nobody
  tier: severe
  stage: operate
  vendors: [acme]
  repositories:
  - {name: o/r, ai_paths: ['[']}
waivers:
- {id: w, expectation: x, subject: '*', reason: r, requested_by: ann, approved_by: ann, approved_at: 2026-01-01, expires_at: 2028-01-01}
applicability:
  version: '1'
  controls:
  - {id: A.1.1, applicable: true, justification: j}
`
	_, err := register.Parse("r.yaml", []byte(src), known(load(t)))
	var ps yamlfile.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, p := range ps {
		got = append(got, p.Path)
	}
	want := []string{
		"organization.roles[0]", "systems[0].owner", "systems[0].tier", "systems[0].vendors[0]",
		"systems[0].repositories[0].ai_paths[0]", "waivers[0].expectation", "waivers[0].approved_by",
		"waivers[0].expires_at", "applicability.controls[0].id",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !strings.Contains(err.Error(), "  8 |   tier: severe\n    |         ^\n") {
		t.Errorf("no caret under the tier:\n%v", err)
	}
}

func TestCheckBindings(t *testing.T) {
	r, err := register.Parse("register.yaml", example(t), known(load(t)))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.CheckBindings(register.Seen{}); got != nil {
		t.Errorf("nobody looked, yet: %v", got)
	}
	all := register.Seen{
		Repositories: []string{"Northwind/Claims-Triage", "northwind/policy-assistant"},
		CloudRefs:    []string{"claims-triage-prod"}, JiraProjects: []string{"CLAIMS"},
	}
	if got := r.CheckBindings(all); got != nil {
		t.Errorf("everything is there, yet: %v", got)
	}
	got := r.CheckBindings(register.Seen{
		Repositories: []string{"northwind/claims-triage", "northwind/policy-assistent"},
		CloudRefs:    []string{}, JiraProjects: []string{"OPS"},
	})
	var lines []string
	for _, p := range got {
		lines = append(lines, p.Message+"; "+p.Remedy)
		if p.Line == 0 || !strings.Contains(p.Excerpt, p.Message[strings.LastIndex(p.Message, " ")+1:]) {
			t.Errorf("not the place: %s", p.Error())
		}
	}
	want := []string{
		"the register names a cloud resource nobody has: claims-triage-*; correct the name, or give a source access to it",
		"the register names a Jira project nobody has: CLAIMS; correct the name, or give a source access to it",
		"the register names a repository nobody has: northwind/policy-assistant; did you mean northwind/policy-assistent?",
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Error(d)
	}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	raw, err := fs.ReadFile(config.FS, "schemas/register.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("register.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("register.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// free decodes YAML as an editor would, for the schema.
func free(t testing.TB, src []byte) any {
	t.Helper()
	f, err := yamlfile.Parse("x", src)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	f.Decode(&v)
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Program and schema agree: what the program accepts, the schema accepts; what
// is wrong in form, both refuse.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t)
	if err := s.Validate(free(t, example(t))); err != nil {
		t.Errorf("the example: %v", err)
	}
	for name, tc := range cases {
		err := s.Validate(withoutNull(free(t, []byte(tc.src))))
		if refused := err != nil; refused != tc.schema {
			t.Errorf("%s: schema refuses: %v (%v)", name, refused, err)
		}
	}
}

// Whatever the text, there is no panic; and what is accepted becomes records
// that their kinds accept.
func FuzzParse(f *testing.F) {
	c := load(f)
	k := known(c)
	schema := compiled(f)
	f.Add(example(f))
	for _, tc := range cases {
		f.Add([]byte(tc.src))
	}
	f.Add([]byte(base + "systems: [{id: s, owner: [a], tier: {}, vendors: x}]\nwaivers: [{subject: [1]}]\napplicability: []\n"))
	f.Add([]byte("? - x\n: |\n  y\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := register.Parse("r.yaml", src, k)
		if err != nil {
			var ps yamlfile.Problems
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("an error without problems: %v", err)
			}
			return
		}
		records, err := r.Records(now)
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			kind, _ := c.Kind(rec.Kind)
			if errs := kind.Validate(rec.Payload); errs != nil {
				t.Fatalf("%s: %v", rec.Payload, errs)
			}
		}
		r.CheckBindings(register.Seen{Repositories: []string{}, CloudRefs: []string{}, JiraProjects: []string{}})
		if err := schema.Validate(withoutNull(free(t, src))); err != nil {
			t.Fatalf("the schema refuses what was accepted: %v", err)
		}
	})
}

// withoutNull drops members that are null: for the program they are absent.
func withoutNull(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
			} else {
				v[k] = withoutNull(e)
			}
		}
	case []any:
		for i, e := range v {
			v[i] = withoutNull(e)
		}
	}
	return v
}
