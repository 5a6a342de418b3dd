package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// auditOf names the audit events of a run.
func auditOf(rec *recorder) []string {
	var out []string
	for _, r := range rec.byKind(records.KindCloudAuditEvent) {
		out = append(out, r.Key)
	}
	slices.Sort(out)
	return out
}

func TestAuditEvents(t *testing.T) {
	f := newFakeAWS(t)
	now := time.Now().UTC().Truncate(time.Second)
	at := func(h int) time.Time { return now.Add(-time.Duration(h) * time.Hour) }
	bedrock := obj{"EventSource": "bedrock.amazonaws.com"}
	events := []obj{
		trailEventOf(t, "weights", "UpdateEndpointWeightsAndCapacities", at(1), obj{"endpointName": "live", "desiredWeightsAndCapacities": []obj{{"variantName": "b", "desiredWeight": 0.5}}}, nil, nil),
		trailEventOf(t, "approve", "UpdateModelPackage", at(2), obj{"modelPackageArn": smARN + "model-package/triage/2", "modelApprovalStatus": "Approved"}, nil, nil),
		trailEventOf(t, "job", "CreateTrainingJob", at(3), obj{"trainingJobName": "t", "hyperParameters": obj{"api_key": "sk-hidden"}, "environment": obj{"TOKEN": "hidden"}, "nested": obj{"clientSecret": "hidden", "n": 9007199254740993},
			"long": strings.Repeat("y", 5000), "clientToken": "hidden"}, obj{"trainingJobArn": smARN + "training-job/t"}, nil),
		trailEventOf(t, "read", "DescribeEndpoint", at(4), obj{}, nil, obj{"ReadOnly": "true"}),
		trailEventOf(t, "refused", "DeleteEndpoint", at(5), obj{"endpointName": "live"}, nil, obj{"errorCode": "AccessDenied"}),
		trailEventOf(t, "guard", "DeleteGuardrail", at(6), obj{"guardrailIdentifier": "gr1"}, nil, bedrock),
		trailEventOf(t, "call", "InvokeModel", at(7), obj{"modelId": "m"}, nil, obj{"EventSource": "bedrock.amazonaws.com", "ReadOnly": "true"}),
		trailEventOf(t, "nothing", "PutModelInvocationLoggingConfiguration", at(8), nil, nil, bedrock),
	}
	f.history(3, events...)
	rec, cov, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	if d := cmp.Diff([]string{"approve", "guard", "job", "nothing", "weights"}, auditOf(rec)); d != "" {
		t.Error(d)
	}
	var job obj
	for _, r := range rec.byKind(records.KindCloudAuditEvent) {
		p := payload(t, r)
		switch r.Key {
		case "weights":
			want := obj{"provider": "aws", "event_id": "weights", "event_name": "UpdateEndpointWeightsAndCapacities", "event_source": "sagemaker.amazonaws.com", "account": "123456789012", "region": "eu-west-1",
				"principal": "arn:aws:sts::123456789012:assumed-role/ml/bo", "resource": smARN + "endpoint/live", "event_time": at(1).Format(time.RFC3339),
				"request_params": obj{"endpointName": "live", "desiredWeightsAndCapacities": []any{obj{"variantName": "b", "desiredWeight": 0.5}}}}
			if d := cmp.Diff(want, p); d != "" || r.Subject.ID != "aws/123456789012" || !r.EventTime.Equal(at(1)) {
				t.Error(d, r.Subject, r.EventTime)
			}
		case "approve":
			if p["resource"] != smARN+"model-package/triage/2" || p["request_params"].(obj)["modelApprovalStatus"] != "Approved" {
				t.Errorf("%v", p)
			}
		case "job":
			job = p
		}
	}
	want := obj{"trainingJobName": "t", "hyperParameters": "left out", "environment": "left out", "nested": obj{"clientSecret": "left out", "n": "9007199254740993"},
		"long": strings.Repeat("y", 500) + "…", "clientToken": "left out"}
	if d := cmp.Diff(want, job["request_params"]); d != "" || job["resource"] != smARN+"training-job/t" {
		t.Error(d, job["resource"])
	}
	for _, secret := range []string{"hidden", "ASIASECRETKEY"} {
		if strings.Contains(string(mustJSON(t, rec.records)), secret) {
			t.Errorf("%q is in a record", secret)
		}
	}
	if c := cov[records.KindCloudAuditEvent]; c.Status != connector.Complete || c.Enumerated || c.Since.IsZero() || !strings.Contains(c.Query, "InvokeEndpoint") {
		t.Errorf("%+v", c)
	}
}

// A later run asks for what came since, and for half an hour before that.
func TestAuditEventsSinceTheLastRun(t *testing.T) {
	f := newFakeAWS(t)
	now := time.Now().UTC().Truncate(time.Second)
	event := func(id string, ago time.Duration) obj {
		return trailEventOf(t, id, "CreateModel", now.Add(-ago), obj{"modelName": id}, nil, nil)
	}
	f.history(50, event("late", 10*time.Minute), event("old", 2*time.Hour))
	first, cov := runWith(t, f.config(), nil)
	f.history(50, event("new", time.Minute), event("late", 10*time.Minute), event("arrived late", 20*time.Minute), event("old", 2*time.Hour))
	second, cov2 := again(t, f.config(), first)
	if d := cmp.Diff([]string{"arrived late", "late", "new"}, auditOf(second)); d != "" {
		t.Error(d)
	}
	if !cov2[records.KindCloudAuditEvent].Since.Equal(cov[records.KindCloudAuditEvent].Since) {
		t.Errorf("since %v, want %v", cov2[records.KindCloudAuditEvent].Since, cov[records.KindCloudAuditEvent].Since)
	}
	for name, tt := range map[string]struct {
		ago  time.Duration
		gaps int
	}{"a run within the horizon": {80 * 24 * time.Hour, 0}, "a run after it": {100 * 24 * time.Hour, 4}} {
		cursors := map[string]string{}
		for k := range second.cursors {
			if strings.Contains(k, "trail/events/") {
				at := now.Add(-tt.ago)
				cursors[k] = at.Format(time.RFC3339Nano)
				if strings.HasPrefix(k, connector.MemoryPrefix) {
					cursors[k] = string(mustJSON(t, reach{Since: at.AddDate(0, -3, 0), Until: at}))
				}
			}
		}
		rec, cov := runWith(t, f.config(), cursors, records.KindCloudAuditEvent)
		if len(rec.gaps) != tt.gaps || tt.gaps > 0 && (rec.gaps[0].Reason != connector.Truncated || cov[records.KindCloudAuditEvent].Status != connector.Partial) {
			t.Errorf("%s: gaps %+v, coverage %+v", name, rec.gaps, cov)
		}
		if since := cov[records.KindCloudAuditEvent].Since; since.Before(now.AddDate(0, 0, -91)) != (tt.gaps == 0) {
			t.Errorf("%s: since %v", name, since)
		}
	}
}

// Where a source has more events than a run may read, changes are looked up by
// name from where it broke off, and a gap says so.
func TestAuditOfABusySource(t *testing.T) {
	f := newFakeAWS(t)
	now := time.Now().UTC().Truncate(time.Second)
	var events []obj
	for i := range 40 {
		at := now.Add(-time.Duration(i+1) * time.Hour)
		events = append(events, trailEventOf(t, fmt.Sprint("read", i), "DescribeEndpoint", at, obj{}, nil, obj{"ReadOnly": "true"}))
		switch i {
		case 1, 30:
			events = append(events, trailEventOf(t, fmt.Sprint("create", i), "CreateEndpoint", at, obj{"endpointName": "x"}, nil, nil))
		case 31:
			events = append(events, trailEventOf(t, "rare", "CreateHumanTaskUi", at, obj{}, nil, nil))
		}
	}
	f.history(5, events...)
	rec, cov, err := run(t, with(t, f.config(), obj{"lookup_pages": 2}))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"create1", "create30"}, auditOf(rec)); d != "" {
		t.Error(d)
	}
	if len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.RateLimited || !strings.Contains(rec.gaps[0].Detail, "by name") || cov[records.KindCloudAuditEvent].Status != connector.Partial {
		t.Errorf("%+v", rec.gaps)
	}
}

func TestEventsThatAreNone(t *testing.T) {
	f := newFakeAWS(t)
	now := time.Now().UTC().Truncate(time.Second)
	good := trailEventOf(t, "good", "CreateModel", now.Add(-time.Hour), obj{"modelName": "x"}, nil, nil)
	noBody := trailEventOf(t, "no body", "CreateModel", now.Add(-time.Hour), nil, nil, nil)
	noBody["CloudTrailEvent"] = "{"
	noID := trailEventOf(t, "", "CreateModel", now.Add(-time.Hour), nil, nil, nil)
	odd := trailEventOf(t, "odd", "CreateModel", now.Add(-time.Hour), nil, nil, nil)
	odd["CloudTrailEvent"] = `{"userIdentity":{},"requestParameters":"a text","responseElements":[1]}`
	f.history(50, good, noBody, noID, odd)
	rec, cov := runWith(t, f.config(), nil, records.KindCloudAuditEvent)
	if d := cmp.Diff([]string{"good", "odd"}, auditOf(rec)); d != "" {
		t.Error(d)
	}
	if len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.Malformed || cov[records.KindCloudAuditEvent].Status != connector.Partial {
		t.Errorf("gaps %+v", rec.gaps)
	}
	for k := range rec.cursors {
		if strings.Contains(k, "sagemaker.amazonaws.com") {
			t.Errorf("a position was kept past an event that was not understood: %s", k)
		}
	}
}

func TestAuditTrailOfARegion(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	rec, _, err := run(t, f.config())
	if err != nil {
		t.Fatal(err)
	}
	p := payloadOf(t, rec, records.KindAIResource, "cloudtrail/123456789012/eu-west-1")
	want := obj{"trails": "main", "stopped_trails": "old", "destinations": "s3://logs/ct", "data_events": "AWS::SageMaker::Endpoint", "log_file_validation": "true", "multi_region": "true"}
	if d := cmp.Diff(want, p["attributes"]); d != "" || p["status"] != "logging" {
		t.Error(d, p["status"])
	}
	for name, tt := range map[string]struct {
		set    func(f *fakeAWS)
		status string
		gaps   int
	}{
		"no trail":  {func(f *fakeAWS) { f.ops["DescribeTrails"] = one(obj{"trailList": []obj{}}) }, "no_trail", 0},
		"stopped":   {func(f *fakeAWS) { f.ops["GetTrailStatus"] = one(obj{"IsLogging": false}) }, "not_logging", 0},
		"denied":    {func(f *fakeAWS) { f.ops["GetTrailStatus"] = failWith("AccessDeniedException") }, "unknown", 1},
		"no answer": {func(f *fakeAWS) { f.ops["GetTrailStatus"] = one(obj{}) }, "unknown", 2},
	} {
		f := newFakeAWS(t)
		f.fillSageMaker()
		tt.set(f)
		rec, _, err := run(t, f.config())
		if p := payloadOf(t, rec, records.KindAIResource, "cloudtrail/123456789012/eu-west-1"); err != nil || p["status"] != tt.status || len(rec.gaps) != tt.gaps {
			t.Errorf("%s: %v, gaps %v, error %v", name, p, rec.gaps, err)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, s := range []string{`{"userIdentity":{"type":"Root","arn":"a"},"requestParameters":{"modelPackageArn":"arn:x","a":{"b":[1,2.5,null,true]}},"responseElements":null}`,
		`{"requestParameters":{"password":"x","n":1e400}}`, `[]`, ``, `{"resources":[{"ARN":"arn:y"}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		id, at := "x", time.Unix(1767225600, 0)
		e, ok := readEvent(types.Event{EventId: &id, EventTime: &at, CloudTrailEvent: &body})
		if !ok {
			return
		}
		r := &regionRun{accountRun: &accountRun{id: identity{"123456789012", "arn:aws:iam::123456789012:user/x"}}, region: "eu-west-1"}
		if _, err := json.Marshal(bounded(e.params)); err != nil || len(r.resourceIn(e)) > 2000 {
			t.Errorf("%v, %q", err, r.resourceIn(e))
		}
	})
}
