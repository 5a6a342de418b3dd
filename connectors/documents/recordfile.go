package documents

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// recordFile is one record file at the head, with the commit that last
// changed it.
type recordFile struct {
	path   string
	kinds  []string // that it may carry
	commit *commitInfo
	sum    string // SHA-256 of the file
	url    string
}

// recordFiles emits the records that files at the head carry. Only the state
// at the head counts: the file is the record. It goes over the files twice, so
// that two files with the same record are found before either is emitted.
func (c *collection) recordFiles(ctx context.Context) error {
	claims := map[string][]string{}
	err := c.eachRecord(ctx, nil, func(f *recordFile, rec connector.Record) error {
		k := rec.Kind + "\x00" + rec.Key
		claims[k] = append(claims[k], f.path)
		return nil
	})
	if err != nil {
		return err
	}
	return c.eachRecord(ctx, c.gap, func(f *recordFile, rec connector.Record) error {
		if files := claims[rec.Kind+"\x00"+rec.Key]; len(files) > 1 {
			return c.gap(rec.Kind, f.path, connector.Malformed, fmt.Sprintf(
				"record %s is in more than one place (%s); keep one", printable(rec.Key), strings.Join(slices.Compact(files), ", ")))
		}
		return c.record(rec)
	})
}

// eachRecord reads every record file at the head. Problems go to gap; nil
// drops them.
func (c *collection) eachRecord(ctx context.Context, gap func(kind, scope string, r connector.Reason, detail string) error,
	use func(*recordFile, connector.Record) error) error {
	commits := c.newestCommits()
	for _, p := range c.currentPaths() {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &recordFile{path: p, kinds: c.cfg.recordKinds(p), commit: commits[p]}
		if len(f.kinds) == 0 || f.commit == nil { // without a commit the walk was cut short, which is reported once
			continue
		}
		recs, problems := c.readRecordFile(f)
		for _, err := range problems {
			if gap == nil {
				break
			}
			for _, k := range f.kinds {
				if err := gap(k, p, reasonOf(err), err.Error()); err != nil {
					return err
				}
			}
		}
		for _, rec := range recs {
			if err := use(f, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRecordFile returns the records of a file and what is wrong with others
// in it.
func (c *collection) readRecordFile(f *recordFile) ([]connector.Record, []error) {
	if err := c.usable(f.path); err != nil {
		return nil, []error{err}
	}
	b, err := c.repo.readBlob(c.hist.current[f.path].Hash, maxRecordBytes)
	if err != nil {
		return nil, []error{err}
	}
	sum := sha256.Sum256(b)
	f.sum, f.url = hex.EncodeToString(sum[:]), c.url(f.commit, f.path)
	values, err := decodeRecords(f.path, b)
	if err != nil {
		return nil, []error{err}
	}
	if len(values) == 0 {
		return nil, []error{errors.New("no record in it; write kind: and the kind's fields")}
	}
	var recs []connector.Record
	var problems []error
	for i, v := range values {
		rec, err := f.record(v)
		switch {
		case err != nil && len(values) > 1:
			problems = append(problems, fmt.Errorf("record %d: %w", i+1, err))
		case err != nil:
			problems = append(problems, err)
		case c.req.Wants(rec.Kind):
			recs = append(recs, rec)
		}
	}
	return recs, problems
}

// record turns one decoded value into a record and holds it against the
// commit that brought it.
func (f *recordFile) record(v any) (connector.Record, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return connector.Record{}, errors.New("want fields, got something else")
	}
	kind, _ := m["kind"].(string)
	if kind == "" {
		return connector.Record{}, errors.New("kind: missing; it says what the record is")
	}
	if !slices.Contains(f.kinds, kind) {
		return connector.Record{}, fmt.Errorf("kind %s is not among the kinds that the settings expect here (%s)", kind, strings.Join(f.kinds, ", "))
	}
	shape, _ := records.ShapeOf(kind)
	delete(m, "kind")
	dayOnly, err := f.checkClaims(shape, m)
	if err != nil {
		return connector.Record{}, fmt.Errorf("%s: %w", kind, err)
	}
	m["source_path"] = f.path
	m["source_commit"] = f.commit.hash.String()
	m["source_committed_at"] = f.commit.at.UTC().Format(time.RFC3339)
	m["source_committed_by"] = f.commit.by
	m["source_sha256"] = f.sum
	rec, err := shape.Record(m)
	if err != nil {
		return connector.Record{}, fmt.Errorf("%s: %w", kind, err)
	}
	if dayOnly && rec.EventTime.After(f.commit.at) { // the same day further east
		rec.EventTime = f.commit.at.UTC()
	}
	rec.URL = f.url
	return rec, nil
}

// checkClaims refuses an event that the commit precedes, an approval that is
// bound to no content, and fields that only the connector may write.
func (f *recordFile) checkClaims(shape records.Shape, m map[string]any) (dayOnly bool, err error) {
	for name := range m {
		if strings.HasPrefix(name, "source_") && name != "source_query" && name != "source_doc" && name != "source_run" {
			return false, fmt.Errorf("field %s: names that begin with source_ are written by the connector", printable(name))
		}
	}
	if shape.Kind == records.KindDocumentApproval {
		sum, _ := m["sha256"].(string)
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(sum) {
			return false, errors.New("field sha256: an approval must name the content it approves, by 64 lower-case hexadecimal digits (sha256sum FILE)")
		}
	}
	claimed, ok := m[shape.EventField].(string)
	if !ok {
		return false, nil
	}
	at, dayOnly, err := records.ParseTime(claimed)
	if err != nil {
		return false, fmt.Errorf("field %s: %w", shape.EventField, err)
	}
	late := at.After(f.commit.at)
	if dayOnly {
		late = claimed > f.commit.at.Format(time.DateOnly)
	}
	if late {
		return false, fmt.Errorf("field %s: %s is later than the commit that holds it (%s)",
			shape.EventField, claimed, f.commit.at.Format(time.RFC3339))
	}
	return dayOnly, nil
}

// decodeRecords reads the records of a file by its name.
func decodeRecords(p string, b []byte) ([]any, error) {
	switch ext := strings.ToLower(path.Ext(p)); ext {
	case ".yaml", ".yml":
		docs, err := decodeYAML(b)
		return flatten(docs), err
	case ".json":
		v, err := decodeJSON(b)
		return flatten([]any{v}), err
	case ".md", ".markdown":
		m, _, err := frontMatter(b)
		if err != nil || m == nil {
			return nil, err
		}
		return []any{m}, nil
	default:
		return nil, fmt.Errorf("a record file is YAML, JSON or Markdown, not %q", ext)
	}
}

// flatten replaces lists by their items.
func flatten(vs []any) []any {
	var out []any
	for _, v := range vs {
		if list, ok := v.([]any); ok {
			out = append(out, list...)
		} else {
			out = append(out, v)
		}
	}
	return out
}

// decodeJSON reads one JSON value, numbers as written, and refuses a name that
// is there twice.
func decodeJSON(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	v, err := jsonValue(dec, 0)
	if err != nil {
		return nil, fmt.Errorf("not JSON: %s", firstLine(err.Error()))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: more than one value")
	}
	return v, nil
}

func jsonValue(dec *json.Decoder, depth int) (any, error) {
	if depth > 32 {
		return nil, errors.New("nests deeper than 32")
	}
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := jsonValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			k, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ := k.(string)
			if _, twice := m[name]; twice {
				return nil, fmt.Errorf("field %s is there twice", printable(name))
			}
			if m[name], err = jsonValue(dec, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := dec.Token()
		return m, err
	}
	return t, nil
}
