package shadow

import (
	"slices"
	"strings"
	"unicode"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// Signatures are what tells whose something is. *aisign.Set is one.
type Signatures interface {
	Get(id string) *aisign.Signature
	Package(ecosystem, name string) []aisign.Match
	SecretName(name string) []aisign.Match
	GitHubApp(slug string) []aisign.Match
	Vendor(name string) []*aisign.Signature
	Model(id string) []aisign.Match
	CloudEvent(log, source, name string) []aisign.Match
}

// generic are words of names that tell no vendor from another.
var generic = map[string]bool{"ai": true, "labs": true, "inc": true, "llc": true, "ltd": true, "limited": true, "gmbh": true,
	"ag": true, "ab": true, "sa": true, "sas": true, "bv": true, "plc": true, "pbc": true, "corp": true, "corporation": true,
	"company": true, "co": true, "opco": true, "the": true, "technologies": true}

// words are the words of a name that tell it from others, in lower case. A name
// of nothing but generic words keeps them.
func words(name string) []string {
	all := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var out []string
	for _, w := range all {
		if !generic[w] {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// plain is a name as it is compared.
func plain(name string) string { return strings.Join(words(name), " ") }

// sameVendor reports whether two names are of one vendor: alike but for the
// legal form, or one is the beginning of the other (OpenAI, OpenAI Ireland).
func sameVendor(a, b string) bool {
	x, y := words(a), words(b)
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	if len(x) > len(y) {
		x, y = y, x
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// product is a provider as the signatures know it, or as the source names it.
type product struct {
	id, vendor string
	sig        *aisign.Signature
}

// product finds what a source calls a provider: the id of a signature, or a
// vendor of its own naming.
func (r *reader) product(id, vendor string) product {
	p := product{id: strings.ToLower(strings.TrimSpace(id)), vendor: strings.TrimSpace(vendor)}
	if p.sig = r.in.Signs.Get(p.id); p.sig != nil {
		p.vendor = p.sig.Vendor
	}
	if p.vendor == "" {
		p.vendor = id
	}
	if known := r.in.Signs.Vendor(p.vendor); p.sig == nil && len(known) > 0 {
		p.vendor = known[0].Vendor // AWS is Amazon Web Services
	}
	return p
}

// supporting are categories that show AI beside something else only.
var supporting = []aisign.Category{aisign.VectorStore, aisign.Observability, aisign.Evaluation}

// weak reports whether the product alone shows no use.
func (p product) weak() bool {
	return p.sig != nil && (p.sig.Weak || slices.Contains(supporting, p.sig.Category))
}

// external reports whether data leave the organisation for the vendor. Of what
// no signature knows, that is taken to be so.
func (p product) external() bool {
	return p.sig == nil && p.id != "" || p.sig != nil && p.sig.Egress == aisign.External
}

func (p product) is(c aisign.Category) bool { return p.sig != nil && p.sig.Category == c }

// productOf is the product of a match.
func productOf(m aisign.Match) product {
	return product{id: m.ID, vendor: m.Vendor, sig: m.Signature}
}

// title is the name of a vendor for people.
func (p product) title() string {
	if p.vendor != "" {
		return p.vendor
	}
	return p.id
}

var _ Signatures = (*aisign.Set)(nil)
