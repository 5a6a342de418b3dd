package aiscan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/gate"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// gated reports whether all that a format of infrastructure can say stands in
// its text by a name of the signatures, so that a file without any need not be
// taken apart. Where permissions, servers of tools or code are read it does not.
func gated(format string) bool {
	switch format {
	case "kubernetes", "helm-values", "helm-template", "kustomize", "compose", "github-actions", "gitlab-ci", "circleci", "azure-pipelines", "pipeline", "ansible", "platform", "properties":
		return true
	}
	return false
}

// declaredNeedles are the texts of which a file of a gated format has at least
// one, once it is folded, if it names anything. They are parts of names, since
// a format may write a name in parts.
func declaredNeedles(set *aisign.Set) []string {
	all := []string{"model", "-llm", "llm:", "llm=", "llm\"", "llm'", "deploymentname", "deployment-name", "deploymentid", "deployment-id", "chat/completions", "v1/embeddings", "hf download", "huggingface", "lms get", "lms load", "mlx-lm"}
	for _, sig := range set.All() {
		for _, l := range []*aisign.Lists{&sig.Lists, &sig.Doubtful} {
			for _, names := range [][]string{l.Calls, l.Settings, l.Hosts, l.Env, l.EnvWeak, l.Secrets, l.Kubernetes, l.Images, l.Charts, l.Actions, l.Files, l.Routes, l.Extensions, l.ARNs} {
				for _, name := range names {
					all = append(all, partNeedles(name)...)
				}
			}
			for _, permission := range l.IAM { // asterisks may stand for the rest
				service, _, _ := strings.Cut(permission, ":")
				all = append(all, partNeedles(service)...)
			}
			for _, names := range l.Packages {
				for _, name := range names {
					all = append(all, partNeedles(name)...)
				}
			}
			for _, key := range l.Keys {
				for _, n := range keyNeedles(key) {
					all = append(all, string(fold([]byte(n))))
				}
			}
			for _, port := range l.Ports {
				all = append(all, strconv.Itoa(port))
			}
		}
	}
	return covering(slices.DeleteFunc(all, func(n string) bool { return len(n) < gate.MinLength }))
}

// partNeedles is the longest part of a name, or, of a short name, its forms.
func partNeedles(name string) []string {
	best := ""
	for part := range strings.FieldsFuncSeq(string(fold([]byte(name))), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	}) {
		if part = strings.Trim(part, "-"); len(part) > len(best) && part != "github-com" {
			best = part
		}
	}
	if len(best) >= gate.MinLength || best == "" {
		return []string{best}
	}
	var forms []string
	for _, before := range " \t\n\"'/:,;=[-(@$" {
		for _, after := range " \t\r\n\"'/:,;=]-)@&|<>~[" {
			forms = append(forms, string(before)+best+string(after))
		}
	}
	return forms
}

// fold writes a text as its names are compared: in small letters, with one sign
// for what separates words.
func fold(b []byte) []byte { return appendFolded(make([]byte, 0, len(b)), b) }

func appendFolded(to, b []byte) []byte {
	for _, c := range b {
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c == '_' || c == '.':
			c = '-'
		}
		to = append(to, c)
	}
	return to
}

// declared reports whether a file of a format may name anything.
func (r *rules) declared(format string, b []byte) bool {
	if !gated(format) {
		return true
	}
	g, err := r.declares()
	if err != nil {
		return true
	}
	// Short names are looked for with what stands around them: at both ends, the
	// end of a line.
	text := append(make([]byte, 0, len(b)+2), '\n')
	return g.Any(append(appendFolded(text, b), '\n'))
}
