package grants

import (
	"slices"
	"strings"
	"testing"
)

func matcher(t testing.TB) *Matcher {
	t.Helper()
	m, err := NewMatcher()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMatch(t *testing.T) {
	m := matcher(t)
	for name, c := range map[string]struct {
		app        App
		id         string
		confidence string
		rule       string
	}{
		"client id":                     {App{Name: "Anything", ClientIDs: []string{"E0476654-C1D5-430B-AB80-70CBD947616A"}}, "openai", Declared, "openai/clients"},
		"address":                       {App{Name: "Chat", Addresses: []string{"https://chatgpt.com/auth/callback"}}, "openai", Declared, "openai/web"},
		"address below a domain":        {App{Name: "x", Addresses: []string{"https://auth.openai.com/saml/acs"}}, "openai", Declared, "openai/web"},
		"address of another":            {App{Name: "x", Addresses: []string{"https://openai.com.evil.example/", "https://notopenai.com"}}, "", "", ""},
		"address in a path":             {App{Name: "x", Addresses: []string{"https://proxy.example/?u=https://chatgpt.com"}}, "", "", ""},
		"exact name":                    {App{Name: "ChatGPT"}, "openai", Inferred, "openai/oauth"},
		"name and what is added to it":  {App{Name: "ChatGPT Enterprise (SAML)"}, "openai", Inferred, "openai/oauth"},
		"name with its vendor":          {App{Name: "Anthropic Claude - SSO"}, "anthropic", Inferred, "anthropic/oauth"},
		"name by its vendor":            {App{Name: "ChatGPT by OpenAI"}, "openai", Inferred, "openai/oauth"},
		"name and verified publisher":   {App{Name: "ChatGPT", Publisher: "OpenAI, L.L.C.", Verified: true}, "openai", Declared, "openai/vendor"},
		"verified publisher":            {App{Name: "Sora uploader", Publisher: "OpenAI OpCo, LLC", Verified: true}, "openai", Declared, "openai/vendor"},
		"publisher":                     {App{Name: "Uploader", Publisher: "Anthropic PBC"}, "anthropic", Inferred, "anthropic/vendor"},
		"name of another's":             {App{Name: "Claude", Publisher: "Claude Software GmbH", Verified: true}, "anthropic", Unresolved, "anthropic/oauth"},
		"a painter":                     {App{Name: "Claude Monet gallery"}, "anthropic", Unresolved, "anthropic/oauth"},
		"a bank":                        {App{Name: "Gemini Trust"}, "", "", ""},
		"a city":                        {App{Name: "Claudette"}, "", "", ""},
		"a suite's publisher":           {App{Name: "Outlook", Publisher: "Microsoft Corporation", Verified: true}, "", "", ""},
		"the suite's assistant":         {App{Name: "Microsoft 365 Copilot", Publisher: "Microsoft Corporation", Verified: true}, "ms-copilot", Declared, "ms-copilot/oauth"},
		"a service with AI in it":       {App{Name: "Notion", Addresses: []string{"https://www.notion.so"}}, "", "", ""},
		"a note taker":                  {App{Name: "Otter.ai Meeting Assistant"}, "otter", Inferred, "otter/oauth"},
		"a note taker's vendor":         {App{Name: "otter.ai"}, "otter", Inferred, "otter/oauth"},
		"nothing":                       {App{}, "", "", ""},
		"control characters":            {App{Name: "\x00\u202e", Publisher: "\n", Addresses: []string{":", "%zz", "javascript:chatgpt.com"}}, "", "", ""},
		"a host without a scheme":       {App{Name: "x", Addresses: []string{"claude.ai"}}, "anthropic", Declared, "anthropic/web"},
		"an address that is in capital": {App{Name: "x", Addresses: []string{"HTTPS://CLAUDE.AI./login"}}, "anthropic", Declared, "anthropic/web"},
	} {
		t.Run(name, func(t *testing.T) {
			f, ok := m.Match(c.app)
			if !ok && c.id == "" {
				return
			}
			if !ok || f.ID != c.id || f.Confidence != c.confidence || !slices.Contains(f.Rules, c.rule) || len(f.Signals) == 0 {
				t.Errorf("%v %+v", ok, f)
			}
		})
	}
}

// Every application that the signatures name is found by that name.
func TestEveryName(t *testing.T) {
	m := matcher(t)
	for _, p := range m.products {
		f, ok := m.Match(App{Name: strings.Join(p.words, " ")})
		if !ok || f.Confidence != Inferred || f.Vendor != p.Vendor {
			t.Errorf("%s %v: %v %+v", p.ID, p.words, ok, f)
		}
	}
	for id, s := range m.clients {
		if f, ok := m.Match(App{ClientIDs: []string{id}}); !ok || f.ID != s.ID || f.Confidence != Declared {
			t.Errorf("%s: %+v", id, f)
		}
	}
}

// Whatever an application is called, signals and rules fit a record.
func FuzzMatch(f *testing.F) {
	f.Add("ChatGPT", "OpenAI", "https://chatgpt.com", true)
	f.Add("Claude Monet", "", "http://[::1", false)
	f.Add("\xff\u2028", "L.L.C.", "*.openai.com", true)
	m := matcher(f)
	f.Fuzz(func(t *testing.T, name, publisher, address string, verified bool) {
		a := App{Name: name, Publisher: publisher, Addresses: []string{address}, Verified: verified}
		found, ok := m.Match(a)
		if !ok {
			return
		}
		if rank(found.Confidence) < 1 || len(found.Rules) == 0 {
			t.Errorf("%+v", found)
		}
		for _, s := range found.Signals {
			if strings.ContainsAny(s, "\n\x00\u2028\u202e") || len(s) > 1000 {
				t.Errorf("%q", s)
			}
		}
		if found.Confidence == Declared && !verified && hostOf(address) == "" {
			t.Errorf("declared by a name: %+v", found)
		}
	})
}
