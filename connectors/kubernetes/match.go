package kubernetes

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// How sure a workload makes it that AI is run or used.
const (
	declared   = "declared"   // its specification says so
	unresolved = "unresolved" // several things that others have too
)

// evidence is what speaks for one signature in one workload.
type evidence struct {
	*aisign.Signature
	signals map[string]bool
	rules   map[string]bool
	weak    map[string]bool // lists of weak matches
	firm    bool
}

// matcher holds one workload's facts against the signatures.
type matcher struct {
	set *aisign.Set
	all map[string]*evidence
}

// maxSignals is how many signals a record names.
const maxSignals = 50

func (m *matcher) note(found []aisign.Match, signal string) {
	for _, f := range found {
		e := m.all[f.ID]
		if e == nil {
			e = &evidence{Signature: f.Signature, signals: map[string]bool{}, rules: map[string]bool{}, weak: map[string]bool{}}
			m.all[f.ID] = e
		}
		e.signals[m.told(signal)] = true
		e.rules[f.Rule()] = true
		if f.IsWeak() {
			e.weak[f.Field] = true
		} else {
			e.firm = true
		}
	}
}

// match returns what a workload runs or uses, by id.
func match(set *aisign.Set, o *object, f *facts) []*evidence {
	m := &matcher{set: set, all: map[string]*evidence{}}
	m.note(set.KubernetesKind(o.group()+"/"+o.Kind), "kind "+o.group()+"/"+o.Kind)
	for _, image := range f.images {
		m.note(set.Image(image), "image "+image)
	}
	for _, name := range f.env {
		m.note(set.Env(name), "variable "+name)
	}
	for _, name := range f.secrets {
		m.note(set.SecretName(name), "secret "+name)
	}
	for _, p := range f.plain {
		m.text(p.value, "variable "+p.name)
	}
	for _, a := range f.args {
		m.text(a, "argument")
	}
	for _, s := range f.stores {
		m.text(s, "model")
	}
	return m.result()
}

// address finds hosts in values: with a scheme, or a bare name with a port or
// nothing behind it.
var address = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>,;|]+|\b[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.[a-z]{2,}(?::[0-9]{1,5})?\b`)

// longestValue is how much of a value is looked at.
const longestValue = 64 << 10

// text looks for hosts, models and credentials in a value, and keeps nothing
// else of it.
func (m *matcher) text(value, where string) {
	if len(value) > longestValue {
		value = value[:longestValue]
	}
	for _, found := range address.FindAllString(value, 100) {
		if host := hostOf(found); host != "" {
			m.note(m.set.Host(found), where+" holds host "+host)
		}
	}
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '=' || r == ',' || r == '\n' || r == '"' || r == '\'' }) {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "hf://"), "ngc://")
		if found := m.set.Model(word); len(found) > 0 {
			m.note(found, "model "+modelName(word))
		}
		if found := m.set.Key(word); len(found) > 0 {
			m.note(found, where+" holds a credential in plain")
		}
	}
}

// naming is the part of a word that can be a model's name: behind an @ stands a
// date, not a user.
var naming = regexp.MustCompile(`^[A-Za-z0-9._:/+-]+(@[0-9]{4,8}\b)?`)

// modelName is that part. Entries are beginnings of names: what follows may be
// anything.
func modelName(word string) string { return naming.FindString(word) }

// told is a signal as a record has it. Names may hold anything in a cluster
// that is badly kept: one with a credential in it is not told.
func (m *matcher) told(signal string) string {
	what, name, _ := strings.Cut(signal, " ")
	secret := mixed(name)
	for _, k := range m.set.Keys() {
		secret = secret || k.Prefix != "" && k.RE().MatchString(name)
	}
	if secret {
		return what + " whose name looks like a credential"
	}
	return records.Line(signal, 200)
}

// mixed reports whether a name has a run of 20 letters and digits with capitals,
// small letters and digits among them: names have none, keys do.
func mixed(name string) bool {
	for run := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(run) >= 20 && strings.ContainsFunc(run, unicode.IsUpper) && strings.ContainsFunc(run, unicode.IsLower) && strings.ContainsFunc(run, unicode.IsDigit) {
			return true
		}
	}
	return false
}

// hostOf is the host of an address, without what else stands in it.
func hostOf(text string) string {
	if _, after, ok := strings.Cut(text, "://"); ok {
		text = after
	}
	if at := strings.IndexAny(text, "/?#\\"); at >= 0 {
		text = text[:at]
	}
	return records.Line(strings.ToLower(text[strings.LastIndexByte(text, '@')+1:]), 200)
}

// result are those that something firm speaks for, or two weak things of
// different kinds.
func (m *matcher) result() []*evidence {
	var out []*evidence
	for _, e := range m.all {
		if e.firm || !e.Weak && len(e.weak) > 1 {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *evidence) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (e *evidence) confidence() string {
	if e.firm {
		return declared
	}
	return unresolved
}

// scope is what it is for, as far as the category tells.
func (e *evidence) scope() string {
	switch e.Category {
	case aisign.CodingAgent:
		return "development"
	case aisign.MCP:
		return "agent_interface"
	}
	return ""
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// named is at most as many signals as a record names.
func named(signals []string) []string {
	if len(signals) > maxSignals {
		return append(signals[:maxSignals:maxSignals], "and further signals")
	}
	return signals
}

// modelsOf are the models among signals.
func modelsOf(signals []string) []string {
	var out []string
	for _, s := range signals {
		if id, ok := strings.CutPrefix(s, "model "); ok && !strings.Contains(id, " ") {
			out = append(out, id)
		}
	}
	return out
}
