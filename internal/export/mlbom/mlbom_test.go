package mlbom_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
)

const version7 = "model:mlflow%2Fml/severity/7"

func TestSystem(t *testing.T) {
	got := shapes(bill(t, snapshot(t), company()))
	triage := got["system:triage"]
	if triage.Type != cdx.ComponentTypeApplication || triage.Name != "Claims triage" || triage.Version != "7" || triage.About != "Ranks claims." {
		t.Errorf("got %+v", triage)
	}
	for name, want := range map[string][]string{
		"owner": {"a.berg"}, "tier": {"high"}, "stage": {"operate"}, "in-scope": {"true"}, "excluded-use": {"refusing a claim"},
		"oversight-by": {"handler"}, "oversight-rule-version": {"2"}, "oversight-share": {"0.9"}, // neither the old rule nor the one to come
		"data-statement": {"rag: none"},
	} {
		if d := cmp.Diff(want, triage.Facts[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	if triage.Unknown != nil {
		t.Errorf("all is stated, and unknown is %q", triage.Unknown)
	}
	want := []string{"dataset:claims", "endpoint:mlflow//triage-prod", "guardrail:bedrock/g1/2", "model:/acme%2Fwords", "model:mlflow%2Fml/severity",
		"service:quiet", "tool:xgboost/3.0"}
	if d := cmp.Diff(want, triage.Needs); d != "" {
		t.Errorf("needs: %s", d)
	}

	helper := got["system:helper"]
	want = []string{"ai-role", "dataset", "deputy", "excluded-use", "in-scope", "oversight", "owner", "stage", "tier", "users", "version"}
	if d := cmp.Diff(want, helper.Unknown); d != "" {
		t.Errorf("unknown of what is hardly described: %s", d)
	}
	want = []string{"asset:acme%2Fhelper/p%2Fsystem.txt", "model:northlight/lumen-3", "model:northlight/lumen-3-r2", "service:nobody%20inc",
		"service:northlight/API", "service:northlight/Portal"}
	if d := cmp.Diff(want, helper.Needs); d != "" {
		t.Errorf("needs: %s", d)
	}
	if got := helper.Facts["evaluation-metric"]; !slices.Equal(got, []string{"grounded = high"}) {
		t.Errorf("a test of no known model is shown with its system: %q", got)
	}
}

func TestModels(t *testing.T) {
	got := shapes(bill(t, snapshot(t), company()))
	v7 := got[version7]
	if !slices.Equal(v7.Facts["evaluation"], []string{"E2"}) || !slices.Equal(v7.Facts["evaluation-passed"], []string{"false"}) {
		t.Errorf("the newest test that had ended is E2, which was not passed: %q", v7.Facts)
	}
	card := &cdx.MLModelCard{
		ModelParameters: &cdx.MLModelParameters{Datasets: &[]cdx.MLDatasetChoice{{Ref: "dataset:claims"}}},
		QuantitativeAnalysis: &cdx.MLQuantitativeAnalysis{PerformanceMetrics: &[]cdx.MLPerformanceMetric{
			{Type: "by", Value: `{"age":[1,2]}`}, {Type: "recall", Value: "0.8"}}},
		Considerations: &cdx.MLModelCardConsiderations{Users: &[]string{"Handlers"}, UseCases: &[]string{"Claims triage: Ranks claims.", "Ranking."},
			TechnicalLimitations: &[]string{"No claims before 2019."}},
	}
	if d := cmp.Diff(card, v7.Card); d != "" {
		t.Errorf("card: %s", d)
	}
	if v7.Unknown != nil || v7.Licence != "Own" || v7.Hashes == nil {
		t.Errorf("got %+v", v7)
	}
	if !slices.Equal(v7.Facts["approval-status"], []string{"Approved"}) || !slices.Equal(v7.Facts["trained-on"], []string{"elsewhere"}) {
		t.Errorf("got %q", v7.Facts)
	}
	if d := cmp.Diff([]string{"dataset:claims", "model:huggingface%2Fhuggingface.co/acme%2Fbase"}, v7.Needs); d != "" {
		t.Errorf("needs: %s", d)
	}
	base := got["model:huggingface%2Fhuggingface.co/acme%2Fbase/main"]
	if base.PURL != "pkg:huggingface/acme/base@0a1b" {
		t.Errorf("package URL %q", base.PURL)
	}
	if !slices.Contains(base.Needs, "dataset:claims") {
		t.Errorf("a place within a data set's location leads to it: %q", base.Needs)
	}
	asked := got["model:northlight/lumen-3"]
	if asked.Supplier != "Northlight AI Ltd" || !slices.Equal(asked.Facts["lifecycle"], []string{"deprecated"}) || !slices.Equal(asked.Facts["pin"], []string{"alias"}) {
		t.Errorf("got %+v", asked)
	}
	if d := cmp.Diff([]string{"model:northlight/lumen-3-r2"}, asked.Needs); d != "" {
		t.Errorf("what was asked for depends on what was served, and not on what comes: %s", d)
	}
	if got["model:northlight/lumen-3-r2"].Facts["served-for"][0] != "lumen-3" {
		t.Errorf("got %+v", got["model:northlight/lumen-3-r2"])
	}
	for _, absent := range []string{"model:northlight/not-in-use", "model:northlight/lumen-9"} {
		if _, ok := got[absent]; ok {
			t.Errorf("%s is there: nobody uses it as of the snapshot", absent)
		}
	}
	stray := got["model:/who-knows"]
	if d := cmp.Diff([]string{"evaluation", "intended-use", "licence", "limits", "provider", "version"}, stray.Unknown); d != "" {
		t.Errorf("of a model that only an endpoint names: %s", d)
	}
}

func TestDataAndVendors(t *testing.T) {
	got := shapes(bill(t, snapshot(t), company()))
	claims := got["dataset:claims"]
	want := &[]cdx.ComponentData{{Type: cdx.ComponentDataTypeDataset, Name: "claims", Classification: "personal data", SensitiveData: &[]string{"health data"},
		Governance: &cdx.DataGovernance{Owners: &[]cdx.ComponentDataGovernanceResponsibleParty{{Contact: &cdx.OrganizationalContact{Name: "l.kahn"}}}}}}
	if d := cmp.Diff(want, claims.Data); d != "" || claims.Version != "2026-05" || claims.Unknown != nil {
		t.Errorf("%+v\n%s", claims, d)
	}
	if d := cmp.Diff([]string{"category", "limits", "owner", "retention", "rights", "system", "version"}, got["dataset:spare"].Unknown); d != "" {
		t.Errorf("of what is only listed: %s", d)
	}
	api := got["service:northlight/API"]
	if d := cmp.Diff(&[]cdx.DataClassification{{Flow: cdx.DataFlowUnknown, Classification: "policy texts"}}, api.Flows); d != "" {
		t.Errorf("no record states a direction: %s", d)
	}
	for name, want := range map[string]string{"training-opt-out-agreed": "true", "retention-days-agreed": "0", "training-opt-out-set-in-p1": "false", "assessment": "acceptable"} {
		if !slices.Equal(api.Facts[name], []string{want}) {
			t.Errorf("%s: %q, want %s", name, api.Facts[name], want)
		}
	}
	if api.Supplier != "Northlight AI Ltd" || api.Unknown != nil {
		t.Errorf("got %+v", api)
	}
	nobody := got["service:nobody%20inc"]
	if d := cmp.Diff([]string{"assessment", "data-classification", "legal-name", "service", "training-opt-out-agreed"}, nobody.Unknown); d != "" {
		t.Errorf("of a vendor that only a system names: %s", d)
	}
	if d := cmp.Diff([]string{"data-classification", "environment", "status", "system"}, got["endpoint:mlflow//stray"].Unknown); d != "" {
		t.Errorf("of an endpoint that no system names: %s", d)
	}
}

// TestRestsOnEvidence: every part names records, and only records that there
// are; no part rests on one that was taken out, and none says more without it.
func TestRestsOnEvidence(t *testing.T) {
	all, snap := company(), snapshot(t)
	known := map[string]bool{}
	for _, ev := range all {
		known[digest(ev)] = true
	}
	whole := shapes(bill(t, snap, all))
	used := map[string]bool{}
	for r, s := range whole {
		if r != "inventory" && len(s.Evidence) == 0 {
			t.Errorf("%s rests on nothing", r)
		}
		for _, d := range s.Evidence {
			used[d] = true
			if !known[d] {
				t.Errorf("%s rests on %s, which is no record", r, d)
			}
		}
	}
	for i, ev := range all {
		less := shapes(bill(t, snap, slices.Delete(slices.Clone(all), i, i+1)))
		changed := false
		for r, s := range less {
			if slices.Contains(s.Evidence, digest(ev)) {
				t.Errorf("%s rests on %s, which was taken out", r, ev.Payload)
			}
			changed = changed || cmp.Diff(whole[r], s) != ""
		}
		changed = changed || len(less) != len(whole)
		if used[digest(ev)] && !changed {
			t.Errorf("without %s the bill says the same", ev.Payload)
		}
	}
}

// TestNothingInvented: each text of a part is in a record, or a word of ours.
func TestNothingInvented(t *testing.T) {
	var texts strings.Builder
	for _, ev := range company() {
		texts.Write(ev.Payload)
	}
	stated := texts.String()
	ours := []string{"true", "false", "personal data", "guardrail", "Claims triage: Ranks claims.", "grounded = high", "acme/helper:conf.yaml", "helper: Answers."}
	for r, s := range shapes(bill(t, snapshot(t), company())) {
		values := []string{s.Name, s.Version, s.Supplier, s.About, s.Licence}
		for name, list := range s.Facts {
			if !strings.HasSuffix(name, "-at") {
				values = append(values, list...)
			}
		}
		if s.Card != nil && s.Card.Considerations != nil {
			for _, list := range []*[]string{s.Card.Considerations.Users, s.Card.Considerations.UseCases, s.Card.Considerations.TechnicalLimitations} {
				if list != nil {
					values = append(values, *list...)
				}
			}
		}
		for _, v := range values {
			if !strings.Contains(stated, v) && !slices.Contains(ours, v) && !strings.EqualFold(v, "nobody inc") {
				t.Errorf("%s says %q, which no record does", r, v)
			}
		}
	}
}

// TestTwoSources: a second source that names the same things and says nothing
// of them takes nothing away.
func TestTwoSources(t *testing.T) {
	all, snap := company(), snapshot(t)
	want := shapes(bill(t, snap, all))
	for _, bare := range []string{`inventory.ai_system {"system_id":"triage"}`, `model_registry.model {"registry":"mlflow/ml","name":"severity"}`,
		`model_registry.model_version {"registry":"mlflow/ml","model":"severity","version":"7"}`, `inventory.dataset {"dataset_id":"claims"}`,
		`vendor.record {"vendor_id":"NORTHLIGHT","services":["API","Portal"]}`, `cloud.guardrail {"provider":"bedrock","guardrail_id":"g1","version":"2"}`,
		`model_registry.deployment {"platform":"mlflow","endpoint_id":"triage-prod","variants":[{"model":"severity","version":"7"}]}`,
		`inventory.tooling {"system_id":"triage","component":"xgboost","version":"3.0"}`, `code.prompt_asset {"repo":"acme/helper","path":"p/system.txt"}`} {
		kind, payload, _ := strings.Cut(bare, " ")
		second := rec(kind, payload)
		for _, src := range []source{append(slices.Clone(all), second), append(source{second}, all...)} {
			for i := range src { // the key decides which is read first
				src[i].Key = strconv.Itoa(i)
			}
			got := shapes(bill(t, snap, src))
			for r, s := range got {
				s.Evidence = slices.DeleteFunc(s.Evidence, func(d string) bool { return d == digest(second) })
				if name := s.Facts["vendor"]; r != "inventory" && len(name) > 1 {
					s.Facts["vendor"] = name[:1]
				}
				w := want[r]
				if name := w.Facts["vendor"]; len(name) == 1 && len(s.Facts["vendor"]) == 1 {
					s.Facts["vendor"] = name
				}
				slices.Sort(s.Evidence)
				if d := cmp.Diff(w, s); d != "" {
					t.Errorf("%s changes %s: %s", bare, r, d)
				}
			}
		}
	}
}

func TestSameBytes(t *testing.T) {
	snap, all := snapshot(t), company()
	want := written(t, snap, all)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if !bytes.Equal(want, written(t, snap, all)) {
			t.Fatal("the order in which records come changes the bytes")
		}
	}
	other := *snap
	other.AsOf = other.AsOf.AddDate(0, 0, 1)
	if bill(t, &other, all).SerialNumber == bill(t, snap, all).SerialNumber {
		t.Error("two snapshots have one serial number")
	}
	if got := bill(t, snap, all).Metadata.Timestamp; got != export.Time(exporttest.AsOf) {
		t.Errorf("dated %s", got)
	}
}

// TestHidden: what is erased, withheld or unreadable is named, and nothing of
// it shown.
func TestHidden(t *testing.T) {
	snap := snapshot(t)
	all := company()
	erased, broken, nameless := all[0], rec("vendor.record", `{"vendor_id":["x"]}`), rec("inventory.dataset", `{"dataset_id":"  ","owner":"who"}`)
	all[0].Payload = nil
	snap.Redaction = &export.Redaction{Profile: "customer", Hides: func(kind string) bool { return kind == "evaluation.run" }, Omits: func(string) bool { return false }}
	bom := bill(t, snap, append(all, broken, nameless))
	got := map[string][]string{}
	for _, p := range *bom.Properties {
		got[p.Name] = append(got[p.Name], p.Value)
	}
	for name, want := range map[string][]string{"exhibit:evidence-without-payload": {digest(erased)}, "exhibit:evidence-unreadable": {digest(broken), digest(nameless)},
		"exhibit:redaction": {"customer"}} {
		for _, d := range want {
			if !slices.Contains(got[name], d) {
				t.Errorf("%s does not name %s: %q", name, d, got[name])
			}
		}
	}
	if n := len(got["exhibit:evidence-without-payload"]); n != 5 {
		t.Errorf("%d without payload, want the erased one and four tests", n)
	}
	s := shapes(bom)
	if _, ok := s["system:triage"]; ok {
		t.Error("an erased system is shown")
	}
	if s[version7].Facts["evaluation"] != nil {
		t.Error("a test that is withheld is shown")
	}
}

func TestEmpty(t *testing.T) {
	bom := bill(t, snapshot(t), nil)
	if bom.Components != nil || bom.Services != nil || bom.Dependencies != nil {
		t.Errorf("made from nothing: %+v", bom)
	}
	validate(t, written(t, snapshot(t), nil))
}

// TestHostile: whatever a record holds, the bill is valid, and no two parts
// have one ref.
func TestHostile(t *testing.T) {
	snap := snapshot(t)
	texts := append(slices.Clone(exporttest.Hostile), "a/b", "a%2Fb", "a", "b", " a ", "..", "urn:cdx:x", "1a:b", strings.Repeat("x", 100_000), "\u202egnp", "<script>", "=1+1", "日本語")
	var src source
	for _, h := range texts {
		q, err := json.Marshal(exporttest.ValidText(h))
		if err != nil {
			t.Fatal(err)
		}
		s := func(form string) string { return strings.ReplaceAll(form, "?", string(q)) }
		src = append(src, rec("inventory.ai_system", s(`{"system_id":?,"name":?,"purpose":?,"models":[?],"datasets":[?],"vendors":[?],"cloud_refs":[?],"repos":[?]}`)),
			rec("model_registry.model_version", s(`{"registry":"huggingface","model":?,"version":?,"revision_sha":?,"base_model":?,"artifact_digest":?,"datasets":[?]}`)),
			rec("model_registry.deployment", s(`{"platform":?,"endpoint_id":?,"variants":[{"model_ref":?}]}`)),
			rec("inventory.dataset", s(`{"dataset_id":?,"location":?,"system_ids":[?]}`)),
			rec("vendor.record", s(`{"vendor_id":?,"services":[?],"data_classes":[?]}`)),
			rec("vendor.model_observation", s(`{"vendor":?,"requested_model":?,"served_model":"x","system_id":?,"observed_at":"2026-01-01T00:00:00Z"}`)),
			rec("evaluation.run", s(`{"run_id":?,"system_id":?,"subject_ref":?,"metrics":{?:?}}`)),
			rec("code.prompt_asset", s(`{"repo":?,"path":?,"sha256":?}`)), rec("inventory.tooling", s(`{"system_id":?,"component":?,"type":?,"licence":?}`)))
	}
	b := written(t, snap, src)
	validate(t, b)
	checkRefs(t, bill(t, snap, src))
}
