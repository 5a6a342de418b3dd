package aisign

import (
	"fmt"
	"regexp"
	"strings"
)

// resources finds entries by types of resources.
type resources struct {
	whole map[string][]resource
	globs []resource
}

// resource is one type, and what its attributes have to be.
type resource struct {
	entry
	kind  string
	needs []need
}

// need is {attr=a|b}, {attr!=a} or {attr^=prefix}.
type need struct {
	attr, op string
	values   []string
}

var needed = regexp.MustCompile(`^([^{}]+?)(?:\{([A-Za-z0-9_.]+)(=|!=|\^=)([^{}]+)\})?$`)

func parseResource(e entry) (resource, error) {
	m := needed.FindStringSubmatch(e.text)
	if m == nil {
		return resource{}, fmt.Errorf("%q is no type of a resource", e.text)
	}
	r := resource{entry: e, kind: strings.ToLower(m[1])}
	if m[2] != "" {
		r.needs = []need{{strings.ToLower(m[2]), m[3], strings.Split(strings.ToLower(m[4]), "|")}}
	}
	return r, nil
}

func (s *Set) buildResources() {
	s.types = map[string]*resources{}
	tool := func(name string, pick func(*Lists) []string) {
		x := &resources{whole: map[string][]resource{}}
		s.types[name] = x
		s.names(name, pick, func(e entry) {
			r, err := parseResource(e)
			switch {
			case err != nil: // check has refused it
			case strings.Contains(r.kind, "*"):
				x.globs = append(x.globs, r)
			default:
				x.whole[r.kind] = append(x.whole[r.kind], r)
			}
		})
	}
	tool("terraform", func(l *Lists) []string { return l.Terraform })
	tool("cloudformation", func(l *Lists) []string { return l.CloudFormation })
	tool("arm", func(l *Lists) []string { return l.ARM })
}

// tool is the name of a tool in the data.
func tool(name string) string {
	switch n := lower(name); n {
	case "tf", "opentofu", "tofu", "hcl":
		return "terraform"
	case "cfn", "sam", "cdk":
		return "cloudformation"
	case "bicep", "azure":
		return "arm"
	default:
		return n
	}
}

// Resource returns whose a resource is that infrastructure code creates. Keys
// of attrs are in lower case. An attribute that is not given, or whose value is
// filled in later, equals nothing: {kind=…} does not hold for it, {kind!=…}
// does. A version after the type (@2023-05-01) is left out.
func (s *Set) Resource(by, kind string, attrs map[string]string) []Match {
	x := s.types[tool(by)]
	if x == nil || len(kind) > maxName {
		return nil
	}
	kind, _, _ = strings.Cut(lower(kind), "@")
	var f found
	for _, r := range x.whole[kind] {
		if r.holds(attrs) {
			f.add(r.match(), exact+len(r.needs))
		}
	}
	for _, r := range x.globs {
		if glob(r.kind, kind) && r.holds(attrs) {
			f.add(r.match(), len(r.kind)+len(r.needs))
		}
	}
	return f.sorted()
}

func (r resource) holds(attrs map[string]string) bool {
	for _, n := range r.needs {
		if !n.holds(attrs[n.attr]) {
			return false
		}
	}
	return true
}

func (n need) holds(value string) bool {
	value = lower(value)
	any := false
	for _, want := range n.values {
		if n.op == "^=" {
			any = any || value != "" && strings.HasPrefix(value, want)
		} else {
			any = any || value == want
		}
	}
	return any != (n.op == "!=")
}

// KubernetesKind returns whose a kind of Kubernetes object is, as group/Kind; a
// version between them is left out.
func (s *Set) KubernetesKind(kind string) []Match {
	if parts := strings.Split(kind, "/"); len(parts) == 3 {
		kind = parts[0] + "/" + parts[2]
	}
	return s.kinds.matches(lower(kind))
}

// Chart returns whose a Helm chart is, by its name alone: neither the
// repository nor the version is compared.
func (s *Set) Chart(name string) []Match {
	name = lower(name)
	return s.charts.matches(name[strings.LastIndexByte(name, '/')+1:])
}

// Action returns whose a GitHub Action is: owner/name, with or without a path
// below it and a version.
func (s *Set) Action(uses string) []Match {
	uses, _, _ = strings.Cut(lower(uses), "@")
	parts := strings.Split(uses, "/")
	if len(parts) < 2 {
		return nil
	}
	return s.actions.matches(parts[0] + "/" + parts[1])
}

// IAM returns whose a permission or a role is. A wildcard in what is asked for
// grants every permission under it; one that grants every service's is
// nobody's.
func (s *Set) IAM(permission string) []Match {
	key := lower(permission)
	if len(key) > maxName {
		return nil
	}
	var f found
	s.iam.find(key, &f)
	service, action, some := strings.Cut(key, ":")
	if !some || !strings.Contains(action, "*") || strings.Contains(service, "*") {
		return f.sorted()
	}
	granted := func(text string, e entry) {
		if glob(key, strings.TrimSuffix(text, "*")) {
			f.add(e.match(), len(text))
		}
	}
	for _, text := range sortedKeys(s.iam.whole) {
		for _, e := range s.iam.whole[text] {
			granted(text, e)
		}
	}
	for _, g := range s.iam.globs {
		granted(g.pattern, g.entry)
	}
	return f.sorted()
}

// ARN returns whose a resource is by the beginning of its name; in names of
// Azure and Google Cloud, by the provider's part of it. Partitions of AWS
// (aws-us-gov, aws-cn) are one.
func (s *Set) ARN(name string) []Match {
	if len(name) > 4096 {
		return nil
	}
	name = lower(name)
	if parts := strings.SplitN(name, ":", 3); len(parts) == 3 && parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") {
		name = "arn:aws:" + parts[2]
	}
	var f found
	for _, e := range s.arns {
		text := strings.ToLower(e.text)
		if strings.HasPrefix(name, text) || strings.HasPrefix(text, "/") && strings.Contains(name, text) {
			f.add(e.match(), len(text))
		}
	}
	return f.sorted()
}
