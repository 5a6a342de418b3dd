package github_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// property is one setting in the schema.
type property struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Default     any    `json:"default"`
}

func schemaOf(t *testing.T) map[string]property {
	t.Helper()
	var s struct {
		Properties map[string]property `json:"properties"`
	}
	if err := json.Unmarshal(github.New().Describe().ConfigSchema, &s); err != nil {
		t.Fatal(err)
	}
	return s.Properties
}

// The page says what Describe says, and its examples can be used.
func TestREADME(t *testing.T) {
	connectortest.README(t, github.New(), nil, func(c connector.Config) error {
		if strings.Contains(string(c.Settings), "app_id") {
			c.Secrets = map[string]string{"app_private_key": aKey(t)}
		} else {
			c.Secrets = map[string]string{"token": goodToken}
		}
		return github.ParseConfig(c)
	})
}

// What the schema states as default is what happens.
func TestDefaults(t *testing.T) {
	props := schemaOf(t)
	want := map[string]any{"base_url": "https://api.github.com", "lookback_days": 365.0, "concurrency": 8.0, "requests_per_second": 12.0, "max_wait_seconds": 120.0,
		"sbom_per_run": 100.0, "sbom_reports": false, "scan_code": false, "scan_max_mb": 2048.0, "audit_include": "web"}
	got := map[string]any{}
	for name, p := range props {
		if p.Description == "" {
			t.Errorf("%s has no description", name)
		}
		if p.Default != nil {
			got[name] = p.Default
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, github.Defaults()); d != "" {
		t.Errorf("the code's defaults differ from the schema's:\n%s", d)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, tc := range []struct {
		name, settings, token, want string
	}{
		{"nothing to read", `{}`, "t", "organization"},
		{"unknown setting", `{"organization":"acme","orgs":["x"]}`, "t", "orgs"},
		{"wrong type", `{"organization":7}`, "t", "organization"},
		{"no token", `{"organization":"acme"}`, "", "token"},
		{"token with a line break", `{"organization":"acme"}`, "abc\ndef", "line break"},
		{"both", `{"organization":"acme","owner":"kim"}`, "t", "organization, owner"},
		{"name without owner", `{"repositories":["app"]}`, "t", "owner/name"},
		{"wildcard without listing", `{"repositories":["acme/*"]}`, "t", "wildcard"},
		{"wildcard of another owner", `{"organization":"acme","repositories":["other/*"]}`, "t", "wildcard"},
		{"path in a name", `{"repositories":["acme/../x"]}`, "t", "not a repository's name"},
		{"dots", `{"repositories":["acme/.."]}`, "t", "not a repository's name"},
		{"bad pattern", `{"organization":"acme","repositories":["acme/[a"]}`, "t", "repositories[0]"},
		{"bad glob", `{"organization":"acme","file_globs":["/etc/*"]}`, "t", "file_globs[0]"},
		{"glob that climbs", `{"organization":"acme","file_globs":["a/../../b"]}`, "t", "file_globs[0]"},
		{"bad branch", `{"organization":"acme","branches":["a..b"]}`, "t", "branches[0]"},
		{"bad day", `{"organization":"acme","since":"yesterday"}`, "t", "since"},
		{"zero", `{"organization":"acme","concurrency":0}`, "t", "concurrency"},
		{"plain http", `{"organization":"acme","base_url":"http://ghe.example.com/api/v3"}`, "t", "https"},
		{"password in the address", `{"organization":"acme","base_url":"https://me:hunter2@ghe.example.com"}`, "t", "base URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := connector.Config{Settings: json.RawMessage(tc.settings), Secrets: map[string]string{"token": tc.token}}
			_, err := github.New().Check(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "abc") {
				t.Errorf("error %v, want one about %q", err, tc.want)
			}
		})
	}
	cfg := connector.Config{Settings: json.RawMessage(`{"since":"x","branches":[".."]}`)}
	if _, err := github.New().Check(t.Context(), cfg); strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all errors at once: %v", err)
	}
}
