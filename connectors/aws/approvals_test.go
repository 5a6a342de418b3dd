package aws

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// approvalsOf is what the approvals of a run say.
func approvalsOf(t *testing.T, rec *recorder) []string {
	t.Helper()
	var out []string
	for _, r := range rec.byKind(records.KindModelApproval) {
		p := payload(t, r)
		before, _ := p["previous_status"].(string)
		out = append(out, fmt.Sprint(r.Subject.ID, " ", before, ">", p["approval_status"], " ", r.EventTime.Format(time.RFC3339), " ", p["changed_by"], " ", p["basis"]))
	}
	return out
}

func TestApprovalsFromTheEventHistory(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	two, now := smARN+"model-package/triage/2", time.Now().UTC().Truncate(time.Second)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	update := func(id string, at time.Time, status string, more obj) obj {
		return trailEventOf(t, id, "UpdateModelPackage", at, obj{"modelPackageArn": two, "modelApprovalStatus": status, "approvalDescription": "because " + id}, nil, more)
	}
	events := []obj{ // the newest first
		update("e6", day(1), "Approved", nil),
		update("e5", day(2), "Rejected", obj{"userIdentity": obj{"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/ml/x", "sessionContext": obj{"sourceIdentity": "mina"}}}),
		update("e4", day(3), "Approved", obj{"errorCode": "AccessDenied"}),
		trailEventOf(t, "e3", "UpdateModelPackage", day(4), obj{"modelPackageArn": two, "customerMetadataProperties": obj{"a": "b"}}, nil, nil),
		update("e2", day(5), "Approved", obj{"userIdentity": obj{"type": "AWSService", "invokedBy": "pipelines.sagemaker.amazonaws.com"}}),
		trailEventOf(t, "e1", "CreateModelPackage", day(6), obj{"modelPackageGroupName": "triage"}, obj{"modelPackageArn": two}, nil),
		trailEventOf(t, "e0", "UpdateModelPackage", day(7), obj{"modelPackageArn": "arn:aws:sagemaker:eu-west-1:999999999999:model-package/other/1", "modelApprovalStatus": "Approved"}, nil, nil),
	}
	f.history(2, events...)
	rec, cov, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	at := func(n int) string { return day(n).Format(time.RFC3339) }
	const role = "arn:aws:sts::123456789012:assumed-role/ml/bo"
	want := []string{
		"triage/2 >PendingManualApproval " + at(6) + " " + role + " audit_log",
		"triage/2 PendingManualApproval>Approved " + at(5) + " pipelines.sagemaker.amazonaws.com audit_log",
		"triage/2 Approved>Rejected " + at(2) + " mina audit_log",
		"triage/2 Rejected>Approved " + at(1) + " " + role + " audit_log",
		"triage/1 >PendingManualApproval 2026-01-02T00:00:00Z arn:aws:sts::123456789012:assumed-role/ml/mina last_change",
	}
	if d := cmp.Diff(want, approvalsOf(t, rec)); d != "" {
		t.Error(d)
	}
	c := cov[records.KindModelApproval]
	if c.Status != connector.Complete || c.Enumerated || now.Sub(c.Since).Hours() < 89*24 || now.Sub(c.Since).Hours() > 91*24 {
		t.Errorf("%+v", c)
	}
	if strings.Contains(string(mustJSON(t, rec.records)), "ASIASECRETKEY") {
		t.Error("a key is in a record")
	}

	// A later run tells what came since, with what stood before it.
	f.history(50, append([]obj{update("e7", now.Add(-time.Minute), "PendingManualApproval", nil)}, events...)...)
	f.ops["ListModelPackages"] = one(obj{"ModelPackageSummaryList": []obj{}}) // both are gone; their history is not
	rec2, cov2 := again(t, f.config(), rec)
	if len(rec2.byKind(records.KindModelApproval)) != 0 {
		t.Errorf("without a package there is no history to ask for: %v", approvalsOf(t, rec2))
	}
	f.fill()
	rec3, cov3 := again(t, f.config(), rec)
	if d := cmp.Diff([]string{"triage/2 Approved>PendingManualApproval " + now.Add(-time.Minute).Format(time.RFC3339) + " " + role + " audit_log"},
		approvalsOf(t, rec3)); d != "" {
		t.Error(d) // the description still says Approved, which is told already
	}
	if !cov3[records.KindModelApproval].Since.Equal(c.Since) || !cov2[records.KindModelApproval].Since.IsZero() {
		t.Errorf("since %v and %v, want %v", cov3[records.KindModelApproval].Since, cov2[records.KindModelApproval].Since, c.Since)
	}
}

// Without the event history an approval carries the time of its package's last
// change. A later edit that leaves the state as it is makes no new approval.
func TestApprovalsWithoutTheEventHistory(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["LookupEvents"] = failWith("AccessDeniedException")
	rec, cov, err := run(t, f.config())
	if err != nil {
		t.Fatal(err)
	}
	first := []string{
		"triage/1 >PendingManualApproval 2026-01-02T00:00:00Z arn:aws:sts::123456789012:assumed-role/ml/mina last_change",
		"triage/2 >Approved 2026-01-03T00:00:00Z bo last_change",
	}
	if d := cmp.Diff(first, approvalsOf(t, rec)); d != "" {
		t.Error(d)
	}
	denied := false
	for _, g := range rec.gaps {
		denied = denied || g.Permission == lookupEvents && g.Reason == connector.Denied && g.Kinds[0] == records.KindModelApproval
	}
	if c := cov[records.KindModelApproval]; !denied || c.Status != connector.Partial {
		t.Errorf("gaps %+v, coverage %+v", rec.gaps, c)
	}
	describe := f.ops["DescribeModelPackage"]
	edited := func(status string, at float64) func(obj) (int, any) {
		return func(in obj) (int, any) {
			code, out := describe(in)
			if p := out.(obj); strings.HasSuffix(in["ModelPackageName"].(string), "/2") {
				p["ModelApprovalStatus"], p["LastModifiedTime"], p["LastModifiedBy"] = status, at, obj{"UserProfileName": "editor"}
			}
			return code, out
		}
	}
	f.ops["DescribeModelPackage"] = edited("Approved", 1767500000)
	rec2, _ := again(t, f.config(), rec)
	if d := cmp.Diff(first, approvalsOf(t, rec2)); d != "" {
		t.Errorf("an edit: %s", d)
	}
	f.ops["DescribeModelPackage"] = edited("Rejected", 1767600000)
	rec3, _ := again(t, f.config(), rec2)
	if d := cmp.Diff([]string{first[0], "triage/2 Approved>Rejected 2026-01-05T08:00:00Z editor last_change"}, approvalsOf(t, rec3)); d != "" {
		t.Errorf("a rejection: %s", d)
	}
}

// What the history has no room for is a gap, and the time from which on it was
// read moves.
func TestApprovalsOfAVeryBusyRegistry(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	now := time.Now().UTC().Truncate(time.Second)
	var events []obj
	for i := range 10 {
		events = append(events, trailEventOf(t, fmt.Sprint("e", i), "UpdateModelPackage", now.Add(-time.Duration(i+1)*24*time.Hour),
			obj{"modelPackageArn": smARN + "model-package/triage/2", "modelApprovalStatus": []string{"Approved", "Rejected"}[i%2]}, nil, nil))
	}
	f.history(2, events...)
	rec, cov, err := run(t, with(t, f.config(), obj{"lookup_pages": 2}))
	if err != nil {
		t.Fatal(err)
	}
	limited := 0
	for _, g := range rec.gaps {
		if g.Reason == connector.RateLimited && g.Kinds[0] == records.KindModelApproval {
			limited++
		}
	}
	if c := cov[records.KindModelApproval]; limited != 1 || c.Status != connector.Partial || !c.Since.Equal(now.Add(-4*24*time.Hour)) {
		t.Errorf("gaps %+v, coverage %+v", rec.gaps, c)
	}
}

func TestConformanceOfApprovals(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSageMaker()
	now := time.Now().UTC().Truncate(time.Second)
	two := smARN + "model-package/triage/2"
	approve := obj{"modelPackageArn": two, "modelApprovalStatus": "Approved"}
	f.history(50,
		trailEventOf(t, "e2", "UpdateModelPackage", now.Add(-time.Hour), approve, nil, nil),
		trailEventOf(t, "e3", "UpdateModelPackage", now.Add(-time.Hour), obj{"modelPackageArn": two, "modelApprovalStatus": "Rejected"}, nil, nil),
		trailEventOf(t, "e1", "CreateModelPackage", now.Add(-2*time.Hour), obj{"modelPackageGroupName": "triage"}, obj{"modelPackageArn": two}, nil),
		trailEventOf(t, "e9", "CreateEndpoint", now.Add(time.Hour), obj{"endpointName": "early"}, nil, nil),
	)
	connectortest.Run(t, New(), connectortest.Case{Config: f.config()})
}
