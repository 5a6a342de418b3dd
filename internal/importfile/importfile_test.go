package importfile_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func load(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// collect reads text and returns the items that were taken and what was refused.
func collect(t testing.TB, text string, o importfile.Options) (items []importfile.Item, refused []string) {
	t.Helper()
	for item, err := range importfile.Read(strings.NewReader(text), o) {
		var line importfile.LineError
		switch {
		case errors.As(err, &line):
			refused = append(refused, line.Error())
		case err != nil:
			t.Fatal(err)
		default:
			items = append(items, item)
		}
	}
	return items, refused
}

const assessment = `{"kind":"risk.assessment","subject":{"type":"ai_system","id":"cv"},"key":"RA-1","payload":{"assessment_id":"RA-1","system_id":"cv","assessor":"a","approved_by":"b","approved_at":"2026-05-02T10:00:00+02:00"}}`

func TestReadRecord(t *testing.T) {
	items, refused := collect(t, assessment+"\n\n", importfile.Options{Catalog: load(t), Source: "grc", Now: now})
	if len(refused) > 0 || len(items) != 1 {
		t.Fatalf("items %d, refused %v", len(items), refused)
	}
	want := evidence.Record{
		Kind: "risk.assessment", Major: 1, Subject: evidence.Subject{Type: "ai_system", ID: "cv"}, Key: "RA-1",
		EventTime:   time.Date(2026, 5, 2, 8, 0, 0, 0, time.UTC), // from the field that the kind names
		CollectedAt: now,
		Payload:     []byte(`{"approved_at":"2026-05-02T10:00:00+02:00","approved_by":"b","assessment_id":"RA-1","assessor":"a","system_id":"cv"}`),
	}
	if diff := cmp.Diff(want, items[0].Record); diff != "" {
		t.Error(diff)
	}
}

func TestReplayKeepsClocks(t *testing.T) {
	text := `{"run":{"source":"grc","finished_at":"2026-06-01T00:00:00Z","scope":{"risk.assessment":"complete"}}}` + "\n" +
		assessment + "\n" +
		strings.Replace(assessment, `"key"`, `"collected_at":"2026-05-31T00:00:00Z","key"`, 1)
	items, refused := collect(t, text, importfile.Options{Catalog: load(t), Replay: true, Now: now})
	if len(refused) > 0 || len(items) != 3 {
		t.Fatalf("items %d, refused %v", len(items), refused)
	}
	var got []time.Time
	for _, i := range items[1:] {
		got = append(got, i.Record.CollectedAt)
	}
	want := []time.Time{time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(assessment, old, new, 1) }
	for name, c := range map[string]struct {
		text   string
		replay bool
		want   string // part of the message, with the line
	}{
		"not json":                 {"{", false, "line 1: "},
		"two values":               {assessment + assessment, false, "line 1: more than one value"},
		"unknown field":            {with(`"key"`, `"keey"`), false, `unknown field "keey"`},
		"name twice":               {with(`"key"`, `"key":"A","key"`), false, `field "key" stands twice`},
		"name in other letters":    {with(`"key"`, `"Key":"A","key"`), false, `unknown field "Key"`},
		"half a character":         {with(`"RA-1"`, `"\ud800"`), false, "line 1: "},
		"NUL in the key":           {with(`"RA-1"`, `"a\u0000b"`), false, "key"},
		"subject of 9,000 letters": {with(`"id":"cv"`, `"id":"`+strings.Repeat("x", 9000)+`"`), false, "subject"},
		"two event times":          {with(`"key"`, `"event_time":"2026-05-03T10:00:00Z","key"`), false, "one of them is wrong"},
		"unknown kind":             {with("risk.assessment", "risk.assesment"), false, "kinds of this family: risk.acceptance, risk.assessment"},
		"no key":                   {with(`"key":"RA-1",`, ``), false, "key is missing"},
		"no subject":               {with(`"id":"cv"`, `"id":""`), false, "subject needs type and id"},
		"no payload":               {`{"kind":"risk.assessment","subject":{"type":"ai_system","id":"cv"},"key":"k"}`, false, "payload is missing"},
		"wrong type":               {with(`"assessor":"a"`, `"assessor":["a"]`), false, "assessor"},
		"number that changes":      {with(`"assessor":"a"`, `"assessor":"a","x":9007199254740993`), false, "payload"},
		"duplicate name":           {with(`"assessor":"a"`, `"assessor":"a","assessor":"b"`), false, `"assessor" stands twice`},
		"tomorrow":                 {with("2026-05-02", "2026-11-21"), false, "nothing can be read before it happens"},
		"own clock":                {with(`"key"`, `"collected_at":"2026-05-31T00:00:00Z","key"`), false, "collected_at needs --replay"},
		"replay without clock":     {assessment, true, "collected_at is missing"},
		"replay in the future":     {with(`"key"`, `"collected_at":"2027-05-31T00:00:00Z","key"`), true, "is in the future"},
		"header clocks":            {`{"run":{"source":"grc","finished_at":"2026-06-01T00:00:00Z"}}`, false, "need --replay"},
		"header of other":          {`{"run":{"source":"other"}}`, false, `--source says "grc"`},
		"header unknown kind":      {`{"run":{"source":"grc","scope":{"risk.x":"complete"}}}`, false, `kind "risk.x" is not known`},
		"header unknown status":    {`{"run":{"source":"grc","scope":{"risk.assessment":"all"}}}`, false, "use complete, partial or denied"},
		"header unknown method":    {`{"run":{"source":"grc","method":"api"}}`, false, "use file, or upload"},
		"header backwards":         {`{"run":{"source":"grc","started_at":"2026-06-02T00:00:00Z","finished_at":"2026-06-01T00:00:00Z"}}`, true, "after finished_at"},
	} {
		t.Run(name, func(t *testing.T) {
			items, refused := collect(t, c.text, importfile.Options{Catalog: load(t), Source: "grc", Replay: c.replay, Now: now})
			if len(items) != 0 || len(refused) != 1 || !strings.Contains(refused[0], c.want) {
				t.Errorf("items %d, refused %q, want one with %q", len(items), refused, c.want)
			}
		})
	}
}

// TestTakenNames holds that a file cannot speak as a source that exhibit reads.
func TestTakenNames(t *testing.T) {
	o := importfile.Options{Catalog: load(t), Source: "github", Taken: []string{"register", "github"}, Now: now}
	if items, refused := collect(t, assessment, o); len(items) != 0 || len(refused) != 1 {
		t.Errorf("items %d, refused %q: a record for a configured source", len(items), refused)
	}
	o.Source = ""
	if items, refused := collect(t, `{"run":{"source":"register","scope":{"inventory.ai_system":"complete"}}}`, o); len(items) != 0 || len(refused) != 1 {
		t.Errorf("items %d, refused %q: a run of the register", len(items), refused)
	}
}

func TestReadingGoesOnAfterARefusedLine(t *testing.T) {
	_, refused := collect(t, "{\n"+assessment+"\n[]\n", importfile.Options{Catalog: load(t), Source: "grc", Now: now})
	if len(refused) != 2 || !strings.HasPrefix(refused[0], "line 1:") || !strings.HasPrefix(refused[1], "line 3:") {
		t.Errorf("refused %q", refused)
	}
}

func TestLongLine(t *testing.T) {
	long := io.MultiReader(strings.NewReader(`{"kind":"`), io.LimitReader(zeros{}, importfile.MaxLine+10), strings.NewReader("\n"+assessment))
	var good, bad int
	for _, err := range importfile.Read(long, importfile.Options{Catalog: load(t), Source: "grc", Now: now}) {
		if err != nil {
			bad++
		} else {
			good++
		}
	}
	if good != 1 || bad != 1 {
		t.Errorf("good %d, bad %d, want the long line refused and the next one read", good, bad)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// FuzzRead holds that what is taken is sound, whatever the file holds.
func FuzzRead(f *testing.F) {
	cat := load(f)
	f.Add(assessment, false)
	f.Add(`{"run":{"source":"grc","finished_at":"2026-06-01T00:00:00Z"}}`+"\n"+assessment, true)
	f.Fuzz(func(t *testing.T, text string, replay bool) {
		items, _ := collect(t, text, importfile.Options{Catalog: cat, Source: "grc", Replay: replay, Now: now})
		for _, i := range items {
			if i.Header != nil {
				continue
			}
			r := i.Record
			canonical, err := evidence.Canonical(r.Payload)
			if err != nil || string(canonical) != string(r.Payload) {
				t.Errorf("payload %q is not canonical", r.Payload)
			}
			if r.EventTime.After(r.CollectedAt) || r.CollectedAt.After(now) {
				t.Errorf("event %s, collected %s, now %s", r.EventTime, r.CollectedAt, now)
			}
			if _, ok := cat.Kind(r.Kind); !ok || r.Key == "" || r.Subject.ID == "" {
				t.Errorf("record %+v", r)
			}
		}
	})
}
