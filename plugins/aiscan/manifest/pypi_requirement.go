package manifest

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// maxExtra bounds the name of an extra: what is longer is none, and may be a
// credential.
const maxExtra = 32

// maxRequirement bounds a requirement without its hashes.
const maxRequirement = 4096

// requirement is what one line says that Python's installers want.
type requirement struct {
	name    string
	extras  string // with brackets
	version string
	marked  bool // has a condition
}

var (
	requirementRE = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*(?:` + string(blank) + `[A-Za-z0-9._-]*)*)\s*(\[[^\]]*\])?\s*(.*)$`)
	specifierRE   = regexp.MustCompile(`^\(?\s*((?:===|==|~=|!=|<=|>=|<|>|=)\s*[^\s;]+.*?)\s*\)?$`)
	eggRE         = regexp.MustCompile(`[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)`)
	wheelRE       = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._]*)-(\d[A-Za-z0-9._+!]*)-.+\.whl$`)
	sdistRE       = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*?)-(\d[A-Za-z0-9._+!]*)\.(?:tar\.gz|zip|tar\.bz2)$`)
)

// full is the name with its extras: what is asked for may be in them alone.
func (r requirement) full() string { return pypiName(r.name) + extras(strings.Trim(r.extras, "[]")) }

// extras is a list of extras as it stands behind a name.
func extras(list string) string {
	var names []string
	for _, e := range strings.Split(list, ",") {
		if e = pypiName(strings.TrimSpace(e)); e != "" && len(e) <= maxExtra {
			names = append(names, e)
		}
	}
	if names == nil {
		return ""
	}
	slices.Sort(names)
	return "[" + strings.Join(names, ",") + "]"
}

// parseRequirement reads a requirement: a name with extras, versions and a
// condition, a name at an address, an address that tells a name. A local path is none.
func parseRequirement(s string) (requirement, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxRequirement {
		return requirement{}, false
	}
	head, marker, marked := strings.Cut(s, ";")
	if strings.Contains(head, "://") && marked && !strings.HasPrefix(strings.TrimSpace(marker), "extra") && !strings.Contains(s, " ;") {
		head, marked = s, false // a semicolon may be in an address
	}
	if i := strings.Index(head, " --"); i > 0 { // options of one requirement: hashes
		head = head[:i]
	}
	head = strings.TrimSpace(head)
	if r, ok := addressed(head); ok {
		r.marked = marked
		return r, true
	}
	m := requirementRE.FindStringSubmatch(head)
	if m == nil {
		return requirement{}, false
	}
	rest := strings.TrimSpace(m[3])
	r := requirement{name: m[1], extras: m[2], marked: marked}
	switch {
	case rest == "" || strings.HasPrefix(rest, "@"):
		r.version = strings.TrimSpace(strings.TrimPrefix(rest, "@"))
		if strings.HasPrefix(r.version, "file:") || strings.HasPrefix(r.version, ".") || strings.HasPrefix(r.version, "/") {
			return requirement{}, false
		}
	case strings.ContainsRune(rest, blank):
		r.version = string(blank)
	default:
		v := specifierRE.FindStringSubmatch(rest)
		if v == nil {
			return requirement{}, false
		}
		r.version = v[1]
	}
	return r, true
}

// addressed reads a requirement that begins with an address.
func addressed(s string) (requirement, bool) {
	scheme, _, ok := strings.Cut(s, "://")
	if !ok || strings.ContainsAny(scheme, " @=[") || scheme == "file" {
		return requirement{}, false
	}
	if m := eggRE.FindStringSubmatch(s); m != nil {
		return requirement{name: m[1], version: s[:strings.IndexByte(s, '#')]}, true
	}
	s, _, _ = strings.Cut(s, "#")
	s, _, _ = strings.Cut(s, "?")
	base := path.Base(s)
	for _, re := range []*regexp.Regexp{wheelRE, sdistRE} {
		if m := re.FindStringSubmatch(base); m != nil {
			return requirement{name: m[1], version: "==" + m[2]}, true
		}
	}
	if strings.HasPrefix(scheme, "git+") || strings.HasSuffix(base, ".git") {
		name, _, _ := strings.Cut(base, "@")
		return requirement{name: strings.TrimSuffix(name, ".git"), version: s}, true
	}
	return requirement{}, false
}

// require takes a requirement that a file states.
func (f *file) require(s string, line int, st fact.Standing) {
	if r, ok := parseRequirement(s); ok {
		f.required(r, line, st)
	}
}

func (f *file) required(r requirement, line int, st fact.Standing) {
	if r.marked {
		st = weaker(st, fact.Optional)
	}
	f.pkg(pypi, r.full(), r.version, line, st)
}

// requireAll takes a list of requirements.
func (f *file) requireAll(n *node, st fact.Standing) {
	for _, item := range n.one() {
		if item.isStr() {
			f.require(item.text, item.line, st)
		}
	}
}

// requirements reads requirements.txt and its like.
func requirements(f *file) {
	r := &requirementLines{file: f, st: fact.Direct}
	name := strings.ToLower(path.Base(f.path))
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".txt"), ".in")
	switch {
	case strings.Contains(name, "constraint") || strings.Contains(name, "override"):
		r.st = fact.Central
	case isDev(strings.ReplaceAll(stem, "requirements", "")):
		r.st = fact.Development
	}
	f.lines(r.line)
	if last := r.joined; last != "" { // the text ends in a line that goes on
		r.joined = ""
		r.line(r.from, last)
	}
	r.flush()
}

// requirementLines joins the lines of requirements and reads who asked for each,
// as tools that lock them write it below.
type requirementLines struct {
	*file
	st      fact.Standing
	joined  string // a line that goes on
	from    int
	pending *requirement
	at      int
	via     []string
	inVia   bool
}

func (r *requirementLines) line(n int, line string) {
	trimmed := strings.TrimSpace(line)
	if r.joined != "" {
		next := trimmed
		more := strings.HasSuffix(next, "\\")
		if strings.HasPrefix(next, "--hash") || len(r.joined)+len(next) > maxRequirement {
			next = "" // hashes of many files, or no requirement: what began stays
		}
		next = strings.TrimSpace(strings.TrimSuffix(next, "\\"))
		if next != "" {
			r.joined += " " + next
		}
		if more {
			return
		}
		trimmed, n, r.joined = strings.TrimSpace(r.joined), r.from, ""
	}
	if strings.HasPrefix(trimmed, "#") {
		r.remark(n, strings.TrimSpace(trimmed[1:]))
		return
	}
	if strings.HasSuffix(trimmed, "\\") {
		r.joined, r.from = strings.TrimSpace(strings.TrimSuffix(trimmed, "\\")), n
		if i := strings.Index(r.joined, " --hash"); i > 0 {
			r.joined = r.joined[:i]
		}
		if r.joined == "" || len(r.joined) > maxRequirement {
			r.joined = " "
		}
		return
	}
	r.inVia = false
	note := ""
	if i := strings.Index(trimmed, " #"); i >= 0 {
		trimmed, note = strings.TrimSpace(trimmed[:i]), strings.TrimSpace(trimmed[i+2:])
	}
	if trimmed == "" || strings.HasPrefix(trimmed, "--hash") {
		return
	}
	r.flush()
	if rest, ok := cutOption(trimmed, "-e", "--editable"); ok {
		trimmed = rest
	} else if strings.HasPrefix(trimmed, "-") {
		return
	}
	req, ok := parseRequirement(trimmed)
	if !ok {
		if !strings.ContainsAny(trimmed, `/\`) && !strings.HasPrefix(trimmed, ".") && !strings.ContainsRune(trimmed, blank) && !strings.HasPrefix(trimmed, "$") {
			r.fail(n, "not a requirement")
		}
		return
	}
	r.pending, r.at = &req, n
	if v, ok := strings.CutPrefix(note, "via"); ok {
		r.viaOf(v)
	}
}

func cutOption(s string, names ...string) (string, bool) {
	for _, n := range names {
		if rest, ok := strings.CutPrefix(s, n); ok && rest != "" && (rest[0] == ' ' || rest[0] == '=' || rest[0] == '\t') {
			return strings.Trim(strings.TrimSpace(strings.TrimPrefix(rest, "=")), `"'`), true
		}
	}
	return s, false
}

// remark reads a comment of its own line: who asked for the requirement above, or a
// requirement that is commented out.
func (r *requirementLines) remark(n int, s string) {
	if v, ok := strings.CutPrefix(s, "via"); ok && (v == "" || v[0] == ' ') && r.pending != nil {
		r.viaOf(v)
		return
	}
	if r.inVia && r.pending != nil && s != "" {
		r.viaOf(s)
		return
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	if req, ok := parseRequirement(s); ok {
		r.required(req, n, fact.Commented)
	}
}

func (r *requirementLines) viaOf(s string) {
	r.inVia = true
	for _, v := range strings.Split(s, ",") {
		if v = strings.TrimSpace(v); v != "" && len(r.via) < 100 {
			r.via = append(r.via, v)
		}
	}
}

// flush takes the requirement whose notes are complete.
func (r *requirementLines) flush() {
	if r.pending == nil {
		return
	}
	st, via := r.st, ""
	if len(r.via) > 0 && st != fact.Central {
		for _, v := range r.via {
			if strings.HasPrefix(v, "-r") || strings.Contains(v, "(") || strings.HasSuffix(v, ".in") || strings.HasSuffix(v, ".toml") ||
				strings.HasSuffix(v, ".py") || strings.HasSuffix(v, ".cfg") {
				via = ""
				break
			}
			if via == "" && !strings.HasPrefix(v, "-") {
				via = pypiName(v)
			}
		}
	}
	if via != "" && st == fact.Direct {
		st = fact.Transitive
	}
	if r.pending.marked {
		st = weaker(st, fact.Optional)
	}
	r.add(fact.Fact{Group: pypi, Name: r.pending.full(), Version: r.pending.version, Line: r.at, Standing: st, Via: via})
	r.pending, r.via = nil, nil
}
