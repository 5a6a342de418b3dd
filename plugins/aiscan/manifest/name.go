package manifest

import (
	"regexp"
	"strings"
	"unicode"
)

// plainName gives a name without what a template fills in, and whether there was
// any; it gives nothing if what is left is no name.
func plainName(s string) (name string, templated bool) {
	if isPlain(s) {
		return s, false
	}
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, string(blank)+"$"); i >= 0 {
		if s[i] == '$' && !strings.HasPrefix(s[i:], "${") && !strings.HasPrefix(s[i:], "$(") {
			return "", false
		}
		templated = true
		s = s[:i]
		if len(s) < 2 || strings.ContainsAny(s[len(s)-1:], "-_/.:@") {
			return "", true
		}
	}
	if s == "" || len(s) > maxName || strings.Contains(s, "://") {
		return "", templated
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7f || unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"'<>{}()[]|\^;,`+"`", r) {
			return "", templated
		}
	}
	return s, templated
}

// isPlain reports whether a name has only what nearly all of them have.
func isPlain(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.', c == '@':
		case c == '/' && i > 0 && s[i-1] != ':' && s[i-1] != '/':
		case c == ':' && i+1 < len(s) && s[i+1] != '/':
		default:
			return false
		}
	}
	return true
}

// plainVersion gives what may be kept of a version: never an address, which may
// hold a credential, except for the tag it ends in. It reports whether a template
// fills it in.
func plainVersion(s string) (version string, templated bool) {
	s = strings.TrimSpace(s)
	if len(s) <= 100 && isPlain(s) && !strings.Contains(s, "@") && !strings.Contains(s, ":") {
		return s, false
	}
	if isAddress(s) {
		return tagOf(s), strings.ContainsRune(s, blank)
	}
	if strings.ContainsRune(s, blank) || strings.Contains(s, "$") {
		return "", true
	}
	if len(s) > 100 {
		return "", false
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f || unicode.IsControl(r) {
			return "", false
		}
	}
	return s, false
}

func isAddress(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "git+") ||
		strings.HasPrefix(s, "github:") || strings.HasPrefix(s, "gitlab:") || strings.HasPrefix(s, "bitbucket:")
}

var tag = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+/-]{0,39}$`)

// tagOf is the tag or revision of an address of a repository: after # or the last @.
func tagOf(s string) string {
	rest, frag, _ := strings.Cut(s, "#")
	if frag != "" && !strings.ContainsAny(frag, "=&") {
		frag = strings.TrimPrefix(frag, "semver:")
		if tag.MatchString(frag) {
			return frag
		}
		return ""
	}
	path := rest
	if _, after, ok := strings.Cut(rest, "://"); ok {
		_, path, ok = strings.Cut(after, "/")
		if !ok {
			return ""
		}
	}
	if i := strings.LastIndexByte(path, '@'); i > 0 {
		if t := path[i+1:]; tag.MatchString(t) && !strings.Contains(t, "/") {
			return t
		}
	}
	return ""
}

// pypiName is a name as the Python index normalises it.
func pypiName(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	dash := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '-' || c == '_' || c == '.' {
			dash = b.Len() > 0
			continue
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// repository is an address of a repository as a name: host and path without
// scheme, user and ending.
func repository(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "git+")
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	} else if after, ok := strings.CutPrefix(s, "git@"); ok {
		s = strings.Replace(after, ":", "/", 1)
	} else {
		return ""
	}
	host, path, ok := strings.Cut(s, "/")
	if !ok {
		return ""
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	path, _, _ = strings.Cut(path, "?")
	path, _, _ = strings.Cut(path, "#")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/"), ".git")
	if host == "" || path == "" {
		return ""
	}
	return strings.ToLower(host) + "/" + path
}

var devWord = regexp.MustCompile(`(?i)(^|[^a-z])(dev|devel|develop|development|tests?|testing|docs?|documentation|lint|linting|linters?|typing|types|mypy|ci|build|bench|benchmarks?|quality|style|format|pre-?commit|tox|nox|ruff|release|coverage|examples?)([^a-z]|$)`)

// isDev reports whether a group, an extra or a file is named for development.
func isDev(name string) bool { return devWord.MatchString(name) }
