package mlbom_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/mlbom"
)

// source is a list of records in force.
type source []evidence.Evidence

func (s source) InForce(_ context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for _, ev := range s {
			if slices.Contains(kinds, ev.Kind) && !yield(ev, nil) {
				return
			}
		}
	}
}

// rec is a record of a kind; its digest follows from its content.
func rec(kind, payload string) evidence.Evidence {
	return evidence.Evidence{Kind: kind, Key: payload, Source: "test", Payload: json.RawMessage(payload),
		Digest: evidence.Sum([]byte(kind + payload)), EventTime: exporttest.AsOf.AddDate(0, 0, -1)}
}

func snapshot(t testing.TB) *export.Snapshot {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s.Snapshot
}

// written are the bytes of the bill.
func written(t testing.TB, s *export.Snapshot, src source) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := mlbom.Write(context.Background(), &b, s, src); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bill is the bill as the library reads it back, with every field known.
func bill(t testing.TB, s *export.Snapshot, src source) *cdx.BOM {
	t.Helper()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(written(t, s, src)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	return &bom
}

// shape is a bill without its clothes: by ref.
type shape struct {
	Type     cdx.ComponentType
	Name     string
	Version  string
	Supplier string
	Needs    []string
	Facts    map[string][]string
	Unknown  []string
	Evidence []string
	Card     *cdx.MLModelCard
	Data     *[]cdx.ComponentData
	Flows    *[]cdx.DataClassification
	Hashes   *[]cdx.Hash
	PURL     string
	Licence  string
	About    string
}

func shapes(bom *cdx.BOM) map[string]shape {
	out := map[string]shape{}
	if bom.Components != nil {
		for _, c := range *bom.Components {
			s := shape{Type: c.Type, Name: c.Name, Version: c.Version, Card: c.ModelCard, Data: c.Data, Hashes: c.Hashes, PURL: c.PackageURL, About: c.Description}
			if c.Supplier != nil {
				s.Supplier = c.Supplier.Name
			}
			if c.Licenses != nil {
				s.Licence = (*c.Licenses)[0].License.Name
			}
			s.properties(c.Properties)
			out[c.BOMRef] = s
		}
	}
	if bom.Services != nil {
		for _, c := range *bom.Services {
			s := shape{Type: "service", Name: c.Name, Flows: c.Data}
			if c.Provider != nil {
				s.Supplier = c.Provider.Name
			}
			s.properties(c.Properties)
			out[c.BOMRef] = s
		}
	}
	if bom.Dependencies != nil {
		for _, d := range *bom.Dependencies {
			s := out[d.Ref]
			s.Needs = *d.Dependencies
			out[d.Ref] = s
		}
	}
	return out
}

func (s *shape) properties(list *[]cdx.Property) {
	s.Facts = map[string][]string{}
	if list == nil {
		return
	}
	for _, p := range *list {
		switch p.Name {
		case "exhibit:unknown":
			s.Unknown = append(s.Unknown, p.Value)
		case "exhibit:evidence":
			s.Evidence = append(s.Evidence, p.Value)
		default:
			s.Facts[p.Name[len("exhibit:"):]] = append(s.Facts[p.Name[len("exhibit:"):]], p.Value)
		}
	}
}

// digest is how a bill names a record.
func digest(ev evidence.Evidence) string { return "sha256:" + ev.Digest.String() }

func ago(days int) string { return exporttest.AsOf.AddDate(0, 0, -days).UTC().Format(time.RFC3339) }

// company is an inventory with every kind of record.
func company() source {
	f := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	return source{
		rec("inventory.ai_system", `{"system_id":"triage","name":"Claims triage","purpose":"Ranks claims.","owner":"a.berg","deputy":"m.ek","risk_tier":"high","stage":"operate",
			"ai_role":"developer","users":"Handlers","version":"7","in_scope":true,"models":["severity"],"datasets":["claims","rag: none"],"repositories":[{"name":"acme/triage"}],
			"cloud_refs":["triage-*","guarded"],"excluded_uses":["refusing a claim"]}`),
		rec("inventory.ai_system", `{"system_id":"helper","purpose":"Answers.","models":["lumen-3"],"vendors":["Northlight","Nobody Inc"],"repos":["acme/helper"]}`),
		rec("oversight.rule", f(`{"system_id":"triage","version":"1","decision_class":"every claim","required_review":{"who":"nobody"},"approved_at":%q}`, ago(300))),
		rec("oversight.rule", f(`{"system_id":"triage","version":"2","decision_class":"every claim","required_review":{"who":"handler","share":0.9},"approved_at":%q}`, ago(30))),
		rec("oversight.rule", f(`{"system_id":"triage","version":"3","required_review":{"who":"later"},"approved_at":%q}`, ago(-30))),
		rec("model_registry.model", `{"registry":"mlflow/ml","name":"severity","id":"models:/severity","licence":"Own","owner":"a.berg"}`),
		rec("model_registry.model_version", `{"registry":"mlflow/ml","model":"severity","version":"6","aliases":["old"]}`),
		rec("model_registry.model_version", `{"registry":"mlflow/ml","model":"severity","version":"7","artifact_digest":"sha256:`+evidence.Sum([]byte("x")).String()+`","base_model":"acme/base"}`),
		rec("model_registry.model_version", `{"registry":"huggingface/huggingface.co","model":"acme/base","version":"main","revision_sha":"0a1b","datasets":["s3://claims/raw/2026"]}`),
		rec("model_registry.approval", f(`{"registry":"mlflow/ml","model":"severity","version":"7","approval_status":"Rejected","changed_at":%q}`, ago(20))),
		rec("model_registry.approval", f(`{"registry":"mlflow/ml","model":"severity","version":"7","approval_status":"Approved","changed_by":"m.ek","changed_at":%q}`, ago(10))),
		rec("model_registry.deployment", `{"platform":"mlflow","endpoint_id":"triage-prod","environment":"production","status":"ready","variants":[{"name":"a","model":"severity","version":"7"}]}`),
		rec("model_registry.deployment", `{"platform":"mlflow","endpoint_id":"stray","variants":[{"name":"a","model_ref":"who-knows"}]}`),
		rec("model_registry.lineage", `{"run_id":"R1","registry":"mlflow/ml","model":"severity","model_version":"7","dataset_versions":["claims@2026-05","elsewhere"],"code_commit":"abc"}`),
		rec("model_registry.model_card", `{"registry":"mlflow/ml","model":"severity","model_version":"7","name":"card","sections":{"Known limitations":"No claims before 2019.","Intended use":"Ranking.","other":{"x":1}}}`),
		rec("evaluation.run", f(`{"run_id":"E1","system_id":"triage","subject_ref":"severity/7","metrics":{"recall":0.9},"passed":true,"finished_at":%q}`, ago(40))),
		rec("evaluation.run", f(`{"run_id":"E2","system_id":"triage","subject_ref":"severity:7","dataset_version":"2026-05","metrics":{"recall":0.8,"by":{"age":[1,2]}},"passed":false,"finished_at":%q}`, ago(4))),
		rec("evaluation.run", f(`{"run_id":"E3","system_id":"triage","subject_ref":"severity/7","metrics":{"recall":1},"passed":true,"finished_at":%q}`, ago(-4))),
		rec("evaluation.run", f(`{"run_id":"E4","system_id":"helper","subject_ref":"release 9","metrics":{"grounded":"high"},"passed":true,"finished_at":%q}`, ago(4))),
		rec("inventory.dataset", `{"dataset_id":"claims","system_ids":["triage"],"category":"train","location":"s3://claims/raw/","owner":"l.kahn","personal_data":true,"retention":"3 years"}`),
		rec("inventory.dataset", `{"dataset_id":"spare","personal_data":false}`),
		rec("data.datasheet", f(`{"dataset_id":"claims","version":"2026-05","motivation":"rank","privacy":"health data","limits":"one region","approved_at":%q}`, ago(50))),
		rec("data.acquisition_record", f(`{"dataset_id":"claims","source":"own records","rights_or_licence":"own data","acquired_at":%q}`, ago(60))),
		rec("vendor.record", `{"vendor_id":"northlight","legal_name":"Northlight AI Ltd","services":["API","Portal"],"data_classes":["policy texts"],"criticality":"critical"}`),
		rec("vendor.record", `{"vendor_id":"quiet","systems":["triage"]}`),
		rec("vendor.contract_terms", f(`{"vendor_id":"Northlight","doc_sha256":"00","version":"2","agreed_training_opt_out":true,"agreed_retention_days":0,"effective_at":%q}`, ago(90))),
		rec("vendor.data_controls", `{"vendor":"northlight","org_or_project":"p1","training_opt_out":false,"region":"eu"}`),
		rec("vendor.assessment", f(`{"vendor_id":"northlight","result":"acceptable","approved_by":"k.a","approved_at":%q}`, ago(90))),
		rec("vendor.model_lifecycle", `{"vendor":"Northlight","model_id":"lumen-3","status":"deprecated","shutdown_at":"2027-01-01T00:00:00Z","replacement":"lumen-4"}`),
		rec("vendor.model_lifecycle", `{"vendor":"northlight","model_id":"not-in-use","status":"active"}`),
		rec("vendor.model_observation", f(`{"vendor":"northlight","requested_model":"lumen-3","served_model":"lumen-3-r2","system_id":"helper","observed_at":%q}`, ago(2))),
		rec("vendor.model_observation", f(`{"vendor":"northlight","requested_model":"lumen-3","served_model":"lumen-9","system_id":"helper","observed_at":%q}`, ago(-2))),
		rec("code.model_reference", `{"repo":"acme/helper","path":"conf.yaml","model_ref":"lumen-3","provider":"northlight","pin_type":"alias"}`),
		rec("code.prompt_asset", `{"repo":"acme/helper","path":"p/system.txt","kind":"system_prompt","sha256":"`+evidence.Sum([]byte("p")).String()+`"}`),
		rec("cloud.guardrail", `{"provider":"bedrock","guardrail_id":"g1","version":"2","status":"READY","attached_to":["guarded"]}`),
		rec("inventory.tooling", `{"system_id":"triage","component":"xgboost","version":"3.0","licence":"Apache-2.0","type":"library"}`),
		rec("inventory.tooling", `{"system_id":"triage","component":"acme/words","type":"model"}`),
	}
}
