package shadow_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func signs(t testing.TB) *aisign.Set {
	t.Helper()
	s, err := aisign.Load()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rec is a record of a source, ten days old.
func rec(source, kind, key, payload string) evidence.Evidence {
	return evidence.Evidence{Source: source, Kind: kind, Key: key, CollectedAt: now.Add(-24 * time.Hour), Payload: json.RawMessage(payload),
		Digest: evidence.Sum([]byte(kind + key + payload))}
}

func usage(repo, path, provider, scope string) evidence.Evidence {
	return rec("github", "code.ai_usage", repo+"|"+path+"|"+provider, fmt.Sprintf(
		`{"repo":%q,"path":%q,"rule_id":"%s/packages","provider":%q,"confidence":"declared","scope":%q,"line":7,"introduced_at":"2026-11-01T00:00:00Z"}`, repo, path, provider, provider, scope))
}

func registered(id, more string) evidence.Evidence {
	return rec("register", "inventory.ai_system", id, fmt.Sprintf(`{"system_id":%q%s}`, id, more))
}

func key(vendor, project, id string) evidence.Evidence {
	return rec("vendors", "vendor.api_key_inventory", vendor+"|"+id, fmt.Sprintf(
		`{"vendor":%q,"key_id":%q,"project_or_workspace":%q,"status":"active","created_at":"2026-11-02T00:00:00Z","owner":"ann"}`, vendor, id, project))
}

func of(list []evidence.Evidence) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for _, ev := range list {
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func reconcile(t testing.TB, in shadow.Input, list ...evidence.Evidence) shadow.Result {
	t.Helper()
	in.Evidence = of(list)
	if in.Signs == nil {
		in.Signs = signs(t)
	}
	if in.Now.IsZero() {
		in.Now = now
	}
	res, err := shadow.Reconcile(in)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// only is the one case there is.
// What a workload was told by is said: it is what one looks for first.
func TestWorkloadSaysBywhat(t *testing.T) {
	c := only(t, reconcile(t, shadow.Input{}, rec("k8s", "shadow_ai.sighting", "g", `{"channel":"workload","provider":"openai","place":"ml/Deployment/chat","place_name":"chat",
		"signals":["secret openai","variable OPENAI_API_KEY","variable U holds host api.openai.com"]}`)))
	if want := "OpenAI by secret openai, variable OPENAI_API_KEY and 1 more"; c.Why != want {
		t.Errorf("why: %s, want %s", c.Why, want)
	}
}

func only(t testing.TB, res shadow.Result) shadow.Case {
	t.Helper()
	if len(res.Cases) != 1 {
		t.Fatalf("%d cases: %+v", len(res.Cases), titles(res))
	}
	return res.Cases[0]
}

func titles(res shadow.Result) (out []string) {
	for _, c := range res.Cases {
		out = append(out, c.Status+" "+c.Title)
	}
	return out
}

func decision(c shadow.Case, what string) people.CaseDecision {
	d := people.CaseDecision{ID: "SD-1", Case: c.ID, Decision: what, Reason: "because", DecidedBy: "ann", Content: c.Content, Items: c.Items, Source: people.Source}
	d.DecidedAt.Time = now.Add(-5 * 24 * time.Hour)
	if d.NeedsSecond() {
		d.ApprovedBy, d.ApprovedAt.Time = "bob", d.DecidedAt.Time
	}
	if what == people.CaseAccepted {
		d.ExpiresAt.Time = now.AddDate(0, 1, 0)
	}
	return d
}

// TestPlaces: what each kind of record makes a case of.
func TestPlaces(t *testing.T) {
	for name, tt := range map[string]struct {
		list []evidence.Evidence
		want string // status, type, title, confidence; empty: no case
	}{
		"code": {[]evidence.Evidence{usage("o/r", "requirements.txt", "openai", "product"), usage("o/r", "app/x.py", "anthropic", "ci")},
			"new repository: Anthropic, OpenAI in repository o/r (declared)"},
		"a test": {[]evidence.Evidence{usage("o/r", "test/x.py", "openai", "supporting")}, ""},
		"assistants of one vendor in two repositories": {[]evidence.Evidence{usage("o/r", "CLAUDE.md", "claude-code", "development"), usage("o/s", "CLAUDE.md", "claude-code", "development")},
			"new development: assistants that write code, of Anthropic (declared)"},
		"an open credential":            {[]evidence.Evidence{rec("gh", "code.ai_secret", "o/r|1", `{"repo":"o/r","provider":"openai","state":"open"}`)}, "new repository: OpenAI in repository o/r (declared)"},
		"a credential of somebody else": {[]evidence.Evidence{rec("gh", "code.ai_secret", "o/r|1", `{"repo":"o/r","provider":"postgres","state":"open"}`)}, ""},
		"a model":                       {[]evidence.Evidence{rec("gh", "code.model_reference", "o/r|a|b", `{"repo":"o/r","path":"a.yaml","model_ref":"gpt-4o-2024-08-06"}`)}, "new repository: OpenAI in repository o/r (inferred)"},
		"a component":                   {[]evidence.Evidence{rec("gh", "github.sbom", "1", `{"repo":"o/r","packages":[{"name":"anthropic","purl":"pkg:pypi/anthropic@0.64.0"}]}`)}, "new repository: Anthropic in repository o/r (unresolved)"},
		"a component that a scan does not find used": {[]evidence.Evidence{rec("gh", "github.sbom", "1", `{"repo":"o/r","packages":[{"name":"anthropic","purl":"pkg:pypi/anthropic@0.64.0"}]}`),
			rec("gh", "code.scan_run", "o/r|c", `{"repo":"O/R","commit_sha":"c","finished_at":"2026-11-28T00:00:00Z"}`)}, ""},
		"a name of a secret":          {[]evidence.Evidence{rec("gh", "github.secret_name", "s", `{"repo":"o/r","name":"OPENAI_API_KEY","scope":"repository"}`)}, "new repository: OpenAI in repository o/r (unresolved)"},
		"another secret":              {[]evidence.Evidence{rec("gh", "github.secret_name", "s", `{"repo":"o/r","name":"DEPLOY_TOKEN","scope":"repository"}`)}, ""},
		"a topic":                     {[]evidence.Evidence{rec("gh", "github.repository", "1", `{"repo":"o/r","name":"r","id":1,"topics":["llm"]}`)}, "new repository: AI in repository o/r (unresolved)"},
		"a topic of what is over":     {[]evidence.Evidence{rec("gh", "github.repository", "1", `{"repo":"o/r","name":"r","id":1,"topics":["llm"],"archived":true}`)}, ""},
		"a key":                       {[]evidence.Evidence{key("openai", "", "key_1")}, "new vendor_project: key key_1 at OpenAI (declared)"},
		"a key of a project":          {[]evidence.Evidence{key("openai", "proj_1", "key_1"), key("openai", "proj_1", "key_2"), rec("v", "vendor.project", "p", `{"vendor":"openai","project_id":"proj_1","name":"Lab"}`)}, "new vendor_project: project Lab at OpenAI (declared)"},
		"a project that nobody used":  {[]evidence.Evidence{rec("v", "vendor.project", "p", `{"vendor":"openai","project_id":"proj_1"}`)}, ""},
		"a revoked key":               {[]evidence.Evidence{rec("v", "vendor.api_key_inventory", "k", `{"vendor":"openai","key_id":"k","status":"revoked"}`)}, ""},
		"no calls":                    {[]evidence.Evidence{rec("v", "vendor.usage", "u", `{"vendor":"openai","day":"2026-11-20","requests":0}`)}, ""},
		"calls":                       {[]evidence.Evidence{rec("v", "vendor.usage", "u", `{"vendor":"openai","day":"2026-11-20","requests":3,"model":"gpt-4o"}`)}, "new vendor_project: project openai at OpenAI (declared)"},
		"a resource":                  {[]evidence.Evidence{rec("aws", "cloud.ai_resource_inventory", "arn:1", `{"provider":"aws","service":"sagemaker","account":"1","resource_type":"endpoint","resource_id":"arn:1","name":"sum"}`)}, "new cloud_resource: endpoint sum at Amazon Web Services (declared)"},
		"a resource that is none":     {[]evidence.Evidence{rec("aws", "cloud.ai_resource_inventory", "arn:1", `{"provider":"aws","resource_type":"audit-trail","resource_id":"arn:1"}`)}, ""},
		"an endpoint, twice seen":     {[]evidence.Evidence{rec("aws", "cloud.ai_resource_inventory", "arn:1", `{"provider":"aws","service":"sagemaker","resource_type":"endpoint","resource_id":"arn:1","name":"sum"}`), rec("sm", "model_registry.deployment", "d", `{"platform":"sagemaker","endpoint_id":"sum","arn_or_uri":"arn:1"}`)}, "new cloud_resource: endpoint sum at Amazon Web Services (declared)"},
		"an invocation":               {[]evidence.Evidence{rec("aws", "cloud.audit_event", "e", `{"provider":"aws","event_id":"e","event_name":"InvokeModel","event_source":"bedrock.amazonaws.com","principal":"arn:aws:sts::1:assumed-role/lab/s1","account":"1","event_time":"2026-11-20T00:00:00Z"}`), rec("aws", "cloud.audit_event", "f", `{"provider":"aws","event_id":"f","event_name":"InvokeModel","event_source":"bedrock.amazonaws.com","principal":"arn:aws:sts::1:assumed-role/lab/s2","account":"1","event_time":"2026-11-21T00:00:00Z"}`)}, "new cloud_resource: calls by arn:aws:sts::1:assumed-role/lab at Amazon Web Services (declared)"},
		"a catalogue of models":       {[]evidence.Evidence{rec("aws", "cloud.audit_event", "e", `{"provider":"aws","event_id":"e","event_name":"ListFoundationModels","event_source":"bedrock.amazonaws.com","account":"1"}`)}, ""},
		"seats":                       {[]evidence.Evidence{rec("gh", "github.copilot_seat", "1", `{"organization":"o","user":"a","last_activity_at":"2026-11-20T00:00:00Z"}`)}, "new development: assistants that write code, of GitHub (declared)"},
		"a seat that nobody used":     {[]evidence.Evidence{rec("gh", "github.copilot_seat", "1", `{"organization":"o","user":"a"}`)}, ""},
		"a grant":                     {[]evidence.Evidence{rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app","actors":12,"rules":["openai/oauth"]}`)}, "new people: people use OpenAI (declared)"},
		"a grant that was revoked":    {[]evidence.Evidence{rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app","status":"revoked"}`)}, ""},
		"pages":                       {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"openai","place":"office","rules":["openai/web"],"first_seen":"2026-11-20T00:00:00Z"}`)}, "new people: people use OpenAI (inferred)"},
		"pages, by a known program":   {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"openai","place":"people/office","rules":["openai/user_agents","openai/web"],"first_seen":"2026-11-20T00:00:00Z"}`)}, "new people: people use OpenAI (inferred)"},
		"a product of a large vendor": {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"azure-openai","place":"batch","rules":["azure-openai/hosts"],"first_seen":"2026-11-20T00:00:00Z"}`)}, "new network: traffic of batch to Microsoft (azure-openai) (inferred)"},
		"what an assistant costs":     {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"expense","provider":"google-gemini","place":"sales","rules":["google-gemini/merchants"],"first_seen":"2026-11-20T00:00:00Z"}`)}, "new people: people use Google (google-gemini) (inferred)"},
		"an interface":                {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"openai","place":"batch","rules":["openai/hosts"],"signals":["api.openai.com"],"first_seen":"2026-11-20T00:00:00Z"}`)}, "new network: traffic of batch to OpenAI (inferred)"},
		"all of it refused":           {[]evidence.Evidence{rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"openai","place":"batch","requests":4,"blocked":4,"first_seen":"2026-11-20T00:00:00Z"}`)}, ""},
		"a workload":                  {[]evidence.Evidence{rec("k8s", "shadow_ai.sighting", "g", `{"channel":"workload","provider":"ollama","place":"ml/ollama","account":"prod","owner_hint":"team-ml","owner_hint_from":"label"}`)}, "new workload: workload ml/ollama: Ollama (declared)"},
	} {
		t.Run(name, func(t *testing.T) {
			res := reconcile(t, shadow.Input{}, tt.list...)
			if tt.want == "" {
				if len(res.Cases) > 0 {
					t.Fatalf("cases: %v", titles(res))
				}
				return
			}
			c := only(t, res)
			if got := fmt.Sprintf("%s %s: %s (%s)", c.Status, c.PlaceType, c.Title, c.Confidence); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(c.Evidence) == 0 || c.Why == "" || c.FirstSeen.IsZero() || c.TriageDue.Sub(c.FirstSeen.Time) != 30*24*time.Hour || len(c.Signals) == 0 {
				t.Errorf("it lacks something: %+v", c)
			}
		})
	}
}

// TestAccount: what the register names clears its own, and by what.
func TestAccount(t *testing.T) {
	code := usage("o/r", "requirements.txt", "openai", "product")
	resource := rec("aws", "cloud.ai_resource_inventory", "arn:1", `{"provider":"aws","service":"sagemaker","resource_type":"endpoint","resource_id":"arn:1","name":"sum-1","tags":{"ai-system":"tagged"}}`)
	vendor := rec("register", "vendor.record", "oai", `{"vendor_id":"oai","legal_name":"OpenAI Ireland Limited"}`)
	people := rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app"}`)
	net := rec("px", "shadow_ai.activity", "g", `{"channel":"proxy","provider":"openai","place":"batch","rules":["openai/hosts"],"signals":["api.openai.com"],"first_seen":"2026-11-20T00:00:00Z"}`)
	for name, tt := range map[string]struct {
		list []evidence.Evidence
		want string
	}{
		"nobody":                    {[]evidence.Evidence{code}, "new : no registered system has the repository"},
		"by repository":             {[]evidence.Evidence{code, registered("s", `,"repositories":[{"name":"O/R"}],"vendors":["openai"]`)}, "registered s: repository"},
		"by the name of a clone":    {[]evidence.Evidence{code, registered("s", `,"repositories":[{"name":"o/r.git"}],"vendors":["openai"]`)}, "registered s: repository"},
		"by the legal name":         {[]evidence.Evidence{code, vendor, registered("s", `,"repos":["o/r"],"vendors":["oai"]`)}, "registered s: repository"},
		"by another name":           {[]evidence.Evidence{usage("o/r", "main.tf", "aws-bedrock", "infrastructure"), registered("s", `,"repos":["o/r"],"vendors":["aws"]`)}, "registered s: repository"},
		"by a model of the vendor":  {[]evidence.Evidence{code, registered("s", `,"repos":["o/r"],"models":["gpt-4o"]`)}, "registered s: repository"},
		"not for this":              {[]evidence.Evidence{code, registered("s", `,"repos":["o/r"],"vendors":["anthropic"]`)}, "new : the repository belongs to s, which names neither OpenAI among its vendors nor a model of theirs"},
		"a library is no processor": {[]evidence.Evidence{usage("o/r", "requirements.txt", "pytorch", "product"), registered("s", `,"repos":["o/r"]`)}, "registered s: repository"},
		"retired":                   {[]evidence.Evidence{code, registered("s", `,"repos":["o/r"],"vendors":["openai"],"retired_at":"2026-11-01T00:00:00Z"`)}, "new : no registered system has the repository"},
		"the vendor alone":          {[]evidence.Evidence{code, registered("s", `,"vendors":["openai"]`)}, "new : no registered system has the repository"},
		"by resource":               {[]evidence.Evidence{resource, registered("s", `,"cloud_refs":["sum-*"]`)}, "registered s: cloud resource"},
		"a * alone names nothing":   {[]evidence.Evidence{resource, registered("s", `,"cloud_refs":["*"]`)}, "new : no registered system names the resource, and no tag does"},
		"by tag":                    {[]evidence.Evidence{resource, registered("tagged", ``)}, "registered tagged: tag"},
		"by project":                {[]evidence.Evidence{key("openai", "proj_1", "k"), registered("s", `,"cloud_refs":["proj_1"]`)}, "registered s: project"},
		"by key":                    {[]evidence.Evidence{key("openai", "proj_1", "k"), registered("s", `,"callers":["k"]`)}, "registered s: key"},
		"by vendor":                 {[]evidence.Evidence{key("openai", "proj_1", "k"), registered("s", `,"vendors":["openai"]`)}, "registered s: vendor"},
		"people, by vendor":         {[]evidence.Evidence{people, registered("s", `,"vendors":["openai"]`)}, "registered s: vendor"},
		"a network, by caller":      {[]evidence.Evidence{net, registered("s", `,"callers":["batch"]`)}, "registered s: key"},
		"a network, by domain":      {[]evidence.Evidence{net, registered("s", `,"surfaces":["api.openai.com"]`)}, "registered s: domain"},
	} {
		t.Run(name, func(t *testing.T) {
			c := only(t, reconcile(t, shadow.Input{}, tt.list...))
			if got := fmt.Sprintf("%s %s: %s", c.Status, c.System, c.Basis+c.Unexplained); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	t.Run("another key of a vendor of which one is named", func(t *testing.T) {
		res := reconcile(t, shadow.Input{}, key("openai", "proj_1", "k1"), key("openai", "proj_2", "k2"), registered("s", `,"vendors":["openai"],"cloud_refs":["proj_1"]`))
		if got := strings.Join(titles(res), ", "); got != "new key k2 at OpenAI, registered key k1 at OpenAI" {
			t.Error(got)
		}
	})
}

// TestDecisions: which decision closes, and what opens again.
func TestDecisions(t *testing.T) {
	code := usage("o/r", "src/a.py", "openai", "product")
	first := only(t, reconcile(t, shadow.Input{}, code))
	with := func(change func(*people.CaseDecision), what string) shadow.Input {
		d := decision(first, what)
		if change != nil {
			change(&d)
		}
		return shadow.Input{Decisions: []people.CaseDecision{d}}
	}
	calls := rec("v", "vendor.usage", "u", `{"vendor":"openai","day":"2026-11-28","requests":3}`)
	spent := only(t, reconcile(t, shadow.Input{}, calls))
	for name, tt := range map[string]struct {
		in   shadow.Input
		list []evidence.Evidence
		want string
	}{
		"accepted":                 {with(nil, people.CaseAccepted), []evidence.Evidence{code}, "accepted"},
		"accepted by one person":   {with(func(d *people.CaseDecision) { d.ApprovedBy = "ANN" }, people.CaseAccepted), []evidence.Evidence{code}, "new"},
		"not yet approved":         {with(func(d *people.CaseDecision) { d.ApprovedBy = "" }, people.CaseAccepted), []evidence.Evidence{code}, "new"},
		"the acceptance has ended": {with(func(d *people.CaseDecision) { d.ExpiresAt.Time = now.Add(-time.Second) }, people.CaseAccepted), []evidence.Evidence{code}, "new: the acceptance by ann ended on 2026-11-29"},
		"no acceptance lasts for ever": {with(func(d *people.CaseDecision) {
			d.ApprovedAt.Time, d.DecidedAt.Time, d.ExpiresAt.Time = now.AddDate(-2, 0, 0), now.AddDate(-2, 0, 0), now.AddDate(9, 0, 0)
		}, people.CaseAccepted), []evidence.Evidence{code}, "new: the acceptance by ann ended on 2025-11-29"},
		"no use of AI":                   {with(nil, people.CaseFalsePositive), []evidence.Evidence{code}, "false_positive"},
		"the same on another line":       {with(nil, people.CaseFalsePositive), []evidence.Evidence{code, rec("github", "code.ai_usage", "o/r|src/b.py|x", `{"repo":"o/r","path":"src/b.py","rule_id":"openai/imports","provider":"openai","scope":"product","line":99,"confidence":"inferred"}`)}, "false_positive"},
		"another vendor":                 {with(nil, people.CaseFalsePositive), []evidence.Evidence{code, usage("o/r", "src/b.py", "anthropic", "product")}, "new: since it was decided on, there is also anthropic in scope product"},
		"another scope":                  {with(nil, people.CaseFalsePositive), []evidence.Evidence{code, usage("o/r", "src/b.py", "openai", "ci")}, "new: since it was decided on, there is also openai in scope ci"},
		"another part of the repository": {with(nil, people.CaseFalsePositive), []evidence.Evidence{code, usage("o/r", "services/chat/b.py", "openai", "product")}, "new: since it was decided on, there is also a use in services/chat"},
		"less than was decided on":       {with(func(d *people.CaseDecision) { d.Items = append(d.Items, "use:cohere@product") }, people.CaseFalsePositive), []evidence.Evidence{code}, "false_positive"},
		"supporting libraries":           {with(nil, people.CaseFalsePositive), []evidence.Evidence{code, usage("o/r", "src/b.py", "chroma", "product")}, "false_positive"},
		"taken up":                       {with(func(d *people.CaseDecision) { d.DueAt.Time = now.AddDate(0, 0, 3) }, people.CaseTaken), []evidence.Evidence{code}, "due"},
		"registered by decision":         {with(func(d *people.CaseDecision) { d.System = "s" }, people.CaseRegistered), []evidence.Evidence{code, registered("s", "")}, "registered"},
		"registered as what is no more":  {with(func(d *people.CaseDecision) { d.System = "s" }, people.CaseRegistered), []evidence.Evidence{code, registered("s", `,"retired_at":"2026-01-01"`)}, "new: s, which was to account for it, is no registered system that is in use"},
		"blocked":                        {with(nil, people.CaseBlocked), []evidence.Evidence{code}, "blocked"},
		"blocked, and still there":       {with(func(d *people.CaseDecision) { d.DecidedAt.Time = now.AddDate(0, 0, -31) }, people.CaseBlocked), []evidence.Evidence{code}, "new: it was blocked on 2026-10-29 and is still there"},
		"blocked, and used":              {shadow.Input{Decisions: []people.CaseDecision{decision(spent, people.CaseBlocked)}}, []evidence.Evidence{calls}, "new: it was used on 2026-11-28, after it was blocked on 2026-11-24"},
	} {
		t.Run(name, func(t *testing.T) {
			c := only(t, reconcile(t, tt.in, tt.list...))
			if got := c.Status + strings.TrimSuffix(": "+c.Reopened, ": "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestSettled: a use that goes on is put on record again once a week, and what
// matters at once.
func TestSettled(t *testing.T) {
	calls := func(days, people int) evidence.Evidence {
		at := now.AddDate(0, 0, days).Format(time.RFC3339)
		return rec("px", "shadow_ai.activity", "a"+at, fmt.Sprintf(`{"channel":"proxy","provider":"openai","place":"office","rules":["openai/web"],"actors":%d,"first_seen":%q,"last_seen":%q}`, people, at, at))
	}
	first := only(t, reconcile(t, shadow.Input{}, calls(-20, 10)))
	for name, tt := range map[string]struct {
		more []evidence.Evidence
		want int // days before now that it was seen last, as on record
	}{
		"three days on": {[]evidence.Evidence{calls(-17, 11)}, -20},
		"a week on":     {[]evidence.Evidence{calls(-17, 11), calls(-13, 10)}, -13},
		"many people":   {[]evidence.Evidence{calls(-17, 40)}, -17},
		"its API too":   {[]evidence.Evidence{rec("ws", "shadow_ai.sighting", "g", `{"channel":"oauth","provider":"openai","place":"app","last_seen":"`+now.AddDate(0, 0, -19).Format(time.RFC3339)+`"}`)}, -19},
	} {
		c := only(t, reconcile(t, shadow.Input{Earlier: []shadow.Case{first}}, append(tt.more, calls(-20, 10))...))
		if got := int(c.LastSeen.Sub(now).Hours() / 24); got != tt.want {
			t.Errorf("%s: seen last %d days ago, want %d", name, got, tt.want)
		}
	}
	grant := func(people int) evidence.Evidence {
		return rec("ws", "shadow_ai.sighting", "g", fmt.Sprintf(`{"channel":"oauth","provider":"openai","place":"app","actors":%d}`, people))
	}
	stands := only(t, reconcile(t, shadow.Input{}, grant(10)))
	if c := only(t, reconcile(t, shadow.Input{Earlier: []shadow.Case{stands}}, grant(11))); c.People != 11 {
		t.Errorf("%d people, of what stands", c.People)
	}
}
