package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// image keeps the reference of a container image: the repository as its name,
// the tag or digest as its version. Of a reference with parts that are filled
// in later, what is written out is kept, if it still names a repository.
func (o *out) image(ref string, line int) {
	ref = strings.TrimSpace(unquote(strings.TrimSpace(ref)))
	for _, p := range [...]string{"docker://", "docker-image://", "oci://", "containers://"} {
		ref = strings.TrimPrefix(ref, p)
	}
	repo, version := splitImage(ref)
	f := fact.Fact{Class: fact.Image, Line: line, Name: repo, Version: version, Standing: o.standing}
	if isTemplated(version) {
		f.Version, f.Standing = "", templated(f.Standing)
	}
	if isTemplated(repo) {
		parts := strings.Split(collapse(repo), "/")
		for len(parts) > 0 && strings.Contains(parts[0], hole) {
			parts = parts[1:]
		}
		f.Name, f.Standing = strings.Join(parts, "/"), templated(f.Standing)
	}
	if isImage(f.Name) {
		o.add(f)
	}
}

// templated is the standing of something that is filled in later.
func templated(s fact.Standing) fact.Standing {
	if s == fact.Direct {
		return fact.Templated
	}
	return s
}

// splitImage cuts the digest and the tag off.
func splitImage(ref string) (repo, version string) {
	if repo, digest, ok := strings.Cut(ref, "@sha256:"); ok {
		r, tag := splitImage(repo)
		if tag != "" {
			tag += "@"
		}
		return r, tag + "sha256:" + digest
	}
	depth := 0
	for i := len(ref) - 1; i >= 0; i-- {
		switch c := ref[i]; {
		case c == '}' || c == ')':
			depth++
		case c == '{' || c == '(':
			depth--
		case depth > 0:
		case c == '/':
			return ref, ""
		case c == ':':
			return ref[:i], ref[i+1:]
		}
	}
	return ref, ""
}

// hole stands for what is filled in later.
const hole = "\x00"

// isTemplated reports whether something in s is filled in later: $X, ${X},
// $(X), {{ x }}, <x>, %X%, #{x}.
func isTemplated(s string) bool {
	return strings.ContainsAny(s, "$<%") || strings.Contains(s, "{{") || strings.Contains(s, "#{") || strings.Contains(s, hole)
}

// collapse puts a hole in place of each part that is filled in later.
func collapse(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		end := template(s[i:])
		if end == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(hole)
		i += end
	}
	return b.String()
}

// template returns the length of the placeholder at the beginning of s.
func template(s string) int {
	if s == "" || strings.IndexByte("{$#<%", s[0]) < 0 {
		return 0
	}
	for _, m := range [...][2]string{{"{{", "}}"}, {"${{", "}}"}, {"${", "}"}, {"$((", "))"}, {"$(", ")"}, {"#{", "}"}, {"<", ">"}, {"%", "%"}} {
		if !strings.HasPrefix(s, m[0]) || m[0] == "${" && strings.HasPrefix(s, "${{") {
			continue
		}
		depth, open := 0, m[0][len(m[0])-1:]
		for i := len(m[0]); i < len(s); i++ {
			if depth == 0 && strings.HasPrefix(s[i:], m[1]) {
				return i + len(m[1])
			}
			if m[0] == "${" && s[i:i+1] == open {
				depth++
			} else if depth > 0 && s[i] == '}' {
				depth--
			}
		}
		return len(s)
	}
	if len(s) > 1 && s[0] == '$' {
		n := 1
		for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] >= '0' && s[n] <= '9') {
			n++
		}
		return n
	}
	return 0
}

// isImage reports whether s can be the repository of an image.
func isImage(s string) bool {
	if len(s) < 2 || len(s) > 255 || s == "scratch" || s[0] == '.' || s[0] == '/' || s[0] == '-' || strings.Contains(s, "//") {
		return false
	}
	letter := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letter = true
		case c >= '0' && c <= '9', c == '.', c == '-', c == '_', c == '/', c == ':':
		default:
			return false
		}
	}
	return letter && s[len(s)-1] != '/'
}
