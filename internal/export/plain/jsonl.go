package plain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

// jsonRows writes the rows of a sheet as JSON lines.
type jsonRows struct {
	out    *bufio.Writer
	sheet  string
	fields []string // `"name":`
	keys   keys
	row    []byte
	links  []byte
	key    string
	at     int
	n      int
	enc    *json.Encoder
	text   bytes.Buffer
	err    error
}

func newJSONRows(out *bufio.Writer, sheet string, columns []sheets.Column, k keys) *jsonRows {
	j := &jsonRows{out: out, sheet: sheet, keys: k}
	for _, c := range columns {
		j.fields = append(j.fields, `"`+Field(c.Title)+`":`)
	}
	j.enc = json.NewEncoder(&j.text)
	j.enc.SetEscapeHTML(false)
	return j
}

func (j *jsonRows) head() error { return nil }
func (j *jsonRows) count() int  { return j.n }

// name begins the next field.
func (j *jsonRows) name() {
	if j.at < len(j.fields) {
		j.row = append(append(j.row, ','), j.fields[j.at]...)
	}
	j.at++
}

func (j *jsonRows) raw(v string) {
	j.name()
	j.row = append(j.row, v...)
}

func (j *jsonRows) Key(key string) { j.key = key }
func (j *jsonRows) Whole(string)   {}

func (j *jsonRows) Text(v string) {
	j.name()
	j.row = j.string(j.row, v)
}

// string appends a string as JSON has it.
func (j *jsonRows) string(b []byte, v string) []byte {
	simple := true
	for i := 0; i < len(v) && simple; i++ {
		simple = ' ' <= v[i] && v[i] < 0x7f && v[i] != '"' && v[i] != '\\'
	}
	if simple {
		return append(append(append(b, '"'), v...), '"')
	}
	j.text.Reset()
	if err := j.enc.Encode(v); err != nil {
		j.err = err
	}
	return append(b, bytes.TrimRight(j.text.Bytes(), "\n")...)
}

func (j *jsonRows) Code(v string) { j.Text(v) }

func (j *jsonRows) List(v []string) {
	j.raw("[")
	for i, s := range v {
		if i > 0 {
			j.row = append(j.row, ',')
		}
		j.row = j.string(j.row, s)
	}
	j.row = append(j.row, ']')
}

func (j *jsonRows) Number(n int64) { j.raw(strconv.FormatInt(n, 10)) }

func (j *jsonRows) Decimal(x float64) { j.orNull(decimal(x)) }

func (j *jsonRows) orNull(v string) {
	if v == "" {
		v = "null"
	}
	j.raw(v)
}

func (j *jsonRows) Yes(v bool) { j.raw(strconv.FormatBool(v)) }

func (j *jsonRows) Date(t time.Time) {
	if t.IsZero() {
		j.Blank()
		return
	}
	j.Text(export.Time(t))
}

func (j *jsonRows) Status(s assess.Status)         { j.Text(string(known(s))) }
func (j *jsonRows) Mark(v string, _ assess.Status) { j.Text(v) }
func (j *jsonRows) File(path string)               { j.Text(path) }
func (j *jsonRows) Web(url string)                 { j.Text(url) }
func (j *jsonRows) Blank()                         { j.raw("null") }
func (j *jsonRows) Input()                         { j.raw("null") }

func (j *jsonRows) Link(v string, to sheets.Ref) {
	if v != "" && j.at < len(j.fields) && j.keys.has(to) {
		if len(j.links) > 0 {
			j.links = append(j.links, ',')
		}
		j.links = append(append(j.links, j.fields[j.at]...), `{"sheet":`...)
		j.links = append(j.string(j.links, to.Sheet), `,"key":`...)
		j.links = append(j.string(j.links, to.Key), '}')
	}
	j.Text(v)
}

func (j *jsonRows) End() error {
	if j.err != nil {
		return j.err
	}
	if j.at != len(j.fields) {
		return cellsError(j.n, j.at, len(j.fields))
	}
	var line []byte
	if j.key != "" {
		j.keys.add(sheets.Ref{Sheet: j.sheet, Key: j.key})
		line = j.string([]byte(`{"_key":`), j.key)
		j.row = append(line, j.row...)
	} else {
		j.row[0] = '{'
	}
	if len(j.links) > 0 {
		j.row = append(append(append(j.row, `,"_links":{`...), j.links...), '}')
	}
	j.row = append(j.row, '}', '\n')
	_, err := j.out.Write(j.row)
	j.row, j.links, j.key, j.at = j.row[:0], j.links[:0], "", 0
	j.n++
	return err
}

var _ rowWriter = (*jsonRows)(nil)
