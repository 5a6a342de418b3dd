package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// permission keeps the name of a permission or a role that is granted.
func (o *out) permission(name string, line int) {
	name = strings.TrimSpace(name)
	if len(name) < 3 || isTemplated(name) || strings.ContainsAny(name, "\n\"") {
		return
	}
	o.add(fact.Fact{Class: fact.IAM, Name: name, Line: line})
}

// arn keeps the name of a resource of a cloud. What is filled in later is *, and
// the partition that of most accounts. The name of a policy of the cloud's own
// is also a permission.
func (o *out) arn(text string, line int) {
	if len(text) > 2048 {
		return
	}
	if strings.HasPrefix(text, "/subscriptions/") || strings.HasPrefix(text, "/providers/") {
		o.add(fact.Fact{Class: fact.ARN, Name: text, Line: line})
		return
	}
	if !strings.HasPrefix(text, "arn:") {
		return
	}
	parts := strings.SplitN(collapse(text), ":", 6)
	if len(parts) < 6 {
		return
	}
	if strings.Contains(parts[1], hole) {
		parts[1] = "aws"
	}
	o.add(fact.Fact{Class: fact.ARN, Name: strings.ReplaceAll(strings.Join(parts, ":"), hole, "*"), Line: line})
	if parts[2] == "iam" && parts[4] == "aws" {
		if name, ok := strings.CutPrefix(parts[5], "policy/"); ok {
			o.permission(name[strings.LastIndexByte(name, '/')+1:], line)
		}
	}
}

// policy reads the statements of a policy of AWS that allow something, in one
// statement, in a list of them or in a document that holds them.
func (o *out) policy(n *node) {
	if n == nil {
		return
	}
	if n.kind == sequence {
		for _, item := range n.items {
			if item.kind == mapping {
				o.policy(item)
			}
		}
		return
	}
	if s := n.get("Statement"); s != nil {
		if s.kind == mapping {
			s = &node{kind: sequence, items: []*node{s}}
		}
		o.policy(s)
		return
	}
	if !strings.EqualFold(n.str("Effect"), "Allow") {
		return
	}
	for _, a := range n.get("Action").list() {
		o.permission(a.text, a.line)
	}
	for _, r := range n.get("Resource").list() {
		o.arn(r.text, r.line)
	}
}

// policyBlocks reads the statements of Terraform's document of a policy.
func (o *out) policyBlocks(b *block) {
	for _, s := range b.blocks {
		if s.kind == "dynamic" {
			for _, c := range s.blocks {
				o.with(fact.Optional, func() { o.statement(c) })
			}
			continue
		}
		o.statement(s)
	}
}

func (o *out) statement(s *block) {
	if e := s.attr("effect"); s.kind != "statement" && s.kind != "content" || e != "" && !strings.EqualFold(e, "Allow") {
		return
	}
	for _, a := range s.attrs.get("actions").list() {
		o.permission(a.text, a.line)
	}
	for _, r := range s.attrs.get("resources").list() {
		o.arn(r.text, r.line)
	}
}

// readPolicy reads a policy that is a file of its own: of AWS, or the
// permissions of a role of Azure or Google.
func readPolicy(o *out, data []byte) error {
	doc, err := parseJSON(data)
	if doc == nil {
		return err
	}
	o.policy(doc.orSelf("PolicyDocument"))
	for _, p := range doc.get("includedPermissions").list() {
		o.permission(p.text, p.line)
	}
	for _, b := range doc.get("bindings").list() {
		if r := b.get("role"); r != nil {
			o.permission(r.text, r.line)
		}
	}
	for _, at := range [...]*node{doc, doc.get("properties")} {
		for _, key := range [...]string{"Actions", "DataActions", "actions", "dataActions"} {
			for _, a := range at.get(key).list() {
				o.permission(a.text, a.line)
			}
		}
		for _, p := range at.get("permissions").list() {
			for _, key := range [...]string{"actions", "dataActions"} {
				for _, a := range p.get(key).list() {
					o.permission(a.text, a.line)
				}
			}
		}
	}
	return err
}

// orSelf is the value under a key, or n itself when there is none.
func (n *node) orSelf(key string) *node {
	if v := n.get(key); v != nil {
		return v
	}
	return n
}
