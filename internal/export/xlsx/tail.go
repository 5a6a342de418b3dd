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

// piece is how much is looked through at a time: what follows the rows comes
// in one, and need not be held twice.
const piece = 32 << 10

func (t *tail) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		now := b[:min(len(b), piece)]
		if b = b[len(now):]; !t.behind {
			rest, err := t.rows(now)
			if err != nil {
				return 0, err
			}
			now = rest
		}
		if !t.behind {
			continue
		}
		t.held = append(t.held, now...)
		if err := t.pass(len(t.held) - len(longRel)); err != nil {
			return 0, err
		}
	}
	return n, nil
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
	done := 0
	for done < n {
		i := bytes.Index(t.held[done:], []byte(longRel))
		if i < 0 || done+i >= n {
			if _, err := t.to.Write(t.held[done:n]); err != nil {
				return err
			}
			done = n
			break
		}
		if _, err := t.to.Write(t.held[done : done+i]); err != nil {
			return err
		}
		if _, err := io.WriteString(t.to, shortRel); err != nil {
			return err
		}
		done += i + len(longRel)
	}
	if done > 0 {
		t.held = append(t.held[:0], t.held[done:]...)
	}
	return nil
}

// end passes on what is left.
func (t *tail) end() error { return t.pass(len(t.held)) }
