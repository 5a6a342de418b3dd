package infra

import (
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// hclFormat knows Terraform, OpenTofu, Terragrunt, Packer and Nomad.
func hclFormat(n name, _ []byte) (format, bool) {
	switch {
	case strings.HasSuffix(n.base, ".tf.json"), strings.HasSuffix(n.base, ".tofu.json"):
		return format{name: "terraform", read: readTerraformJSON}, true
	case n.ext == ".tf", n.ext == ".tofu", n.ext == ".tfvars", n.ext == ".nomad":
		return format{name: "terraform", read: readTerraform}, true
	case n.ext == ".hcl" && n.base != ".terraform.lock.hcl":
		return format{name: "terraform", read: readTerraform}, true
	}
	return format{}, false
}

// readTerraform reads resources with the attributes that tell them apart, what
// containers and functions in them run, and what policies in them allow.
func readTerraform(o *out, data []byte) error {
	root, err := parseHCL(data)
	root.fill(root.defaults(), 0)
	for _, b := range root.blocks {
		o.terraform(b)
	}
	o.terraformValue("", root.attrs, 0)
	return err
}

// defaults are the texts that variables of the file have when nobody sets them,
// and those of its locals.
func (b *block) defaults() map[string]string {
	all := map[string]string{}
	for _, c := range b.blocks {
		if d := c.attrs.get("default"); c.kind == "variable" && scalarText(d) != "" {
			all["var."+c.label()] = d.text
		}
		if c.kind == "locals" {
			c.attrs.each(func(key string, _ int, v *node) {
				if text := scalarText(v); text != "" && !v.block {
					all["local."+key] = text
				}
			})
		}
	}
	return all
}

// fill puts these texts where an attribute is nothing but a reference to one.
func (b *block) fill(defaults map[string]string, depth int) {
	if len(defaults) == 0 || depth > maxDepth {
		return
	}
	b.attrs.fill(defaults)
	for _, c := range b.blocks {
		c.fill(defaults, depth+1)
	}
}

func (n *node) fill(defaults map[string]string) {
	for _, v := range n.items {
		if v.kind != scalar {
			v.fill(defaults)
			continue
		}
		ref := v.text
		if v.tag != expression {
			inner, ok := strings.CutPrefix(ref, "${")
			if ref = strings.TrimSuffix(inner, "}"); !ok {
				continue
			}
		}
		if text, ok := defaults[ref]; ok && len(v.items) == 0 {
			v.text, v.tag = text, ""
		}
	}
}

// terraform reads one block of the first level.
func (o *out) terraform(b *block) {
	switch b.kind {
	case "resource", "ephemeral":
		o.with(conditional(b), func() { o.terraformResource(b) })
	case "data":
		if b.label() == "aws_iam_policy_document" {
			o.policyBlocks(b)
			return
		}
		// Reading what others have created is not creating it.
		o.with(fact.Optional, func() { o.terraformResource(b) })
	case "module":
		o.with(conditional(b), func() {
			o.terraformModule(b)
			o.terraformBody(b, 0)
		})
	case "variable":
		o.terraformVariable(b)
	case "terraform", "moved", "import", "removed", "check":
	case "provider":
		o.add(fact.Fact{Class: fact.Setting, Name: "provider." + b.label(), Line: b.line, Group: "terraform"})
		o.terraformBody(b, 0)
	default:
		o.terraformBody(b, 0)
	}
}

// conditional is the standing of a block that is not always there.
func conditional(b *block) fact.Standing {
	switch count := b.attr("count"); {
	case count == "0":
		return fact.Excluded // made no time at all
	case strings.Contains(count, "?"), strings.Contains(b.attr("for_each"), "?"):
		return fact.Optional
	}
	return fact.Direct
}

func (o *out) terraformResource(b *block) {
	kind := b.label()
	attrs := map[string]string{}
	b.attributes(attrs, 0)
	f := fact.Fact{Class: fact.Resource, Name: kind, Line: b.line, Group: "terraform"}
	if len(attrs) > 0 {
		f.Attrs = attrs
	}
	o.add(f)
	o.terraformBody(b, 0)
	switch kind {
	case "helm_release":
		if c := b.attrs.get("chart"); c != nil {
			o.chart(path.Base(c.text), b.attr("version"), c.line)
		}
		for _, v := range b.attrs.get("values").list() {
			if v.block {
				o.nested(format{name: "helm-values", read: readHelmValues}, "values.yaml", v)
			}
		}
	case "google_project_iam_member", "google_project_iam_binding", "google_service_account_iam_member", "azurerm_role_assignment":
		for _, key := range [...]string{"role", "role_definition_name"} {
			if r := b.attrs.get(key); r != nil {
				o.permission(r.text, r.line)
			}
		}
	}
}

// attributes collects the attributes that tell resources of a type apart.
// Others are not kept: they may hold anything.
func (b *block) attributes(attrs map[string]string, depth int) {
	b.attrs.each(func(key string, _ int, v *node) {
		k := strings.ToLower(key)
		if v.kind == scalar && !v.block && v.tag != expression && isTelling(k) && attrs[k] == "" && len(v.text) < 200 && !isKeyShaped(v.text) {
			attrs[k] = v.text
		}
	})
	if depth < 4 {
		for _, inner := range b.blocks {
			inner.attributes(attrs, depth+1)
		}
	}
}

// isTelling reports whether an attribute tells what a resource is.
func isTelling(key string) bool {
	switch key {
	case "kind", "type", "service", "model", "model_id", "modelid", "model_name", "model_arn", "foundation_model", "engine", "image",
		"image_uri", "primary_container_image", "format", "api_type", "provider_type", "provider_name", "resource_type", "family",
		"workload_type", "endpoint_type", "publisher", "task", "framework", "plan", "service_name", "integration_type", "product":
		return true
	}
	return false
}

// terraformBody reads images, variables, models and addresses anywhere in a
// block.
func (o *out) terraformBody(b *block, depth int) {
	if depth > 60 {
		return
	}
	if name, value := b.attrs.get("name"), b.attrs.get("value"); b.kind == "env" || b.kind == "environment" || b.kind == "secret_environment_variables" {
		if name != nil && isVariable(name.text) {
			o.variable(name.text, scalarText(value), name.line)
		}
	}
	if b.kind == "set" || b.kind == "set_sensitive" { // a value of a Helm chart
		if n := b.attrs.get("name"); n != nil && strings.HasSuffix(n.text, "image.repository") {
			o.image(b.attr("value"), n.line)
		}
	}
	o.terraformValue(b.kind, b.attrs, depth)
	for _, inner := range b.blocks {
		if inner.kind == "dynamic" {
			o.with(fact.Optional, func() { o.terraformBody(inner, depth+1) })
			continue
		}
		o.terraformBody(inner, depth+1)
	}
}

func scalarText(n *node) string {
	if n == nil || n.kind != scalar || n.tag == expression {
		return ""
	}
	return n.text
}

// terraformValue reads the attributes of a block or an object.
func (o *out) terraformValue(above string, n *node, depth int) {
	if n == nil || depth > 60 {
		return
	}
	if n.kind == mapping && (n.has("Statement") || n.has("Action") && n.has("Effect")) {
		o.policy(n)
		return
	}
	if n.kind == mapping && n.has("name") && n.has("value") {
		o.namedVariable(n)
	}
	for i, v := range n.items {
		key, line := above, v.line
		if n.kind == mapping && i < len(n.keys) {
			key, line = n.keys[i], n.lines[i]
		}
		switch {
		case v.kind != scalar:
			o.terraformValue(strings.ToLower(key), v, depth+1)
		case len(v.items) > 0 && isChoice(v.text):
			o.terraformValue(strings.ToLower(key), v, depth+1)
		case len(v.items) > 0: // what a function is given is no value of the attribute
			o.terraformValue("", v, depth+1)
		}
		if v.kind != scalar {
			continue
		}
		if v.tag == expression {
			if isConstant(key) {
				o.variable(key, "", line)
			}
			continue
		}
		switch k := strings.ToLower(key); {
		case k == "image" || k == "image_uri" || strings.HasSuffix(k, "container_image") || k == "image_url" || k == "docker_image" || k == "repository" && above == "image":
			o.image(strings.TrimPrefix(v.text, "docker:"), v.line)
		case k == "user_data" || k == "startup-script" || k == "inline" || k == "metadata_startup_script" || above == "inline":
			o.block(v)
		case v.block:
			o.heredoc(v)
		case isConstant(key):
			o.variable(key, v.text, line)
		case isConstant(v.text) && !isConstant(above):
			o.variable(v.text, "", v.line) // a name of a variable or a secret, in a list or under a key of its own
		default:
			o.value(key, v.text, v.line)
			o.arn(v.text, v.line)
		}
	}
}

// isChoice reports whether an expression is one of the values in it.
func isChoice(text string) bool {
	return strings.HasPrefix(text, "coalesce(") || strings.HasPrefix(text, "try(") || strings.HasPrefix(text, "lookup(") || strings.Contains(text, "?")
}

// heredoc reads a text of several lines: a policy, or settings of some form.
func (o *out) heredoc(v *node) {
	text := strings.TrimSpace(v.text)
	switch {
	case strings.HasPrefix(text, "{") && strings.Contains(text, "Statement"):
		if n, err := parseJSON([]byte(v.text)); err == nil {
			n.shift(v.begin() - 1)
			o.policy(n)
		}
	case strings.HasPrefix(text, "#!") || strings.HasPrefix(text, "#cloud-config"):
		o.block(v)
	default:
		o.hostsIn(v.text, v.begin())
	}
}

// shift moves the lines of a tree that stands in a block of another file.
func (n *node) shift(by int) {
	if n == nil {
		return
	}
	n.line += by
	for i := range n.lines {
		n.lines[i] += by
	}
	for _, c := range n.items {
		c.shift(by)
	}
}

// terraformModule keeps where a module comes from: the name of a module is
// often all that tells what it creates.
func (o *out) terraformModule(b *block) {
	s := b.attrs.get("source")
	if s == nil || s.text == "" || s.text[0] == '.' || s.text[0] == '/' {
		return
	}
	source, _, _ := strings.Cut(s.text, "?")
	if h := hostOf(strings.TrimPrefix(source, "git::")); h != "" {
		o.add(fact.Fact{Class: fact.Host, Name: h, Line: s.line})
		return
	}
	o.add(fact.Fact{Class: fact.Package, Name: source, Line: s.line, Group: "terraform", Version: b.attr("version")})
}

// terraformVariable reads the default of a variable; a variable without one
// says nothing.
func (o *out) terraformVariable(b *block) {
	if d := b.attrs.get("default"); d != nil && d.kind == scalar && d.tag != expression {
		o.value(b.label(), d.text, d.line)
	} else {
		o.terraformValue("", d, 0)
	}
}

// readTerraformJSON reads the same from its JSON form.
func readTerraformJSON(o *out, data []byte) error {
	doc, err := parseJSON(data)
	for _, kind := range [...]string{"resource", "data"} {
		doc.get(kind).each(func(label string, _ int, names *node) {
			names.each(func(name string, line int, body *node) {
				bodies := []*node{body}
				if body.kind == sequence {
					bodies = body.items
				}
				for _, body := range bodies {
					o.terraform(body.asBlock(kind, []string{label, name}, line, 0))
				}
			})
		})
	}
	doc.get("module").each(func(name string, line int, body *node) {
		o.terraform(body.asBlock("module", []string{name}, line, 0))
	})
	doc.get("provider").each(func(name string, line int, _ *node) {
		o.add(fact.Fact{Class: fact.Setting, Name: "provider." + name, Line: line, Group: "terraform"})
	})
	return err
}

// asBlock turns an object of JSON into a block of HCL.
func (n *node) asBlock(kind string, labels []string, line, depth int) *block {
	b := &block{kind: kind, labels: labels, line: line, attrs: &node{kind: mapping, line: line}}
	n.each(func(key string, line int, v *node) {
		switch {
		case v.kind == mapping && depth < 20:
			b.blocks = append(b.blocks, v.asBlock(key, nil, line, depth+1))
		case v.kind == sequence && len(v.items) > 0 && v.items[0].kind == mapping && depth < 20:
			for _, item := range v.items {
				b.blocks = append(b.blocks, item.asBlock(key, nil, line, depth+1))
			}
		default:
			b.attrs.put(key, line, v)
		}
	})
	return b
}
