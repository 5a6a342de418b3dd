package shadow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func status(c shadow.Case) string { return c.Status + strings.TrimSuffix(": "+c.Reopened, ": ") }

// decided is a decision as the command makes it.
func decided(c shadow.Case, what string) people.CaseDecision {
	d := decision(c, what)
	d.Content, d.Items = c.DecidedOn(what)
	return d
}

// TestFalsePositiveGrows: that something was no use of AI, by what was shown
// then, says nothing of what shows more, or in another way.
func TestFalsePositiveGrows(t *testing.T) {
	look := rec("dns", "shadow_ai.activity", "d", `{"channel":"dns","provider":"openai","place":"office","rules":["openai/web"],"first_seen":"2026-11-01T00:00:00Z","last_seen":"2026-11-20T00:00:00Z"}`)
	asked := rec("px", "shadow_ai.activity", "p", `{"channel":"proxy","provider":"openai","place":"office","rules":["openai/web"],"first_seen":"2026-11-01T00:00:00Z","last_seen":"2026-11-20T00:00:00Z"}`)
	grant := rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app"}`)
	paid := rec("cards", "shadow_ai.activity", "e", `{"channel":"expense","provider":"openai","place":"cc1","first_seen":"2026-11-01T00:00:00Z","last_seen":"2026-11-20T00:00:00Z"}`)
	for name, tt := range map[string]struct {
		on, more []evidence.Evidence
		what     string
		want     string
	}{
		"as it was":             {[]evidence.Evidence{look}, nil, people.CaseFalsePositive, "false_positive"},
		"names, then requests":  {[]evidence.Evidence{look}, []evidence.Evidence{asked}, people.CaseFalsePositive, "new: what was seen as unresolved is inferred now"},
		"names, then a grant":   {[]evidence.Evidence{look}, []evidence.Evidence{grant}, people.CaseFalsePositive, "new: what was seen as unresolved is declared now"},
		"a grant, then payment": {[]evidence.Evidence{grant}, []evidence.Evidence{paid}, people.CaseFalsePositive, "new: since it was decided on, there is also a sign of another kind, shadow_ai.activity"},
		"requests, then names":  {[]evidence.Evidence{asked}, []evidence.Evidence{look}, people.CaseFalsePositive, "false_positive"},
		"accepted is accepted":  {[]evidence.Evidence{look}, []evidence.Evidence{grant}, people.CaseAccepted, "accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			first := only(t, reconcile(t, shadow.Input{}, tt.on...))
			in := shadow.Input{Decisions: []people.CaseDecision{decided(first, tt.what)}, Earlier: []shadow.Case{first}}
			c := only(t, reconcile(t, in, append(tt.on, tt.more...)...))
			if got := status(c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			in.Earlier = []shadow.Case{c}
			if again := only(t, reconcile(t, in, append(tt.on, tt.more...)...)); status(again) != status(c) || again.TriageDue != c.TriageDue {
				t.Errorf("the second time %s until %s", status(again), again.TriageDue)
			}
		})
	}
}

// TestBack: what was blocked, went, and is there again is open, until somebody
// decides anew; and what a system accounted for says so when it does no more.
func TestBack(t *testing.T) {
	code := usage("o/r", "src/a.py", "openai", "product")
	removed := code
	removed.GoneAt = now.Add(-48 * time.Hour)
	first := only(t, reconcile(t, shadow.Input{}, code))
	in := shadow.Input{Decisions: []people.CaseDecision{decided(first, people.CaseBlocked)}}
	for _, step := range []struct {
		what string
		list []evidence.Evidence
		want string
	}{
		{"blocked", []evidence.Evidence{code}, "blocked"},
		{"removed", []evidence.Evidence{removed}, "gone"},
		{"there again", []evidence.Evidence{code}, "new: it was gone after it was blocked, and is there again"},
		{"and still", []evidence.Evidence{code}, "new: it was gone after it was blocked, and is there again"},
	} {
		c := only(t, reconcile(t, in, step.list...))
		if got := status(c); got != step.want {
			t.Errorf("%s: got %s, want %s", step.what, got, step.want)
		}
		in.Earlier = []shadow.Case{c}
	}
	anew := decided(in.Earlier[0], people.CaseBlocked)
	anew.ID, anew.DecidedAt.Time = "SD-2", now.Add(-time.Hour)
	in.Decisions = append(in.Decisions, anew)
	if c := only(t, reconcile(t, in, code)); status(c) != "blocked" {
		t.Errorf("blocked anew it is %s", status(c))
	}

	old := usage("o/r", "src/a.py", "openai", "product")
	old.Payload = []byte(strings.Replace(string(old.Payload), "2026-11-01", "2024-11-01", 1))
	was := only(t, reconcile(t, shadow.Input{}, old, registered("s", `,"repos":["o/r"],"vendors":["openai"]`)))
	c := only(t, reconcile(t, shadow.Input{Earlier: []shadow.Case{was}}, old, registered("s", `,"repos":["o/r"],"vendors":["openai"],"retired_at":"2026-11-28"`)))
	if want := "new: s accounted for it, and does not any more"; status(c) != want || c.Overdue(now) {
		t.Errorf("got %s, overdue %v; want %s", status(c), c.Overdue(now), want)
	}
	taken := decided(c, people.CaseTaken)
	taken.DecidedAt.Time, taken.DueAt.Time = now.Add(-time.Hour), now.AddDate(0, 0, 9)
	in = shadow.Input{Earlier: []shadow.Case{c}, Decisions: []people.CaseDecision{taken}}
	if c := only(t, reconcile(t, in, old)); c.Status != shadow.Due || c.Overdue(now) {
		t.Errorf("taken up it is %s, overdue %v", c.Status, c.Overdue(now))
	}
}

// TestErasedInPart: what is left of a case whose evidence was erased makes it
// neither gone nor undecidable.
func TestErasedInPart(t *testing.T) {
	live, over := key("openai", "p", "k1"), key("openai", "p", "k2")
	first := only(t, reconcile(t, shadow.Input{}, live, over))
	over.GoneAt = now.Add(-time.Hour)
	live.Payload = nil
	in := shadow.Input{Earlier: []shadow.Case{first}}
	c := only(t, reconcile(t, in, live, over))
	if status(c) != "new" {
		t.Errorf("it is %s", status(c))
	}
	in.Decisions, in.Earlier = []people.CaseDecision{decided(first, people.CaseBlocked)}, []shadow.Case{c}
	if c := only(t, reconcile(t, in, live, over)); status(c) != "blocked" {
		t.Errorf("blocked, it is %s", status(c))
	}
	over.Payload, over.GoneAt = nil, time.Time{}
	if c := only(t, reconcile(t, in, live, over)); status(c) != "blocked" {
		t.Errorf("with nothing left, blocked, it is %s", status(c))
	}
}

// TestClocks: a clock that is ahead, of a source or of what it reports, hides
// nothing and puts nothing off.
func TestClocks(t *testing.T) {
	code := usage("o/r", "src/a.py", "openai", "product")
	code.Payload = []byte(strings.Replace(string(code.Payload), "2026-11-01", "2099-11-01", 1))
	if c := only(t, reconcile(t, shadow.Input{}, code)); !c.FirstSeen.Equal(code.CollectedAt) {
		t.Errorf("first seen %s", c.FirstSeen)
	}
	ahead, old := ran("vendors", "openai", -24*365, evidence.RunComplete, "complete", "vendor.usage"), ran("vendors", "openai", 24*9, evidence.RunComplete, "complete", "vendor.usage")
	old.ID = "old"
	for _, runs := range [][]evidence.Run{{ahead}, {old, ahead}} {
		cov := reconcile(t, shadow.Input{Runs: runs}, rec("vendors", "vendor.usage", "u", `{"vendor":"openai","day":"2026-11-20","requests":0}`)).Coverage
		if s := cov.Sources[0]; s.State != shadow.Silent || cov.Covered != 0 {
			t.Errorf("%d runs: %s (%s), %d looked at", len(runs), s.State, s.Detail, cov.Covered)
		}
	}
}

// TestScansThatAge: code counts as looked at only while its source still looks.
func TestScansThatAge(t *testing.T) {
	repo := rec("github", "github.repository", "a", `{"repo":"o/app","name":"app","id":1,"pushed_at":"2026-01-01T00:00:00Z"}`)
	scan := func(at string) evidence.Evidence {
		return rec("github", "code.scan_run", "a", `{"repo":"o/app","finished_at":"`+at+`"}`)
	}
	both := []string{"code.scan_run", "github.repository"}
	denied := ran("github", "github", 1, evidence.RunPartial, "partial", both...)
	denied.Gaps = []evidence.Gap{{Kinds: []string{"code.scan_run"}, Scope: "o/app", Reason: "denied", Detail: "403"}}
	other := ran("github", "github", 1, evidence.RunPartial, "partial", both...)
	other.Gaps = []evidence.Gap{{Kinds: []string{"code.scan_run"}, Scope: "o/app-two", Reason: "denied", Detail: "403"}}
	failed := ran("github", "github", 1, evidence.RunFailed, "", both...)
	for name, tt := range map[string]struct {
		run  evidence.Run
		scan string
		want string // empty: looked at
	}{
		"unchanged, looked at an hour ago": {ran("github", "github", 1, evidence.RunComplete, "complete", both...), "2026-10-20T00:00:00Z", ""},
		"looked at 40 days ago":            {ran("github", "github", 24*40, evidence.RunComplete, "complete", both...), "2026-10-20T00:00:00Z", "source github was last read on 2026-10-20"},
		"dated in the future":              {ran("github", "github", 24*40, evidence.RunComplete, "complete", both...), "2099-10-20T00:00:00Z", ""}, // collected yesterday
		"the source fails now":             {failed, "2026-10-20T00:00:00Z", "source github failed since it was scanned on 2026-10-20"},
		"scans were switched off":          {ran("github", "github", 1, evidence.RunComplete, "complete", "github.repository"), "2026-10-20T00:00:00Z", "source github scans no code any more; it was scanned on 2026-10-20"},
		"denied now":                       {denied, "2026-10-20T00:00:00Z", "denied: 403"},
		"a longer name is denied":          {other, "2026-10-20T00:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := reconcile(t, shadow.Input{Runs: []evidence.Run{tt.run}}, repo, scan(tt.scan)).Coverage.Repositories
			got := ""
			if len(r.Missed) > 0 {
				got = r.Missed[0].Reason
			}
			if got != tt.want || r.LookedAt != 1-len(r.Missed) {
				t.Errorf("got %q, %d looked at; want %q", got, r.LookedAt, tt.want)
			}
		})
	}
}

// TestMixedChannel: a source that reports covers up for none that does not.
func TestMixedChannel(t *testing.T) {
	in := shadow.Input{Runs: []evidence.Run{ran("one", "import", 1, evidence.RunComplete, "complete", "github.sbom"),
		ran("two", "github", 1, evidence.RunFailed, "", "code.scan_run")}}
	in.Runs[1].Kinds["code.scan_run"] = evidence.KindRead{Coverage: "partial"}
	if c := reconcile(t, in).Coverage.Channels[0]; c.State != shadow.Partial {
		t.Errorf("%s is %s", c.Channel, c.State)
	}
	in.Runs = []evidence.Run{ran("two", "github", 1, evidence.RunFailed, "", "code.scan_run")}
	if c := reconcile(t, in).Coverage; c.Channels[0].State != shadow.Failing || c.LookedAt() {
		t.Errorf("alone, and failing: %s is %s", c.Channels[0].Channel, c.Channels[0].State)
	}
}

// TestBroadEntries: an entry of the register swallows nothing that it does not
// name.
func TestBroadEntries(t *testing.T) {
	res := rec("aws", "cloud.ai_resource_inventory", "arn:aws:sagemaker:eu-west-1:42:endpoint/x",
		`{"provider":"aws","service":"sagemaker","resource_type":"endpoint","resource_id":"arn:aws:sagemaker:eu-west-1:42:endpoint/x","name":"xylo"}`)
	azure := usage("o/r", "main.tf", "azure-openai", "infrastructure")
	google := rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app"}`)
	for name, tt := range map[string]struct {
		list []evidence.Evidence
		want string
	}{
		"arn:*":                {[]evidence.Evidence{res, registered("s", `,"cloud_refs":["arn:*"]`)}, "new"},
		"arn:aws:sagemaker:*":  {[]evidence.Evidence{res, registered("s", `,"cloud_refs":["arn:aws:sagemaker:*"]`)}, "new"},
		"a letter":             {[]evidence.Evidence{res, registered("s", `,"callers":["x*"]`)}, "new"},
		"an account":           {[]evidence.Evidence{res, registered("s", `,"cloud_refs":["arn:aws:sagemaker:eu-west-1:42:*"]`)}, "registered"},
		"a name's beginning":   {[]evidence.Evidence{res, registered("s", `,"cloud_refs":["xyl*"]`)}, "registered"},
		"another cloud":        {[]evidence.Evidence{azure, registered("s", `,"repos":["o/r"],"cloud_refs":["arn:aws:sagemaker:eu-west-1:42:endpoint/x"]`)}, "new"},
		"its cloud":            {[]evidence.Evidence{azure, registered("s", `,"repos":["o/r"],"cloud_refs":["/subscriptions/1/resourceGroups/a"]`)}, "registered"},
		"a cloud nobody knows": {[]evidence.Evidence{azure, registered("s", `,"repos":["o/r"],"cloud_refs":["chat-*"]`)}, "registered"},
		"a":                    {[]evidence.Evidence{google, registered("s", `,"vendors":["a"]`)}, "new"},
		"AI":                   {[]evidence.Evidence{google, registered("s", `,"vendors":["AI"]`)}, "new"},
		"Inc":                  {[]evidence.Evidence{google, rec("register", "vendor.record", "i", `{"vendor_id":"i","legal_name":"Inc."}`), registered("s", `,"vendors":["i"]`)}, "new"},
	} {
		if c := only(t, reconcile(t, shadow.Input{}, tt.list...)); c.Status != tt.want {
			t.Errorf("%s: %s by %s %s", name, c.Status, c.Basis, c.Unexplained)
		}
	}
}

// TestManyParts: however many parts a repository has, another vendor in it is
// seen.
func TestManyParts(t *testing.T) {
	var list []evidence.Evidence
	for i := range 300 {
		list = append(list, usage("o/r", fmt.Sprintf("part%03d/a.py", i), "openai", "product"))
	}
	first := only(t, reconcile(t, shadow.Input{}, list...))
	in := shadow.Input{Decisions: []people.CaseDecision{decided(first, people.CaseAccepted)}}
	list = append(list, usage("o/r", "part000/b.py", "zhipu", "product"))
	if c := only(t, reconcile(t, in, list...)); c.Status != shadow.New {
		t.Errorf("it is %s", status(c))
	}
}

// TestLeftOut: what a source was set not to look at any more is not gone, and
// was not looked at.
func TestLeftOut(t *testing.T) {
	run := func(id string, hours int, query string) evidence.Run {
		r := ran("github", "github", hours, evidence.RunComplete, "complete", "code.ai_usage", "code.scan_run")
		r.ID, r.Kinds["github.repository"] = id, evidence.KindRead{Coverage: "complete", Query: query}
		return r
	}
	before := run("a", 48, `repositories [] without []`)
	for name, tt := range map[string]struct {
		last evidence.Run
		want string
	}{
		"narrowed": {run("b", 1, `repositories [] without ["r"]`), "new, 0 of 1: left out of source github on 2026-11-29"},
		"removed":  {run("b", 1, `repositories [] without []`), "gone, 0 of 0"},
	} {
		code, repo := usage("o/r", "src/a.py", "openai", "product"), rec("github", "github.repository", "1", `{"repo":"o/r","name":"r","id":1}`)
		scan := rec("github", "code.scan_run", "s", `{"repo":"o/r","finished_at":"2026-11-28T00:00:00Z"}`)
		first := only(t, reconcile(t, shadow.Input{Runs: []evidence.Run{before}}, code, repo, scan))
		code.GoneAt, repo.GoneAt = tt.last.FinishedAt, tt.last.FinishedAt
		in := shadow.Input{Runs: []evidence.Run{tt.last, before}, Earlier: []shadow.Case{first}}
		res := reconcile(t, in, code, repo, scan)
		cov := res.Coverage.Repositories
		got := fmt.Sprintf("%s, %d of %d", only(t, res).Status, cov.LookedAt, cov.Known)
		if len(cov.Missed) > 0 {
			got += ": " + cov.Missed[0].Reason
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
