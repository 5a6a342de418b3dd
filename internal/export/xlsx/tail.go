package xlsx

import (
	"bytes"
	"io"
	"strings"
)

// What excelize writes of a relationship, and what every other program writes.
// Some readers look for the prefix and not for what it stands for.
const (
	longRel  = ` xmlns:relationships="http://schemas.openxmlformats.org/officeDocument/2006/relationships" relationships:id=`
	shortRel = ` r:id=`
	rowsEnd  = "</sheetData>"
)

// isSheet reports whether a part is a sheet.
func isSheet(name string) bool {
	return strings.HasPrefix(name, "xl/worksheets/sheet") && strings.HasSuffix(name, ".xml")
}

// tail passes a sheet on, with the usual prefix of relationships in what comes
// after its rows. The rows are passed on as they are: a text of theirs may
// hold anything.
type tail struct {
	to     io.Writer
	behind bool   // the rows have ended
	held   []byte // may be the beginning of what is looked for
}

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	if !t.behind {
		rest, err := t.rows(b)
		if err != nil || !t.behind {
			return n, err
		}
		b = rest
	}
	t.held = append(t.held, b...)
	return n, t.pass(len(t.held) - len(longRel))
}

// rows passes rows on and returns what comes after them, if they end in b.
func (t *tail) rows(b []byte) ([]byte, error) {
	t.held = append(t.held, b...)
	at := len(t.held) - len(rowsEnd) + 1 // what comes later may be the rest of the end
	if i := bytes.Index(t.held, []byte(rowsEnd)); i >= 0 {
		t.behind, at = true, i+len(rowsEnd)
	}
	if at <= 0 {
		return nil, nil
	}
	_, err := t.to.Write(t.held[:at])
	rest := bytes.Clone(t.held[at:])
	t.held = t.held[:0]
	if t.behind {
		return rest, err
	}
	t.held = append(t.held, rest...)
	return nil, err
}

// pass writes the first n bytes held, and what they are the beginning of.
func (t *tail) pass(n int) error {
	for n > 0 {
		i := bytes.Index(t.held, []byte(longRel))
		if i < 0 || i >= n {
			if _, err := t.to.Write(t.held[:n]); err != nil {
				return err
			}
			t.held = append(t.held[:0], t.held[n:]...)
			return nil
		}
		if _, err := t.to.Write(t.held[:i]); err != nil {
			return err
		}
		if _, err := io.WriteString(t.to, shortRel); err != nil {
			return err
		}
		t.held = append(t.held[:0], t.held[i+len(longRel):]...)
		n -= i + len(longRel)
	}
	return nil
}

// end passes on what is left.
func (t *tail) end() error { return t.pass(len(t.held)) }
