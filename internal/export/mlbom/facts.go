package mlbom

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// Names of properties that need a reader.
const (
	propEvidence = "exhibit:evidence"
	propUnknown  = "exhibit:unknown"
)

// facts are what is known of a component besides its own fields, what is not,
// and the evidence of both.
type facts struct {
	known   []cdx.Property
	unknown []string
	from    map[evidence.Digest]bool
}

// rest says that a component rests on evidence.
func (f *facts) rest(d evidence.Digest) {
	if f.from == nil {
		f.from = map[evidence.Digest]bool{}
	}
	f.from[d] = true
}

// add states a fact, if there is one. Two records that say the same say it
// once; where they differ, both are heard.
func (f *facts) add(name, value string) {
	p := cdx.Property{Name: "exhibit:" + name, Value: value}
	if strings.TrimSpace(value) != "" && !slices.Contains(f.known, p) {
		f.known = append(f.known, p)
	}
}

// need states a fact whose absence is worth saying.
func (f *facts) need(name, value string) {
	f.add(name, value)
	f.miss(strings.TrimSpace(value) == "", name)
}

// miss says that something is not known.
func (f *facts) miss(missing bool, name string) {
	if missing {
		f.unknown = append(f.unknown, name)
	}
}

// says reports whether a fact is known.
func (f *facts) says(name string) bool {
	return slices.ContainsFunc(f.known, func(p cdx.Property) bool { return p.Name == "exhibit:"+name })
}

func (f *facts) each(name string, values []string) {
	for _, v := range values {
		f.add(name, v)
	}
}

func (f *facts) flag(name string, b *bool) {
	if b != nil {
		f.add(name, strconv.FormatBool(*b))
	}
}

func (f *facts) number(name string, n *int) {
	if n != nil {
		f.add(name, strconv.Itoa(*n))
	}
}

func (f *facts) time(name string, t time.Time) { f.add(name, export.Time(t)) }

// properties are the facts in the form of a component's: what is known in the
// order of its statement, then what is not, then the evidence.
func (f *facts) properties() *[]cdx.Property {
	out := slices.Clone(f.known)
	slices.Sort(f.unknown)
	for _, name := range slices.Compact(f.unknown) {
		if !f.says(name) {
			out = append(out, cdx.Property{Name: propUnknown, Value: name})
		}
	}
	var from []string
	for d := range f.from {
		from = append(from, d.String())
	}
	slices.Sort(from)
	for _, d := range from {
		out = append(out, cdx.Property{Name: propEvidence, Value: "sha256:" + d})
	}
	if len(out) == 0 {
		return nil
	}
	return &out
}

// ref makes a bom-ref that no other parts give.
func ref(typ string, parts ...string) string {
	for i, p := range parts {
		parts[i] = quote(p)
	}
	return typ + ":" + strings.Join(parts, "/")
}

// quote leaves nothing in s that means something in a URL.
func quote(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// pointer returns a pointer to values, or nil for none.
func pointer[T any](values []T) *[]T {
	if len(values) == 0 {
		return nil
	}
	return &values
}

// set collects texts and gives them in order.
type set map[string]bool

func (s set) add(values ...string) {
	for _, v := range values {
		if v != "" {
			s[v] = true
		}
	}
}

func (s set) sorted() []string {
	out := make([]string, 0, len(s))
	for v := range s {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// digestOf reads a SHA-256 as records write it, with or without its name.
func digestOf(s string) *[]cdx.Hash {
	s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "sha256:")
	if len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return nil
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: s}}
}

// licence names a licence as the record does: it is not held against a list.
func licence(name string) *cdx.Licenses {
	if strings.TrimSpace(name) == "" {
		return nil
	}
	return &cdx.Licenses{{License: &cdx.License{Name: name, Acknowledgement: cdx.LicenseAcknowledgementDeclared}}}
}
