package expenses

import (
	"errors"
	"strings"
)

// Bounds of one row.
const (
	maxFields   = 1000
	maxRowLines = 100 // of a row whose fields hold ends of lines
)

// rows reads rows of fields. A quote that is never closed costs the line that
// it stands in, and not the rest of the file.
type rows struct {
	lines     *lines
	separator byte
}

// rowError is a line that is no row.
type rowError struct {
	line int
	why  string
}

func (e *rowError) Error() string { return e.why }

// next returns the next row that is not blank, and the number of its first
// line. A *rowError is followed by further rows.
func (r *rows) next() (fields []string, n int, err error) {
	first, err := r.lines.next()
	for err == nil && strings.TrimSpace(first.text) == "" && !first.long {
		first, err = r.lines.next()
	}
	if err != nil {
		return nil, 0, err
	}
	if first.long {
		return nil, first.n, &rowError{first.n, "it is too long"}
	}
	text := first.text
	var more []line
	for {
		fields, err := split(text, r.separator)
		if !errors.Is(err, errOpen) {
			if err != nil {
				err = &rowError{first.n, err.Error()}
			}
			return fields, first.n, err
		}
		if len(more) < maxRowLines && len(text) < r.lines.max {
			if next, err := r.lines.next(); err == nil {
				more = append(more, next)
				if !next.long {
					text += "\n" + next.text
					continue
				}
			}
		}
		r.lines.back(more)
		return nil, first.n, &rowError{first.n, "a quote is never closed"}
	}
}

var (
	errOpen = errors.New("a quote is open")
	errMany = errors.New("it has too many fields")
)

// split takes a row apart. A field in quotes may hold separators, ends of lines
// and quotes that are doubled; a quote elsewhere is a letter.
func split(text string, separator byte) ([]string, error) {
	var fields []string
	for {
		if len(fields) == maxFields {
			return nil, errMany
		}
		if trimmed := strings.TrimLeft(text, " "); strings.HasPrefix(trimmed, `"`) {
			field, rest, err := quoted(trimmed[1:], separator)
			if err != nil {
				return nil, err
			}
			fields = append(fields, field)
			if rest == "" {
				return fields, nil
			}
			text = rest[1:]
			continue
		}
		at := strings.IndexByte(text, separator)
		if at < 0 {
			return append(fields, strings.TrimSpace(text)), nil
		}
		fields, text = append(fields, strings.TrimSpace(text[:at])), text[at+1:]
	}
}

// quoted reads a field behind its first quote; rest begins with the separator,
// or is empty at the end of the row.
func quoted(text string, separator byte) (field, rest string, err error) {
	var b strings.Builder
	for {
		at := strings.IndexByte(text, '"')
		if at < 0 {
			return "", "", errOpen
		}
		b.WriteString(text[:at])
		text = text[at+1:]
		if strings.HasPrefix(text, `"`) {
			b.WriteByte('"')
			text = text[1:]
			continue
		}
		end := strings.IndexByte(text, separator)
		if end < 0 {
			end = len(text)
		}
		b.WriteString(text[:end]) // what stands behind a closing quote by mistake
		return strings.TrimSpace(b.String()), text[end:], nil
	}
}

// separatorOf is the one of the usual separators that a line has most, outside
// quotes.
func separatorOf(header string) byte {
	best, most := byte(','), 0
	for _, s := range []byte{',', ';', '\t', '|'} {
		n, in := 0, false
		for i := range len(header) {
			switch header[i] {
			case '"':
				in = !in
			case s:
				if !in {
					n++
				}
			}
		}
		if n > most {
			best, most = s, n
		}
	}
	return best
}
