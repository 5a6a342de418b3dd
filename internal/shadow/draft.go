package shadow

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// Blank marks what only people know. A register in which it stands is refused.
const Blank = "# FILL IN: "

// Draft writes an entry for the register: what was seen is filled in, what only
// people know is left blank and marked. Of vendors it names those that data go
// to, not those of libraries. known are the names of the vendors that the register
// has already, by id.
func Draft(c Case, known map[string]string, signs Signatures) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Draft for %s: %s.", c.ID, printable(c.Title))
	line("# It rests on: %s.", printable(c.Why))
	if c.Hint != "" {
		line("# Ask %s (by %s) who owns it.", printable(c.Hint), printable(c.HintFrom))
	}
	line("# Fill in what is marked, put the entries into register.yaml, and collect. Registering is not approving:")
	line("# the use of the system is still to be asked for, assessed and approved.")
	line("systems:")
	line("  - id: %s", quoted(slug(c)))
	line("    name: %sas people call it", Blank)
	line("    purpose: %swhat it is for", Blank)
	line("    owner: %sid of a person of the register", Blank)
	line("    tier: %shigh, limited or minimal", Blank)
	line("    ai_role: %sdeveloper, provider, producer, deployer, user, customer or partner", Blank)
	line("    stage: %sintake, data, build, test, deploy, operate or retire", Blank)
	line("    users: %swho uses it", Blank)
	line("    affected_groups: []  %swhom it affects", Blank)
	missing := draftVendors(&b, suppliers(c, signs), known)
	list(&b, "models", c.Models)
	switch c.PlaceType {
	case Repository:
		if !strings.HasSuffix(c.Ref, "/*") {
			line("    repositories:")
			line("      - name: %s", quoted(c.Ref))
		}
	case CloudResource, Workload:
		list(&b, "cloud", []string{c.Ref})
	case VendorProject, Network:
		list(&b, "callers", []string{c.Ref})
	}
	if len(missing) > 0 {
		line("vendors:")
		for _, v := range missing {
			line("  - id: %s", quoted(vendorID(v)))
			line("    name: %s", quoted(v))
		}
	}
	return b.String()
}

// suppliers are the vendors that data go to. What no signature knows is taken
// to be one.
func suppliers(c Case, signs Signatures) set {
	var out set
	local := set{}
	for _, id := range c.Providers {
		sig := signs.Get(id)
		switch {
		case sig == nil:
		case sig.Egress == aisign.Local || sig.Egress == aisign.Depends:
			local.add(sig.Vendor)
		default:
			out.add(sig.Vendor)
		}
	}
	for _, v := range c.Vendors {
		if !slices.Contains(local, v) {
			out.add(v)
		}
	}
	return out
}

// draftVendors writes the vendors of the entry and returns those that the
// register lacks. Known ones are found by name.
func draftVendors(b *strings.Builder, names []string, known map[string]string) (missing []string) {
	var ids set
	for _, name := range names {
		id := ""
		for have, legal := range known {
			if sameVendor(have, name) || sameVendor(legal, name) {
				if id == "" || have < id {
					id = have
				}
			}
		}
		if id == "" {
			id, missing = vendorID(name), append(missing, name)
		}
		ids.add(id)
	}
	list(b, "vendors", ids)
	return missing
}

func list(b *strings.Builder, name string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, item := range items {
		fmt.Fprintf(b, "      - %s\n", quoted(item))
	}
}

// slug suggests an id from the place's own name.
func slug(c Case) string {
	name := c.Ref
	switch c.PlaceType {
	case People, Development:
		name = strings.Join(c.Vendors, "-") + "-" + c.PlaceType
	}
	name = name[strings.LastIndexAny(name, "/:|")+1:]
	if id := idOf(name); id != "" {
		return id
	}
	return idOf(c.ID)
}

func vendorID(name string) string { return or(idOf(name), "vendor") }

// idOf keeps letters, digits and hyphens.
func idOf(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}

// quoted is text as YAML reads it back, whatever is in it.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(printable(s), "'", "''") + "'"
}

// printable leaves out what could break a line or a comment.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}
