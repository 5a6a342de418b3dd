package aiscan

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/gate"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// needles are the texts of which every file has at least one in whose text a
// signature could be found. They need not be all of what is looked for: each
// entry has a part, or several forms, without which it cannot stand there.
func needles(set *aisign.Set) []string {
	// An address that any client of the common protocol asks, whoever answers.
	all := []string{"/chat/completions", "v1/embeddings"}
	for _, sig := range set.All() {
		for _, l := range []*aisign.Lists{&sig.Lists, &sig.Doubtful} {
			all = append(all, listNeedles(sig, l)...)
		}
	}
	all = slices.DeleteFunc(all, func(n string) bool { return len(n) < gate.MinLength })
	return covering(all)
}

func listNeedles(sig *aisign.Signature, l *aisign.Lists) (all []string) {
	for language, names := range l.Imports {
		for _, name := range names {
			all = append(all, importNeedles(language, name)...)
		}
	}
	for language, eco := range map[string]string{"py": "pypi", "js": "npm", "go": "go", "rs": "cargo", "rb": "gem", "cs": "nuget", "dart": "pub", "jl": "julia", "r": "cran"} {
		if language != "js" && language != "go" && len(sig.Imports[language])+len(sig.Doubtful.Imports[language]) > 0 {
			continue
		}
		for _, name := range l.Packages[eco] {
			all = append(all, importNeedles(language, spelled(language, name))...)
		}
	}
	for _, host := range l.Hosts {
		all = append(all, hostText(host))
	}
	for _, name := range append(slices.Clone(l.Env), l.EnvWeak...) {
		all = append(all, hostText(name))
	}
	for _, key := range l.Keys {
		all = append(all, keyNeedles(key)...)
	}
	for _, re := range l.Models {
		all = append(all, modelNeedles(re)...)
	}
	for _, call := range l.Calls { // SQL has no case
		all = append(all, call, strings.ToLower(call), strings.ToUpper(call))
	}
	for _, key := range l.Settings {
		all = append(all, settingNeedles(key)...)
	}
	return all
}

// spelled is the name by which code imports a package.
func spelled(language, name string) string {
	name, _, _ = strings.Cut(name, "[")
	if language == "py" || language == "rs" || language == "rb" {
		return strings.ReplaceAll(name, "-", "_")
	}
	return name
}

// importNeedles are the forms of an import. A name that is long enough to be
// rare stands for itself; a short one only with what stands around it.
func importNeedles(language, name string) []string {
	name = hostText(name)
	name = strings.TrimRight(name, "./:")
	switch {
	case language == "go":
		return []string{longestPart(name)}
	case name == "openai" || len(name) >= gate.MinLength && strings.ContainsAny(name, "_@-./:\\0123456789") && language != "rb":
		return []string{name}
	case language == "py":
		return []string{"import " + name, "from " + name, ", " + name + "\n", ", " + name + ",", ", " + name + " as", `"` + name + `"`, "'" + name + "'"}
	case language == "js", language == "rb", language == "dart":
		forms := []string{"::" + name, name + "::"}
		for _, q := range []string{`"`, "'", "`"} {
			forms = append(forms, q+name+q, q+name+"/", ":"+name+"@", ":"+name+q)
		}
		return forms
	case language == "java" || language == "cs" || language == "ex" || language == "php" || language == "swift" || language == "hs":
		return []string{"import " + name, "using " + name, "open " + name, "alias " + name, "Imports " + name, "use " + name, `\` + name, "= " + name + ".", "static " + name}
	case language == "rs":
		return []string{" " + name + "::", "(" + name + "::", "{" + name + "::", "\t" + name + "::", "use " + name + ";", "use " + name + " as", "crate " + name}
	case language == "r":
		return []string{name + "::", "library(" + name, "require(" + name, `("` + name + `"`, "('" + name + "'"}
	case language == "c":
		return []string{"<" + name, `"` + name + "/", `"` + name + "."}
	default:
		return []string{"use " + name, "using " + name, "import " + name, `"` + name + `"`, "'" + name + "'", "require(" + name}
	}
}

// majors are the parts of a module's path that say a version.
var majors = regexp.MustCompile(`[/.]v[0-9]+`)

// longestPart is the longest part of a module's path without a version in it.
func longestPart(name string) string {
	best := ""
	for _, part := range majors.Split(name, -1) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// keyNeedles is a text that every credential of a format holds. A beginning of
// three bytes is looked for with what stands before a credential in a text.
func keyNeedles(k aisign.KeyFormat) []string {
	if lit := longestLiteral(k.RE); len(lit) >= gate.MinLength && len(lit) >= len(k.Prefix) {
		return []string{lit}
	}
	if len(k.Prefix) >= gate.MinLength {
		return []string{k.Prefix}
	}
	var forms []string
	for _, c := range "\"'`=: \n\r\t,;(>/@|[{<&!*$+?" {
		forms = append(forms, string(c)+k.Prefix)
	}
	for _, written := range []string{`\n`, `\r`, `\t`, "%20", "%22", "%3D", "%3d"} {
		forms = append(forms, written+k.Prefix)
	}
	return forms
}

// longestLiteral is the longest text that a regular expression needs.
func longestLiteral(expr string) string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return ""
	}
	best, run := "", ""
	for _, part := range concatenated(re.Simplify()) {
		if part.Op == syntax.OpLiteral && part.Flags&syntax.FoldCase == 0 {
			run += string(part.Rune)
			if len(run) > len(best) {
				best = run
			}
			continue
		}
		run = ""
	}
	return best
}

func concatenated(re *syntax.Regexp) []*syntax.Regexp {
	if re.Op == syntax.OpConcat {
		return re.Sub
	}
	return []*syntax.Regexp{re}
}

// maxForms bounds the beginnings of ids that one expression stands for.
const maxForms = 400

// modelNeedles are the beginnings of ids that an expression takes, as they
// stand in a text.
func modelNeedles(expr string) (all []string) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	for _, b := range beginnings(re.Simplify()) {
		switch {
		case len(b.text) >= 5 && strings.ContainsAny(b.text, "-.0123456789/") && !strings.HasSuffix(b.text, ".") && !strings.HasSuffix(b.text, "/"), len(b.text) >= 12:
			all = append(all, b.text)
		case b.text != "":
			for _, c := range "\"'`=: /" {
				all = append(all, string(c)+b.text)
				if len(b.text) < 3 || strings.IndexFunc(b.text, func(r rune) bool { return r < 'a' || r > 'z' }) < 0 {
					all = all[:len(all)-1]
					all = append(all, string(c)+b.text+closing(c), string(c)+b.text+"-", string(c)+b.text+":")
				}
			}
		}
	}
	return all
}

func closing(c rune) string {
	if strings.ContainsRune("\"'`", c) {
		return string(c)
	}
	return "\n"
}

// beginning is a text with which what an expression takes can begin; done says
// that more of the same expression does not follow it.
type beginning struct {
	text string
	done bool
}

func beginnings(re *syntax.Regexp) []beginning {
	switch re.Op {
	case syntax.OpLiteral:
		return []beginning{{text: string(re.Rune)}}
	case syntax.OpCapture:
		return beginnings(re.Sub[0])
	case syntax.OpBeginText, syntax.OpBeginLine, syntax.OpEmptyMatch, syntax.OpEndText:
		return []beginning{{}}
	case syntax.OpCharClass:
		return classed(re)
	case syntax.OpQuest:
		return append(beginnings(re.Sub[0]), beginning{})
	case syntax.OpAlternate:
		var all []beginning
		for _, sub := range re.Sub {
			all = append(all, beginnings(sub)...)
		}
		return all
	case syntax.OpConcat:
		all := []beginning{{}}
		for _, sub := range re.Sub {
			all = joined(all, beginnings(sub))
		}
		return all
	default:
		return []beginning{{done: true}}
	}
}

// classed is one beginning per character of a small class.
func classed(re *syntax.Regexp) (all []beginning) {
	for i := 0; i+1 < len(re.Rune); i += 2 {
		for c := re.Rune[i]; c <= re.Rune[i+1]; c++ {
			if all = append(all, beginning{text: string(c)}); len(all) > 10 {
				return []beginning{{done: true}}
			}
		}
	}
	return all
}

func joined(heads, tails []beginning) []beginning {
	if len(heads)*len(tails) > maxForms {
		tails = []beginning{{done: true}}
	}
	var all []beginning
	for _, h := range heads {
		if h.done || len(h.text) >= 8 {
			all = append(all, beginning{h.text, true})
			continue
		}
		for _, t := range tails {
			all = append(all, beginning{h.text + t.text, t.done})
		}
	}
	return all
}

// settingNeedles are a part of a key that is its own: the others may stand on
// lines of their own. Where all of it is common, the whole key is looked for,
// and its first part as it stands alone on a line.
func settingNeedles(key string) []string {
	parts := strings.FieldsFunc(key, func(r rune) bool { return strings.ContainsRune(".:[]", r) })
	best := ""
	for _, p := range parts {
		if len(p) > len(best) && !commonKey(p) {
			best = p
		}
	}
	if len(best) >= gate.MinLength {
		return []string{best}
	}
	if len(parts) == 1 || !strings.Contains(key, ".") {
		return []string{key}
	}
	return []string{strings.TrimRight(key, ".:"), parts[0] + ":", `"` + parts[0] + `"`}
}

// commonKey are names that many settings have.
func commonKey(s string) bool {
	switch strings.ToLower(s) {
	case "system", "messages", "message", "model", "models", "spring", "chat", "options", "enabled", "provider", "providers", "config", "settings", "plugins", "client", "server", "embedding", "search", "assistant", "inline", "agent", "suggest", "quarkus", "serverless", "default", "github", "binding":
		return true
	}
	return false
}

// covering leaves out texts that hold another one.
func covering(all []string) []string {
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	var kept []string
	have := map[string]bool{}
	for _, n := range slices.Compact(all) {
		if !holdsOne(n, have) {
			kept = append(kept, n)
			have[n] = true
		}
	}
	return kept
}

// holdsOne reports whether a part of a text is on a list.
func holdsOne(n string, have map[string]bool) bool {
	for size := gate.MinLength; size < len(n); size++ {
		for i := 0; i+size <= len(n); i++ {
			if have[n[i:i+size]] {
				return true
			}
		}
	}
	return false
}
