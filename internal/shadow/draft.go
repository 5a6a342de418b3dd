package shadow

import (
	"fmt"
	"strings"
	"unicode"
)

// Blank marks what only people know. A register in which it stands is refused.
const Blank = "# FILL IN: "

// Draft writes an entry for the register: what was seen is filled in, what only
// people know is left blank and marked. vendors are the ids of vendors that the
// register has already.
func Draft(c Case, vendors map[string]string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Draft for %s: %s.", c.ID, printable(c.Title))
	line("# It rests on: %s.", printable(c.Why))
	if c.Hint != "" {
		line("# Ask %s, whom %s names; whoever owns it says so.", printable(c.Hint), printable(c.HintFrom))
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
	missing := draftVendors(&b, c, vendors)
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

// draftVendors writes the vendors of the entry and returns those that the
// register lacks. Known ones are found by name.
func draftVendors(b *strings.Builder, c Case, known map[string]string) (missing []string) {
	var ids set
	for _, name := range c.Vendors {
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
