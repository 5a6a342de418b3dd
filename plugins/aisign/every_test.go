package aisign

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// once is the data, read one time for all tests: nothing changes a Set.
var once = sync.OnceValues(Load)

func loaded(t testing.TB) *Set {
	t.Helper()
	s, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// filled is an entry with its stars filled in.
func filled(entry string) string { return strings.ReplaceAll(entry, "*", "x9") }

// asked asks every look-up for one entry of one list, and names it.
type asked struct {
	field, entry string
	got          []Match
}

// entries asks for every entry of a signature's lists.
func entries(s *Set, l *Lists) []asked {
	var all []asked
	ask := func(field string, list []string, by func(string) []Match) {
		for _, e := range list {
			all = append(all, asked{field, e, by(filled(e))})
		}
	}
	for eco, names := range l.Packages {
		ask("packages", names, func(n string) []Match { return s.Package(eco, n) })
	}
	for lang, names := range l.Imports {
		ask("imports", names, func(n string) []Match { return s.Import(lang, n) })
	}
	ask("calls", l.Calls, func(n string) []Match { return s.Call("x = " + n + "(") })
	ask("settings", l.Settings, func(n string) []Match { return s.Setting(n + "x") })
	ask("hosts", l.Hosts, func(n string) []Match { return s.Host("https://" + n + "/v1") })
	ask("web", l.Web, s.Host)
	ask("env", l.Env, s.Env)
	ask("env_weak", l.EnvWeak, s.Env)
	ask("secrets", l.Secrets, func(n string) []Match { return s.SecretName("PROD_" + n + "_2") })
	ask("files", l.Files, func(n string) []Match { return s.File("some/where/" + n) })
	ask("user_agents", l.UserAgent, func(n string) []Match { return s.UserAgent("a/1 " + n + "/1.2 (x)") })
	ask("kubernetes", l.Kubernetes, s.KubernetesKind)
	ask("images", l.Images, func(n string) []Match { return s.Image("registry.example:5000/mirror/" + n + ":1.2") })
	ask("charts", l.Charts, s.Chart)
	ask("actions", l.Actions, func(n string) []Match { return s.Action(n + "@v1") })
	ask("iam", l.IAM, s.IAM)
	ask("arns", l.ARNs, func(n string) []Match { return s.ARN(n + "eu-west-1:1:thing") })
	ask("costs", l.Costs, s.Cost)
	ask("merchants", l.Merchants, func(n string) []Match { return s.Merchant("CARD 123 " + n + " *X") })
	ask("oauth", l.OAuth, func(n string) []Match { return s.OAuthApp(n, "") })
	ask("clients", l.Clients, func(n string) []Match { return s.OAuthApp("", n) })
	ask("apps", l.Apps, s.GitHubApp)
	ask("extensions", l.Extensions, s.Extension)
	ask("trailers", l.Trailers, func(n string) []Match { return s.Trailer("X: " + n + " <y>") })
	for name, list := range map[string][]string{"terraform": l.Terraform, "cloudformation": l.CloudFormation, "arm": l.ARM} {
		ask(name, list, func(string) []Match { return nil })
		for i, e := range list {
			r, _ := parseResource(entry{text: e})
			attrs := map[string]string{}
			for _, n := range r.needs {
				if attrs[n.attr] = n.values[0]; n.op == "!=" {
					attrs[n.attr] = "something-else"
				}
			}
			all[len(all)-len(list)+i].got = s.Resource(name, filled(r.kind), attrs)
		}
	}
	for _, p := range l.Ports {
		all = append(all, asked{"ports", "", s.Port(p)})
	}
	for _, e := range l.Events {
		source, names := e.parts()
		for name := range strings.SplitSeq(names, "|") {
			all = append(all, asked{"events", name, s.CloudEvent(e.Log, source, filled(name))})
		}
	}
	return all
}

// Every entry of every signature is found by its own look-up.
func TestEveryEntry(t *testing.T) {
	s, n := loaded(t), 0
	for _, sig := range s.All() {
		for _, lists := range []*Lists{&sig.Lists, &sig.Doubtful} {
			for _, a := range entries(s, lists) {
				n++
				if !slices.ContainsFunc(a.got, func(m Match) bool { return m.Signature == sig }) {
					t.Errorf("%s: %s %q found %v", sig.ID, a.field, a.entry, ids(a.got))
				}
				if !slices.IsSortedFunc(a.got, func(x, y Match) int { return strings.Compare(x.ID, y.ID) }) {
					t.Errorf("%s: %s %q: not in order", sig.ID, a.field, a.entry)
				}
			}
		}
	}
	t.Logf("%d entries of %d signatures", n, len(s.All()))
	if n < 1000 {
		t.Errorf("only %d entries", n)
	}
}

func ids(matches []Match) []string {
	out := []string{}
	for _, m := range matches {
		out = append(out, m.ID)
	}
	return out
}
