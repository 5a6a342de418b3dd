package infra

import (
	"bytes"
	"errors"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// readKubernetes reads the objects of a manifest, whatever their kind. A file
// that is a template is read line by line.
func readKubernetes(o *out, data []byte) error {
	if isTemplate(data) {
		if line := definition(data); line > 0 && bytes.Count(data, []byte("\n---")) < 2 {
			o.add(fact.Fact{Class: fact.Workload, Name: "apiextensions.k8s.io/CustomResourceDefinition", Line: line})
			return nil
		}
		readTemplate(o, data)
		return nil
	}
	if first := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(first) > 0 && first[0] == '{' {
		doc, err := parseJSON(data)
		o.object(doc, 0)
		return err
	}
	var errs []error
	all, err := documents(data)
	if err != nil {
		errs = append(errs, err)
	}
	for _, d := range all {
		if line := definition(d.text); line > 0 {
			o.add(fact.Fact{Class: fact.Workload, Name: "apiextensions.k8s.io/CustomResourceDefinition", Line: d.line + line})
			continue
		}
		doc, err := parseYAML(d.text, d.line)
		if err != nil && len(errs) < 8 {
			errs = append(errs, err)
		}
		if doc == nil && err != nil && len(d.text) <= maxDocument {
			o.broken(d)
			continue
		}
		o.object(doc, 0)
	}
	return errors.Join(errs...)
}

// definition returns the line at which a document says that it defines a kind:
// such documents are long and say nothing else.
func definition(text []byte) int {
	for _, mark := range [...]string{"\nkind: CustomResourceDefinition\n", "\nkind: CustomResourceDefinition\r\n"} {
		if i := bytes.Index(text, []byte(mark)); i >= 0 {
			return bytes.Count(text[:i+1], []byte("\n")) + 1
		}
	}
	return 0
}

// broken reads a document that is no YAML line by line: people leave places to
// fill in that no parser takes.
func (o *out) broken(d document) {
	in := &out{path: o.path, standing: o.standing}
	readTemplate(in, d.text)
	for _, f := range in.facts {
		f.Line += d.line
		o.add(f)
	}
}

// object reads one object, or each of a list.
func (o *out) object(doc *node, depth int) {
	if doc == nil || depth > 4 {
		return
	}
	apiVersion, kind := doc.str("apiVersion"), doc.str("kind")
	if doc.kind == sequence || strings.HasSuffix(kind, "List") && doc.has("items") {
		items := doc.items
		if doc.kind == mapping {
			items = doc.get("items").list()
		}
		for _, item := range items {
			o.object(item, depth+1)
		}
		return
	}
	if kind == "" {
		return
	}
	group := ""
	if g, _, ok := strings.Cut(apiVersion, "/"); ok {
		group = g + "/"
	}
	standing := fact.Direct
	if isZero(doc.str("spec", "replicas")) || doc.str("spec", "suspend") == "true" {
		standing = fact.Optional
	}
	o.with(standing, func() {
		o.add(fact.Fact{Class: fact.Workload, Name: group + kind, Line: doc.get("kind").line})
		o.kind(group, kind, doc)
	})
}

// kind reads what objects of a kind say in their own way, then what all of them
// may hold.
func (o *out) kind(group, kind string, doc *node) {
	spec := doc.get("spec")
	switch {
	case kind == "CustomResourceDefinition":
		return // a definition of a kind is no object of it
	case kind == "Kustomization" || kind == "Component" && strings.HasPrefix(group, "kustomize"):
		o.kustomize(doc)
	case kind == "ConfigMap":
		doc.get("data").each(func(key string, line int, v *node) { o.configValue(key, v, line) })
		return
	case kind == "Secret" || kind == "SealedSecret":
		for _, at := range [...]*node{doc.get("data"), doc.get("stringData"), spec.get("encryptedData"), spec.get("template", "data")} {
			at.each(func(key string, line int, _ *node) { o.secret(key, line) })
		}
		return
	case kind == "ExternalSecret":
		for _, d := range spec.get("data").list() {
			if k := d.get("secretKey"); k != nil {
				o.secret(k.text, k.line)
			}
		}
	case kind == "HelmRelease" || kind == "HelmChart" || kind == "Application" || kind == "ApplicationSet" || kind == "HelmRepository" || kind == "Addon":
		o.release(spec, 0)
	case kind == "ServiceEntry", strings.HasSuffix(kind, "NetworkPolicy"), kind == "EgressFirewall":
		o.allowed(spec, 0)
	}
	o.podParts(spec, 0)
	for _, key := range [...]string{"template", "objects", "items", "data", "containers"} {
		o.podParts(doc.get(key), 0)
	}
}

// configValue reads an entry of a ConfigMap: a variable, or a file.
func (o *out) configValue(key string, v *node, line int) {
	if strings.Contains(v.text, "\n") {
		o.hostsIn(v.text, v.begin())
		if r := For(key, []byte(v.text[:min(len(v.text), 4096)])); r != nil {
			o.nested(r, key, v)
		}
		return
	}
	if isVariable(key) {
		o.variable(key, v.text, line)
	} else {
		o.value(key, v.text, line)
	}
}

// nested reads a file that stands in a block of this one.
func (o *out) nested(r Reader, path string, v *node) {
	f, ok := r.(format)
	if !ok || o.inner {
		return
	}
	in := &out{path: path, inner: true}
	if f.read(in, []byte(v.text)) != nil && len(in.facts) == 0 {
		return
	}
	for _, found := range in.facts {
		if found.Line > 0 {
			found.Line += v.begin() - 1
		}
		o.add(found)
	}
}

// podParts reads containers, images, variables and models wherever they are
// in an object: kinds that others define hold them in places of their own.
func (o *out) podParts(n *node, depth int) {
	if n == nil || n.kind == scalar || depth > 60 {
		return
	}
	if n.kind == sequence {
		for _, item := range n.items {
			o.podParts(item, depth+1)
		}
		return
	}
	command, args := n.get("command"), n.get("args")
	for i, key := range n.keys {
		v := n.items[i]
		switch {
		case key == "image" && v.kind == scalar:
			o.image(v.text, v.line)
			continue
		case key == "image" && v.kind == mapping:
			o.splitReference(v)
		case (key == "env" || key == "envVars") && v.kind != scalar:
			o.environment(v)
			continue
		case key == "envFrom":
			continue
		case key == "args" || key == "command":
			if v != command && v != args || v == args && command != nil {
				continue // read with the command
			}
			words := append([]*node{}, v.list()...)
			if v == command {
				words = append(words, args.list()...)
			}
			o.args(words)
			continue
		case key == "script" && v.kind == scalar:
			o.block(v)
			continue
		case key == "containerPort" && v.kind == scalar:
			o.port(v.text, v.line)
		case key == "storageUri" || key == "modelUri" || key == "storageURI":
			o.modelURI(v)
		case v.kind == scalar:
			o.value(key, v.text, v.line)
		case key == "managedFields" || key == "openAPIV3Schema" || key == "annotations":
			continue
		}
		o.podParts(v, depth+1)
	}
}

// modelURI keeps the id of a model in an address of a hub: hf://owner/name.
func (o *out) modelURI(v *node) {
	for _, scheme := range [...]string{"hf://", "huggingface://", "ollama://", "oci://"} {
		if id, ok := strings.CutPrefix(v.text, scheme); ok {
			o.model(id, v.line)
			return
		}
	}
	if h := hostOf(v.text); h != "" {
		o.add(fact.Fact{Class: fact.Host, Name: h, Line: v.line})
	}
}

// kustomize reads what a kustomization puts in place of images, the charts it
// takes and the variables it makes.
func (o *out) kustomize(doc *node) {
	for _, i := range doc.get("images").list() {
		ref := i.get("newName")
		if ref == nil {
			ref = i.get("name")
		}
		if ref == nil {
			continue
		}
		text := ref.text
		if tag := i.str("newTag"); tag != "" {
			text += ":" + tag
		} else if digest := i.str("digest"); digest != "" {
			text += "@" + digest
		}
		o.image(text, ref.line)
	}
	for _, c := range doc.get("helmCharts").list() {
		if name := c.get("name"); name != nil {
			o.chart(name.text, c.str("version"), name.line)
		}
		o.helmValues(c.get("valuesInline"), "", 0)
	}
	for _, key := range [...]string{"configMapGenerator", "secretGenerator"} {
		for _, g := range doc.get(key).list() {
			o.environment(g.get("literals"))
		}
	}
	for _, p := range doc.get("patches").list() {
		if patch := p.get("patch"); patch != nil && patch.block {
			o.nested(format{name: "kubernetes", read: readKubernetes}, o.path, patch)
		}
	}
}

// release reads the charts of HelmRelease, HelmChart and of Argo's
// applications, with the values given to them.
func (o *out) release(n *node, depth int) {
	if n == nil || depth > 12 {
		return
	}
	for i, key := range n.keys {
		v := n.items[i]
		switch {
		case key == "chart" && v.kind == scalar:
			name := v.text[strings.LastIndexByte(v.text, '/')+1:]
			version := n.str("version")
			if version == "" {
				version = n.str("targetRevision")
			}
			o.chart(name, version, v.line)
		case (key == "repoURL" || key == "url" || key == "repo") && v.kind == scalar:
			o.value(key, v.text, v.line)
		case key == "values" && v.kind == scalar, key == "valuesContent":
			o.nested(format{name: "helm-values", read: readHelmValues}, "values.yaml", v)
		case key == "values" || key == "valuesObject":
			o.helmValues(v, "", 0)
		case key == "sources":
			for _, s := range v.list() {
				o.release(s, depth+1)
			}
		default:
			o.release(v, depth+1)
		}
	}
}

// allowed keeps the hosts that a rule of the network lets through.
func (o *out) allowed(n *node, depth int) {
	if n == nil || depth > 20 {
		return
	}
	for i, v := range n.items {
		key := ""
		if n.kind == mapping {
			key = n.keys[i]
		}
		switch key {
		case "hosts", "host", "matchName", "dnsName", "domains":
			for _, h := range v.list() {
				if h.kind == scalar && strings.Contains(h.text, ".") && isHost(h.text) {
					o.add(fact.Fact{Class: fact.Host, Name: strings.ToLower(h.text), Line: h.line})
				}
			}
		default:
			o.allowed(v, depth+1)
		}
	}
}
