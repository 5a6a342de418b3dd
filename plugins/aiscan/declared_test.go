package aiscan

import (
	"strconv"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// No file of infrastructure that names an entry of the signatures is kept from
// its reader, however it writes the name.
func TestDeclared(t *testing.T) {
	r, err := newRules(Options{Signatures: signatures(t)})
	if err != nil {
		t.Fatal(err)
	}
	check := func(id, name, text string) {
		if !r.declared("kubernetes", []byte(text)) {
			t.Errorf("%s: %s is overlooked in %q", id, name, text)
		}
	}
	for _, sig := range signatures(t).All() {
		for _, l := range []*aisign.Lists{&sig.Lists, &sig.Doubtful} {
			names := [][]string{l.Images, l.Charts, l.Actions, l.Kubernetes, l.Hosts, l.Env, l.EnvWeak, l.Settings, l.Extensions}
			for _, list := range l.Packages {
				names = append(names, list)
			}
			for _, list := range names {
				for _, name := range list {
					name = strings.ReplaceAll(name, "*", "z")
					for _, text := range []string{"a: " + name, "a: '" + name + "'\n", "- " + name + ":1.0\n", "run: pip install " + name + "==1.0\n", "uses: " + strings.ToUpper(name) + "@v1\n",
						"run: [" + name + "]\n", name + ": x\n", "run: npx " + strings.ReplaceAll(name, "-", "_") + "\n"} {
						check(sig.ID, name, text)
					}
				}
			}
			for _, port := range l.Ports {
				check(sig.ID, strconv.Itoa(port), "ports: ['"+strconv.Itoa(port)+":80']\n")
			}
		}
	}
	if r.declared("kubernetes", []byte("apiVersion: v1\nkind: Service\nmetadata:\n  name: shop\nspec:\n  ports:\n    - port: 80\n      targetPort: http\n  selector:\n    app: shop\n")) {
		t.Error("a plain service is taken apart")
	}
	if !r.declared("terraform", nil) {
		t.Error("a format with permissions is kept from its reader")
	}
}
