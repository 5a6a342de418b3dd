package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// pom reads pom.xml.
func pom(f *file) {
	root := f.xml()
	project := root.child("project")
	if project == nil {
		return
	}
	p := &pomReader{file: f, props: pomProperties(project)}
	if parent := project.child("parent"); parent != nil {
		p.artifact(parent, "", fact.Central)
	}
	p.part(project, fact.Direct)
	for _, profile := range children(project.child("profiles"), "profile") {
		p.part(profile, fact.Optional)
	}
}

// children is the elements of a name in an element, also those in comments.
func children(e *element, name string) []*element {
	if e == nil {
		return nil
	}
	var out []*element
	for _, k := range e.kids {
		if k.name == name {
			out = append(out, k)
		}
	}
	return out
}

type pomReader struct {
	*file
	props map[string]string
}

// pomProperties is what a project sets for use in ${…}.
func pomProperties(project *element) map[string]string {
	props := map[string]string{}
	if e := project.child("properties"); e != nil {
		for _, k := range e.kids {
			if !k.comment {
				props[k.name] = strings.TrimSpace(k.text)
			}
		}
	}
	for _, key := range []string{"groupId", "artifactId", "version"} {
		parent := project.child("parent").value(key)
		props["project.parent."+key], props["parent."+key] = parent, parent
		own := project.value(key)
		if own == "" && key != "artifactId" {
			own = parent
		}
		for _, prefix := range []string{"project.", "pom.", ""} {
			if _, set := props[prefix+key]; !set && own != "" {
				props[prefix+key] = own
			}
		}
	}
	return props
}

// expand puts properties in; those that are not known stay.
func expand(s string, props map[string]string) string {
	for range 10 {
		i := strings.Index(s, "${")
		if i < 0 || len(s) > 1000 {
			return s
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			return s
		}
		v, ok := props[s[i+2:i+end]]
		if !ok || v == "" {
			return s
		}
		s = s[:i] + v + s[i+end+1:]
	}
	return s
}

// part reads what a project and a profile have alike.
func (p *pomReader) part(e *element, st fact.Standing) {
	p.dependencies(e, st)
	for _, m := range children(e, "dependencyManagement") {
		p.dependencies(m, fact.Central)
	}
	for _, where := range []string{"build", "reporting"} {
		b := e.child(where)
		p.plugins(b, fact.Development)
		for _, x := range children(b.child("extensions"), "extension") {
			p.artifact(x, "", fact.Development)
		}
		if m := b.child("pluginManagement"); m != nil {
			p.plugins(m, fact.Central)
		}
	}
}

func (p *pomReader) plugins(e *element, st fact.Standing) {
	for _, list := range children(e, "plugins") {
		for _, plugin := range children(list, "plugin") {
			p.artifact(plugin, "org.apache.maven.plugins", st)
			p.dependencies(plugin, st)
		}
	}
}

func (p *pomReader) dependencies(e *element, st fact.Standing) {
	for _, list := range children(e, "dependencies") {
		for _, d := range children(list, "dependency") {
			p.dependency(d, st)
		}
	}
	if e != nil && !e.comment { // one that is commented out may stand outside a list
		for _, d := range children(e, "dependency") {
			if d.comment {
				p.dependency(d, st)
			}
		}
	}
}

func (p *pomReader) dependency(d *element, st fact.Standing) {
	switch expand(d.value("scope"), p.props) {
	case "system":
		return
	case "test":
		st = weaker(st, fact.Development)
	case "import":
		st = weaker(st, fact.Central)
	}
	if d.value("optional") == "true" {
		st = weaker(st, fact.Optional)
	}
	p.artifact(d, "", st)
	for _, list := range children(d, "exclusions") {
		for _, x := range children(list, "exclusion") {
			p.artifact(x, "", fact.Excluded)
		}
	}
}

// artifact takes group:artifact, on the line of the artifact.
func (p *pomReader) artifact(e *element, group string, st fact.Standing) {
	if e.comment {
		st = fact.Commented
	}
	if g := expand(e.value("groupId"), p.props); g != "" {
		group = g
	}
	name := expand(e.value("artifactId"), p.props)
	if group == "" || name == "" || name == "*" {
		return
	}
	line := e.line
	for _, k := range e.kids {
		if k.name == "artifactId" {
			line = k.line
			break
		}
	}
	p.pkg(maven, group+":"+name, expand(e.value("version"), p.props), line, st)
}

// ivy reads ivy.xml.
func ivy(f *file) {
	deps := f.xml().child("ivy-module", "dependencies")
	take := func(e *element, name string, st fact.Standing) {
		if e.comment {
			st = fact.Commented
		}
		if o, n := e.attr("org"), e.attr(name); o != "" && n != "" {
			f.pkg(maven, o+":"+n, e.attr("rev"), e.line, st)
		}
	}
	if deps == nil {
		return
	}
	for _, k := range deps.kids {
		switch k.name {
		case "dependency":
			conf, _, _ := strings.Cut(k.attr("conf"), "->")
			take(k, "name", groupStanding(conf, fact.Direct))
			for _, x := range children(k, "exclude") {
				take(x, "module", fact.Excluded)
			}
		case "exclude":
			take(k, "module", fact.Excluded)
		case "override":
			take(k, "module", fact.Central)
		}
	}
}
