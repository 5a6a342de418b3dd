package scanned

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

func example() Scan {
	return Scan{Repo: "acme/shop", Version: "1.2.3", At: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC),
		Report: aiscan.Report{Root: "acme/shop", Commit: "0123456789abcdef0123456789abcdef01234567", Files: 3, Bytes: 1000,
			Sightings: []aiscan.Sighting{
				{ID: "a1", Provider: "openai", Vendor: "OpenAI", Category: aisign.Provider, Egress: aisign.External, Scope: aiscan.Product, Confidence: aiscan.Declared, Why: "declared in requirements.txt",
					Signals: []aiscan.Signal{
						{Path: "requirements.txt", Line: 2, Signature: "openai/packages", Excerpt: "openai 1.40.0", Class: fact.Package, Version: "1.40.0"},
						{Path: "src/a b#c.py", Line: 7, Signature: "openai/hosts", Excerpt: "api.openai.com", Class: fact.Host},
					}, Count: 2},
				{ID: "a2", Provider: "pytorch", Vendor: "PyTorch Foundation", Category: aisign.MLLibrary, Egress: aisign.Local, Scope: aiscan.Supporting, Confidence: aiscan.Inferred, Why: "imported in tests",
					Signals: []aiscan.Signal{{Path: "tests/x.py", Line: 1, Signature: "pytorch/imports", Excerpt: "import torch", Class: fact.Import}}, Count: 1},
				{ID: "a3", Provider: "model-artifact", Vendor: "unspecified", Category: aisign.MLLibrary, Egress: aisign.Local, Scope: aiscan.Product, Confidence: aiscan.Declared, Why: "safetensors by its first bytes",
					Signals: []aiscan.Signal{{Path: "m.safetensors", Signature: "model-artifact/files", Excerpt: "safetensors", Class: fact.Weights}}, Count: 1},
			},
			Models:  []aiscan.Model{{Path: "src/a.py", Line: 9, Ref: "gpt-4o", Provider: "openai", Pin: "alias"}, {Path: "b.yaml", Line: 1, Ref: "house/model-7", Pin: "unversioned"}},
			Secrets: []aiscan.Secret{{Path: ".env", Line: 3, Provider: "openai", Hint: "sk-proj-… 164 characters, hash 1f2e"}},
			Unread:  []aiscan.Unread{{Path: "big.bin", Reason: "larger than what is read of one file"}},
		},
		Verdicts: map[string]Verdict{"a1": {Candidate: true, Why: "no registered system has the repository"}, "a2": {}, "a3": {Candidate: true, Registered: true, System: "shop-search"}}}
}

func written(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("EXHIBIT_KEEP"); dir != "" { // for a look by hand, or another tool's
		if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".json"), out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestSARIF(t *testing.T) {
	raw := written(t, func(w *bytes.Buffer) error { return SARIF(w, []Scan{example()}) })
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Level, Kind string
				RuleIndex           int
				Message             struct{ Text string }
				Locations           []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
				RelatedLocations    []any
				PartialFingerprints map[string]string
			}
			Invocations []struct{ ToolExecutionNotifications []any }
		}
	}
	if err := json.Unmarshal(raw, &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || len(run.Results) != 4 || len(run.Invocations[0].ToolExecutionNotifications) != 1 {
		t.Fatalf("%s", raw)
	}
	for i, want := range []struct{ rule, level, kind string }{
		{"ai/unregistered", "warning", ""}, {"ai/supporting", "none", "informational"}, {"ai/registered", "none", "informational"}, {"ai/open-credential", "error", ""},
	} {
		got := run.Results[i]
		if got.RuleID != want.rule || got.Level != want.level || got.Kind != want.kind || run.Tool.Driver.Rules[got.RuleIndex].ID != want.rule {
			t.Errorf("result %d: %+v, want %+v", i, got, want)
		}
		if len(got.Locations) != 1 || len(got.PartialFingerprints) != 1 {
			t.Errorf("result %d has %d places and %d fingerprints", i, len(got.Locations), len(got.PartialFingerprints))
		}
	}
	first := run.Results[0]
	if at := first.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "requirements.txt" || at.Region.StartLine != 2 || len(first.RelatedLocations) != 1 {
		t.Errorf("places of the first: %+v", first)
	}
	if !strings.Contains(first.Message.Text, "no registered system has the repository") {
		t.Errorf("the first says %q", first.Message.Text)
	}
	if !bytes.Contains(raw, []byte(`"src/a%20b%23c.py"`)) {
		t.Error("a path is not written as a URI reference")
	}
}

func TestCycloneDX(t *testing.T) {
	raw := written(t, func(w *bytes.Buffer) error { return CycloneDX(w, example()) })
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(raw), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range *bom.Components {
		names = append(names, string(c.Type)+" "+c.Name)
	}
	want := []string{"library openai", "machine-learning-model gpt-4o", "library pytorch", "machine-learning-model model-artifact", "machine-learning-model house/model-7"}
	if strings.Join(names, ", ") != strings.Join(want, ", ") {
		t.Errorf("components %q, want %q", names, want)
	}
	sv := (*bom.Services)[0]
	if sv.Name != "openai" || sv.CrossesTrustBoundary == nil || !*sv.CrossesTrustBoundary || (*sv.Endpoints)[0] != "https://api.openai.com" {
		t.Errorf("service %+v", sv)
	}
	for _, ref := range *(*bom.Dependencies)[0].Dependencies {
		if n := strings.Count(string(raw), `"bom-ref": "`+ref+`"`); n != 1 {
			t.Errorf("%q is defined %d times", ref, n)
		}
	}
}

func TestSPDX(t *testing.T) {
	raw := written(t, func(w *bytes.Buffer) error { return SPDX(w, example()) })
	var doc struct {
		Graph []map[string]any `json:"@graph"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	count, ids := map[string]int{}, map[string]bool{noAssertion: true}
	for _, n := range doc.Graph {
		count[n["type"].(string)]++
		if id, ok := n["spdxId"].(string); ok {
			if ids[id] {
				t.Errorf("%s is there twice", id)
			}
			ids[id] = true
		}
	}
	for kind, n := range map[string]int{"CreationInfo": 1, "SpdxDocument": 1, "software_Sbom": 1, "ai_AIPackage": 3, "software_Package": 3, "Organization": 2, "Relationship": 1, "SoftwareAgent": 1} {
		if count[kind] != n {
			t.Errorf("%d of %s, want %d", count[kind], kind, n)
		}
	}
	for _, n := range doc.Graph {
		if s, ok := n["suppliedBy"].(string); ok && !ids[s] {
			t.Errorf("%v is supplied by %s, which is nowhere", n["name"], s)
		}
		if to, ok := n["to"].([]any); ok {
			for _, id := range to {
				if !ids[id.(string)] {
					t.Errorf("relationship to %s, which is nowhere", id)
				}
			}
		}
	}
}

// The same scan gives the same bytes, and another scan another name.
func TestSameBytes(t *testing.T) {
	for name, write := range map[string]func(*bytes.Buffer, Scan) error{
		"sarif":     func(w *bytes.Buffer, s Scan) error { return SARIF(w, []Scan{s}) },
		"cyclonedx": func(w *bytes.Buffer, s Scan) error { return CycloneDX(w, s) },
		"spdx":      func(w *bytes.Buffer, s Scan) error { return SPDX(w, s) },
	} {
		var a, b, c bytes.Buffer
		other := example()
		other.Report.Sightings[0].Signals[0].Line = 3
		for out, s := range map[*bytes.Buffer]Scan{&a: example(), &b: example(), &c: other} {
			if err := write(out, s); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s: two writings differ", name)
		}
		if bytes.Equal(a.Bytes(), c.Bytes()) {
			t.Errorf("%s: another scan gives the same file", name)
		}
	}
}
