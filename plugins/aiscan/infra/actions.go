package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readWorkflow reads a workflow of GitHub Actions, of Forgejo or Gitea, or an
// action made of steps.
func readWorkflow(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		o.environment(doc.get("env"))
		o.grants(doc.get("permissions"))
		for _, job := range doc.get("jobs").values() {
			o.with(disabled(job), func() { o.job(job) })
		}
		runs := doc.get("runs")
		if i := runs.get("image"); i != nil && !strings.HasPrefix(i.text, "Dockerfile") && !strings.HasPrefix(i.text, ".") {
			o.image(i.text, i.line)
		}
		o.environment(runs.get("env"))
		o.steps(runs.get("steps"))
		if on := doc.get("on"); on != nil {
			for _, s := range on.get("workflow_call", "secrets").keyed() {
				o.variable(s.text, "", s.line)
			}
		}
	})
}

// keyed returns the keys of a mapping as nodes.
func (n *node) keyed() []*node {
	var all []*node
	n.each(func(key string, line int, _ *node) { all = append(all, &node{text: key, line: line}) })
	return all
}

// disabled is the standing of a job or a step that is switched off.
func disabled(n *node) fact.Standing {
	switch strings.ReplaceAll(n.str("if"), " ", "") {
	case "false", "${{false}}":
		return fact.Excluded
	}
	return fact.Direct
}

// grants reads the permissions of a token. Those for models are among them.
func (o *out) grants(n *node) {
	n.each(func(key string, line int, v *node) {
		if v.kind == scalar && v.text != "none" {
			o.permission(key+": "+v.text, line)
		}
	})
}

func (o *out) job(job *node) {
	o.environment(job.get("env"))
	o.grants(job.get("permissions"))
	o.container(job.get("container"))
	for _, s := range job.get("services").values() {
		o.container(s)
	}
	if uses := job.get("uses"); uses != nil { // a workflow of another repository
		o.uses(uses)
		o.inputs(job.get("with"))
		o.inputs(job.get("secrets"))
	}
	o.steps(job.get("steps"))
	o.matrix(job.get("strategy", "matrix"), 0)
}

// matrix reads the values that a job is run with.
func (o *out) matrix(n *node, depth int) {
	if n == nil || depth > 5 {
		return
	}
	n.each(func(key string, _ int, v *node) {
		for _, item := range v.list() {
			if item.kind == scalar {
				o.value(key, item.text, item.line)
			} else {
				o.matrix(item, depth+1)
			}
		}
	})
}

// container reads an image given by name or with its settings.
func (o *out) container(n *node) {
	switch {
	case n == nil:
	case n.kind == scalar:
		o.image(n.text, n.line)
	default:
		if i := n.get("image"); i != nil {
			o.image(i.text, i.line)
		}
		o.environment(n.get("env"))
		for _, p := range n.get("ports").list() {
			o.port(p.text, p.line)
		}
	}
}

func (o *out) steps(list *node) {
	for _, s := range list.list() {
		o.with(disabled(s), func() {
			o.environment(s.get("env"))
			if uses := s.get("uses"); uses != nil {
				o.uses(uses)
			}
			o.inputs(s.get("with"))
			if run := s.get("run"); run != nil {
				if shell := s.str("shell"); strings.HasPrefix(shell, "python") || strings.HasPrefix(shell, "node") {
					o.hostsIn(run.text, run.begin())
				} else {
					o.block(run)
				}
				o.references(run.text, run.begin())
			}
		})
	}
}

// uses keeps the action, or the image that a step runs. An action of this
// repository says nothing by its name.
func (o *out) uses(n *node) {
	text := strings.TrimSpace(n.text)
	if rest, ok := strings.CutPrefix(text, "docker://"); ok {
		o.image(rest, n.line)
		return
	}
	action, ref, _ := strings.Cut(text, "@")
	if strings.HasPrefix(action, ".") || !strings.Contains(action, "/") || isTemplated(action) {
		return
	}
	o.add(fact.Fact{Class: fact.Action, Name: action, Version: ref, Line: n.line})
}

// inputs reads what is given to an action: models, addresses, names of
// credentials.
func (o *out) inputs(n *node) {
	n.each(func(key string, line int, v *node) {
		if v.kind != scalar {
			return
		}
		switch {
		case key == "image" || key == "images":
			o.image(v.text, v.line)
		case strings.Contains(v.text, "\n"):
			o.references(v.text, v.begin())
			o.hostsIn(v.text, v.begin())
			if key == "run" || key == "command" {
				o.block(v)
			}
		default:
			o.value(key, v.text, v.line)
			o.references(v.text, v.line)
			if strings.Contains(key, "_") && strings.HasSuffix(strings.ToLower(key), "key") {
				o.variable(strings.ToUpper(key), "", line)
			}
		}
	})
}
