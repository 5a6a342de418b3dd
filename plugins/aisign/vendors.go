package aisign

import (
	"errors"
	"fmt"
	"strings"
)

// vendor is a name of signatures, with the other names that registers, bills
// and contracts have for it.
type vendor struct {
	Name    string   `yaml:"name"`
	Aliases []string `yaml:"aliases"`
}

// legal reports whether a word is of a company's form and place, which say
// nothing about who it is.
func legal(word string) bool {
	switch word {
	case "inc", "incorporated", "llc", "ltd", "limited", "gmbh", "ag", "sa", "sas", "sarl", "srl", "bv", "nv", "ab", "oy", "oyj", "aps",
		"plc", "pbc", "lp", "llp", "pty", "pte", "co", "corp", "corporation", "company", "opco", "holdings", "holding", "group", "kk", "se", "spa",
		"ulc", "emea", "europe", "ireland", "uk", "international", "deutschland", "germany", "france", "us", "usa", "eu", "the", "operations", "r", "l":
		return true
	}
	return false
}

// oneWord makes single words of B.V., S.à r.l. and L.P.
var oneWord = strings.NewReplacer(".", "", "à", "a", "'", "", "’", "")

// vendorName is a name as vendors are compared.
func vendorName(name string) string {
	name = oneWord.Replace(strings.ToLower(name))
	var kept []string
	all := words(name, false)
	for _, w := range all {
		if w = strings.ToLower(w); !legal(w) {
			kept = append(kept, w)
		}
	}
	if len(kept) == 0 {
		return strings.ToLower(strings.Join(all, ""))
	}
	return strings.Join(kept, "")
}

func (s *Set) vendorsOf(vendors []vendor) map[string][]*Signature {
	all := map[string][]*Signature{}
	byVendor := map[string][]*Signature{}
	for _, sig := range s.signatures {
		byVendor[sig.Vendor] = append(byVendor[sig.Vendor], sig)
	}
	for _, name := range sortedKeys(byVendor) {
		if name != unspecified {
			all[vendorName(name)] = byVendor[name]
		}
	}
	for _, v := range vendors {
		for _, alias := range v.Aliases {
			all[vendorName(alias)] = byVendor[v.Name]
		}
	}
	return all
}

// unspecified is the vendor of signatures that have none.
const unspecified = "unspecified"

// Vendor returns the signatures that a name in a register, a contract or a bill
// stands for: of the vendor of this name or one of its other names, whatever
// its legal form (OpenAI Ireland Ltd, AWS, Google Cloud EMEA Limited), or the
// one of this id. Nil if nobody is known by it.
func (s *Set) Vendor(name string) []*Signature {
	if len(name) > maxName {
		return nil
	}
	if sigs := s.vendors()[vendorName(name)]; sigs != nil {
		return sigs
	}
	if sig := s.byID[strings.ReplaceAll(spaced(name), " ", "-")]; sig != nil {
		return []*Signature{sig}
	}
	return nil
}

// checkVendors refuses aliases of vendors that no signature has, and a name
// that two would go by.
func checkVendors(sigs []*Signature, vendors []vendor) error {
	var errs []error
	known, owner := map[string]bool{}, map[string]string{}
	for _, sig := range sigs {
		known[sig.Vendor] = true
		owner[vendorName(sig.Vendor)] = sig.Vendor
	}
	for _, v := range vendors {
		if !known[v.Name] {
			errs = append(errs, fmt.Errorf("vendor %q has no signature", v.Name))
		}
		if len(v.Aliases) == 0 {
			errs = append(errs, fmt.Errorf("vendor %q has no other name", v.Name))
		}
		for _, alias := range v.Aliases {
			key := vendorName(alias)
			if was := owner[key]; was != "" && was != v.Name || key == "" {
				errs = append(errs, fmt.Errorf("vendor %q: %q is already a name of %q", v.Name, alias, was))
			}
			owner[key] = v.Name
		}
	}
	return errors.Join(errs...)
}
