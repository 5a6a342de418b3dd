package documents

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const aiCode = "from openai import OpenAI\nclient = OpenAI()\nclient.chat.completions.create(model=\"gpt-4o\", messages=[])\n"

// The code of a branch is scanned from its objects, whatever is checked out, and
// again only when the branch moves.
func TestScanCode(t *testing.T) {
	repo := newTestRepo(t)
	repo.commit(at(3, 1, 9), map[string]string{"app.py": aiCode, "requirements.txt": "openai==1.40.0\n", "docs/notes.md": "We looked at Claude.\n"})
	if err := os.Remove(filepath.Join(repo.dir, "app.py")); err != nil { // not in the work tree any more
		t.Fatal(err)
	}
	settings := map[string]any{"repository": repo.dir, "name": "shop", "scan_code": true, "scan_repository": "acme/shop"}
	rec, cov := run(t, settings, nil)
	for _, kind := range codeKinds() {
		if k := cov[kind]; k.Status != connector.Complete || k.Enumerated == (kind == records.KindCodeScan) {
			t.Errorf("%s: %+v", kind, k)
		}
	}
	var rules []string
	for _, e := range rec.Records(records.KindCodeUsage) {
		var u records.CodeUsage
		if err := json.Unmarshal(e.Payload, &u); err != nil {
			t.Fatal(err)
		}
		if u.Repo != "acme/shop" || u.Provider != "openai" {
			t.Errorf("%+v", u)
		}
		rules = append(rules, u.RuleID)
	}
	if !slices.Contains(rules, "openai/packages") || !slices.Contains(rules, "openai/imports") {
		t.Errorf("rules %v", rules)
	}
	if len(rec.Records(records.KindModelReference)) != 1 || len(rec.Records(records.KindCodeScan)) != 1 {
		t.Errorf("models %v, scans %v", rec.Records(records.KindModelReference), rec.Records(records.KindCodeScan))
	}
}

// A source may do nothing but scan.
func TestScanAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(aiCode), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{"folder": dir, "scan_code": true})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := New().Check(t.Context(), connector.Config{Settings: settings})
	if err != nil || rep.Problem != "" {
		t.Errorf("%+v, %v", rep, err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(configSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("settings.json", schema); err != nil {
		t.Fatal(err)
	}
	if err := c.MustCompile("settings.json").Validate(map[string]any{"folder": dir, "scan_code": true}); err != nil {
		t.Error(err)
	}
}

// A plain folder is scanned each time, and is the same as long as it says the
// same.
func TestScanFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(aiCode), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := map[string]any{"folder": dir, "scan_code": true, "scan_repository": "acme/tool"}
	rec, _ := run(t, settings, nil)
	if len(rec.Records(records.KindCodeUsage)) == 0 {
		t.Fatal("no use")
	}
	again, _ := run(t, settings, rec)
	if n := again.Attested()[group]; n != len(rec.Records()) || len(again.Records()) != 0 {
		t.Errorf("%d of %d attested, %d records", n, len(rec.Records()), len(again.Records()))
	}
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("print(1)\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if last, _ := run(t, settings, again); len(last.Records(records.KindCodeUsage)) != 0 || len(last.Records(records.KindCodeScan)) != 1 {
		t.Errorf("%v", last.Records())
	}
}
