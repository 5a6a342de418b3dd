package shadow_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

// ran is a run of a source that ended some hours ago.
func ran(source, connector string, hours int, status evidence.RunStatus, coverage string, kinds ...string) evidence.Run {
	r := evidence.Run{ID: source, Status: status, FinishedAt: now.Add(-time.Duration(hours) * time.Hour), Kinds: map[string]evidence.KindRead{}}
	r.Provenance.Source, r.Provenance.Connector = source, connector
	for _, k := range kinds {
		r.Kinds[k] = evidence.KindRead{Coverage: coverage}
	}
	return r
}

// TestCoverage: which channels are looked at, and what was missed and why.
func TestCoverage(t *testing.T) {
	repo := func(name, pushed string) evidence.Evidence {
		return rec("github", "github.repository", name, `{"repo":"o/`+name+`","name":"`+name+`","id":1,"pushed_at":"`+pushed+`"}`)
	}
	scan := func(name, at string) evidence.Evidence {
		return rec("github", "code.scan_run", name, `{"repo":"o/`+name+`","finished_at":"`+at+`"}`)
	}
	github := ran("github", "github", 1, evidence.RunPartial, "partial", "code.scan_run", "github.repository")
	github.Gaps = []evidence.Gap{{Kinds: []string{"code.scan_run"}, Scope: "o/denied", Reason: "denied", Detail: "403"}}
	in := shadow.Input{Runs: []evidence.Run{github,
		ran("vendors", "openai", 1, evidence.RunComplete, "complete", "vendor.usage"),
		ran("aws", "aws", 100, evidence.RunComplete, "complete", "cloud.ai_resource_inventory"),
		ran("okta", "okta", 2, evidence.RunFailed, "", "shadow_ai.sighting"),
		ran("grc", "documents", 2, evidence.RunComplete, "complete", "risk.assessment"),
		ran("shadow", "shadow", 1, evidence.RunComplete, "complete", "shadow_ai.finding")}}
	c := reconcile(t, in, repo("same", "2026-01-01T00:00:00Z"), scan("same", "2026-02-01T00:00:00Z"),
		repo("pushed", "2026-11-01T00:00:00Z"), scan("pushed", "2026-10-01T00:00:00Z"), // to another branch: the last run looked again
		repo("denied", "2026-11-01T00:00:00Z"), repo("never", "2026-11-01T00:00:00Z"),
		rec("github", "github.repository", "old", `{"repo":"o/old","name":"old","id":2,"archived":true}`),
		rec("vendors", "vendor.usage", "u", `{"vendor":"openai","day":"2026-11-20","requests":0}`),
		rec("aws", "cloud.ai_resource_inventory", "r", `{"provider":"aws","account":"1","resource_type":"x","resource_id":"r"}`),
		rec("register", "vendor.record", "v", `{"vendor_id":"acme","legal_name":"Anthropic PBC"}`)).Coverage
	var got []string
	for _, ch := range c.Channels {
		got = append(got, ch.Channel+" "+ch.State)
	}
	if s := strings.Join(got, ", "); s != "code partial, cloud silent, vendor reporting, apps never configured, sso failing, dns/proxy never configured, workloads never configured, expenses never configured" {
		t.Error(s)
	}
	for _, tt := range []struct {
		share shadow.Share
		want  string
	}{
		{c.Repositories, "2 of 4: o/denied (denied: 403), o/never (its code was never scanned)"},
		{c.Accounts, "0 of 1: aws 1 (source aws was last read on 2026-11-25)"},
		{c.Vendors, "1 of 2: acme (no source reads it)"},
	} {
		var missed []string
		for _, m := range tt.share.Missed {
			missed = append(missed, m.Name+" ("+m.Reason+")")
		}
		if s := strings.Join(missed, ", "); tt.want != fmt.Sprintf("%d of %d: %s", tt.share.LookedAt, tt.share.Known, s) {
			t.Errorf("%d of %d: %s; want %s", tt.share.LookedAt, tt.share.Known, s, tt.want)
		}
	}
	if c.Archived != 1 || c.Denominator != 7 || c.Covered != 3 || c.Percent != 42.8 {
		t.Errorf("%d archived, %d of %d, %v %%", c.Archived, c.Covered, c.Denominator, c.Percent)
	}
	in.Runs[0].FinishedAt = now.AddDate(0, -1, 0) // before the push
	if c = reconcile(t, in, repo("pushed", "2026-11-01T00:00:00Z"), scan("pushed", "2026-10-01T00:00:00Z")).Coverage; c.Covered != 0 || c.Repositories.Missed[0].Reason != "pushed to since it was scanned on 2026-10-01" {
		t.Errorf("%+v", c.Repositories)
	}
}
