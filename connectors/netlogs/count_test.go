package netlogs

import (
	"fmt"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// What lies before the run's own limit is not on record, and coverage says from
// when on it is.
func TestSince(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Minute)
	for n := range 5 {
		f.add("a.log", squidLine(now.AddDate(0, 0, n-4), "10.0.0.5", "CONNECT", "api.openai.com:443"))
	}
	cfg := f.config(map[string]any{"logs": []any{f.log("one", "a.log")}})
	since := now.AddDate(0, 0, -2)
	rec, cov := collectAs(t, connector.Request{Config: cfg, Since: since}, nil)
	if len(rec.Records()) != 3 || !cov.Since.Equal(since) {
		t.Errorf("%d records, since %v", len(rec.Records()), cov.Since)
	}
	if rec, _ = collectAs(t, connector.Request{Config: cfg, Since: now.AddDate(0, 0, -3)}, rec); len(rec.Records()) != 4 {
		t.Errorf("%d records of a limit further back", len(rec.Records()))
	}
}

// How many requests lines are: a question and its answer are one, a name that
// was blocked on a line of its own is no further one, and two logs of the same
// channel add up.
func TestWhatIsCounted(t *testing.T) {
	now := time.Now().Add(-time.Minute)
	unboundLine := func(tail string) string {
		return fmt.Sprintf("[%d] unbound[12:0] info: 10.0.0.5 api.openai.com. A IN%s\n", now.Unix(), tail)
	}
	stamp := now.UTC().Format(time.Stamp) + " dnsmasq[12]: "
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"questions":              {map[string]string{"a": unboundLine("") + unboundLine("")}, "2 0 1"},
		"answers":                {map[string]string{"a": unboundLine(" NOERROR 0.1 0 44") + unboundLine(" REFUSED 0.1 0 44")}, "2 1 1"},
		"both":                   {map[string]string{"a": unboundLine("") + unboundLine(" REFUSED 0.1 0 44") + unboundLine("")}, "2 1 1"},
		"both, in two files":     {map[string]string{"a1": unboundLine(""), "a2": unboundLine(" NOERROR 0.1 0 44") + unboundLine(" NOERROR 0.2 0 44")}, "2 0 1"},
		"two logs":               {map[string]string{"a": unboundLine(""), "b": unboundLine(" NOERROR 0.1 0 44")}, "2 0 1"},
		"blocked on other lines": {map[string]string{"a": stamp + "query[A] api.openai.com from 10.0.0.5\n" + stamp + "config api.openai.com is 0.0.0.0\n" + stamp + "query[A] api.openai.com from 10.0.0.6\n"}, "2 1 2"},
		"blocked only":           {map[string]string{"a": stamp + "gravity blocked api.openai.com is 0.0.0.0\n" + stamp + "query[A] www.example.org from 10.0.0.6\n"}, "1 1 <nil>"},
		"answers of a host":      {map[string]string{"a": stamp + "query[A] api.openai.com from 10.0.0.5\n" + stamp + "forwarded api.openai.com to 192.0.2.1\n" + stamp + "reply api.openai.com is 0.0.0.0\n"}, "1 0 1"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			for file, text := range c.files {
				f.add(file, text)
			}
			f.add("b", "")
			rec, _ := collect(t, f.config(map[string]any{"logs": []any{f.log("one", "a*"), f.log("two", "b")}}), nil)
			if len(rec.Records()) != 1 {
				t.Fatalf("%v %v", rec.Records(), rec.Gaps())
			}
			p := connectortest.Payload(t, rec.Records()[0])
			if got := fmt.Sprint(p["requests"], " ", p["blocked"], " ", p["actors"]); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
