package documents

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeCSV reads a file of separated values: with or without a byte order
// mark, in UTF-8 or UTF-16, with commas, semicolons or tabs, and lines that end
// as on any system. What separates is what is most frequent in the first line.
func decodeCSV(ctx context.Context, b []byte, tabs bool) (table, error) {
	text, err := plainText(b)
	if err != nil {
		return table{}, err
	}
	rd := csv.NewReader(strings.NewReader(text))
	rd.FieldsPerRecord, rd.ReuseRecord = -1, true
	if rd.Comma = separator(text); tabs {
		rd.Comma = '\t'
	}
	var t table
	for {
		rec, err := rd.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		var p *csv.ParseError
		if errors.As(err, &p) {
			return table{}, fmt.Errorf("row %d: %w", p.StartLine, p.Err)
		}
		if err != nil {
			return table{}, err
		}
		if err := t.add(ctx, rd, rec); err != nil {
			return table{}, err
		}
	}
}

func (t *table) add(ctx context.Context, rd *csv.Reader, rec []string) error {
	if len(t.rows) == maxRows {
		return fmt.Errorf("%w: more than %d rows", errTooLarge, maxRows)
	}
	if len(rec) > maxColumns {
		return fmt.Errorf("%w: more than %d columns", errTooLarge, maxColumns)
	}
	line, _ := rd.FieldPos(0)
	r := row{number: line, cells: make([]cell, len(rec))}
	for i, f := range rec {
		r.cells[i].text = strings.TrimSpace(f)
	}
	t.rows = append(t.rows, r)
	return ctx.Err()
}

// plainText decodes a text file as office programs write it.
func plainText(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		b = utf16Text(b[2:], func(p []byte) uint16 { return uint16(p[0]) | uint16(p[1])<<8 })
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		b = utf16Text(b[2:], func(p []byte) uint16 { return uint16(p[1]) | uint16(p[0])<<8 })
	default:
		b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	if !utf8.Valid(b) {
		return "", errors.New("neither UTF-8 nor UTF-16; save it as CSV UTF-8")
	}
	if bytes.IndexByte(b, 0) >= 0 {
		return "", errors.New("no text: it holds zero bytes")
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\r", "\n"), nil
}

func utf16Text(b []byte, unit func([]byte) uint16) []byte {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, unit(b))
	}
	return []byte(string(utf16.Decode(units)))
}

// separator returns what separates the fields of the first line that holds
// anything, outside quotes. A first line "sep=;" of some programs is not
// special: it is no header, and is reported as such.
func separator(text string) rune {
	line := strings.TrimLeft(text, "\n")
	count, quoted := map[rune]int{}, false
	for _, r := range line {
		if r == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		if r == '\n' {
			break
		}
		count[r]++
	}
	best := ','
	for _, r := range []rune{';', '\t'} {
		if count[r] > count[best] {
			best = r
		}
	}
	return best
}
