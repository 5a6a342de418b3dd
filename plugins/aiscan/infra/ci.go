package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readGitLab reads a pipeline of GitLab. Jobs whose name begins with a dot are
// templates: they run only where something extends them, which is seldom known
// from one file, so that they count as optional.
func readGitLab(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		doc.each(func(key string, line int, v *node) {
			switch key {
			case "image":
				o.gitlabImage(v)
			case "services":
				o.gitlabServices(v)
			case "variables":
				o.gitlabVariables(v)
			case "include":
				o.gitlabInclude(v)
			case "before_script", "after_script":
				o.scripts(v)
			case "stages", "workflow", "spec":
			default:
				standing := fact.Direct
				if strings.HasPrefix(key, ".") {
					standing = fact.Optional
				}
				if w := v.get("when"); w != nil && w.text == "never" {
					standing = fact.Excluded
				}
				o.with(standing, func() { o.gitlabJob(v) })
			}
		})
	})
}

func (o *out) gitlabJob(job *node) {
	o.gitlabImage(job.get("image"))
	o.gitlabServices(job.get("services"))
	o.gitlabVariables(job.get("variables"))
	for _, key := range [...]string{"before_script", "script", "after_script"} {
		o.scripts(job.get(key))
	}
	job.get("secrets").each(func(name string, line int, _ *node) { o.variable(name, "", line) })
}

func (o *out) gitlabImage(n *node) {
	if n != nil && n.kind == mapping {
		n = n.get("name")
	}
	if n != nil {
		o.image(n.text, n.line)
	}
}

func (o *out) gitlabServices(n *node) {
	for _, s := range n.list() {
		o.gitlabImage(s)
	}
}

func (o *out) gitlabVariables(n *node) {
	n.each(func(name string, line int, v *node) {
		if v.kind == mapping {
			v = v.get("value")
		}
		o.variable(name, scalarText(v), line)
	})
}

// gitlabInclude keeps the components and templates of others that a pipeline
// takes in: they are to GitLab what actions are to GitHub.
func (o *out) gitlabInclude(n *node) {
	items := n.list()
	if n.kind == mapping {
		items = []*node{n}
	}
	for _, i := range items {
		for _, key := range [...]string{"component", "project", "template"} {
			if c := i.get(key); c != nil && !isTemplated(strings.SplitN(c.text, "@", 2)[0]) {
				name, version, _ := strings.Cut(c.text, "@")
				o.add(fact.Fact{Class: fact.Action, Name: name, Version: version, Line: c.line, Group: "gitlab"})
			}
		}
		if r := i.get("remote"); r != nil {
			o.value("remote", r.text, r.line)
		}
	}
}

// scripts reads commands given as a text or a list, of lists too.
func (o *out) scripts(n *node) {
	if n == nil {
		return
	}
	for _, s := range n.list() {
		if s.kind == sequence {
			for _, inner := range s.items {
				o.block(inner)
			}
			continue
		}
		o.block(s)
		o.references(scalarText(s), s.begin())
	}
}

// readCircle reads a pipeline of CircleCI.
func readCircle(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		doc.get("orbs").each(func(_ string, line int, v *node) {
			if v.kind == scalar {
				name, version, _ := strings.Cut(v.text, "@")
				o.add(fact.Fact{Class: fact.Action, Name: name, Version: version, Line: line, Group: "circleci"})
			}
		})
		for _, key := range [...]string{"executors", "jobs", "commands"} {
			for _, j := range doc.get(key).values() {
				o.circleJob(j)
			}
		}
	})
}

func (o *out) circleJob(j *node) {
	for _, d := range j.get("docker").list() {
		if i := d.get("image"); i != nil {
			o.image(i.text, i.line)
		}
		o.environment(d.get("environment"))
	}
	o.environment(j.get("environment"))
	o.circleSteps(j.get("steps"), 0)
}

func (o *out) circleSteps(list *node, depth int) {
	if depth > 6 {
		return
	}
	for _, s := range list.list() {
		run := s.get("run")
		if run != nil && run.kind == mapping {
			o.environment(run.get("environment"))
			run = run.get("command")
		}
		o.block(run)
		for _, key := range [...]string{"when", "unless"} {
			if w := s.get(key); w != nil {
				o.with(fact.Optional, func() { o.circleSteps(w.get("steps"), depth+1) })
			}
		}
	}
}

// readPipeline reads pipelines whose parts have the same names at any depth:
// Azure Pipelines, Bitbucket, Buildkite, Drone, Woodpecker, Google Cloud Build,
// AWS CodeBuild, Tekton's steps and others.
func readPipeline(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) { o.pipeline("", doc, 0) })
}

func (o *out) pipeline(above string, n *node, depth int) {
	if n == nil || depth > 60 {
		return
	}
	if n.kind == sequence {
		for _, item := range n.items {
			switch {
			case item.kind != scalar:
				o.pipeline(above, item, depth+1)
			case isScript(above):
				o.block(item)
				o.references(item.text, item.begin())
			case above == "secrets":
				o.variable(item.text, "", item.line)
			case above == "services" || above == "image":
				o.image(item.text, item.line)
			}
		}
		return
	}
	off := n.str("enabled") == "false" || n.str("condition") == "false" || n.str("skip") == "true"
	standing := fact.Direct
	if off {
		standing = fact.Excluded
	}
	o.with(standing, func() {
		step := n.has("args") || n.has("entrypoint")
		n.each(func(key string, line int, v *node) {
			if step && key == "name" && v.kind == scalar && strings.Contains(v.text, "/") {
				o.image(v.text, v.line) // a step of Cloud Build
				return
			}
			o.pipelineEntry(key, line, v, depth)
		})
	})
}

// isScript reports whether a key of a pipeline holds commands.
func isScript(key string) bool {
	switch key {
	case "script", "command", "commands", "bash", "pwsh", "powershell", "run", "before_script", "after-script", "inlineScript", "args", "inline":
		return true
	}
	return false
}

func (o *out) pipelineEntry(key string, line int, v *node, depth int) {
	switch {
	case key == "image" && v.kind == mapping:
		if name := v.get("name"); name != nil {
			o.image(name.text, name.line)
		}
	case (key == "image" || key == "container") && v.kind == scalar:
		o.image(v.text, v.line)
	case key == "args" && v.kind == sequence:
		o.args(v.items)
	case isScript(key) && v.kind == scalar:
		o.block(v)
		o.references(v.text, v.begin())
	case key == "variables" || key == "env" || key == "environment" || key == "environment_variables" || key == "secretEnv" || key == "parameter-store" || key == "secrets-manager":
		o.pipelineVariables(v)
	case key == "pipe" && v.kind == scalar:
		name, version, _ := strings.Cut(v.text, ":")
		o.add(fact.Fact{Class: fact.Action, Name: name, Version: version, Line: line, Group: "bitbucket"})
	case key == "task" && v.kind == scalar:
		name, version, _ := strings.Cut(v.text, "@")
		o.add(fact.Fact{Class: fact.Action, Name: name, Version: version, Line: line, Group: "azure"})
	case key == "plugins":
		o.plugins(v)
	case key == "secrets" && v.kind == mapping:
		o.environment(v)
	case v.kind == scalar:
		o.value(key, v.text, v.line)
	default:
		o.pipeline(key, v, depth+1)
	}
}

// pipelineVariables reads names and values in the forms that pipelines have.
func (o *out) pipelineVariables(v *node) {
	o.environment(v)
	for _, key := range [...]string{"variables", "parameter-store", "secrets-manager"} {
		o.environment(v.get(key))
	}
	for _, item := range v.list() {
		item.each(func(key string, line int, value *node) {
			if isConstant(key) {
				o.variable(key, scalarText(value), line)
			}
		})
	}
}

// plugins reads the plugins of a step of Buildkite.
func (o *out) plugins(n *node) {
	plugin := func(text string, line int) {
		name, version, _ := strings.Cut(text, "#")
		if !isTemplated(name) && strings.Contains(name, "/") {
			o.add(fact.Fact{Class: fact.Action, Name: name, Version: version, Line: line, Group: "buildkite"})
		}
	}
	items := n.list()
	if n != nil && n.kind == mapping {
		items = []*node{n}
	}
	for _, p := range items {
		if p.kind == scalar {
			plugin(p.text, p.line)
		}
		p.each(func(key string, line int, settings *node) {
			plugin(key, line)
			if i := settings.get("image"); i != nil {
				o.image(i.text, i.line)
			}
			o.environment(settings.get("environment"))
		})
	}
}
