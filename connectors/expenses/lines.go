package expenses

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleBytes is how much of a file is looked at to tell its encoding.
const sampleBytes = 64 << 10

// decoded returns the text of a file as UTF-8, but for lines that are none:
// those are taken for Windows-1252 when they are read, one by one, because
// exports are put together from files of several encodings.
func decoded(in io.Reader, encoding string) (io.Reader, error) {
	b := bufio.NewReaderSize(in, sampleBytes)
	head, err := b.Peek(sampleBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if encoding == auto {
		encoding = tell(head)
	}
	switch encoding {
	case "utf-16le":
		return transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), nil
	case "utf-16be":
		return transform.NewReader(b, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()), nil
	case "latin-1":
		return transform.NewReader(b, charmap.Windows1252.NewDecoder()), nil
	}
	if bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")) {
		_, err = b.Discard(3)
	} else {
		err = nil
	}
	return b, err
}

// tell finds the encoding of a file by its beginning.
func tell(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return "utf-16le"
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return "utf-16be"
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		return "utf-8"
	}
	var even, odd int
	for i, c := range head {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	switch half := len(head) / 2; {
	case half > 4 && odd > half/2 && even < half/8:
		return "utf-16le"
	case half > 4 && even > half/2 && odd < half/8:
		return "utf-16be"
	}
	return "utf-8"
}

// lines reads lines of any length, of which no more than max bytes are kept.
type lines struct {
	in    *bufio.Reader
	max   int
	n     int    // lines that were read
	ahead []line // lines that were read and given back
}

type line struct {
	text string
	n    int
	long bool
}

func newLines(in io.Reader, limit int) *lines {
	return &lines{in: bufio.NewReaderSize(in, 64<<10), max: limit}
}

// next returns the next line without its end; io.EOF after the last.
func (l *lines) next() (line, error) {
	if len(l.ahead) > 0 {
		first := l.ahead[0]
		l.ahead = l.ahead[1:]
		return first, nil
	}
	var text []byte
	long := false
	for {
		part, err := l.in.ReadSlice('\n')
		if len(text)+len(part) <= l.max+2 {
			text = append(text, part...)
		} else {
			long = true
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0 && !long) {
			return line{}, err
		}
		break
	}
	l.n++
	text = bytes.TrimRight(text, "\r\n")
	if !utf8.Valid(text) {
		if better, err := charmap.Windows1252.NewDecoder().Bytes(text); err == nil {
			text = better
		}
	}
	return line{string(text), l.n, long}, nil
}

// back gives lines back, to be read again.
func (l *lines) back(some []line) { l.ahead = append(some[:len(some):len(some)], l.ahead...) }
