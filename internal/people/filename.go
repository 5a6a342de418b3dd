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
	n := 0
	for _, r := range name {
		if n++; misleads(r) {
			return unfit("call it by a name without that character", "%.80q is no name of a file: its character %d (%U) cannot be seen, or turns what stands beside it around", name, n, r)
		}
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
	name = strings.Map(func(r rune) rune {
		if parts(r) || misleads(r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	for len(name) > maxName-1 {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name = strings.TrimRight(name, ". "); blank(name) || isDevice(name) {
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
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
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
