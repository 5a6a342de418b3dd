package aws

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestSageMaker(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	rec, cov, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	var got []string
	for _, s := range shorts(rec.records) {
		if !strings.HasPrefix(s, records.KindInvocationLogging) {
			got = append(got, s)
		}
	}
	const reg = "sagemaker/123456789012/eu-west-1|"
	want := []string{
		"model_registry.model " + reg + "triage 2026-01-01T00:00:00Z",
		"model_registry.model_version " + reg + "triage|1 2026-01-02T00:00:00Z",
		"model_registry.approval " + reg + "triage|1|2026-01-02T00:00:00Z 2026-01-02T00:00:00Z",
		"model_registry.lineage " + smARN + "training-job/train-7|" + smARN + "model-package/triage/1 2026-01-01T01:00:00Z",
		"model_registry.model_version " + reg + "triage|2 2026-01-02T00:00:00Z",
		"model_registry.approval " + reg + "triage|2|2026-01-03T00:00:00.5Z 2026-01-03T00:00:00Z",
		"model_registry.lineage " + smARN + "training-job/train-7|" + smARN + "model-package/triage/2 2026-01-01T01:00:00Z",
		"model_registry.deployment " + reg + "live 2026-01-04T00:00:00Z",
		"model_registry.model_card " + reg + "triage-card|1 2026-01-02T00:00:01Z",
		"model_registry.model_card " + reg + "triage-card|2 2026-01-03T00:00:00Z",
		"cloud.model_monitor " + smARN + "monitoring-schedule/fairness|never ran",
		"cloud.model_monitor " + smARN + "monitoring-schedule/drift|2026-01-03T01:00:00Z 2026-01-03T01:00:00Z",
		"cloud.model_monitor " + smARN + "monitoring-schedule/drift|2026-01-03T02:00:00Z 2026-01-03T02:00:00Z",
		"cloud.model_monitor " + smARN + "monitoring-schedule/drift|2026-01-03T03:00:00Z 2026-01-03T03:00:00Z",
		"cloud.ai_resource_inventory " + smARN + "domain/d-1",
		"cloud.ai_resource_inventory " + smARN + "notebook-instance/old",
		"cloud.ai_resource_inventory " + smARN + "endpoint/live",
		"cloud.ai_resource_inventory " + smARN + "model/m2",
		"cloud.ai_resource_inventory " + smARN + "feature-group/people",
		"cloud.ai_resource_inventory " + smARN + "pipeline/nightly",
		"cloud.ai_resource_inventory " + smARN + "monitoring-schedule/drift",
		"cloud.ai_resource_inventory " + smARN + "monitoring-schedule/fairness",
		"cloud.ai_resource_inventory cloudtrail/123456789012/eu-west-1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete || c.Enumerated == slices.Contains(events(), kind) {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

func TestCards(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	rec, _ := runWith(t, f.config(), nil, records.KindModelCard)
	draft, card := payload(t, rec.records[0]), payload(t, rec.records[1])
	if draft["approved_by"] != nil || draft["model"] != "triage" || draft["model_version"] != unversioned || rec.records[0].Subject.ID != "triage" {
		t.Errorf("%v", draft)
	}
	sum, _ := card["content_sha256"].(string)
	delete(card, "content_sha256")
	want := obj{"registry": "sagemaker/123456789012/eu-west-1", "model": "triage", "model_version": "2", "name": "triage-card", "version": "2", "status": "Approved", "approved_by": "bo",
		"created_at": "2026-01-02T00:00:00Z", "updated_at": "2026-01-03T00:00:00Z", "sections": obj{"huge": "a section of 12124 bytes", "long": strings.Repeat("x", 500) + "…",
			"intended_uses": obj{"risk_rating": "High", "purpose": "sort\uFFFD[1m letters"}, "model_package_details": obj{"model_package_arn": smARN + "model-package/triage/2"}}}
	if d := cmp.Diff(want, card); d != "" || len(sum) != 64 || rec.records[1].Subject.ID != "triage/2" {
		t.Error(d, sum, rec.records[1].Subject)
	}

	describe := f.ops["DescribeModelCard"]
	f.ops["DescribeModelCard"] = func(in obj) (int, any) {
		code, out := describe(in)
		out.(obj)["Content"] = "not JSON"
		return code, out
	}
	rec, cov := runWith(t, f.config(), nil, records.KindModelCard)
	if len(rec.records) != 2 || len(rec.gaps) != 2 || rec.gaps[0].Reason != connector.Malformed || cov[records.KindModelCard].Enumerated || len(rec.validators) != 0 {
		t.Errorf("records %v, gaps %+v, validators %v", rec.records, rec.gaps, rec.validators)
	}
	f.ops["DescribeModelCard"] = describe
	f.ops["ListModelCardVersions"] = failWith("AccessDeniedException")
	rec, _ = runWith(t, f.config(), nil, records.KindModelCard)
	if len(rec.gaps) != 1 || rec.gaps[0].Permission != listModelCardVersions || len(rec.validators) != 0 {
		t.Errorf("gaps %+v, validators %v", rec.gaps, rec.validators)
	}
}

func TestMonitors(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	rec, _ := runWith(t, f.config(), nil, records.KindModelMonitor)
	type short struct {
		Type, Status, Schedule, State, Base string
		Violations                          any
	}
	var got []short
	for _, r := range rec.records {
		p := payload(t, r)
		str := func(name string) string { s, _ := p[name].(string); return s }
		got = append(got, short{str("monitor_type"), str("last_run_status"), str("schedule_expression"), str("schedule_status"), str("baseline_ref"), p["violations"]})
		if p["deployment"] != smARN+"endpoint/live" || r.Subject != (connector.Subject{Type: "deployment", ID: "live@eu-west-1"}) {
			t.Errorf("%v %v", p, r.Subject)
		}
	}
	const cron, base = "cron(0 * ? * * *)", "s3://base/constraints.json"
	want := []short{
		{"bias", "", cron, "Stopped", base, nil}, {"data", "Completed", cron, "", base, 0.0},
		{"data", "CompletedWithViolations", cron, "", base, 8.0}, {"data", "Failed", cron, "", base, nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// The run that had not ended is asked for again, nothing else is.
	f.ops["ListMonitoringExecutions"] = func(in obj) (int, any) {
		if in["CreationTimeAfter"] != 1767402000.0+3*3600+10-1 {
			t.Errorf("asked for runs after %v", in["CreationTimeAfter"])
		}
		return 200, obj{"MonitoringExecutionSummaries": []obj{{"MonitoringScheduleName": "drift", "EndpointName": "live", "MonitoringType": "DataQuality", "MonitoringExecutionStatus": "Completed",
			"ScheduledTime": 1767402000 + 3*3600, "CreationTime": 1767402000 + 3*3600 + 10, "LastModifiedTime": 1767420000}}}
	}
	rec2, _ := again(t, f.config(), rec)
	if keys := shorts(rec2.byKind(records.KindModelMonitor)); len(keys) != 2 || !strings.HasSuffix(keys[1], "|2026-01-03T04:00:00Z 2026-01-03T04:00:00Z") {
		t.Errorf("%v", keys)
	}
	if n := violationsIn("Job completed successfully with 1 violation."); n == nil || *n != 1 || violationsIn("with 99999999999 violations") != nil || violationsIn("none") != nil {
		t.Errorf("%v", n)
	}
}

func TestLineage(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	rec, _ := runWith(t, f.config(), nil, records.KindLineage)
	p := payload(t, rec.records[1])
	digest, _ := p["parameters_digest"].(string)
	delete(p, "parameters_digest")
	want := obj{"run_id": smARN + "training-job/train-7", "registry": "sagemaker/123456789012/eu-west-1", "model": "triage", "model_version": "2", "training_run": "train-7",
		"dataset_versions": []any{"check s3://data/check", "train s3://data/train"}, "code_commit": "abc123", "environment_digest": "sha256:9f",
		"started_at": "2026-01-01T00:01:40Z", "ended_at": "2026-01-01T01:00:00Z"}
	if d := cmp.Diff(want, p); d != "" || len(rec.records) != 2 || !strings.HasPrefix(digest, "sha256:") || rec.records[1].Subject.ID != "triage/2" {
		t.Error(d, digest, shorts(rec.records))
	}
	if strings.Contains(string(mustJSON(t, rec.records)), "0.1") {
		t.Error("a hyperparameter is in a record")
	}
	// What a package was made from is asked once; what could not be told is asked again.
	f.count()
	rec2, _ := again(t, f.config(), rec)
	if n := f.count(); n["QueryLineage"] != 0 || len(rec2.byKind(records.KindLineage)) != 0 {
		t.Errorf("%v %v", n, shorts(rec2.byKind(records.KindLineage)))
	}
	f.ops["DescribeTrainingJob"] = failWith("ThrottlingException")
	rec, _ = runWith(t, f.config(), nil, records.KindLineage)
	if len(rec.gaps) != 2 || rec.gaps[0].Reason != connector.RateLimited {
		t.Errorf("%+v", rec.gaps)
	}
	f.fillSageMaker()
	if rec, _ = again(t, f.config(), rec); len(rec.byKind(records.KindLineage)) != 2 {
		t.Errorf("%v", shorts(rec.records))
	}
	// A package may name its job itself.
	describe := f.ops["DescribeModelPackage"]
	f.ops["DescribeModelPackage"] = func(in obj) (int, any) {
		code, out := describe(in)
		out.(obj)["MetadataProperties"] = obj{"GeneratedBy": smARN + "training-job/named"}
		return code, out
	}
	f.count()
	if rec, _ = runWith(t, f.config(), nil, records.KindLineage); f.count()["ListArtifacts"] != 0 || len(rec.records) != 2 {
		t.Errorf("%v", shorts(rec.records))
	}
}

// An unchanged region is read by its lists alone.
func TestCallsOfAnUnchangedRegion(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	const size = 40
	var packages, endpoints []obj
	for i := range size {
		packages = append(packages, obj{"ModelPackageArn": fmt.Sprint(smARN, "model-package/triage/", i+10), "ModelPackageGroupName": "triage", "ModelPackageVersion": i + 10, "ModelApprovalStatus": "PendingManualApproval", "CreationTime": 1767312000})
		endpoints = append(endpoints, obj{"EndpointName": fmt.Sprint("e", i), "EndpointArn": fmt.Sprint(smARN, "endpoint/e", i), "CreationTime": 1767398400, "LastModifiedTime": 1767484800, "EndpointStatus": "InService"})
	}
	f.ops["ListModelPackages"] = one(obj{"ModelPackageSummaryList": packages})
	f.ops["DescribeModelPackage"] = func(in obj) (int, any) {
		name := in["ModelPackageName"].(string)
		version, err := strconv.Atoi(lastOf(name))
		if err != nil {
			t.Error(err)
		}
		return 200, obj{"ModelPackageName": "triage", "ModelPackageGroupName": "triage", "ModelPackageArn": name, "ModelPackageVersion": version, "CreationTime": 1767312000,
			"ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval", "CreatedBy": obj{"UserProfileName": "mina"}}
	}
	f.ops["ListEndpoints"] = one(obj{"Endpoints": endpoints})
	live := f.ops["DescribeEndpoint"]
	f.ops["DescribeEndpoint"] = func(in obj) (int, any) {
		code, out := live(in)
		out.(obj)["EndpointArn"], out.(obj)["EndpointName"] = smARN+"endpoint/"+in["EndpointName"].(string), in["EndpointName"]
		return code, out
	}
	sum := func(n map[string]int) (all int) {
		for _, v := range n {
			all += v
		}
		return all
	}
	f.count()
	rec, _, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	first := f.count()
	rec2, cov := again(t, f.config(), rec)
	second := f.count()
	t.Logf("first run: %d calls, second: %d", sum(first), sum(second))
	for _, op := range []string{"DescribeModelPackage", "DescribeModelPackageGroup", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "ListTags", "DescribeModelCard", "ListModelCardVersions",
		"QueryLineage", "ListArtifacts", "DescribeTrainingJob"} {
		if first[op] == 0 || second[op] != 0 {
			t.Errorf("%s: %d calls, then %d", op, first[op], second[op])
		}
	}
	if sum(second) > 50 || sum(second)*4 > sum(first) {
		t.Errorf("%d calls, then %d: %v", sum(first), sum(second), second)
	}
	for _, kind := range []string{records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindModelCard} {
		if len(rec2.byKind(kind)) != 0 || !cov[kind].Enumerated {
			t.Errorf("%s: %v, %+v", kind, shorts(rec2.byKind(kind)), cov[kind])
		}
	}
	if rec2.unchanged[records.KindModelCard+"|sagemaker/123456789012/eu-west-1|triage-card"] != 2 {
		t.Errorf("%v", rec2.unchanged)
	}

	// A tag, an approval, an edit that only the event history tells, weights.
	f.ops["GetResources"] = one(obj{"ResourceTagMappingList": []obj{{"ResourceARN": smARN + "endpoint/e3", "Tags": []obj{{"Key": "Environment", "Value": "staging"}}}}})
	packages[5]["ModelApprovalStatus"] = "Approved"
	endpoints[7]["LastModifiedTime"] = 1767484900
	f.history(50, trailEventOf(t, "edit", "UpdateModelPackage", time.Now().Add(-time.Minute), obj{"modelPackageArn": smARN + "model-package/triage/19", "customerMetadataProperties": obj{}}, nil, nil))
	rec3, _ := again(t, f.config(), rec2)
	third := f.count()
	if d := cmp.Diff(map[string]int{"DescribeModelPackage": 2, "DescribeEndpoint": 2, "ListTags": 4},
		map[string]int{"DescribeModelPackage": third["DescribeModelPackage"], "DescribeEndpoint": third["DescribeEndpoint"], "ListTags": third["ListTags"]}); d != "" {
		t.Error(d)
	}
	if len(rec3.byKind(records.KindModelVersion)) != 2 || len(rec3.byKind(records.KindDeployment)) != 2 {
		t.Errorf("%v", shorts(rec3.records))
	}
}

// A thing whose record the host would not take is not remembered as read.
func TestWhatWasDroppedIsReadAgain(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["DescribeEndpoint"] = one(obj{"EndpointName": "live", "EndpointArn": "arn:x", "EndpointStatus": "InService", "CreationTime": 1, "LastModifiedTime": 99999999999})
	rec, _ := runWith(t, f.config(), nil, records.KindDeployment)
	f.fill()
	rec2, _ := again(t, f.config(), rec)
	if len(rec.records) != 0 || len(rec.gaps) != 1 || len(rec2.byKind(records.KindDeployment)) != 1 {
		t.Errorf("gaps %v, records %v", rec.gaps, shorts(rec2.records))
	}
}

// Endpoints that host components are followed each time.
func TestComponentsAreFollowedEachTime(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["DescribeEndpointConfig"] = one(obj{"EndpointConfigName": "live-3", "ProductionVariants": []obj{{"VariantName": "a"}}})
	f.ops["ListInferenceComponents"] = one(obj{"InferenceComponents": []obj{{"InferenceComponentName": "ic-1"}}})
	f.ops["DescribeInferenceComponent"] = one(obj{"InferenceComponentName": "ic-1", "Specification": obj{"ModelName": "m2"}, "RuntimeConfig": obj{"CurrentCopyCount": 3, "DesiredCopyCount": 3}})
	rec, _ := runWith(t, f.config(), nil, records.KindDeployment)
	f.ops["DescribeInferenceComponent"] = one(obj{"InferenceComponentName": "ic-1", "Specification": obj{"ModelName": "bare"}, "RuntimeConfig": obj{"CurrentCopyCount": 3, "DesiredCopyCount": 3}})
	rec2, _ := again(t, f.config(), rec)
	vs := payload(t, rec2.byKind(records.KindDeployment)[0])["variants"].([]any)
	if vs[0].(obj)["model_ref"] != "bare" || vs[0].(obj)["model_package_arn"] != "" {
		t.Errorf("%v", vs)
	}
}

// Without the tagging service the tags of each resource are listed.
func TestTagsWithoutTheTaggingService(t *testing.T) {
	for name, answer := range map[string]func(obj) (int, any){"denied": failWith("AccessDeniedException"), "no list": one(obj{}), "not here": failWith("UnknownOperationException")} {
		f := newFakeAWS(t)
		f.fillSageMaker()
		f.ops["GetResources"] = answer
		rec, _, err := run(t, f.config())
		if err != nil || len(rec.gaps) != 0 {
			t.Fatalf("%s: gaps %v, error %v", name, rec.gaps, err)
		}
		f.ops["ListTags"] = one(obj{"Tags": []obj{{"Key": "environment", "Value": "staging"}, {"Key": "Owner", "Value": "bo"}}})
		rec2, _ := again(t, f.config(), rec)
		if p := payloadOf(t, rec2, records.KindDeployment, "|live"); p["environment"] != "staging" {
			t.Errorf("%s: %v", name, p)
		}
		if p := payloadOf(t, rec2, records.KindAIResource, "notebook-instance/old"); p["owner_tag"] != "bo" {
			t.Errorf("%s: %v", name, p)
		}
	}
}

// Each operation that is denied, not offered, breaks off or is no answer is a
// gap of the kinds that it is for.
func TestSageMakerAnswersThatAreNone(t *testing.T) {
	ops := map[string]string{
		"ListModelCards": records.KindModelCard, "ListModelCardVersions": records.KindModelCard, "DescribeModelCard": records.KindModelCard,
		"ListMonitoringSchedules": records.KindModelMonitor, "DescribeMonitoringSchedule": records.KindModelMonitor, "ListMonitoringExecutions": records.KindModelMonitor,
		"DescribeProcessingJob": records.KindModelMonitor, "ListArtifacts": records.KindLineage, "QueryLineage": records.KindLineage, "DescribeTrainingJob": records.KindLineage,
		"ListDomains": records.KindAIResource, "ListNotebookInstances": records.KindAIResource, "ListModels": records.KindAIResource, "ListFeatureGroups": records.KindAIResource,
		"ListPipelines": records.KindAIResource, "ListTags": records.KindAIResource, "DescribeTrails": records.KindAIResource, "GetTrailStatus": records.KindAIResource,
		"LookupEvents": records.KindCloudAuditEvent, "ListModelPackages": records.KindModelApproval, "ListEndpoints": records.KindAIResource,
		"GetEventSelectors": records.KindAIResource,
	}
	for name, tt := range map[string]struct {
		answer func(obj) (int, any)
		raw    http.HandlerFunc
		reason connector.Reason
	}{
		"denied":      {failWith("AccessDeniedException"), nil, connector.Denied},
		"not offered": {failWith("UnknownOperationException"), nil, connector.Unsupported},
		"HTML 500":    {nil, html500, connector.Unavailable},
		"HTML 200":    {nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) }, connector.Malformed},
		"empty":       {one(obj{}), nil, connector.Malformed},
		"410":         {nil, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }, connector.Malformed},
		"throttled":   {failWith("ThrottlingException"), nil, connector.RateLimited},
		"null list":   {func(obj) (int, any) { return 200, nil }, nil, connector.Malformed},
	} {
		for op, kind := range ops {
			if op == "GetEventSelectors" && (name == "empty" || name == "null list") { // a trail without selectors is one
				continue
			}
			t.Run(name+" "+op, func(t *testing.T) {
				t.Parallel()
				f := newFakeAWS(t)
				f.fillSageMaker()
				f.ops[op], f.raw[op] = tt.answer, tt.raw
				rec, cov, err := run(t, f.fast())
				if err != nil {
					t.Fatal(err)
				}
				found := false
				for _, g := range rec.gaps {
					found = found || g.Reason == tt.reason && slices.Contains(g.Kinds, kind)
					if g.Reason == connector.Denied && g.Permission == "" {
						t.Errorf("no permission in %+v", g)
					}
				}
				if c := cov[kind]; !found || c.Status == connector.Complete || c.Enumerated {
					t.Errorf("gaps %+v, coverage %+v", rec.gaps, c)
				}
			})
		}
	}
}

// Of two things that share a name the first is told and the second is a gap, in
// every run; the same thing twice, as a list that shifts between two pages gives
// it, is told once.
func TestTwoThingsOfOneName(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	lab := obj{"DomainArn": smARN + "domain/d-1", "DomainId": "d-1", "DomainName": "lab", "Status": "InService"}
	two := obj{"DomainArn": smARN + "domain/d-1", "DomainId": "d-1", "DomainName": "other", "Status": "InService"}
	f.ops["ListDomains"] = one(obj{"Domains": []obj{lab, lab, two}})
	domains := func(rec *recorder) (n int) {
		for _, r := range rec.byKind(records.KindAIResource) {
			if p := payload(t, r); p["resource_type"] == "domain" {
				if n++; p["name"] != "lab" {
					t.Errorf("%v", p)
				}
			}
		}
		return n
	}
	rec, cov := runWith(t, f.config(), nil, records.KindAIResource)
	if len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.Malformed || domains(rec) != 1 || cov[records.KindAIResource].Enumerated {
		t.Errorf("gaps %+v, coverage %+v, %v", rec.gaps, cov, shorts(rec.records))
	}
	rec2, _ := again(t, f.config(), rec)
	if len(rec2.gaps) != 1 || domains(rec2) != 0 || rec2.unchanged[records.KindAIResource+"|"+smARN+"domain/d-1"] != 1 {
		t.Errorf("gaps %+v, attested %v", rec2.gaps, rec2.unchanged)
	}
	rec3, _ := again(t, f.config(), rec2)
	if len(rec3.gaps) != 1 || domains(rec3) != 1 {
		t.Errorf("gaps %+v, %v", rec3.gaps, shorts(rec3.records))
	}
}

// Names that somebody chose to do harm end in a record or a gap, not in the end
// of the run.
func TestHostileNamesOnSageMaker(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	bad := "\x1b[31m\u202e" + strings.Repeat("ä", 3000) + "\n"
	f.ops["ListDomains"] = one(obj{"Domains": []obj{{"DomainArn": bad, "DomainName": bad, "DomainId": bad, "Status": bad}}})
	f.ops["ListModelPackages"] = one(obj{"ModelPackageSummaryList": []obj{{"ModelPackageArn": bad, "ModelPackageGroupName": bad, "ModelApprovalStatus": bad, "CreationTime": 1767312000}}})
	f.ops["DescribeModelPackage"] = one(obj{"ModelPackageArn": bad, "ModelPackageName": bad, "ModelApprovalStatus": bad, "ModelPackageStatus": bad, "CreationTime": 1767312000, "CustomerMetadataProperties": obj{bad: bad}})
	f.ops["ListModelCards"] = one(obj{"ModelCardSummaries": []obj{{"ModelCardName": bad, "ModelCardArn": bad}}})
	f.ops["DescribeModelCard"] = one(obj{"ModelCardName": bad, "ModelCardArn": bad, "ModelCardVersion": 1, "ModelCardStatus": bad, "Content": `{"model_overview":{"model_name":"` + strings.Repeat("z", 3000) + `\u0007"}}`, "LastModifiedTime": 1767312000})
	f.ops["ListMonitoringSchedules"] = one(obj{"MonitoringScheduleSummaries": []obj{{"MonitoringScheduleName": bad, "MonitoringScheduleArn": bad, "EndpointName": bad, "CreationTime": 1767312000}}})
	f.ops["ListEndpoints"] = one(obj{"Endpoints": []obj{{"EndpointName": bad, "EndpointArn": bad, "EndpointStatus": bad}}})
	f.history(50, trailEventOf(t, bad, bad, time.Now().Add(-time.Hour), obj{bad: bad, "endpointName": bad}, obj{"xArn": "arn:" + bad}, nil))
	connectortest.Run(t, New(), connectortest.Case{Config: f.config()})
}
