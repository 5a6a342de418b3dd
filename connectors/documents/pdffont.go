package documents

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// maxMapped bounds how many codes of one font are kept.
const maxMapped = 1 << 17

// pdfFont turns the codes of a font into text.
type pdfFont struct {
	bold   bool
	wide   bool              // two bytes a code
	codes  map[string]string // as the font says
	base   *charmap.Charmap  // for codes of one byte that the font does not say
	widths map[int]bool      // lengths of code that the font's map knows
}

// font returns a font of the resources; nil if there is none of that name.
func (f *pdfFile) font(resources types.Dict, name string) *pdfFont {
	fonts, err := f.ctx.DereferenceDict(resources["Font"])
	if err != nil || fonts == nil {
		return nil
	}
	o, ok := fonts.Find(name)
	if !ok {
		return nil
	}
	ref, isRef := o.(types.IndirectRef)
	if isRef {
		if known, ok := f.fonts[ref.ObjectNumber.Value()]; ok {
			return known
		}
	}
	d, err := f.ctx.DereferenceDict(o)
	if err != nil || d == nil {
		return nil
	}
	font := f.newFont(d)
	if isRef {
		f.fonts[ref.ObjectNumber.Value()] = font
	}
	return font
}

func (f *pdfFile) newFont(d types.Dict) *pdfFont {
	font := &pdfFont{codes: map[string]string{}, widths: map[int]bool{}}
	name := ""
	if n := d.NameEntry("BaseFont"); n != nil {
		name = strings.ToLower(*n)
	}
	for _, word := range []string{"bold", "black", "heavy", "-semib", "demi", "cmbx", "sfbx"} {
		font.bold = font.bold || strings.Contains(name, word)
	}
	if sub := d.NameEntry("Subtype"); sub != nil && *sub == "Type0" {
		font.wide = true
	} else {
		f.encoding(font, d["Encoding"])
	}
	font.readMap(f.stream(d["ToUnicode"]))
	return font
}

// encoding reads which letters a simple font's codes show.
func (f *pdfFile) encoding(font *pdfFont, o types.Object) {
	font.base = charmap.Windows1252 // agrees with every standard encoding on letters and digits
	o, err := f.ctx.Dereference(o)
	if err != nil {
		return
	}
	name := ""
	switch o := o.(type) {
	case types.Name:
		name = o.Value()
	case types.Dict:
		if n := o.NameEntry("BaseEncoding"); n != nil {
			name = *n
		}
		f.differences(font, o["Differences"])
	}
	if name == "MacRomanEncoding" {
		font.base = charmap.Macintosh
	}
}

func (f *pdfFile) differences(font *pdfFont, o types.Object) {
	list, err := f.ctx.DereferenceArray(o)
	if err != nil {
		return
	}
	code := 0
	for _, e := range list {
		switch e := e.(type) {
		case types.Integer:
			code = e.Value()
		case types.Name:
			if code >= 0 && code < 256 {
				font.codes[string([]byte{byte(code)})] = glyphText(e.Value())
			}
			code++
		}
	}
}

// glyphText returns what a glyph shows, by its name; empty if that cannot be
// told.
func glyphText(name string) string {
	name, _, _ = strings.Cut(name, ".")
	if utf8.RuneCountInString(name) == 1 {
		return name
	}
	for _, prefix := range []string{"uni", "u"} {
		if hex, ok := strings.CutPrefix(name, prefix); ok && len(hex) >= 4 && len(hex) <= 6 {
			if n, err := strconv.ParseUint(hex, 16, 21); err == nil && utf8.ValidRune(rune(n)) {
				return string(rune(n))
			}
		}
	}
	names := strings.Fields(`space  exclam ! quotedbl " numbersign # dollar $ percent % ampersand & quotesingle ' parenleft ( parenright )
		asterisk * plus + comma , hyphen - minus - period . slash / zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9
		colon : semicolon ; less < equal = greater > question ? at @ bracketleft [ backslash \ bracketright ] underscore _
		braceleft { bar | braceright } quoteleft ' quoteright ' quotedblleft " quotedblright " endash – emdash — bullet • ellipsis …
		fi fi fl fl ff ff ffi ffi ffl ffl germandbls ß dotlessi ı`)
	if name == "space" || name == "nbspace" {
		return " "
	}
	for i := 1; i+1 < len(names); i += 2 {
		if names[i] == name {
			return names[i+1]
		}
	}
	// A letter with an accent: Adieresis, eacute.
	accents := map[string]string{"grave": "\u0300", "acute": "\u0301", "circumflex": "\u0302", "tilde": "\u0303", "dieresis": "\u0308",
		"ring": "\u030a", "cedilla": "\u0327", "caron": "\u030c", "macron": "\u0304", "breve": "\u0306", "ogonek": "\u0328"}
	if mark, ok := accents[name[min(1, len(name)):]]; ok {
		return name[:1] + mark
	}
	return ""
}

// readMap reads a font's own map from codes to text.
func (font *pdfFont) readMap(b []byte) {
	lex := &pdfLexer{b: b}
	var args []pdfToken
	for {
		t, ok := lex.next()
		if !ok || len(font.codes) > maxMapped {
			return
		}
		if t.kind != opToken {
			args = append(args, t)
			continue
		}
		switch t.text {
		case "endcodespacerange":
			for i := 0; i+1 < len(args); i += 2 {
				font.widths[len(args[i].text)] = true
			}
		case "endbfchar":
			for i := 0; i+1 < len(args); i += 2 {
				font.codes[args[i].text] = utf16String(args[i+1].text)
			}
		case "endbfrange":
			for i := 0; i+2 < len(args); i += 3 {
				font.mapRange(args[i].text, args[i+1].text, args[i+2])
			}
		}
		args = args[:0]
	}
}

// mapRange maps the codes from lo to hi to texts that follow one another, or
// to the items of a list.
func (font *pdfFont) mapRange(lo, hi string, to pdfToken) {
	from, until := codeNumber(lo), codeNumber(hi)
	if len(lo) != len(hi) || len(lo) == 0 || len(lo) > 4 || until < from || until-from > 65535 {
		return
	}
	for n := from; n <= until && len(font.codes) <= maxMapped; n++ {
		code := codeString(n, len(lo))
		switch {
		case to.kind == arrayToken && int(n-from) < len(to.items):
			font.codes[code] = utf16String(to.items[n-from].text)
		case to.kind == stringToken && len(to.text) >= 2:
			units := []byte(to.text)
			last := uint32(units[len(units)-2])<<8 | uint32(units[len(units)-1]) + (n - from)
			units[len(units)-2], units[len(units)-1] = byte(last>>8), byte(last)
			font.codes[code] = utf16String(string(units))
		}
	}
}

func codeNumber(s string) uint32 {
	var n uint32
	for i := range len(s) {
		n = n<<8 | uint32(s[i])
	}
	return n
}

func codeString(n uint32, width int) string {
	b := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		b[i] = byte(n)
		n >>= 8
	}
	return string(b)
}

func utf16String(s string) string {
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(units))
}

// decode returns the text that codes show, and how many of them cannot be told.
func (font *pdfFont) decode(s string) (string, int) {
	var out strings.Builder
	unmapped := 0
	for len(s) > 0 {
		n := font.codeLength(s)
		code := s[:n]
		s = s[n:]
		if text, ok := font.codes[code]; ok && text != "" {
			out.WriteString(text)
			continue
		}
		if n == 1 && font.base != nil {
			if r := font.base.DecodeByte(code[0]); r != utf8.RuneError && r >= ' ' {
				out.WriteRune(r)
				continue
			}
		}
		unmapped++
	}
	return out.String(), unmapped
}

// codeLength returns how many bytes the next code has.
func (font *pdfFont) codeLength(s string) int {
	if !font.wide {
		return 1
	}
	if len(font.widths) > 0 {
		for n := 1; n <= 4 && n <= len(s); n++ {
			if _, ok := font.codes[s[:n]]; ok && font.widths[n] {
				return n
			}
		}
		for n := 1; n <= 4 && n <= len(s); n++ {
			if font.widths[n] {
				return n
			}
		}
	}
	return min(2, len(s))
}
