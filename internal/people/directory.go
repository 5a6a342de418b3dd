package people

import (
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Known is a person of the register, and the other names that it has for them.
type Known struct {
	ID    string
	Email string
	Names []string // as they are displayed, logins, account ids
}

// Directory says whom a name stands for. Its zero value knows nobody and takes
// every name for a person of its own; NewDirectory gives one that knows the
// register, where a name that it does not hold is nobody's.
type Directory struct {
	ids map[string]string // the form of a name → that of a person; empty: of more than one
}

// NewDirectory makes one of all people of the register, those who left included.
// Ids come first; two ids are one person if nothing but their spelling tells
// them apart, or if their mail goes to one mailbox. Another name that two people
// have is nobody's.
func NewDirectory(people []Known) Directory {
	ids, others, mailboxes := map[string]string{}, map[string]string{}, map[string]string{}
	for _, p := range people {
		form := nameForm(p.ID)
		ids[form] = form
		box := mailbox(p.Email)
		if box == "" {
			continue
		}
		if first, taken := mailboxes[box]; taken {
			ids[form] = ids[first]
		} else {
			mailboxes[box] = form
		}
	}
	for _, p := range people {
		id := ids[nameForm(p.ID)]
		for _, name := range append([]string{p.Email, mailbox(p.Email)}, p.Names...) {
			form := nameForm(name)
			if other, taken := others[form]; taken && other != id {
				others[form] = ""
			} else if form != "" {
				others[form] = id
			}
		}
	}
	maps.Copy(others, ids)
	return Directory{others}
}

// Together lists the ids that are one person by their mailbox, as lists of them.
func (d Directory) Together(ids []string) [][]string {
	var out [][]string
	at := map[string]int{}
	for _, id := range ids {
		one := d.ids[nameForm(id)]
		if n, ok := at[one]; ok {
			out[n] = append(out[n], id)
			continue
		}
		at[one] = len(out)
		out = append(out, []string{id})
	}
	return slices.DeleteFunc(out, func(l []string) bool { return len(l) < 2 })
}

// Knows reports whether a name is that of one person of the register.
func (d Directory) Knows(name string) bool { return d.ids == nil || d.ids[d.form(name)] != "" }

// same reports whether two names are those of one person.
func (d Directory) same(a, b string) bool {
	if Same(a, b) {
		return true
	}
	first, second := d.ids[d.form(a)], d.ids[d.form(b)]
	return first != "" && first == second
}

// form is the form of a name that the register may hold: of an address that it
// does not hold, that of the mailbox.
func (d Directory) form(name string) string {
	form := nameForm(name)
	if _, ok := d.ids[form]; !ok {
		if box := mailbox(name); box != "" {
			return nameForm(box)
		}
	}
	return form
}

// mailbox is where mail to an address goes: what stands behind a plus sign only
// sorts it, and what cannot be seen is no part of it. Empty if it is no address.
func mailbox(address string) string {
	local, domain, ok := strings.Cut(strings.TrimSpace(seen(address)), "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(domain, "@ ") {
		return ""
	}
	if base, _, tagged := strings.Cut(local, "+"); tagged && base != "" {
		local = base
	}
	return strings.ToLower(local + "@" + domain)
}

// Same reports whether two names are those of one person. Neither letter case,
// nor what stands round and between the words of a name, be it white space, a
// dot, a line or an @ before it, nor what cannot be seen, nor whether a letter
// and its mark are one character or two makes two of them.
func Same(a, b string) bool { return nameForm(a) == nameForm(b) }

// nameForm is the form in which names are compared.
func nameForm(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, plain(name))
}

// plain leaves of a name its words, with one blank between them.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '.' || r == '_' || r == '-' {
			return ' '
		}
		return r
	}, seen(name))
	return strings.Join(strings.Fields(strings.TrimPrefix(strings.TrimSpace(name), "@")), " ")
}

// seen leaves of a text what a reader sees of it, each letter in one form.
func seen(text string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
			return -1
		}
		return r
	}, text))
}
