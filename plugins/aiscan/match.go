package aiscan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/manifest"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/source"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// match keeps those facts that belong to a signature.
func (r *rules) match(c *content, facts []fact.Fact) {
	for _, f := range facts {
		if f.Attrs[source.Client] != "" {
			c.Hits = append(c.Hits, hit{Fact: f, Field: fieldClient})
			continue
		}
		if f.Class == fact.Package && (f.Attrs["alias"] != "" || f.Attrs["explain"] != "") {
			c.Hits = append(c.Hits, hit{Fact: f, Field: fieldAlias})
		}
		for _, m := range r.find(f) {
			c.Hits = append(c.Hits, hit{Fact: f, ID: m.ID, Field: m.Field, Weak: m.IsWeak() || administers(f)})
		}
		if f.Class == fact.Model && f.Standing.Counts() {
			r.model(c, f)
		}
	}
}

// withoutTables takes away what stands in tables by its name alone, where the
// keys are of three products or the whole is of four: such a table says what is
// known of them, and asks none.
func withoutTables(hits []hit) []hit {
	keys, all := map[string]bool{}, map[string]bool{}
	for _, h := range hits {
		switch h.Fact.Attrs[source.Table] {
		case source.Key:
			keys[h.ID] = true
			all[h.ID] = true
		case source.Element, source.Named:
			all[h.ID] = true
		}
	}
	if len(all) == 0 {
		return hits
	}
	many := len(all) >= 4
	return slices.DeleteFunc(hits, func(h hit) bool {
		switch h.Fact.Attrs[source.Table] {
		case source.Key:
			return many || len(keys) >= 3
		case source.Element:
			return many
		case source.Named:
			return true
		default:
			return false
		}
	})
}

// find asks the list that a fact's class belongs to.
func (r *rules) find(f fact.Fact) []aisign.Match {
	switch f.Class {
	case fact.Package:
		return r.set.Package(f.Group, f.Name)
	case fact.Import:
		return r.imported(f.Group, f.Name)
	case fact.Host:
		return r.host(f.Name)
	case fact.Env:
		return r.set.Env(f.Name)
	case fact.Model:
		return r.set.Model(f.Name)
	case fact.Call:
		return r.set.Call(f.Name)
	case fact.Setting:
		return r.set.Setting(f.Name)
	case fact.Image:
		return r.set.Image(f.Name)
	case fact.Chart:
		return r.set.Chart(f.Name)
	case fact.Resource:
		return r.set.Resource(f.Group, f.Name, f.Attrs)
	case fact.Workload:
		return r.set.KubernetesKind(f.Name)
	case fact.Action:
		return r.set.Action(f.Name)
	case fact.IAM:
		return r.set.IAM(f.Name)
	case fact.ARN:
		return r.set.ARN(f.Name)
	case fact.Port:
		port, err := strconv.Atoi(f.Name)
		if err != nil {
			return nil
		}
		return r.set.Port(port)
	case fact.File:
		return r.set.File(f.Name)
	case fact.Weights:
		return r.weights()
	case fact.MCPServer:
		return r.server(f)
	case fact.Extension:
		return r.set.Extension(f.Name)
	case fact.Trailer:
		return r.set.Trailer(f.Name)
	default:
		return nil
	}
}

// imported asks for a module: in some languages a package is imported by the
// name that its manifest has.
func (r *rules) imported(language, name string) []aisign.Match {
	all := r.set.Import(language, name)
	if len(all) > 0 || strings.HasPrefix(name, ".") {
		return all
	}
	switch language {
	case "go":
		all = r.set.Package("go", name)
	case "js":
		parts := strings.SplitN(strings.TrimPrefix(name, "npm:"), "/", 3)
		pkg := parts[0]
		if strings.HasPrefix(pkg, "@") && len(parts) > 1 {
			pkg += "/" + parts[1]
		}
		all = r.set.Package("npm", pkg)
	}
	for i := range all {
		all[i].Field = "imports"
	}
	return all
}

// weights are those of whoever's model.
func (r *rules) weights() []aisign.Match {
	if sig := r.set.Get("model-artifact"); sig != nil {
		return []aisign.Match{{Signature: sig, Field: "files", Entry: "*"}}
	}
	return nil
}

// host returns whose API a host is. A page that people open is no use of it by
// the software that names it.
func (r *rules) host(name string) (api []aisign.Match) {
	for _, m := range r.set.Host(name) {
		if m.Field != "web" {
			api = append(api, m)
		}
	}
	return api
}

// server is a tool server of an agent: the protocol is used whoever's it is.
func (r *rules) server(f fact.Fact) []aisign.Match {
	all := r.host(f.Name)
	if sig := r.set.Get("mcp"); sig != nil {
		all = append(all, aisign.Match{Signature: sig, Field: "files", Entry: f.Name})
	}
	return all
}

// model puts a reference to a model on the list.
func (r *rules) model(c *content, f fact.Fact) {
	m := Model{Line: f.Line, Ref: cleanText(f.Name, 200), Pin: string(r.set.Pin(f.Name))}
	for _, found := range r.set.Model(f.Name) {
		m.Provider = found.ID
		break
	}
	if m.Provider == "" && !strings.Contains(f.Name, "/") {
		return // a name that nobody is known to give a model: of a table, a car, a view
	}
	c.Models = append(c.Models, m)
}

// fieldAlias marks a package that is known by a name which another file of the
// tree explains, or explains one.
const fieldAlias = "alias"

// resolved puts packages where files only have an alias.
func resolved(r *rules, hits []found) []found {
	files := map[string][]fact.Fact{}
	times := map[string]string{}
	kept := hits[:0]
	for _, f := range hits {
		if f.Field != fieldAlias {
			kept = append(kept, f)
			continue
		}
		files[f.path] = append(files[f.path], f.Fact)
		times[f.path] = f.introduced
	}
	if len(files) == 0 {
		return kept
	}
	manifest.Resolve(files)
	for path, facts := range files {
		for _, f := range facts {
			if !f.Standing.Counts() {
				continue
			}
			f.Attrs = nil
			for _, m := range r.find(f) {
				kept = append(kept, found{hit{Fact: f, ID: m.ID, Field: m.Field, Weak: m.IsWeak()}, path, times[path]})
			}
		}
	}
	return kept
}

// administers reports whether a package is a cloud's for looking after models,
// not for asking them: alone it shows no use.
func administers(f fact.Fact) bool {
	if f.Class != fact.Package && f.Class != fact.Import {
		return false
	}
	name, _, _ := strings.Cut(strings.ToLower(f.Name), "/types")
	for _, end := range []string{"service/bedrock", "@aws-sdk/client-bedrock", "awssdk:bedrock", "awssdk.bedrock", "amazon.bedrock", "services.bedrock", "service/sagemaker", "@aws-sdk/client-sagemaker", "awssdk:sagemaker", "awssdk.sagemaker"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
