package netlogs

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Hosts as logs write them, and whose they are.
func TestHosts(t *testing.T) {
	table := newTable(signatures(t).All(), nil)
	for address, want := range map[string]string{
		"api.openai.com":     "openai/hosts",
		"api.openai.com.":    "openai/hosts",
		"API.OpenAI.COM":     "openai/hosts",
		"api.openai.com:443": "openai/hosts",
		"https://api.openai.com/v1/responses?x=claude.ai": "openai/hosts",
		"https://claude.ai@api.openai.com:8443/v1":        "openai/hosts",
		"http://ann:claude.ai@api.openai.com/":            "openai/hosts",
		"HTTPS://api.openai.com":                          "openai/hosts",
		"chatgpt.com":                                     "openai/web",
		"files.oaiusercontent.com":                        "openai/web",
		"a.b.oaiusercontent.com":                          "openai/web",
		"bedrock-runtime.eu-central-1.amazonaws.com":      "aws-bedrock/hosts",
		"europe-west4-aiplatform.googleapis.com":          "google-vertex/hosts",
		"acme.openai.azure.com":                           "azure-openai/hosts",
		"gpu1.corp.example:11434":                         "ollama/ports",
		"api.openai.com.evil.example":                     "",
		"https://evil.example/?u=https://api.openai.com/": "",
		"https://evil.example/@api.openai.com":            "",
		"https://evil.example#@api.openai.com":            "",
		`https://evil.example\@api.openai.com`:            "",
		"notapi.openai.com.":                              "openai/web", // *.openai.com
		"xapi-openai.com":                                 "",
		"apixopenai.com":                                  "",
		"openaiusercontent.com":                           "",
		"oaiusercontent.com":                              "", // only what is below it
		"api.оpenai.com":                                  "", // a letter of another script
		"xn--api-openai-9ih.com":                          "",
		"bedrock-runtime.a.b.amazonaws.com":               "",
		"bedrock-runtime..amazonaws.com":                  "",
		"evil-bedrock-runtime.eu-central-1.amazonaws.com": "",
		"bedrock-runtime.eu-central-1.amazonaws.com.cn":   "",
		"storage.googleapis.com":                          "",
		"[2001:db8::1]:443":                               "",
		"2001:db8::1":                                     "",
		"192.0.2.1:443":                                   "",
		"":                                                "",
		".":                                               "",
		"com":                                             "",
		".com":                                            "",
		strings.Repeat("a", 300) + ".api.openai.com":      "",
		strings.Repeat("a.", 400):                         "",
		"api.openai.com:notaport":                         "openai/hosts",
		"api.openai.com:99999999999999":                   "openai/hosts",
	} {
		host, port := hostOf([]byte(address))
		got := ""
		if to, _ := table.find(host, port); to != nil {
			got = to.rule()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// The table says of every host what the signatures' own look-up says.
func TestTableAgreesWithSignatures(t *testing.T) {
	set := signatures(t)
	table := newTable(set.All(), nil)
	var names []string
	for _, s := range set.All() {
		for _, entry := range slices.Concat(s.Hosts, s.Web, s.Doubtful.Hosts, s.Doubtful.Web) {
			for _, in := range []string{"x", "a.b", "eu-west-1"} {
				name := strings.ReplaceAll(entry, "*", in)
				names = append(names, name, "www."+name, "x"+name, name+".example", strings.ToUpper(name)+".", strings.TrimPrefix(name, in+"."))
			}
		}
	}
	dice := rand.New(rand.NewPCG(1, 2))
	for range 20_000 { // hosts made of parts of others
		a, b := strings.Split(names[dice.IntN(len(names))], "."), strings.Split(names[dice.IntN(len(names))], ".")
		names = append(names, strings.Join(slices.Concat(a[:dice.IntN(len(a)+1)], b[dice.IntN(len(b)):]), "."))
	}
	wrong := 0
	for _, name := range names {
		host, port := hostOf([]byte(name))
		if port != 0 || strings.ContainsAny(name, "/:") || len(bare(host)) != len(strings.TrimSuffix(name, ".")) ||
			strings.HasPrefix(name, ".") || strings.Contains(name, "..") { // no names of hosts
			continue
		}
		to, mixed := table.find(host, 0)
		got := ""
		if to != nil {
			got = to.rule()
		}
		matches := set.Host(name)
		ok := len(matches) == 0 && got == ""
		for _, m := range matches {
			ok = ok || m.Rule() == got && (!m.IsWeak() || mixed)
		}
		if !ok {
			if wrong++; wrong < 20 {
				t.Errorf("%q: %q, and the signatures say %v", name, got, rules(matches))
			}
		}
	}
}

func rules[T interface{ Rule() string }](all []T) (out []string) {
	for _, m := range all {
		out = append(out, m.Rule())
	}
	return out
}

// A host that others share shows no use of AI by itself.
func TestSharedHosts(t *testing.T) {
	table := newTable(signatures(t).All(), nil)
	for host, want := range map[string]bool{"cdn.oaiusercontent.com": true, "copilot-telemetry.githubusercontent.com": true, "copilot-proxy.githubusercontent.com": false, "files.oaiusercontent.com": false, "acme-telemetry.openai.azure.com": true, "www.notion.so": true, "notion.so": true, "api.openai.com": false, "chatgpt.com": false} {
		to, mixed := table.find([]byte(host), 0)
		if to == nil && host == "www.notion.so" {
			continue // not every host of it is listed
		}
		if to == nil || mixed != want {
			t.Errorf("%s: %v, shared %v", host, to, mixed)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	table := newTable(signatures(t).All(), []string{"canary.example.org"})
	hosts := [][]byte{[]byte("www.example.org"), []byte("api.openai.com."), []byte("eu-aiplatform.googleapis.com"), []byte("cdn.microsoft.com")}
	if n := testing.AllocsPerRun(100, func() {
		for _, h := range hosts {
			table.find(h, 443)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
