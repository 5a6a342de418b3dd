package infra

import (
	"bytes"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// parse reads JSON or the documents of YAML, whichever the file is.
func parse(data []byte, f func(doc *node)) error {
	if first := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
		doc, err := parseJSON(data)
		if doc != nil {
			f(doc)
		}
		return err
	}
	return eachYAML(data, f)
}

// readCloudFormation reads a template of CloudFormation or SAM, written by
// hand or by the CDK.
func readCloudFormation(o *out, data []byte) error {
	return parse(data, func(doc *node) { o.cloudFormation(doc) })
}

// cloudFormation reads the resources of a template. One with a condition is
// there only in some installations.
func (o *out) cloudFormation(doc *node) {
	doc.get("Resources").each(func(_ string, _ int, r *node) {
		t := r.get("Type")
		if t == nil || t.kind != scalar {
			return
		}
		standing := fact.Direct
		if r.has("Condition") {
			standing = fact.Optional
		}
		props := r.get("Properties")
		o.with(standing, func() {
			f := fact.Fact{Class: fact.Resource, Name: t.text, Line: t.line, Group: "cloudformation"}
			if attrs := props.attributes(); len(attrs) > 0 {
				f.Attrs = attrs
			}
			o.add(f)
			o.properties("", props, 0)
		})
	})
	o.properties("", doc.get("Globals"), 0)
	doc.get("Parameters").each(func(name string, _ int, p *node) {
		if d := p.get("Default"); d != nil && d.kind == scalar {
			o.value(name, d.text, d.line)
		}
	})
}

// attributes are the properties that tell resources of a type apart.
func (n *node) attributes() map[string]string {
	attrs := map[string]string{}
	n.each(func(key string, _ int, v *node) {
		k := strings.ToLower(key)
		if v.kind == scalar && v.tag == "" && isTelling(k) && len(v.text) < 200 && !isKeyShaped(v.text) && !strings.HasPrefix(v.text, "[") {
			attrs[k] = v.text
		}
	})
	return attrs
}

// properties reads images, variables, models, addresses and policies anywhere
// below n: as CloudFormation, ARM, Pulumi and serverless.yml hold them.
func (o *out) properties(above string, n *node, depth int) {
	if n == nil || depth > 60 {
		return
	}
	if n.kind == mapping && n.has("Effect") && n.has("Action") || n.kind == mapping && n.has("Statement") {
		o.policy(n)
	}
	for i, v := range n.items {
		key, line := above, v.line
		if n.kind == mapping {
			key, line = n.keys[i], n.lines[i]
		}
		k := strings.ToLower(key)
		switch {
		case n.kind == mapping && v.kind != scalar && (k == "environment" || k == "variables" || k == "environmentvariables" || k == "env" || k == "appsettings") && !v.has("Variables") && !v.has("variables"):
			o.environment(v)
			o.properties(key, v, depth+1)
		case v.kind == mapping && strings.HasPrefix(key, "Fn::"):
			o.properties(above, v, depth+1)
		case v.kind == sequence && key == "Fn::Join" || v.kind == sequence && key == "Fn::Sub":
			o.join(v)
		case v.kind != scalar:
			o.properties(key, v, depth+1)
		case v.tag == "Ref" || v.tag == "GetAtt" || v.tag == "ImportValue" || v.tag == "If":
		case key == "Ref" || strings.HasPrefix(key, "Fn::") && key != "Fn::Sub":
		case k == "image" || k == "imageuri" || k == "imageurl" || k == "containerimage" || k == "linuxfxversion" || k == "imagename":
			o.image(trimFold(v.text, "docker|"), v.line)
		case k == "managedpolicyarns" || k == "policyarn":
			o.permission(v.text[strings.LastIndexByte(v.text, '/')+1:], v.line)
		case v.block && strings.Contains(v.text, "\n"):
			o.hostsIn(v.text, v.begin())
		case isConstant(key):
			o.variable(key, v.text, line)
		default:
			o.value(key, v.text, v.line)
			o.arn(v.text, v.line)
		}
	}
}

// join reads the parts of a text that is put together.
func (o *out) join(list *node) {
	var b strings.Builder
	for _, v := range list.items {
		for _, part := range v.list() {
			if part.kind == scalar && len(part.text) > 1 {
				b.WriteString(part.text)
			} else {
				b.WriteString("*")
			}
		}
	}
	o.arn(b.String(), list.line)
	o.hostsIn(b.String(), list.line)
}

func trimFold(s, prefix string) string {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):]
	}
	return s
}

// readServerless reads the functions of serverless.yml: variables, policies,
// images and the resources of CloudFormation in it.
func readServerless(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		p := doc.get("provider")
		o.properties("", p, 0)
		if e := p.get("environment"); e != nil {
			o.environment(e)
		}
		for _, at := range [...]*node{p.get("iamRoleStatements"), p.get("iam", "role", "statements")} {
			o.policy(at)
		}
		o.properties("", doc.get("functions"), 0)
		o.cloudFormation(doc.get("resources"))
		for _, r := range doc.get("resources").list() {
			o.cloudFormation(r)
		}
		o.properties("", doc.get("custom"), 0)
		for _, pl := range doc.get("plugins").list() {
			if pl.kind == scalar && pl.text != "" && pl.text[0] != '.' {
				o.add(fact.Fact{Class: fact.Package, Name: pl.text, Line: pl.line, Group: "npm", Standing: fact.Development})
			}
		}
	})
}

// readPulumi reads a program of Pulumi that is written in YAML, and the
// settings of a stack.
func readPulumi(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		doc.get("resources").each(func(_ string, _ int, r *node) {
			t := r.get("type")
			if t == nil || t.kind != scalar {
				return
			}
			f := fact.Fact{Class: fact.Resource, Line: t.line}
			if f.Group, f.Name = pulumiType(t.text); f.Name == "" {
				return
			}
			props := r.get("properties")
			if attrs := props.attributes(); len(attrs) > 0 {
				f.Attrs = attrs
			}
			o.add(f)
			o.properties("", props, 0)
		})
		doc.get("config").each(func(key string, line int, v *node) {
			short := key[strings.LastIndexByte(key, ':')+1:]
			if isConstant(short) {
				o.variable(short, "", line)
			}
			if v.kind == scalar {
				o.value(short, v.text, v.line)
			}
		})
	})
}

// pulumiType turns a type of Pulumi into the type of the tool below it, where
// that is plain: aws:bedrock/agentAgent:AgentAgent is aws_bedrock_agent_agent,
// azure-native:cognitiveservices:Account is Microsoft.CognitiveServices/accounts.
func pulumiType(t string) (tool, name string) {
	parts := strings.Split(t, ":")
	if len(parts) < 2 {
		return "", ""
	}
	last := parts[len(parts)-1]
	module := ""
	if len(parts) == 3 {
		module, _, _ = strings.Cut(parts[1], "/")
	}
	switch parts[0] {
	case "azure-native":
		return "arm", "Microsoft." + module + "/" + strings.ToLower(last[:min(1, len(last))]) + last[min(1, len(last)):] + "s"
	case "aws-native":
		return "cloudformation", "AWS::" + module + "::" + last
	case "gcp":
		return "terraform", "google_" + snake(module) + "_" + snake(strings.TrimPrefix(last, "Ai"))
	case "azure":
		return "terraform", "azurerm_" + snake(module) + "_" + snake(last)
	}
	if module == "index" || module == "" {
		return "terraform", snake(parts[0]) + "_" + snake(last)
	}
	return "terraform", snake(parts[0]) + "_" + snake(module) + "_" + snake(last)
}

// snake writes AgentAlias as agent_alias.
func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		if r == '-' {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}
