package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// Bounds of what is pushed at once.
const (
	maxPushBody    = 32 << 20
	maxPushRecords = 10000
	maxPushFaults  = 100
)

// pushed is what a body holds.
type pushed struct {
	header  *importfile.Header
	source  string
	records []evidence.Record
}

// intake says how a body is to be read.
type intake struct {
	catalog *catalog.Catalog
	source  string                   // of the query; empty: the header says it
	taken   []string                 // sources that nobody may push to
	may     func(source string) bool // whether the token may
	now     time.Time
}

// Refusals of a push.
var (
	errNoRecords   = errors.New("the request holds no records")
	errManyRecords = fmt.Errorf("the request holds more than %d records", maxPushRecords)
	errOneRun      = errors.New("a run header stands after records, or a second one: one request is one run")
	errHandedIn    = errors.New("run: method upload is for what a person handed in")
	errIdentity    = errors.New("run: identity is not the client's to say: it is the account of the token")
	errNotArray    = errors.New("the body is not an array of JSON objects")
)

// linesOf brings a body into the form of one object a line.
func linesOf(contentType string, body []byte) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = contentType
	}
	switch kind {
	case "application/x-ndjson", "application/jsonl", "application/json-lines":
		return body, nil
	case "application/json":
		return arrayLines(body)
	}
	return nil, &Problem{Status: http.StatusUnsupportedMediaType, Detail: fmt.Sprintf("%.80q is no form of records", contentType),
		Hint: "send application/x-ndjson, one object a line, or application/json, an array"}
}

// arrayLines writes each element of an array on a line of its own.
func arrayLines(body []byte) ([]byte, error) {
	refuse := func(err error) error {
		return wrong("send an array of the objects that would be lines, or application/x-ndjson", fmt.Errorf("%w: %w", errNotArray, err))
	}
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	first, err := dec.ReadToken()
	if err != nil || first.Kind() != '[' {
		return nil, refuse(orError(err, "it begins otherwise"))
	}
	var out bytes.Buffer
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return nil, refuse(err)
		}
		if value.Kind() != '{' {
			return nil, refuse(errors.New("an element is no object"))
		}
		if err := value.Compact(); err != nil {
			return nil, refuse(err)
		}
		out.Write(value)
		out.WriteByte('\n')
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, refuse(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, refuse(orError(err, "something follows the array"))
	}
	return out.Bytes(), nil
}

func orError(err error, otherwise string) error {
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return errors.New(otherwise)
}

// read checks every line and returns what the body holds, or a Problem that
// names the lines that are wrong.
func (in intake) read(contentType string, body []byte) (*pushed, error) {
	lines, err := linesOf(contentType, body)
	if err != nil {
		return nil, err
	}
	out := &pushed{source: in.source}
	refused := &Problem{Status: http.StatusUnprocessableEntity, Hint: "mend these lines and send the request again; nothing of it was taken in"}
	total := 0
	fault := func(line int, err error) {
		if total++; len(refused.Errors) < maxPushFaults {
			refused.Errors = append(refused.Errors, Fault{Line: line, Message: err.Error()})
		}
	}
	options := importfile.Options{Catalog: in.catalog, Source: in.source, Taken: in.taken, Now: in.now, Refuse: fromProgramme}
	for item, err := range importfile.Read(bytes.NewReader(lines), options) {
		var line importfile.LineError
		switch {
		case errors.As(err, &line):
			fault(line.Line, line.Err)
		case err != nil:
			return nil, err
		default:
			if err := out.take(item); err != nil {
				fault(item.Line, err)
			}
		}
		if len(out.records) > maxPushRecords {
			return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: errManyRecords.Error(), Hint: "send several requests, each with a key of its own"}
		}
	}
	switch {
	case total > 0:
		refused.Detail = fmt.Sprintf("nothing was taken in: lines that are refused: %d", total)
		return nil, refused
	case len(out.records) == 0:
		return nil, wrong("send one record a line", errNoRecords)
	case !in.may(out.source):
		return nil, &Problem{Status: http.StatusForbidden, Detail: fmt.Sprintf("the token may not push records of source %.80q", out.source),
			Hint: "a token names the sources that it may push to: exhibit access token create --scope ingest --source NAME"}
	}
	return out, nil
}

func (p *pushed) take(item importfile.Item) error {
	if item.Header == nil {
		p.records = append(p.records, item.Record)
		return nil
	}
	switch {
	case p.header != nil || len(p.records) > 0:
		return errOneRun
	case item.Header.Method == "upload":
		return errHandedIn
	case item.Header.Identity != "":
		return errIdentity
	}
	p.header, p.source = item.Header, item.Header.Source
	return nil
}

// fromProgramme refuses what only people do.
func fromProgramme(kind string, payload []byte) error {
	if err := people.FromFile(kind, payload); err != nil {
		return err
	}
	if how, ok := people.MadeBy(kind); ok {
		return fmt.Errorf("no program can push %s: somebody hands it in (%s)", kind, how)
	}
	return nil
}
