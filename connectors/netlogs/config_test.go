package netlogs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Every problem of the settings is named at once.
func TestSettingsThatAreWrong(t *testing.T) {
	_, err := parseConfig(connector.Config{Secrets: map[string]string{secretSalt: "short"}, Settings: json.RawMessage(`{"people": "name", "silent_after": "soon",
		"groups": [{"name": "x", "networks": ["10.0.0.0/99", "home"]}],
		"logs": [
			{"name": "a", "paths": ["relative/*.log", "/[", "/ok"], "format": "csv", "time_zone": "Mars/Olympus"},
			{"name": "a", "paths": ["/x"], "format": "nonsense"},
			{"name": "c", "paths": ["/x"], "format": "logformat", "logformat": "%ts %>a"},
			{"name": "d", "paths": ["/x"], "format": "logformat", "logformat": "%ru%ts"},
			{"name": "e", "paths": ["/x"], "format": "json", "channel": "dns", "columns": {"time": "t", "colour": "c"}}
		]}`)})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"silent_after", "secret salt", "names_allowed_by", `"10.0.0.0/99"`, `"home"`, `paths[0] "relative/*.log"`, `paths[1] "/["`, "time_zone",
		"format csv: say in channel", "format csv: columns has to name time", "the name stands twice", `format "nonsense"`, "no code says the host",
		"nothing stands between two codes", `"colour" is nothing that is read`, "format json: columns has to name time",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not named in\n%v", want, err)
		}
	}
	if _, err := parseConfig(connector.Config{Settings: json.RawMessage(`{"people": "pseudonym", "logs": [{"name": "a", "paths": ["/x"]}]}`)}); err == nil || !strings.Contains(err.Error(), "needs the secret salt") {
		t.Errorf("pseudonyms without a salt: %v", err)
	}
}

// Every form of the schema is known, and the other way round.
func TestFormsOfTheSchema(t *testing.T) {
	var schema struct {
		Properties struct {
			Logs struct {
				Items struct {
					Properties struct {
						Format  struct{ Enum []string }
						Columns struct {
							PropertyNames struct{ Enum []string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(configSchema, &schema); err != nil {
		t.Fatal(err)
	}
	p := schema.Properties.Logs.Items.Properties
	if a, b := strings.Join(sortedKeys(set(p.Format.Enum)), " "), strings.Join(sortedKeys(set(formatNames())), " "); a != b {
		t.Errorf("schema %s\nknown %s", a, b)
	}
	if a, b := strings.Join(sortedKeys(set(p.Columns.PropertyNames.Enum)), " "), strings.Join(sortedKeys(roleNames), " "); a != b {
		t.Errorf("schema %s\nknown %s", a, b)
	}
}

func set(all []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range all {
		out[s] = true
	}
	return out
}

// What doctor is told: what each log is taken for, and what cannot be read.
func TestCheck(t *testing.T) {
	f := newFolder(t)
	now := time.Now()
	f.add("access.log", squidLine(now, "10.0.0.1", "CONNECT", "api.openai.com:443"))
	f.add("q.log", dnsmasqLine(now, "10.0.0.1", "www.example.org"))
	f.add("prose.log", "Dear all,\n")
	f.add("shut/x.log", "x\n")
	c := &Connector{signatures: loaded}
	report, err := c.Check(t.Context(), f.config(map[string]any{"logs": []any{f.log("proxy", "access.log"), f.log("names", "q.log"), f.log("prose", "prose.log"), f.log("gone", "gone.log")}}))
	f.check(err)
	scope := strings.Join(report.Scope, "; ")
	if scope != "log proxy: 1 files, squid (told by its lines); log names: 1 files, dnsmasq (told by its lines)" || report.Problem != "" || report.Permissions[0].Grant != connector.Granted {
		t.Errorf("%q %+v", scope, report)
	}
	for _, want := range []string{"prose.log", "gone.log"} {
		if !strings.Contains(report.Permissions[0].Detail, want) {
			t.Errorf("%s is not named: %s", want, report.Permissions[0].Detail)
		}
	}
	report, err = c.Check(t.Context(), f.config(map[string]any{"logs": []any{map[string]any{"name": "x", "paths": []string{f.path("access.log")}, "format": "unbound"}}}))
	f.check(err)
	if !strings.Contains(report.Problem, "none of its first lines is a request in the format unbound") {
		t.Errorf("%+v", report)
	}
}

// A log that the agent may not read is a gap that names the right.
func TestDenied(t *testing.T) {
	err := &unread{&os.PathError{Op: "open", Path: "/x", Err: os.ErrPermission}}
	if err.Reason() != connector.Denied {
		t.Error(err.Reason())
	}
	if os.Geteuid() == 0 { // root reads everything
		return
	}
	f := newFolder(t)
	f.add("a.log", "x\n")
	f.check(os.Chmod(f.path("a.log"), 0))
	rec, cov := collect(t, f.config(map[string]any{"logs": []any{f.log("a", "a.log")}}), nil)
	if g := rec.Gaps(); len(g) != 1 || g[0].Reason != connector.Denied || g[0].Permission != permRead || cov.Status != connector.Refused {
		t.Errorf("%v %+v", g, cov)
	}
}

// Large files are read in stretches: the same comes out.
func TestStretches(t *testing.T) {
	f := newFolder(t)
	now := time.Now().Add(-time.Hour)
	var b strings.Builder
	for i := range 40_000 {
		b.WriteString(squidLine(now.Add(-time.Duration(i%3600)*time.Second), fmt.Sprintf("10.0.0.%d", i%200), "CONNECT", []string{"api.openai.com:443", "www.example.org:443"}[i%2]))
	}
	f.add("access.log", b.String())
	l := &logConfig{Name: "x", Format: "squid", Paths: []string{f.path("access.log")}, zone: time.UTC}
	size := int64(b.Len())
	form, _ := formatOf("squid")
	r := &run{cfg: &config{Logs: []*logConfig{l}, GroupBy: byNetwork, People: peopleCount, MaxActors: 2000, MaxLine: 1 << 20}, table: newTable(signatures(t).All(), nil),
		mem: &memory{}, set: signatures(t), now: time.Now(), key: []byte("k"), touched: map[key]map[string]bool{}}
	r.cfg.Logs[0].Paths = []string{filepath.Join(f.dir, "access.log")}
	sum := func(cuts ...int64) string {
		j := &job{found: found{path: f.path("access.log"), size: size, time: now}, note: &fileNote{sums: map[key]*sum{}}, format: form}
		from := int64(0)
		var end int64
		for i := 0; i <= len(cuts); i++ {
			s := stretch{job: j, from: from, to: -1, first: i == 0, last: i == len(cuts)}
			if i < len(cuts) {
				s.to = cuts[i]
			}
			rd, res := r.stretch(t.Context(), s, newActors(r.cfg, r.key, r.set))
			if res.err != nil {
				t.Fatal(res.err)
			}
			r.merge(s, rd)
			from, end = s.to, max(end, res.end)
		}
		out := []string{fmt.Sprint(end, j.note.Counts.Lines, j.note.Counts.Bad)}
		for k, s := range j.note.sums {
			out = append(out, fmt.Sprint(k.day, s.Queries, len(s.Actors)))
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	want := sum()
	for _, cuts := range [][]int64{{1}, {77, 78, 79}, {size / 2}, {size / 3, size / 3 * 2}, {size - 1}, {100, 200, 201, 202, 203, 5000}} {
		if got := sum(cuts...); got != want {
			t.Errorf("cut at %v: %s, want %s", cuts, got, want)
		}
	}
}
