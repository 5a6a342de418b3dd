package dashboard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// typed is an option of the command line in a text for people.
var typed = regexp.MustCompile(`(^|[\s(“"'])--[a-z]`)

// TestSpoken: whatever the rules of people and the service may say, a page does not
// say it in options of the command line.
func TestSpoken(t *testing.T) {
	looked := 0
	for _, dir := range []string{"../people", "../service", "../access", "../finding"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(text, "--") {
					looked++
					if said := spoken(text); typed.MatchString(said) {
						t.Errorf("%s: %q is said as %q", f.Name(), text, said)
					}
				}
				return true
			})
		}
	}
	if looked < 20 {
		t.Errorf("only %d texts were looked at", looked)
	}
	for text, want := range map[string]string{
		"say why with --because":                            "say why in the form",
		"exhibit shadow list shows them":                    "the page Shadow AI shows them",
		"exhibit populations human-review --items lists it": "the page of the population lists it",
		"start exhibit agent":                               "start exhibit agent",
		"exhibit review submit":                             "exhibit review submit",
		"an aims-exhibit stays":                             "an aims-exhibit stays",
	} {
		if got := spoken(text); got != want {
			t.Errorf("%q is said as %q, want %q", text, got, want)
		}
	}
}

// TestNoOptions: no page, and no page of a refusal, tells people to type an option.
func TestNoOptions(t *testing.T) {
	o := actor(t) // some of these forms are taken
	o.eachPage(func(path string, a *answer) { sayNoOptions(t, path, a) })
	who := someone(o.aPerson(), access.Operator, access.Approver, access.Security, access.Admin, access.Auditor)
	all, refused := addresses(o), 0
	for _, r := range o.dash.routes {
		if r.act == nil || strings.Contains(r.pattern, "/exports") {
			continue
		}
		for _, path := range all[r.pattern] {
			for _, form := range []url.Values{{}, {"because": {" "}, "note": {" "}}, {"decision": {"taken"}}, {"decision": {"accepted"}, "because": {"x"}},
				{"decision": {"registered"}, "system": {"nothing"}, "because": {"x"}}, {"result": {"maybe"}, "note": {"x"}}, {"to": {"nobody"}}, {"grade": {"odd"}},
				{"expectation": {"no-such"}, "subject": {"x"}, "because": {"x"}, "reason": {"x"}}, {"seed": {"s"}, "size": {"-1"}}} {
				a := o.post(who, path, form)
				sayNoOptions(t, path, a)
				if a.StatusCode >= 400 {
					refused++
				}
			}
		}
	}
	if refused < 50 {
		t.Errorf("%d forms were refused", refused)
	}
	for _, path := range []string{"/results/no-such/x/y", "/findings/F-0", "/shadow/none", "/systems/none", "/controls/A.99", "/proof/99999999", "/sources/none", "/populations/none",
		"/vendors/none", "/evidence/zz", "/evidence?digest=zz", "/?as_of=tomorrow", "/?as_of=2099-01-01", "/nowhere"} {
		sayNoOptions(t, path, o.get(who, path))
	}
}

// sayNoOptions fails where a page has an option outside of what is meant to be typed.
func sayNoOptions(t *testing.T, path string, a *answer) {
	t.Helper()
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "code" || n.Data == "pre") {
			return
		}
		if n.Type == html.TextNode && typed.MatchString(n.Data) {
			t.Errorf("%s says %q", path, strings.TrimSpace(n.Data))
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(a.doc)
}
