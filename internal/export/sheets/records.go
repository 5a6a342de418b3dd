package sheets

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// item is a record in force with what every row that shows it needs.
type item struct {
	digest   evidence.Digest
	subject  evidence.Subject
	kind     string
	key      string
	url      string
	source   string
	event    time.Time
	imported bool
	broken   string // why its payload cannot be shown; empty: it can
}

// itemOf keeps of an evidence item what a row needs, without its payload.
func itemOf(ev *evidence.Evidence) item {
	return item{ev.Digest, ev.Subject, ev.Kind, ev.Key, ev.URL, ev.Source, ev.EventTime, ev.Imported, ""}
}

// record is a record in force with its payload, of which T names the fields
// that a sheet shows.
type record[T any] struct {
	item
	v T
}

// recordsOf reads all records in force of a kind, in ledger order. For kinds of
// which there are few.
func recordsOf[T any](ctx context.Context, b *Book, kinds ...string) ([]record[T], error) {
	var out []record[T]
	err := eachRecord(ctx, b, func(r *record[T]) error {
		out = append(out, *r)
		return nil
	}, kinds...)
	return out, err
}

// eachRecord goes through the records in force of kinds, in ledger order. One
// whose payload was erased, or is not what its kind says, comes with the
// reason in broken. Hidden ones do not come: none says so.
func eachRecord[T any](ctx context.Context, b *Book, take func(*record[T]) error, kinds ...string) error {
	kinds = slices.DeleteFunc(slices.Clone(kinds), b.snap.Redaction.Hidden)
	if len(kinds) == 0 {
		return nil
	}
	for ev, err := range b.snap.Ledger.InForce(ctx, kinds...) {
		if err != nil {
			return fmt.Errorf("records in force: %w", err)
		}
		r := record[T]{item: itemOf(&ev)}
		if ev.Payload == nil {
			r.broken = "its payload was erased"
		} else if err := json.Unmarshal(ev.Payload, &r.v); err != nil {
			r = record[T]{item: r.item} // not half of it
			r.broken = "its payload is not what the kind says: " + strings.TrimPrefix(err.Error(), "json: ")
		}
		if err := take(&r); err != nil {
			return err
		}
	}
	return nil
}

// when is an instant in a payload: RFC 3339, or a day. Zero if not stated.
type when struct{ time.Time }

// UnmarshalJSON reads RFC 3339, a day, or nothing.
func (t *when) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) || bytes.Equal(raw, []byte(`""`)) {
		return nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			t.Time = at.UTC()
			return nil
		}
	}
	return fmt.Errorf("%q is not a time", s)
}

// tail are the columns that every sheet of records ends with.
func tail(columns ...Column) []Column {
	return append(columns, Column{"evidence", 18}, Column{"source URL", 32}, Column{"imported", 9})
}

// shown writes the columns of tail and ends the row.
func (b *Book) shown(w Writer, r item) error {
	if r.digest == (evidence.Digest{}) {
		w.Blank()
	} else {
		w.Link(r.digest.String()[:16], evidenceRef(r.digest))
	}
	w.Web(r.url)
	if r.imported {
		w.Text("Y")
	} else {
		w.Blank()
	}
	return w.End()
}

// brokenRow writes the row of a record that cannot be shown.
func (b *Book) brokenRow(w Writer, l Layout, r item) error {
	w.Text(firstOf(r.subject.ID, r.key))
	w.Text(r.kind + " cannot be shown: " + r.broken)
	for range len(l.Columns) - 5 {
		w.Blank()
	}
	return b.shown(w, r)
}

// none writes the one row of a sheet for which there is no record: whether
// that means anything depends on whether somebody looked.
func (b *Book) none(w Writer, l Layout, kinds ...string) error {
	text := "no record of this kind as of the snapshot"
	if slices.ContainsFunc(kinds, b.snap.Redaction.Hidden) {
		text = "no record of this kind is shown"
	}
	return b.says(w, l, text, b.absence(kinds...), item{})
}

// absence says of kinds of which no record is there what that is worth.
func (b *Book) absence(kinds ...string) string {
	var lines []string
	for _, kind := range kinds {
		if b.snap.Redaction.Hidden(kind) {
			lines = append(lines, kind+": hidden by the redaction profile "+b.snap.Redaction.Profile+".")
			continue
		}
		lines = append(lines, kind+": "+b.readOf(kind))
	}
	return strings.Join(lines, "\n")
}

// says writes a row that says one thing: in short in the first column, and why
// in the one of those in sight that has most room.
func (b *Book) says(w Writer, l Layout, text, why string, r item) error {
	widest, last := 1, len(l.Columns)-3
	for i := range min(last, 8) {
		if i > 0 && l.Columns[i].Width > l.Columns[widest].Width {
			widest = i
		}
	}
	w.Text(text)
	for i := 1; i < last; i++ {
		if i == widest {
			w.Text(why)
		} else {
			w.Blank()
		}
	}
	return b.shown(w, r)
}

// readOf says which sources read a kind completely last, and which did not.
func (b *Book) readOf(kind string) string {
	last := map[string]*evidence.Run{} // newest run that has the kind, by source
	for i := range b.snap.Runs {
		r := &b.snap.Runs[i]
		if _, has := r.Kinds[kind]; has && r.Status != evidence.RunOpen {
			last[r.Provenance.Source] = r
		}
	}
	if len(last) == 0 {
		return "no source that delivers it has been read, so it is not established that there is none."
	}
	var whole, part []string
	for _, source := range sortedKeys(last) {
		r := last[source]
		text := source + " on " + r.FinishedAt.UTC().Format(time.DateOnly)
		if k := r.Kinds[kind]; k.Coverage == "complete" {
			whole = append(whole, text)
		} else {
			part = append(part, text+" ("+firstOf(k.Coverage, "not read")+")")
		}
	}
	switch {
	case len(part) == 0:
		return "read completely, and none found: " + strings.Join(whole, ", ") + "."
	case len(whole) == 0:
		return "not read completely, so it is not established that there is none: " + strings.Join(part, ", ") + "."
	}
	return "read completely: " + strings.Join(whole, ", ") + "; not: " + strings.Join(part, ", ") + ", so it is not established that there is none."
}

// rows writes the row of each record, or the row that says that there is none.
func rows[T any](b *Book, w Writer, l Layout, list []T, row func(*T) error, kinds ...string) error {
	if len(list) == 0 {
		return b.none(w, l, kinds...)
	}
	for i := range list {
		if err := row(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// maybe writes what may not be stated: Y, N or nothing.
func maybe(w Writer, v *bool) {
	if v == nil {
		w.Blank()
		return
	}
	w.Yes(*v)
}

// established writes Y or N where an answer is due: what is not known is said
// to be not established.
func established(w Writer, v *bool) {
	if v == nil {
		w.Text("not established")
		return
	}
	w.Yes(*v)
}

func ptr[T any](v T) *T { return &v }

// systemName is what a person calls a system: its name, with the id where that
// is another word.
func (b *Book) systemName(id string) string {
	name := b.system(id).Name
	if name == "" || name == id {
		return id
	}
	return name + " (" + id + ")"
}

func (b *Book) systemNames(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, b.systemName(id))
	}
	return out
}

// onDay is an instant as a day, or nothing.
func onDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// joined puts parts that say something together.
func joined(sep string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), sep)
}

// distinct is a list without what is empty or was there before.
func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
