package shadow_test

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

const people2 = "organization: {id: o, name: O}\npeople:\n  - {id: ann, name: Ann}\n"

// TestDraft: what was seen is filled in, nothing is invented, the blanks are
// refused, and once they are filled the register is accepted.
func TestDraft(t *testing.T) {
	for name, c := range map[string]shadow.Case{
		"code":    only(t, reconcile(t, shadow.Input{}, usage("o/notes-lab", "a.py", "openai", "product"))),
		"a key":   only(t, reconcile(t, shadow.Input{}, key("anthropic", "proj 1: it's", "k1"))),
		"hostile": {ID: "SC-1", Title: "x\n  owner: ann", Why: "y\x1b[31m", PlaceType: shadow.VendorProject, Ref: "o/r'\n#: {", Vendors: []string{"'\n- id: z"}},
		"people":  {ID: "SC-2", PlaceType: shadow.People, Ref: "openai", Vendors: []string{"OpenAI"}},
	} {
		t.Run(name, func(t *testing.T) {
			draft := shadow.Draft(c, nil, signs(t))
			if strings.Contains(draft, "ann") && name != "hostile" && !strings.Contains(draft, "# Ask ann") {
				t.Errorf("it names an owner:\n%s", draft)
			}
			if _, err := register.Parse("register.yaml", []byte(people2+draft), register.Known{}); err == nil || !strings.Contains(err.Error(), "owner") {
				t.Errorf("the blanks are accepted: %v", err)
			}
			filled := draft
			for blank, with := range map[string]string{"name: " + shadow.Blank + "as people call it": "name: N", "purpose: " + shadow.Blank + "what it is for": "purpose: P",
				"owner: " + shadow.Blank + "id of a person of the register": "owner: ann", "tier: " + shadow.Blank + "high, limited or minimal": "tier: minimal",
				"ai_role: " + shadow.Blank: "ai_role: user # ", "stage: " + shadow.Blank: "stage: operate # ", "users: " + shadow.Blank: "users: U # "} {
				filled = strings.Replace(filled, blank, with, 1)
			}
			reg, err := register.Parse("register.yaml", []byte(people2+filled), register.Known{})
			if err != nil {
				t.Fatalf("%v\n%s", err, filled)
			}
			if s := reg.Systems[0]; s.Owner != "ann" || len(s.Vendors) != 1 || len(reg.Vendors) != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
	t.Run("a library has no vendor", func(t *testing.T) {
		c := only(t, reconcile(t, shadow.Input{}, usage("o/r", "a.py", "openai", "product"), usage("o/r", "a.py", "langchain", "product")))
		if draft := shadow.Draft(c, nil, signs(t)); strings.Contains(draft, "'langchain'") || !strings.Contains(draft, "'openai'") {
			t.Error(draft)
		}
	})
	t.Run("a vendor that the register has", func(t *testing.T) {
		c := only(t, reconcile(t, shadow.Input{}, usage("o/r", "a.py", "openai", "product")))
		draft := shadow.Draft(c, map[string]string{"oai": "OpenAI Ireland Limited"}, signs(t))
		if !strings.Contains(draft, "- 'oai'") || strings.Contains(draft, "\nvendors:") {
			t.Error(draft)
		}
	})
}
