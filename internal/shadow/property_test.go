package shadow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// use draws a record that shows the use of AI.
func use(t *rapid.T) evidence.Evidence {
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	provider := pick("provider", "openai", "anthropic", "cohere", "pytorch", "northlight")
	n := pick("n", "1", "2", "3")
	at := now.AddDate(0, 0, -rapid.IntRange(1, 200).Draw(t, "days")).Format(time.RFC3339)
	switch pick("kind", "code", "key", "usage", "resource", "seat", "oauth", "proxy", "workload", "secret", "audit") {
	case "code":
		return usage(pick("owner", "o", "O")+"/r"+n, pick("path", "a.py", "src/b.py", "services/x/c.py"), provider, pick("scope", "product", "ci", "development", "infrastructure"))
	case "key":
		return key(provider, pick("project", "", "p1", "p2"), "k"+n)
	case "usage":
		return rec("vendors", "vendor.usage", provider+n+at, fmt.Sprintf(`{"vendor":%q,"project_or_workspace":"p%s","day":%q,"requests":5}`, provider, n, at[:10]))
	case "resource":
		return rec("aws", "cloud.ai_resource_inventory", "arn:"+n, fmt.Sprintf(`{"provider":"aws","service":"sagemaker","resource_type":"endpoint","resource_id":"arn:%s","name":"e%s","created_at":%q,"owner_tag":"t%s"}`, n, n, at, n))
	case "seat":
		return rec("github", "github.copilot_seat", "seat"+n, fmt.Sprintf(`{"organization":"o","user":"u%s","last_activity_at":%q}`, n, at))
	case "oauth":
		return rec("ws", "shadow_ai.sighting", "oauth|"+provider+n, fmt.Sprintf(`{"channel":"oauth","provider":%q,"place":"app%s","actors":%s,"first_seen":%q}`, provider, n, n, at))
	case "proxy":
		return rec("px", "shadow_ai.activity", "proxy|"+provider+n+at, fmt.Sprintf(`{"channel":"proxy","provider":%q,"place":"net%s","rules":["x/hosts"],"requests":9,"first_seen":%q,"last_seen":%q}`, provider, n, at, at))
	case "workload":
		return rec("k8s", "shadow_ai.sighting", "w|"+provider+n, fmt.Sprintf(`{"channel":"workload","provider":%q,"place":"ns/w%s","account":"c1"}`, provider, n))
	case "secret":
		return rec("github", "github.secret_name", "s"+n, fmt.Sprintf(`{"repo":"o/r%s","name":"OPENAI_API_KEY","scope":"repository"}`, n))
	}
	return rec("aws", "cloud.audit_event", "ev"+n+at, fmt.Sprintf(`{"provider":"aws","event_id":"ev%s","event_name":"InvokeModel","event_source":"bedrock.amazonaws.com","principal":"role%s","account":"1","event_time":%q}`, n, n, at))
}

// uses draws records, one for each key.
func uses(t *rapid.T, name string) []evidence.Evidence {
	byKey := map[string]evidence.Evidence{}
	for range rapid.IntRange(0, 12).Draw(t, name) {
		ev := use(t)
		byKey[ev.Kind+ev.Key] = ev
	}
	var out []evidence.Evidence
	for _, ev := range byKey {
		out = append(out, ev)
	}
	slices.SortFunc(out, func(a, b evidence.Evidence) int {
		return slices.Compare([]string{a.Kind, a.Key}, []string{b.Kind, b.Key})
	})
	return out
}

func entries(t *rapid.T) []evidence.Evidence {
	var out []evidence.Evidence
	for i := range rapid.IntRange(0, 3).Draw(t, "systems") {
		more := rapid.SampledFrom([]string{`,"repos":["o/r1"]`, `,"vendors":["openai"]`, `,"cloud_refs":["e*"]`, `,"callers":["p1","net1"]`, `,"repos":["o/r2"],"vendors":["anthropic"]`,
			`,"repos":["o/r3"],"retired_at":"2026-01-01T00:00:00Z"`}).Draw(t, "binds")
		out = append(out, registered(fmt.Sprintf("s%d", i), more))
	}
	return out
}

func decisions(t *rapid.T, cases []shadow.Case) []people.CaseDecision {
	var out []people.CaseDecision
	for i, c := range cases {
		what := rapid.SampledFrom([]string{"", people.CaseAccepted, people.CaseBlocked, people.CaseFalsePositive, people.CaseTaken}).Draw(t, "decision")
		if what == "" {
			continue
		}
		d := decision(c, what)
		d.ID = fmt.Sprintf("SD-%d", i)
		if rapid.Bool().Draw(t, "decided on less") {
			d.Items = nil
		}
		out = append(out, d)
	}
	return out
}

func text(t rapid.TB, res shadow.Result) string {
	t.Helper()
	raw, err := json.Marshal(struct {
		C []shadow.Case
		S [][]shadow.Signal
		V shadow.Coverage
	}{res.Cases, signalsOf(res), res.Coverage})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func signalsOf(res shadow.Result) (out [][]shadow.Signal) {
	for _, c := range res.Cases {
		out = append(out, c.Signals)
	}
	return out
}

func byID(res shadow.Result) map[string]shadow.Case {
	out := map[string]shadow.Case{}
	for _, c := range res.Cases {
		out[c.ID] = c
	}
	return out
}

// check runs a property with signatures that are loaded once.
func check(t *testing.T, f func(*rapid.T, func(shadow.Input, ...evidence.Evidence) shadow.Result)) {
	t.Helper()
	set := signs(t)
	rapid.Check(t, func(rt *rapid.T) {
		f(rt, func(in shadow.Input, list ...evidence.Evidence) shadow.Result {
			in.Evidence, in.Signs = of(list), set
			if in.Now.IsZero() {
				in.Now = now
			}
			res, err := shadow.Reconcile(in)
			if err != nil {
				rt.Fatal(err)
			}
			return res
		})
	})
}

// TestOrder: the order in which records, runs and decisions come does not
// matter, and the same input gives the same result.
func TestOrder(t *testing.T) {
	check(t, func(t *rapid.T, run func(shadow.Input, ...evidence.Evidence) shadow.Result) {
		list := append(uses(t, "uses"), entries(t)...)
		in := shadow.Input{Decisions: decisions(t, run(shadow.Input{}, list...).Cases)}
		for i := range rapid.IntRange(0, 3).Draw(t, "runs") {
			in.Runs = append(in.Runs, evidence.Run{ID: fmt.Sprint(i), Status: evidence.RunComplete, FinishedAt: now.Add(-time.Duration(i) * time.Hour),
				Provenance: evidence.Provenance{Source: "vendors"}, Kinds: map[string]evidence.KindRead{"vendor.usage": {Coverage: "complete"}}})
		}
		want := text(t, run(in, list...))
		other := shadow.Input{Runs: slices.Clone(in.Runs), Decisions: slices.Clone(in.Decisions)}
		slices.Reverse(other.Runs)
		slices.Reverse(other.Decisions)
		if got := text(t, run(other, rapid.Permutation(list).Draw(t, "order")...)); got != want {
			t.Fatalf("another order, another result:\n%s\n%s", got, want)
		}
	})
}

// TestMoreEvidence: what shows more use takes no case away and changes no id.
func TestMoreEvidence(t *testing.T) {
	check(t, func(t *rapid.T, run func(shadow.Input, ...evidence.Evidence) shadow.Result) {
		reg, some := entries(t), uses(t, "uses")
		more := slices.DeleteFunc(uses(t, "more"), func(ev evidence.Evidence) bool {
			return slices.ContainsFunc(some, func(have evidence.Evidence) bool { return have.Kind == ev.Kind && have.Key == ev.Key })
		})
		after := byID(run(shadow.Input{}, slices.Concat(reg, some, more)...))
		for _, c := range run(shadow.Input{}, slices.Concat(reg, some)...).Cases {
			if _, there := after[c.ID]; !there {
				t.Fatalf("%s is no case any more", c.Title)
			}
		}
	})
}

// TestOwnEntry: an entry of the register clears what it names, and nothing
// else.
func TestOwnEntry(t *testing.T) {
	check(t, func(t *rapid.T, run func(shadow.Input, ...evidence.Evidence) shadow.Result) {
		list := append(uses(t, "uses"), entries(t)...)
		before := byID(run(shadow.Input{}, list...))
		own := rapid.SampledFrom([][2]string{{shadow.Repository, "o/r1"}, {shadow.CloudResource, "arn:2"}, {shadow.Workload, "ns/w1"}, {shadow.Network, "net2"}}).Draw(t, "own")
		entry := registered("zz", fmt.Sprintf(`,"repos":[%q],"callers":[%q],"cloud_refs":[%q],"vendors":["openai","anthropic","cohere","northlight"]`, own[1], own[1], own[1]))
		if own[0] != shadow.Repository {
			entry = registered("zz", fmt.Sprintf(`,"callers":[%q]`, own[1]))
		}
		for id, c := range byID(run(shadow.Input{}, append(list, entry)...)) {
			was := before[id]
			mine := c.PlaceType == own[0] && strings.EqualFold(c.Ref, own[1])
			weak := c.PlaceType == shadow.People || c.PlaceType == shadow.Development || c.PlaceType == shadow.VendorProject || c.PlaceType == shadow.Network
			switch {
			case mine && c.Status != shadow.Registered:
				t.Fatalf("%s is %s: %s", c.Title, c.Status, c.Unexplained)
			case !mine && c.Status != was.Status && (own[0] != shadow.Repository || !weak):
				t.Fatalf("%s was %s and is %s, by an entry for %v", c.Title, was.Status, c.Status, own)
			case !mine && c.Status != was.Status && !shadow.Weak(c.Basis):
				t.Fatalf("%s is accounted for by %s, by an entry for %v", c.Title, c.Basis, own)
			}
		}
	})
}

// TestQuiet: a source that is quiet, failed or was read in part makes nothing
// gone, however long ago it saw something.
func TestQuiet(t *testing.T) {
	check(t, func(t *rapid.T, run func(shadow.Input, ...evidence.Evidence) shadow.Result) {
		list := uses(t, "uses")
		in := shadow.Input{Earlier: run(shadow.Input{Now: now.AddDate(0, 0, -201)}, list...).Cases}
		for i, status := range []evidence.RunStatus{evidence.RunPartial, evidence.RunFailed, evidence.RunComplete} {
			r := evidence.Run{ID: fmt.Sprint(i), Status: status, FinishedAt: now.Add(-time.Hour), Kinds: map[string]evidence.KindRead{}}
			r.Provenance.Source = rapid.SampledFrom([]string{"vendors", "aws", "px", "github", "ws"}).Draw(t, "source")
			for _, kind := range shadow.Kinds() {
				r.Kinds[kind] = evidence.KindRead{Coverage: map[evidence.RunStatus]string{evidence.RunPartial: "partial", evidence.RunFailed: "complete"}[status]}
			}
			in.Runs = append(in.Runs, r)
		}
		for _, c := range run(in, list...).Cases {
			if c.Status == shadow.Gone {
				t.Fatalf("%s is gone", c.Title)
			}
		}
	})
}

// TestAgain: what is on record stays as it is when nothing happened.
func TestAgain(t *testing.T) {
	check(t, func(t *rapid.T, run func(shadow.Input, ...evidence.Evidence) shadow.Result) {
		list := append(uses(t, "uses"), entries(t)...)
		in := shadow.Input{Decisions: decisions(t, run(shadow.Input{}, list...).Cases)}
		first := run(in, list...)
		in.Earlier = first.Cases
		if second := run(in, list...); text(t, second) != text(t, first) {
			t.Fatalf("the second time:\n%s\n%s", text(t, second), text(t, first))
		}
		in.Now = now.Add(time.Hour)
		for id, c := range byID(run(in, list...)) {
			if was := byID(first)[id]; c.TriageDue != was.TriageDue || c.Status != was.Status || c.Reopened != was.Reopened {
				t.Fatalf("an hour later %s is %s until %s, %s; it was %s until %s, %s", c.Title, c.Status, c.TriageDue, c.Reopened, was.Status, was.TriageDue, was.Reopened)
			}
		}
		in.Now = now
		for i := range list { // everything is gone, and then there again
			if list[i].Kind != "inventory.ai_system" {
				list[i].GoneAt = now.Add(-time.Minute)
			}
		}
		gone := run(in, list...)
		for _, c := range gone.Cases {
			if c.Status != shadow.Gone || c.FirstSeen != byID(first)[c.ID].FirstSeen {
				t.Fatalf("%s is %s, first seen %s", c.Title, c.Status, c.FirstSeen)
			}
		}
		in.Earlier = gone.Cases
		if again := run(in, list...); text(t, again) != text(t, gone) {
			t.Fatalf("gone, the second time:\n%s\n%s", text(t, again), text(t, gone))
		}
	})
}
