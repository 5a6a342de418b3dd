package register_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/register"
)

func parse(t *testing.T, src string) *register.Register {
	t.Helper()
	r, err := register.Parse("r.yaml", []byte(src), known(load(t)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// payloads returns what the register says of a kind, by key.
func payloads(t *testing.T, r *register.Register, kind string) map[string]map[string]any {
	t.Helper()
	records, err := r.Records(now)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, rec := range records {
		if rec.Kind == kind {
			var p map[string]any
			if err := json.Unmarshal(rec.Payload, &p); err != nil {
				t.Fatal(err)
			}
			out[rec.Key] = p
		}
	}
	return out
}

// A section that is not there is no claim; one that is there and empty is.
func TestDeclares(t *testing.T) {
	if got := parse(t, base).Declares(); slices.ContainsFunc(got, func(k string) bool { return slices.Contains(register.ProfileKinds, k) }) {
		t.Errorf("a register without a profile claims %v", got)
	}
	got := parse(t, base+"objectives: []\nscope: {statement: s}\n").Declares()
	if !slices.Contains(got, "objective.definition") || !slices.Contains(got, "scope.statement") || slices.Contains(got, "context.register") {
		t.Errorf("claims %v", got)
	}
	if got := parse(t, string(example(t))).Declares(); !slices.Equal(got, register.Kinds) || !slices.IsSorted(got) {
		t.Errorf("the example claims %v", got)
	}
}

const scoped = people + "systems: [{id: s, name: S, owner: ann, tier: high, stage: operate}]\n" +
	"scope: {statement: All AI of Lisbon., systems: [s], units: [claims], roles: [developer], approved_by: ann, approved_at: 2026-05-04"

// An approval holds for exactly the content whose digest it names.
func TestScopeApprovalIsOfTheContent(t *testing.T) {
	r := parse(t, scoped+"}\n")
	digest, err := r.Scope.ContentDigest()
	if err != nil {
		t.Fatal(err)
	}
	if p := payloads(t, r, "scope.statement")["scope"]; p["approved_by"] != "ann" || p["content_sha256"] != digest.String() {
		t.Errorf("unbound approval: %v", p)
	}
	bound := scoped + ", approved_sha256: " + digest.String() + "}\n"
	if p := payloads(t, parse(t, bound), "scope.statement")["scope"]; p["approved_by"] != "ann" || p["approved_at"] != "2026-05-04T00:00:00Z" {
		t.Errorf("the content that was approved: %v", p)
	}
	for _, edit := range [][2]string{{"Lisbon.", "Lisbon!"}, {"[claims]", "[claims, it]"}, {"systems: [s]", "systems: []"}, {"[developer]", "[deployer]"}} {
		p := payloads(t, parse(t, strings.Replace(bound, edit[0], edit[1], 1)), "scope.statement")["scope"]
		if _, approved := p["approved_by"]; approved || p["approved_at"] != nil {
			t.Errorf("%s became %s, and the approval still holds: %v", edit[0], edit[1], p)
		}
	}
}

// How many people there are is sealed with the scope, and no approval of the
// scope falls when it changes.
func TestHeadcountIsNoPartOfTheApproval(t *testing.T) {
	digest, err := parse(t, scoped+"}\n").Scope.ContentDigest()
	if err != nil {
		t.Fatal(err)
	}
	counted := strings.Replace(scoped, "name: O}", "name: O, headcount: {deployer: 45, developer: 12}}", 1)
	if counted == scoped {
		t.Fatal("nothing was counted")
	}
	p := payloads(t, parse(t, counted+", approved_sha256: "+digest.String()+"}\n"), "scope.statement")["scope"]
	want := []any{map[string]any{"role": "deployer", "people": 45.0}, map[string]any{"role": "developer", "people": 12.0}}
	if d := cmp.Diff(want, p["headcount"]); d != "" || p["approved_by"] != "ann" {
		t.Errorf("%s approved by %v", d, p["approved_by"])
	}
}

func TestPartiesAnswerOneByOne(t *testing.T) {
	got := payloads(t, parse(t, string(example(t))), "stakeholder.register")["parties"]["parties"].([]any)[1]
	want := map[string]any{
		"name": "Claimants", "group": "affected",
		"requirements": []any{"A person looks at each rejection", "Claims are decided on the day they arrive"},
		"needs": []any{
			map[string]any{"requirement": "A person looks at each rejection", "addressed_by": []any{"A.9.2"}},
			map[string]any{"requirement": "Claims are decided on the day they arrive", "addressed_by": []any{}, "decision": "not addressed: Care comes before speed."},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRoleWithAuthorityAndEnd(t *testing.T) {
	r := parse(t, base+"people: [{id: ann, name: A, roles: [{role: aims-manager, since: 2025-01-01, until: 2026-01-01, authority: AIR-01}]}]\n")
	p := payloads(t, r, "role.assignment")["aims-manager|ann|2025-01-01T00:00:00Z"]
	if p["end"] != "2026-01-01T00:00:00Z" || p["authority_doc"] != "AIR-01" {
		t.Errorf("got %v", p)
	}
}
