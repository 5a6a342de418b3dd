package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// recordFile is one record file as it lies there now, with the arrival of its
// content.
type recordFile struct {
	path    string
	entry   recordGlob // all that the settings say about it
	arrived *arrival
	sum     string // SHA-256 of the file
	url     string
	table   bool // its rows are records; see tableURL
}

// raw is one record as it stands in a file.
type raw struct {
	place  string // where in the file, if it holds more than one
	sheet  string
	value  any
	column func(field string) string // names a field's column; nil if there are none
}

// problem is what is wrong with a record file, or with one record in it.
type problem struct {
	kind string // empty if that cannot be told
	err  error
}

// recordFiles emits the records that files hold. Only the state of now counts:
// the file is the record. It goes over the files twice, so that two files with
// the same record are found before either is emitted.
func (c *collection) recordFiles(ctx context.Context) error {
	claims := map[string][]string{}
	err := c.eachRecord(ctx, nil, func(f *recordFile, at string, rec connector.Record) error {
		k := rec.Kind + "\x00" + rec.Key
		claims[k] = append(claims[k], strings.TrimSuffix(f.path+": "+at, ": "))
		return nil
	})
	if err != nil {
		return err
	}
	return c.eachRecord(ctx, c.reportProblems, func(f *recordFile, at string, rec connector.Record) error {
		k := rec.Kind + "\x00" + rec.Key
		if places := claims[k]; len(places) > 1 {
			if at != "" && places[0] != f.path+": "+at { // one table: told once
				return nil
			}
			return c.gap([]string{rec.Kind}, f.path, connector.Malformed, fmt.Sprintf(
				"record %s is in more than one place (%s); keep one", printable(rec.Key), strings.Join(slices.Compact(places), ", ")))
		}
		return c.record(rec)
	})
}

// eachRecord reads every record file. Problems go to report; nil drops them.
func (c *collection) eachRecord(ctx context.Context, report func(*recordFile, []problem) error,
	use func(f *recordFile, place string, rec connector.Record) error) error {
	arrivals := c.newestArrivals()
	for _, p := range c.currentPaths() {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry, ok := c.cfg.record(p)
		f := &recordFile{path: p, entry: entry, arrived: arrivals[p]}
		if !ok || f.arrived == nil || len(c.wanted(entry.Kinds)) == 0 { // without an arrival the walk was cut short, which is reported once
			continue
		}
		problems, err := c.readRecordFile(ctx, f, use)
		if err != nil {
			return err
		}
		if report != nil {
			if err := report(f, problems); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportProblems tells what is wrong with a file, the first maxGaps one by one.
func (c *collection) reportProblems(f *recordFile, problems []problem) error {
	for i, p := range problems {
		kinds := c.wanted(f.entry.Kinds)
		if p.kind != "" {
			kinds = c.wanted([]string{p.kind})
		}
		if len(kinds) == 0 {
			continue
		}
		if i == maxGaps {
			return c.gap(c.wanted(f.entry.Kinds), f.path, connector.Malformed, fmt.Sprintf("and %d problems more in this file", len(problems)-maxGaps))
		}
		if err := c.failed(kinds, f.path, p.err); err != nil {
			return err
		}
	}
	return nil
}

// readRecordFile hands the records of a file to use and returns what is wrong
// with others in it.
func (c *collection) readRecordFile(ctx context.Context, f *recordFile, use func(*recordFile, string, connector.Record) error) ([]problem, error) {
	if f.arrived.at.After(c.now) {
		return onlyProblem(notYet(f.arrived))
	}
	if err := c.usable(f.path); err != nil {
		return onlyProblem(err)
	}
	b, err := c.bytes(f.path, c.list.current[f.path].blob, recordLimit(f.path))
	if err != nil {
		return onlyProblem(err)
	}
	sum := sha256.Sum256(b)
	f.sum, f.url, f.table = hex.EncodeToString(sum[:]), c.url(f.arrived, f.path), isTable(f.path)
	if f.table {
		f.url = c.url(&arrival{commit: c.store.name()}, f.path)
	}
	var rows []raw
	var problems []problem
	err = guarded(ctx, readTime, func(ctx context.Context) (err error) {
		rows, problems, err = decodeRecords(ctx, f, b)
		return err
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return onlyProblem(err)
	}
	for _, r := range rows {
		rec, kind, err := f.record(r)
		if err != nil {
			problems = append(problems, problem{kind: kind, err: placed(r, err)})
			continue
		}
		if !c.req.Wants(rec.Kind) {
			continue
		}
		if err := use(f, r.place, rec); err != nil {
			return nil, err
		}
	}
	return problems, nil
}

// onlyProblem is the outcome of a file that gave nothing else.
func onlyProblem(err error) ([]problem, error) { return []problem{{err: err}}, nil }

func placed(r raw, err error) error {
	if r.place == "" {
		return err
	}
	return fmt.Errorf("%s: %w", r.place, err)
}

// record turns one decoded value into a record and holds it against the
// arrival of the file.
func (f *recordFile) record(r raw) (connector.Record, string, error) {
	m, ok := r.value.(map[string]any)
	if !ok {
		return connector.Record{}, "", errors.New("want fields, got something else")
	}
	kind, _ := m["kind"].(string)
	if kind == "" {
		return connector.Record{}, "", errors.New("kind: missing; it says what the record is")
	}
	if !slices.Contains(f.entry.Kinds, kind) {
		return connector.Record{}, "", fmt.Errorf("kind %s is not among the kinds that the settings expect here (%s)",
			printable(kind), strings.Join(f.entry.Kinds, ", "))
	}
	rec, err := f.shaped(kind, r, m)
	if err != nil {
		return connector.Record{}, kind, fmt.Errorf("%s: %w", kind, err)
	}
	return rec, kind, nil
}

func (f *recordFile) shaped(kind string, r raw, m map[string]any) (connector.Record, error) {
	shape, _ := records.ShapeOf(kind)
	delete(m, "kind")
	if err := notFilledIn(m); err != nil {
		return connector.Record{}, err
	}
	dayOnly, err := f.checkClaims(shape, m)
	if err != nil {
		return connector.Record{}, inColumns(shape, r, m, err)
	}
	f.source(r, m)
	rec, err := shape.Record(m)
	if err != nil {
		return connector.Record{}, inColumns(shape, r, m, err)
	}
	if dayOnly && rec.EventTime.After(f.arrived.at) { // the same day further east
		rec.EventTime = f.arrived.at.UTC()
	}
	rec.URL = f.url
	return rec, nil
}

// source says where a record was read. A row of a table does not carry the
// digest and the commit of the table, which change whenever a row is added.
func (f *recordFile) source(r raw, m map[string]any) {
	m["source_path"] = f.path
	if r.sheet != "" {
		m["source_sheet"] = r.sheet
	}
	if f.table {
		return
	}
	m["source_sha256"] = f.sum
	if f.arrived.commit == "" {
		m["source_first_seen_at"] = f.arrived.at.UTC().Format(time.RFC3339Nano)
		return
	}
	m["source_commit"] = f.arrived.commit
	m["source_committed_at"] = f.arrived.at.UTC().Format(time.RFC3339)
	m["source_committed_by"] = f.arrived.by
	if f.arrived.beforeParent {
		m["source_out_of_order"] = true
	}
	if f.arrived.signed != "" {
		m["source_signature"] = f.arrived.signed
	}
	if f.arrived.signer != "" {
		m["source_signed_by"] = f.arrived.signer
	}
}

// checkClaims refuses an event that the file's arrival precedes, an approval
// that is bound to no content, and fields that only the connector may write.
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
	came := f.arrived.at
	late := at.After(came)
	if dayOnly {
		late = strings.TrimSpace(claimed) > came.Format(time.DateOnly)
	}
	if !late {
		return dayOnly, nil
	}
	what := "the commit that holds it"
	if f.arrived.commit == "" {
		what = "when the file was first seen"
	}
	return false, fmt.Errorf("field %s: %s is later than %s (%s)", shape.EventField, printable(claimed), what, came.Format(time.RFC3339))
}

// recordLimit is how large a record file may be.
func recordLimit(p string) int64 {
	if isTable(p) {
		return maxTableBytes
	}
	return maxRecordBytes
}

// decodeRecords reads the records of a file by its name.
func decodeRecords(ctx context.Context, f *recordFile, b []byte) ([]raw, []problem, error) {
	var values []any
	switch ext := strings.ToLower(path.Ext(f.path)); ext {
	case ".yaml", ".yml":
		docs, err := decodeYAML(b)
		if err != nil {
			return nil, nil, err
		}
		values = docs
	case ".json":
		v, err := decodeJSON(b)
		if err != nil {
			return nil, nil, err
		}
		values = []any{v}
	case ".md", ".markdown":
		m, _, err := frontMatter(b)
		if err != nil {
			return nil, nil, err
		}
		if m != nil {
			values = []any{m}
		}
	default:
		tables, err := decodeTables(ctx, f.path, b, f.entry.Sheets)
		if err != nil {
			return nil, nil, err
		}
		return tableRecords(tables, f.entry)
	}
	if len(values) == 0 {
		return nil, nil, errors.New("no record in it; write kind: and the kind's fields, or [] to say that there are none")
	}
	return numbered(flatten(values)), nil, nil
}

// numbered gives each of several records its place.
func numbered(values []any) []raw {
	out := make([]raw, len(values))
	for i, v := range values {
		out[i].value = v
		if len(values) > 1 {
			out[i].place = fmt.Sprintf("record %d", i+1)
		}
	}
	return out
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
