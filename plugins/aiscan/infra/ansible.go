package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/manifest"
)

// isAnsible reports whether a file is a playbook or a part of a role.
func isAnsible(n name, head []byte) bool {
	if n.under("roles") && (n.in("tasks") || n.in("handlers") || n.in("defaults") || n.in("vars")) || n.in("playbooks") || n.in("group_vars") || n.in("host_vars") || strings.HasPrefix(n.base, "playbook") {
		return true
	}
	text := string(head)
	return (strings.Contains(text, "- hosts:") || strings.Contains(text, "\n  hosts:")) && (strings.Contains(text, "\n  tasks:") || strings.Contains(text, "\n  roles:"))
}

// readAnsible reads the tasks of playbooks and roles: containers, packages,
// commands, addresses, charts, variables.
func readAnsible(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) { o.tasks(doc, 0) })
}

func (o *out) tasks(n *node, depth int) {
	if n == nil || n.kind == scalar || depth > 40 {
		return
	}
	if n.kind == sequence {
		for _, item := range n.items {
			standing := fact.Direct
			if item.str("when") == "false" {
				standing = fact.Excluded
			}
			o.with(standing, func() { o.tasks(item, depth+1) })
		}
		return
	}
	n.each(func(key string, line int, v *node) { o.task(key, line, v, depth) })
}

func (o *out) task(key string, line int, v *node, depth int) {
	switch module := key[strings.LastIndexByte(key, '.')+1:]; {
	case module == "docker_container" || module == "podman_container" || module == "docker_image" || module == "podman_image":
		for _, k := range [...]string{"image", "name"} {
			if i := v.get(k); i != nil {
				o.image(i.text, i.line)
				break
			}
		}
		o.environment(v.get("env"))
		o.commandOf(v.get("command"))
	case module == "pip" || module == "npm" || module == "gem" || module == "cargo":
		for _, p := range append(v.get("name").list(), v.get("package").list()...) {
			for _, f := range manifest.Command(module+" install "+p.text, p.line) {
				o.add(f)
			}
		}
	case module == "shell" || module == "command" || module == "raw" || module == "script":
		if v.kind == mapping {
			v = firstOf(v, "cmd", "_raw_params")
		}
		o.block(v)
	case module == "helm":
		if c := v.get("chart_ref"); c != nil {
			o.chart(c.text[strings.LastIndexByte(c.text, '/')+1:], v.str("chart_version"), c.line)
		}
		o.helmValues(firstOf(v, "values", "release_values"), "", 0)
	case key == "environment":
		o.environment(v)
	case v.kind != scalar:
		o.tasks(v, depth+1)
	case isConstant(key):
		o.variable(key, v.text, line)
	case strings.HasSuffix(key, "image"):
		o.image(v.text, v.line)
	default:
		o.value(key, v.text, v.line)
	}
}

// readProcfile reads the commands of a Procfile: name: command.
func readProcfile(o *out, data []byte) error {
	for i, text := range lines(data) {
		if name, command, ok := strings.Cut(text, ":"); ok && isPlain(name) {
			o.script(command, i+1)
		}
	}
	return nil
}
