package aws

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestREADME(t *testing.T) {
	connectortest.README(t, New(), configOf(nil).Secrets, func(c connector.Config) error {
		_, err := parseConfig(c)
		return err
	})
}

// policyPage is a policy of IAM, as the page gives it.
type policyPage struct {
	Version   string
	Statement []struct {
		Sid, Effect, Resource string
		Action                any
	}
}

// The policies on the page allow what the connector calls, and nothing else.
func TestPoliciesOfTheREADME(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```jsonc\n(.*?)```").FindAllSubmatch(page, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d policies", len(blocks))
	}
	var all []string
	for i, b := range blocks {
		actions := actionsOf(t, b[1])
		for _, a := range actions {
			if entering := a == assumeRole || a == listAccounts; entering != (i == 1) {
				t.Errorf("%s is in policy %d", a, i+1)
			}
		}
		all = append(all, actions...)
	}
	var want []string
	for _, p := range permissions() {
		want = append(want, p.ID)
	}
	slices.Sort(all)
	slices.Sort(want)
	if d := cmp.Diff(want, all); d != "" {
		t.Errorf("the policies allow something else than is called (-called +allowed):\n%s", d)
	}
}

func actionsOf(t *testing.T, raw []byte) []string {
	t.Helper()
	var p policyPage
	if err := json.Unmarshal(raw, &p); err != nil || p.Version != "2012-10-17" {
		t.Fatalf("%v: %s", err, raw)
	}
	var out []string
	for _, s := range p.Statement {
		if s.Effect != "Allow" || s.Resource == "" {
			t.Errorf("%+v", s)
		}
		actions, ok := s.Action.([]any)
		if !ok {
			actions = []any{s.Action}
		}
		for _, a := range actions {
			name, _ := a.(string)
			if name == "" || strings.Contains(name, "*") {
				t.Errorf("statement %s allows %v", s.Sid, a)
			}
			out = append(out, name)
		}
	}
	return out
}
