package manifest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"unicode/utf16"
	"unicode/utf8"
)

// blank stands where a template fills something in later. It is a letter of no
// alphabet, so that it is part of whatever surrounds it.
const blank = '\uE000'

// load makes the file's text of its bytes: UTF-8 whatever they were, lines that
// end in a line feed, templates marked. It reports whether there is anything to read.
func (f *file) load(data []byte, code bool) bool {
	if len(data) > maxSize {
		f.fail(0, fmt.Sprintf("larger than %d MB", maxSize>>20))
		return false
	}
	text := decode(data)
	if bytes.IndexByte(text, 0) >= 0 {
		f.fail(1+bytes.Count(text[:bytes.IndexByte(text, 0)], []byte("\n")), "not a text file")
		return false
	}
	if bytes.IndexByte(text, '\r') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	f.text = text
	if !code || bytes.Contains(text, []byte("cookiecutter")) {
		f.text, f.cond = detemplate(text)
	}
	return true
}

// decode gives text as UTF-8. Bytes that are neither UTF-8 nor UTF-16 are taken
// for Latin-1: names of packages are ASCII in all of them.
func decode(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decode16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decode16(data[2:], binary.BigEndian)
	case len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return decode16(data, binary.LittleEndian)
	case len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		return decode16(data, binary.BigEndian)
	}
	if utf8.Valid(data) {
		return data
	}
	out := make([]byte, 0, len(data)+len(data)/8)
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n <= 1 {
			out = utf8.AppendRune(out, rune(data[0]))
			data = data[1:]
			continue
		}
		out = append(out, data[:n]...)
		data = data[n:]
	}
	return out
}

func decode16(data []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	out := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		out = utf8.AppendRune(out, r)
	}
	return out
}

var (
	placeholder = regexp.MustCompile(`\{\{[^\n]*?\}\}+|<%=[^\n]*?%>|@[A-Z][A-Z0-9_]{2,}@`)
	statement   = regexp.MustCompile(`\{%[-+]?[ \t]*(\w*)[^\n]*?%\}|\{#[^\n]*?#\}|<%-?[ \t]*(\w*)[^\n=]*?%>`)
)

// detemplate puts a mark where a template has a placeholder, takes out the
// statements of its language, and returns the lines that these keep or drop.
func detemplate(text []byte) ([]byte, []span) {
	braces := bytes.Contains(text, []byte("{{"))
	percent := bytes.Contains(text, []byte("{%")) || bytes.Contains(text, []byte("<%"))
	if !braces && !percent && !bytes.Contains(text, []byte("{#")) && !hasVariable(text) {
		return text, nil
	}
	var cond []span
	if percent {
		cond = conditions(text)
	}
	text = statement.ReplaceAll(text, nil)
	return placeholder.ReplaceAll(text, []byte(string(blank))), cond
}

// hasVariable reports whether there may be an @VARIABLE@.
func hasVariable(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '@')
		if i < 0 || i+4 >= len(text) {
			return false
		}
		if c := text[i+1]; c >= 'A' && c <= 'Z' {
			rest := bytes.TrimLeft(text[i+1:min(len(text), i+64)], "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
			if len(rest) > 0 && rest[0] == '@' {
				return true
			}
		}
		text = text[i+1:]
	}
}

// conditions finds the lines between the statements if and end of a template.
func conditions(text []byte) []span {
	var cond []span
	var open []int
	line, at := 1, 0
	for _, m := range statement.FindAllSubmatchIndex(text, -1) {
		line += bytes.Count(text[at:m[0]], []byte("\n"))
		at = m[0]
		word := ""
		for g := 2; g < len(m); g += 2 {
			if m[g] >= 0 {
				word = string(text[m[g]:m[g+1]])
			}
		}
		switch word {
		case "if", "unless", "for":
			open = append(open, line)
		case "endif", "endfor", "end":
			if n := len(open); n > 0 {
				cond = append(cond, span{open[n-1], line})
				open = open[:n-1]
			}
		}
		if len(cond) > 1000 {
			return []span{{1, 1 << 30}}
		}
	}
	return cond
}

// lines calls visit for each line with its number, without its end.
func (f *file) lines(visit func(n int, line string)) {
	eachLine(f.text, visit)
}

func eachLine(text []byte, visit func(n int, line string)) {
	for n := 1; len(text) > 0; n++ {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if len(line) > 1<<16 {
			line = line[:1<<16]
		}
		visit(n, string(line))
	}
}
