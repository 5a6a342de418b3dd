package people

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how long a file's name may be, in bytes: what file systems take.
const maxName = 255

// noCharacters are those that a name on Windows cannot have, and what parts folders.
const noCharacters = `/\<>:"|?*`

// devices are names that Windows keeps for itself, whatever ending they have.
var devices = []string{"con", "prn", "aux", "nul", "conin$", "conout$"}

// CheckFileName refuses the name of a file that Windows does not hold as it is, and
// one that does not show what it is. What stands before the name is not looked at.
func CheckFileName(name string) error {
	n, before := 0, rune(0)
	for at, r := range name {
		if n++; misleads(r) && !written(before, r, name[at:]) {
			return unfit("call it by a name without that character", "%.80q is no name of a file: its character %d (%U) cannot be seen, or turns what stands beside it around", name, n, r)
		}
		before = r
	}
	switch {
	case name != strings.TrimRight(name, ". "):
		return unfit("take it off", "%.80q is no name of a file: it ends with a dot or a space, which Windows leaves out", name)
	case isDevice(name):
		return unfit("call it another name, for example _"+name, "%.80q is no name of a file: on Windows it is a device", name)
	}
	return nil
}

// checkName is CheckFileName for what others save under that name: no folder is in
// it, and nothing that no system's name may have.
func checkName(name string) error {
	if len(name) > maxName || blank(name) || name == "." || name == ".." || strings.ContainsFunc(name, parts) {
		return unfit("call it by a name of 1 to 255 bytes, without folders, control characters and "+noCharacters, "%.80q is no name of a file", name)
	}
	return CheckFileName(name)
}

// SaveName is a name under which a file can be saved, the nearest to the one that is
// on record: not every way to the ledger looks at names.
func SaveName(name string) string {
	if checkName(name) == nil {
		return name
	}
	name = strings.ToValidUTF8(name, "_")
	before, rest := rune(0), name
	name = strings.Map(func(r rune) rune {
		here := rest
		rest = rest[utf8.RuneLen(r):]
		if parts(r) || misleads(r) && !written(before, r, here) {
			r = '_'
		}
		before = r
		return r
	}, name)
	for len(name) > maxName-1 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name = strings.TrimRight(name, ". "+joiners+emojiStyle); blank(name) || isDevice(name) {
		name = "_" + strings.TrimSpace(name)
	}
	return name
}

// parts reports whether a character parts folders or lines, or cannot be in a name.
func parts(r rune) bool {
	return strings.ContainsRune(noCharacters, r) || r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp)
}

// misleads reports whether a character cannot be seen, or turns others around.
func misleads(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

const (
	joiners    = "\u200c\u200d"
	emojiStyle = "\ufe0f"
	keycap     = "\u20e3"
)

// joined are the scripts that are written with joiners, and varied those whose
// letters have variants.
var (
	joined = []*unicode.RangeTable{unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Devanagari, unicode.Bengali,
		unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
		unicode.Sinhala, unicode.Tibetan, unicode.Myanmar, unicode.Khmer}
	varied = []*unicode.RangeTable{unicode.Han, unicode.Mongolian, unicode.Phags_Pa, unicode.Myanmar, unicode.So}
)

// written reports whether a character that cannot be seen is part of how a word, or
// an emoji, is written: rest begins with it. Beside Latin letters none is.
func written(before, r rune, rest string) bool {
	rest = rest[utf8.RuneLen(r):]
	after, _ := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.Is(unicode.Variation_Selector, r):
		return unicode.In(before, varied...) || strings.HasPrefix(string(r)+rest, emojiStyle+keycap)
	case !strings.ContainsRune(joiners, r):
		return false
	case unicode.Is(unicode.So, after):
		return r == '\u200d' && (unicode.In(before, unicode.So, unicode.Sk) || string(before) == emojiStyle)
	}
	return unicode.In(before, joined...) && unicode.In(after, joined...) && !unicode.Is(unicode.Cf, after)
}

// isDevice reports whether Windows takes a name for a device: con, con.txt, COM1.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToLower(strings.TrimRight(base, " "))
	if slices.Contains(devices, base) {
		return true
	}
	port, number := strings.CutPrefix(base, "com")
	if !number {
		port, number = strings.CutPrefix(base, "lpt")
	}
	return number && utf8.RuneCountInString(port) == 1 && strings.Contains("0123456789¹²³", port)
}
