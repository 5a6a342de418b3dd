package aws

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// runWith collects some kinds with the cursors of an earlier run.
func runWith(t *testing.T, cfg connector.Config, cursors map[string]string, kinds ...string) (*recorder, connector.Coverage) {
	t.Helper()
	rec := newRecorder()
	cov, err := New().Collect(t.Context(), connector.Request{Config: cfg, Cursors: cursors, Kinds: kinds}, rec)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

func TestLifecycleStates(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	before, after := aws.Time(now.AddDate(0, -1, 0)), aws.Time(now.AddDate(0, 1, 0))
	for name, tt := range map[string]struct {
		in        types.FoundationModelLifecycle
		status    string
		announced bool
	}{
		"active":                        {types.FoundationModelLifecycle{Status: "ACTIVE"}, records.ModelActive, false},
		"active, not before a date":     {types.FoundationModelLifecycle{Status: "ACTIVE", EndOfLifeTime: after}, records.ModelActive, false},
		"active, past that date":        {types.FoundationModelLifecycle{Status: "ACTIVE", EndOfLifeTime: before}, records.ModelActive, false},
		"active, to become legacy":      {types.FoundationModelLifecycle{Status: "ACTIVE", LegacyTime: after, EndOfLifeTime: after}, records.ModelDeprecated, true},
		"legacy without an end":         {types.FoundationModelLifecycle{Status: "LEGACY", LegacyTime: before}, records.ModelLegacy, false},
		"legacy":                        {types.FoundationModelLifecycle{Status: "LEGACY", EndOfLifeTime: after}, records.ModelDeprecated, true},
		"legacy, at its end":            {types.FoundationModelLifecycle{Status: "LEGACY", EndOfLifeTime: &now}, records.ModelRetired, true},
		"legacy, past its end":          {types.FoundationModelLifecycle{Status: "LEGACY", EndOfLifeTime: before}, records.ModelRetired, true},
		"a state of tomorrow":           {types.FoundationModelLifecycle{Status: "FROZEN"}, "", false},
		"a state of tomorrow, at end":   {types.FoundationModelLifecycle{Status: "FROZEN", EndOfLifeTime: before}, "", false},
		"no state":                      {types.FoundationModelLifecycle{}, "", false},
		"active, legacy without an end": {types.FoundationModelLifecycle{Status: "ACTIVE", LegacyTime: after}, records.ModelActive, false},
	} {
		if status, announced := lifecycleOf(tt.in, now); status != tt.status || announced != tt.announced {
			t.Errorf("%s: %q, %t, want %q, %t", name, status, announced, tt.status, tt.announced)
		}
	}
}

// AWS does not say when it announces an end: that counts from the first
// reading, which later runs remember, full ones too. A date that moves is a new
// event, announced when it was first read.
func TestLifecycleRemembers(t *testing.T) {
	f := newFakeAWS(t)
	lifecycle := obj{"status": "ACTIVE", "startOfLifeTime": "2025-01-01T00:00:00Z"}
	f.ops["ListFoundationModels"] = func(obj) (int, any) { return 200, obj{"modelSummaries": []obj{foundation("m", lifecycle)}} }
	read := func(cursors map[string]string) (obj, string, map[string]string) {
		t.Helper()
		rec, _ := runWith(t, f.fast(), cursors, records.KindModelLifecycle)
		if len(rec.records) != 1 || len(rec.gaps) != 0 {
			t.Fatalf("%v, gaps %v", shorts(rec.records), rec.gaps)
		}
		return payload(t, rec.records[0]), rec.records[0].Key, rec.cursors
	}
	p, _, memory := read(nil)
	if p["status"] != "active" || p["announced_at"] != "2025-01-01T00:00:00Z" || p["announced_basis"] != "published" || p["shutdown_at"] != nil {
		t.Errorf("%v", p)
	}
	lifecycle = obj{"status": "LEGACY", "startOfLifeTime": "2025-01-01T00:00:00Z", "legacyTime": "2026-01-01T00:00:00Z", "endOfLifeTime": "2099-01-01T00:00:00Z"}
	begin := time.Now().UTC().Truncate(time.Second)
	p, key, memory := read(memory)
	first, err := time.Parse(time.RFC3339, p["announced_at"].(string))
	if err != nil || first.Before(begin) || p["announced_basis"] != "first_seen" || p["status"] != "deprecated" {
		t.Errorf("%v, %v", p, err)
	}
	for name := range memory { // as if it had been read long ago
		memory[name] = strings.ReplaceAll(memory[name], first.Format(time.RFC3339), "2026-02-02T02:02:02Z")
	}
	p, again, memory := read(connector.Memory(memory))
	if p["announced_at"] != "2026-02-02T02:02:02Z" || again != key {
		t.Errorf("%v under %q, was %q", p, again, key)
	}
	lifecycle["endOfLifeTime"] = "2098-01-01T00:00:00Z"
	p, moved, memory := read(memory)
	if p["announced_basis"] != "first_seen" || p["announced_at"] == "2026-02-02T02:02:02Z" || moved == key {
		t.Errorf("%v under %q", p, moved)
	}
	if p, _, _ := read(map[string]string{connector.MemoryPrefix + "bedrock-lifecycle/eu-west-1": "no json"}); p["announced_at"] != "2026-01-01T00:00:00Z" || p["announced_basis"] != "published" {
		t.Errorf("without memory: %v", p)
	}
	_ = memory
}

func TestInvocationLogging(t *testing.T) {
	both := obj{"loggingConfig": obj{"textDataDeliveryEnabled": true, "cloudWatchConfig": obj{"logGroupName": "/ai", "roleArn": "r"}, "s3Config": obj{"bucketName": "logs"}}}
	raw := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, tt := range map[string]struct {
		answer  any
		raw     http.HandlerFunc
		groups  any
		rules   func(obj) (int, any)
		enabled any // nil: no record
		reasons []connector.Reason
	}{
		"never set":          {answer: obj{}, enabled: false},
		"empty setting":      {answer: obj{"loggingConfig": obj{}}, enabled: false},
		"null setting":       {answer: obj{"loggingConfig": nil}, enabled: false},
		"data but no place":  {answer: obj{"loggingConfig": obj{"textDataDeliveryEnabled": true}}, enabled: false},
		"on":                 {answer: both, enabled: true},
		"empty body":         {raw: raw(200, ""), reasons: []connector.Reason{connector.Malformed}},
		"null":               {raw: raw(200, "null"), reasons: []connector.Reason{connector.Malformed}},
		"a list":             {raw: raw(200, "[]"), reasons: []connector.Reason{connector.Malformed}},
		"half an object":     {raw: raw(200, `{"loggingConfig"`), reasons: []connector.Reason{connector.Malformed}},
		"setting is a text":  {answer: obj{"loggingConfig": "off"}, reasons: []connector.Reason{connector.Malformed}},
		"no such group":      {answer: both, groups: obj{"logGroups": []obj{{"logGroupName": "/ai-2", "retentionInDays": 1}}}, enabled: true, reasons: []connector.Reason{connector.NotFound}},
		"no list of groups":  {answer: both, groups: obj{}, enabled: true, reasons: []connector.Reason{connector.Malformed}},
		"no such bucket":     {answer: both, rules: func(obj) (int, any) { return 404, `<Error><Code>NoSuchBucket</Code></Error>` }, enabled: true, reasons: []connector.Reason{connector.NotFound}},
		"another region's":   {answer: both, rules: func(obj) (int, any) { return 301, `<Error><Code>PermanentRedirect</Code></Error>` }, enabled: true, reasons: []connector.Reason{connector.Unavailable}},
		"rules are HTML":     {answer: both, rules: func(obj) (int, any) { return 200, `<html></html>` }, enabled: true, reasons: []connector.Reason{connector.Malformed}},
		"S3 asks to be slow": {answer: both, rules: func(obj) (int, any) { return 503, `<Error><Code>SlowDown</Code></Error>` }, enabled: true, reasons: []connector.Reason{connector.RateLimited}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.fillSafeguards()
			f.ops["GetModelInvocationLoggingConfiguration"], f.raw["GetModelInvocationLoggingConfiguration"] = one2(tt.answer), tt.raw
			if tt.groups != nil {
				f.ops["Logs_20140328.DescribeLogGroups"] = one2(tt.groups)
			}
			if tt.rules != nil {
				f.ops["S3lifecycle"] = tt.rules
			}
			rec, cov := runWith(t, f.fast(), nil, records.KindInvocationLogging, records.KindLogRetention)
			var enabled any
			for _, r := range rec.byKind(records.KindInvocationLogging) {
				enabled = payload(t, r)["enabled"]
			}
			var reasons []connector.Reason
			for _, g := range rec.gaps {
				reasons = append(reasons, g.Reason)
			}
			if d := cmp.Diff(tt.reasons, reasons); d != "" || enabled != tt.enabled {
				t.Errorf("enabled %v, gaps %+v", enabled, rec.gaps)
			}
			if c := cov[records.KindLogRetention]; (len(reasons) > 0) == c.Enumerated {
				t.Errorf("coverage %+v", c)
			}
		})
	}
}

func TestRetentionOfBuckets(t *testing.T) {
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	rule := func(inner string) string { return "<Rule><Status>Enabled</Status>" + inner + "</Rule>" }
	for name, tt := range map[string]struct {
		rules string
		want  int64 // -1: nothing is removed
	}{
		"none":                     {"", -1},
		"of all":                   {rule("<Filter/><Expiration><Days>30</Days></Expiration>"), 30},
		"of all, as in old times":  {rule("<Prefix></Prefix><Expiration><Days>30</Days></Expiration>"), 30},
		"of the prefix":            {rule("<Filter><Prefix>bedrock/</Prefix></Filter><Expiration><Days>90</Days></Expiration>"), 90},
		"of a part of it":          {rule("<Filter><Prefix>bedrock/logs/AWSLogs/</Prefix></Filter><Expiration><Days>9</Days></Expiration>"), 9},
		"of another prefix":        {rule("<Filter><Prefix>other/</Prefix></Filter><Expiration><Days>1</Days></Expiration>"), -1},
		"the fewest days":          {rule("<Expiration><Days>90</Days></Expiration>") + rule("<Expiration><Days>30</Days></Expiration>"), 30},
		"disabled":                 {"<Rule><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule>", -1},
		"of tagged objects":        {rule("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter><Expiration><Days>1</Days></Expiration>"), -1},
		"of tagged objects, and":   {rule("<Filter><And><Prefix>bedrock/</Prefix><Tag><Key>a</Key></Tag></And></Filter><Expiration><Days>1</Days></Expiration>"), -1},
		"of large objects, and":    {rule("<Filter><And><Prefix>bedrock/</Prefix><ObjectSizeGreaterThan>9</ObjectSizeGreaterThan></And></Filter><Expiration><Days>2</Days></Expiration>"), 2},
		"moved elsewhere":          {rule("<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"), -1},
		"since a date":             {rule("<Expiration><Date>2026-01-01T00:00:00Z</Date></Expiration>"), 0},
		"from a date to come":      {rule("<Expiration><Date>2027-01-01T00:00:00Z</Date></Expiration>"), -1},
		"markers of removal alone": {rule("<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"), -1},
	} {
		var l lifecycle
		if err := readXML(200, []byte("<LifecycleConfiguration>"+tt.rules+"</LifecycleConfiguration>"), &l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := int64(-1)
		if days := l.expiry("bedrock/logs", now); days != nil {
			got = *days
		}
		if got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	for xml, want := range map[string]records.LogImmutability{
		"<ObjectLockConfiguration/>": {},
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>":                                                                          {Mode: "enabled without a default"},
		"<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode></DefaultRetention></Rule></ObjectLockConfiguration>": {Lock: true, Mode: "compliance"},
	} {
		var l objectLock
		if err := readXML(200, []byte(xml), &l); err != nil || lockOf(l) != want {
			t.Errorf("%s: %v, %v", xml, lockOf(l), err)
		}
	}
}

// The client of S3 signs for the bucket's service, and a name that would lead
// elsewhere is not asked for.
func TestBucketsAreAskedByName(t *testing.T) {
	f := newFakeAWS(t)
	var paths []string
	f.raw["S3lifecycle"] = func(_ http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/aws4_request") {
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		}
	}
	cfg, err := parseConfig(f.fast())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSession(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.buckets(t.Context(), "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "..", ".", "a/../b", "a?b", "a#b", "a%2fb", `a\b`} {
		if err := b.ask(t.Context(), name, "lifecycle", &lifecycle{}); !errors.Is(err, errValue) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := b.ask(t.Context(), "a.b-c", "lifecycle", &lifecycle{}); !errors.Is(err, errNoAnswer) {
		t.Errorf("empty answer: %v", err)
	}
	if d := cmp.Diff([]string{"/a.b-c"}, paths); d != "" {
		t.Error(d)
	}
	cfg.EndpointURL = ""
	for region, want := range map[string]string{"eu-west-1": "https://s3.eu-west-1.amazonaws.com", "cn-north-1": "https://s3.cn-north-1.amazonaws.com.cn", "us-east-1": "https://s3.us-east-1.amazonaws.com"} {
		if b, err := s.buckets(t.Context(), region); err != nil || b.base != want {
			t.Errorf("%s: %v, %v, want %s", region, b, err, want)
		}
	}
}

// Jobs are asked for from the last run on, or from the first that has not
// ended.
func TestJobsGoOnWhereTheyStopped(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	var asked []any
	jobs := []obj{
		{"jobArn": bedrockARN + "evaluation-job/ev1", "jobName": "a", "status": "Completed", "creationTime": "2026-04-01T10:00:00Z"},
		{"jobArn": bedrockARN + "evaluation-job/ev2", "jobName": "b", "status": "InProgress", "creationTime": "2026-04-02T10:00:00Z"},
		{"jobArn": bedrockARN + "evaluation-job/ev3", "jobName": "c", "status": "Failed", "creationTime": "2026-04-03T10:00:00Z"},
	}
	f.ops["ListEvaluationJobs"] = func(in obj) (int, any) {
		asked = append(asked, in["creationTimeAfter"])
		return 200, obj{"jobSummaries": jobs}
	}
	const name = "bedrock-evaluations/123456789012/eu-west-1"
	rec, _ := runWith(t, f.fast(), nil, kindEvaluationRun)
	if len(rec.records) != 2 || rec.cursors[name] != "2026-04-02T09:59:59Z" {
		t.Errorf("%v, cursors %v", shorts(rec.records), rec.cursors)
	}
	jobs[1]["status"] = "Completed"
	rec, _ = runWith(t, f.fast(), rec.cursors, kindEvaluationRun)
	if rec.cursors[name] != "2026-04-03T09:59:59Z" {
		t.Errorf("cursors %v", rec.cursors)
	}
	f.ops["GetEvaluationJob"] = failWith("ThrottlingException") // not read, so it is asked for again
	rec, cov := runWith(t, f.fast(), nil, kindEvaluationRun)
	if rec.cursors[name] != "2026-04-01T09:59:59Z" || cov[kindEvaluationRun].Status != connector.Partial {
		t.Errorf("cursors %v, coverage %v", rec.cursors, cov)
	}
	runWith(t, f.fast(), map[string]string{name: "2099-01-01T00:00:00Z"}, kindEvaluationRun) // of a clock that was wrong
	if d := cmp.Diff([]any{nil, "2026-04-02T09:59:59Z", nil, nil}, asked); d != "" {
		t.Error(d)
	}
}

func TestUseIsReadByDay(t *testing.T) {
	f := newFakeAWS(t)
	f.fillUsage()
	const name = "bedrock-usage/123456789012/eu-west-1"
	kinds := []string{records.KindVendorUsage, records.KindModelObservation}
	rec, cov := runWith(t, f.fast(), nil, kinds...)
	if !cov[records.KindVendorUsage].Since.Equal(daysAgo(13)) {
		t.Errorf("coverage %+v", cov[records.KindVendorUsage])
	}
	if len(rec.byKind(records.KindVendorUsage)) != 3 || rec.cursors[name] != daysAgo(13).Format(time.DateOnly)+"/"+daysAgo(0).Format(time.DateOnly) {
		t.Errorf("%v, cursors %v", shorts(rec.records), rec.cursors)
	}
	p := payloadOf(t, rec, records.KindVendorUsage, "|eu."+claude+"|"+daysAgo(1).Format(time.DateOnly))
	want := obj{"vendor": "aws", "project_or_workspace": "123456789012/eu-west-1", "model": "eu." + claude, "day": daysAgo(1).Format(time.DateOnly), "requests": 5.0, "tokens": 260.0}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	if calls := f.calls; !contains(calls, "ListInferenceProfiles") {
		t.Errorf("calls %v: which model answers behind a profile was not asked", calls)
	}
	f.calls = nil
	rec, cov = runWith(t, f.fast(), map[string]string{name: "2026-01-01/" + daysAgo(0).Format(time.DateOnly)}, kinds...) // nothing new today
	if c := cov[records.KindVendorUsage]; len(rec.records) != 0 || contains(f.calls, "GetMetricData") || c.Status != connector.Complete || c.Since.Format(time.DateOnly) != "2026-01-01" {
		t.Errorf("%v, calls %v, coverage %v", shorts(rec.records), f.calls, cov)
	}
	rec, cov = runWith(t, f.fast(), map[string]string{name: "2026-01-01/" + daysAgo(40).Format(time.DateOnly)}, kinds...)
	if len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.Truncated || cov[records.KindVendorUsage].Status != connector.Partial {
		t.Errorf("a hole of weeks: gaps %+v, coverage %v", rec.gaps, cov)
	}
	for what, r := range map[string]cbor.Map{
		"another metric":   result("m7_0", map[int]float64{2: 1}),
		"a negative value": result("m0_0", map[int]float64{2: -1}),
		"a day to come":    {"Id": cbor.String("m0_0"), "Timestamps": cbor.List{&cbor.Tag{ID: 1, Value: cbor.Uint(99999999999)}}, "Values": cbor.List{cbor.Float64(1)}},
		"more values":      {"Id": cbor.String("m0_0"), "Timestamps": cbor.List{}, "Values": cbor.List{cbor.Float64(1)}},
		"forbidden":        {"Id": cbor.String("m0_0"), "StatusCode": cbor.String("Forbidden"), "Timestamps": cbor.List{}, "Values": cbor.List{}},
	} {
		f.ops["GetMetricData"] = one2(cbor.Map{"MetricDataResults": cbor.List{r}})
		rec, cov = runWith(t, f.fast(), nil, kinds...)
		if len(rec.records) != 0 || len(rec.gaps) != 1 || rec.cursors[name] != "" || cov[records.KindVendorUsage].Status != connector.Partial {
			t.Errorf("%s: %v, gaps %+v, cursors %v", what, shorts(rec.records), rec.gaps, rec.cursors)
		}
	}
}

func contains(list []string, s string) bool {
	return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
}

func TestGuardrailsSayWhatTheyAreAttachedTo(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	rec, cov := runWith(t, f.fast(), nil, records.KindGuardrail)
	one := payloadOf(t, rec, records.KindGuardrail, "gr1|1")
	if d := cmp.Diff([]any{"agent/AGENT00001 version 1", "all calls of account 123456789012 (enforced by account)"}, one["attached_to"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]any{"flow/FLOW000001 version DRAFT"}, payloadOf(t, rec, records.KindGuardrail, "gr1|DRAFT")["attached_to"]); d != "" {
		t.Error(d)
	}
	policies := one["policies"].(obj)
	words := policies["word"].(obj)
	if words["words"] != 1.0 || len(words["words_sha256"].(string)) != 64 || strings.Contains(string(mustJSON(t, policies)), "hell") || strings.Contains(string(mustJSON(t, policies)), "[0-9]") {
		t.Errorf("%v", policies)
	}
	if d := cmp.Diff(obj{"rules": []any{obj{"type": "HATE", "input_strength": "HIGH", "output_strength": "MEDIUM"}, obj{"type": "VIOLENCE", "input_strength": "HIGH", "output_strength": "HIGH"}}}, policies["content"]); d != "" {
		t.Error(d)
	}
	if len(policies) != 7 || cov[records.KindGuardrail].Status != connector.Complete || contains(f.calls, "GetAgent") {
		t.Errorf("%v, %v, calls %v", policies, cov, f.calls)
	}
	f.ops["ListAgents"] = failWith("AccessDeniedException")
	rec, cov = runWith(t, f.fast(), nil, records.KindGuardrail)
	if c := cov[records.KindGuardrail]; c.Status != connector.Partial || len(rec.gaps) != 1 {
		t.Errorf("what is attached cannot be told, but: %+v", c)
	}
}

// A region that has no address of Bedrock is asked once; that it is not offered
// is told for all that is missing. An address that cannot be found just now is
// another matter.
func TestRegionWithoutBedrock(t *testing.T) {
	f := newFakeAWS(t)
	cfg, err := parseConfig(f.fast())
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		err    error
		reason connector.Reason
		asked  int
	}{
		"no such host":  {&net.DNSError{Err: "no such host", Name: "bedrock.x", IsNotFound: true}, connector.Unsupported, 1},
		"no answer now": {&net.DNSError{Err: "server misbehaving", Name: "bedrock.x", IsTemporary: true}, connector.Unavailable, 2},
	} {
		rec := newRecorder()
		b := &bedrockRun{absent: map[string]error{}, regionRun: &regionRun{region: "x", skip: map[string]bool{}, accountRun: &accountRun{
			collection: &collection{cfg: cfg, emit: rec, read: map[string]bool{}, gaps: map[string]bool{}}}}}
		asked := 0
		for _, p := range []piece{{controlPlane, "a", []string{records.KindGuardrail}}, {controlPlane, "b", []string{records.KindModelLifecycle}}} {
			if err := b.part(t.Context(), p, func([]string) error {
				asked++
				return &callError{"bedrock:X", &url.Error{Op: "Get", URL: "https://bedrock.x", Err: tt.err}}
			}); err != nil {
				t.Fatal(err)
			}
		}
		if asked != tt.asked || len(rec.gaps) != 2 || rec.gaps[0].Reason != tt.reason || rec.gaps[1].Reason != tt.reason {
			t.Errorf("%s: asked %d times, gaps %+v", name, asked, rec.gaps)
		}
	}
}

// Tags that may not be read are missing from every kind that has them, and
// asked for once.
func TestTagsThatMayNotBeRead(t *testing.T) {
	f := newFakeAWS(t)
	f.fillBedrock()
	f.ops["ListTagsForResource"] = failWith("AccessDeniedException")
	rec, cov, err := run(t, f.fast())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindAIResource} {
		if cov[kind].Status != connector.Partial {
			t.Errorf("coverage of %s: %+v", kind, cov[kind])
		}
	}
	asked := strings.Count(strings.Join(f.calls, " "), "ListTagsForResource")
	if asked != 1 || len(rec.gaps) != 3 {
		t.Errorf("asked %d times, gaps %+v", asked, rec.gaps)
	}
}

func TestProfilesThatRouteAnywhere(t *testing.T) {
	f := newFakeAWS(t)
	f.ops["ListInferenceProfiles"] = func(in obj) (int, any) {
		return 200, obj{"inferenceProfileSummaries": []obj{{"inferenceProfileArn": bedrockARN + "inference-profile/global." + claude, "inferenceProfileId": "global." + claude, "status": "ACTIVE", "type": in["type"],
			"models": []obj{{"modelArn": "arn:aws:bedrock:::foundation-model/" + claude}, {"modelArn": claudeARN}}}}}
	}
	rec, _ := runWith(t, f.fast(), nil, records.KindAIResource)
	if p := payloadOf(t, rec, records.KindAIResource, "inference-profile/global."+claude)["attributes"].(obj); p["regions"] != "eu-west-1, global" {
		t.Errorf("%v", p)
	}
}

func TestCheckOfBedrock(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSafeguards()
	f.ops["GetGuardrail"] = failWith("ValidationException") // says nothing of access
	f.ops["ListAgents"] = failWith("AccessDeniedException")
	f.ops["S3object-lock"] = func(obj) (int, any) { return 403, `<Error><Code>AccessDenied</Code></Error>` }
	rep, err := New().Check(t.Context(), f.fast())
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	want := map[string]connector.Grant{"bedrock:GetGuardrail": connector.GrantUnknown, "bedrock:ListAgents": connector.Missing, "s3:GetBucketObjectLockConfiguration": connector.Missing}
	for _, p := range rep.Permissions {
		w, ok := want[p.Permission]
		if !ok {
			w = connector.Granted
		}
		ours := slices.ContainsFunc(bedrockPermissions(), func(b connector.Permission) bool { return b.ID == p.Permission })
		if p.Grant != w && ours {
			t.Errorf("%s: %q (%s), want %q", p.Permission, p.Grant, p.Detail, w)
		}
	}
}

func FuzzXML(f *testing.F) {
	for _, s := range []string{`<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>`,
		`<Error><Code>NoSuchBucket</Code></Error>`, `<a><b>`, `<!DOCTYPE a [<!ENTITY b "c">]><LifecycleConfiguration>&b;</LifecycleConfiguration>`, ""} {
		f.Add(200, []byte(s))
		f.Add(404, []byte(s))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		var l lifecycle
		if err := readXML(status, body, &l); err != nil {
			if reasonOf(&callError{"s3:GetLifecycleConfiguration", err}) == "" || err.Error() == "" {
				t.Errorf("an error without reason: %v", err)
			}
			return
		}
		if status != 200 {
			t.Errorf("status %d is taken for an answer", status)
		}
		if days := l.expiry("p", time.Unix(0, 0)); days != nil && *days < 0 {
			t.Errorf("%d days", *days)
		}
	})
}
