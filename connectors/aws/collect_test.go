package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestRegistryAndDeployment(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	rec, cov, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	type short struct{ Kind, Subject, Key, At string }
	var got []short
	for _, r := range rec.records {
		got = append(got, short{r.Kind, r.Subject.Type + ":" + r.Subject.ID, r.Key, r.EventTime.Format(time.RFC3339Nano)})
	}
	const reg = "sagemaker/123456789012/eu-west-1|"
	want := []short{
		{records.KindModel, "model:triage", reg + "triage", "2026-01-01T00:00:00Z"},
		{records.KindModelVersion, "model:triage/1", reg + "triage|1", "2026-01-02T00:00:00Z"},
		{records.KindModelApproval, "model:triage/1", reg + "triage|1|2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z"},
		{records.KindModelVersion, "model:triage/2", reg + "triage|2", "2026-01-02T00:00:00Z"},
		{records.KindModelApproval, "model:triage/2", reg + "triage|2|2026-01-03T00:00:00.5Z", "2026-01-03T00:00:00.5Z"},
		{records.KindDeployment, "deployment:live@eu-west-1", reg + "live", "2026-01-04T00:00:00Z"},
		{records.KindAIResource, "organization:123456789012", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/live", "0001-01-01T00:00:00Z"},
		{records.KindAIResource, "organization:123456789012", "cloudtrail/123456789012/eu-west-1", "0001-01-01T00:00:00Z"},
		{records.KindInvocationLogging, "deployment:bedrock/123456789012/eu-west-1", "aws|123456789012|eu-west-1", "0001-01-01T00:00:00Z"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	const arn = "arn:aws:sagemaker:eu-west-1:123456789012:"
	wantApproval := obj{"registry": "sagemaker/123456789012/eu-west-1", "model": "triage", "version": "2", "arn_or_uri": arn + "model-package/triage/2",
		"approval_status": "Approved", "approval_description": "=evaluated \uFFFD[1m", "changed_by": "bo", "changed_at": "2026-01-03T00:00:00.5Z", "basis": "last_change"}
	if diff := cmp.Diff(wantApproval, payload(t, rec.byKind(records.KindModelApproval)[1])); diff != "" {
		t.Error(diff)
	}
	wantDeployment := obj{"platform": "sagemaker", "endpoint_id": "live", "environment": "production", "region": "eu-west-1", "created_at": "2026-01-03T00:00:00Z",
		"updated_at": "2026-01-04T00:00:00Z", "status": "InService", "config_ref": "live-3", "data_capture": "enabled", "arn_or_uri": arn + "endpoint/live",
		"tags": obj{"Environment": "production"},
		"variants": []any{
			obj{"name": "a", "model_ref": "m2", "model_package_arn": arn + "model-package/triage/2", "model": "triage", "version": "2", "weight": float64(float32(0.9)), "instance_count": 2.0, "shadow": false, "resolved": true},
			obj{"name": "b", "model_ref": "bare", "model_package_arn": "", "model": "", "version": "", "weight": float64(float32(0.1)), "instance_count": 1.0, "shadow": false, "resolved": true},
		}}
	if diff := cmp.Diff(wantDeployment, payload(t, rec.byKind(records.KindDeployment)[0])); diff != "" {
		t.Error(diff)
	}
	for kind, enumerated := range map[string]bool{records.KindModel: true, records.KindModelVersion: true, records.KindModelApproval: false, records.KindDeployment: true} {
		if c := cov[kind]; c.Status != connector.Complete || c.Enumerated != enumerated {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

func html500(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprint(w, "<html>NotImplementedError</html>")
}

// Whatever is no answer is a gap, never an empty and clean reading.
func TestAnswersThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		op     string
		answer func(obj) (int, any)
		raw    http.HandlerFunc
		kind   string
		reason connector.Reason
		cover  connector.CoverageStatus
	}{
		"denied":              {"ListModelPackageGroups", failWith("AccessDeniedException"), nil, records.KindModel, connector.Denied, connector.Partial},
		"endpoints denied":    {"ListEndpoints", failWith("AccessDeniedException"), nil, records.KindDeployment, connector.Denied, connector.Partial},
		"not offered":         {"ListEndpoints", failWith("UnknownOperationException"), nil, records.KindDeployment, connector.Unsupported, connector.Partial},
		"HTML 500":            {"ListEndpoints", nil, html500, records.KindDeployment, connector.Unavailable, connector.Partial},
		"HTML 200":            {"ListEndpoints", nil, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") }, records.KindDeployment, connector.Malformed, connector.Partial},
		"no list":             {"ListEndpoints", one(obj{}), nil, records.KindDeployment, connector.Malformed, connector.Partial},
		"list is null":        {"ListModelPackageGroups", one(obj{"ModelPackageGroupSummaryList": nil}), nil, records.KindModel, connector.Malformed, connector.Partial},
		"token for ever":      {"ListEndpoints", one(obj{"Endpoints": []obj{}, "NextToken": "again"}), nil, records.KindDeployment, connector.Malformed, connector.Partial},
		"throttled":           {"ListEndpoints", failWith("ThrottlingException"), nil, records.KindDeployment, connector.RateLimited, connector.Partial},
		"describe denied":     {"DescribeModelPackage", failWith("AccessDeniedException"), nil, records.KindModelApproval, connector.Denied, connector.Partial},
		"package is gone":     {"DescribeModelPackage", failWith("ValidationException"), nil, records.KindModelVersion, connector.NotFound, connector.Partial},
		"model denied":        {"DescribeModel", failWith("AccessDeniedException"), nil, records.KindDeployment, connector.Denied, connector.Partial},
		"config is no answer": {"DescribeEndpointConfig", one(obj{}), nil, records.KindDeployment, connector.Malformed, connector.Partial},
		"tags denied":         {"ListTags", failWith("AccessDeniedException"), nil, records.KindModel, connector.Denied, connector.Partial},
		"dated tomorrow":      {"DescribeEndpoint", one(obj{"EndpointName": "live", "EndpointArn": "arn:x", "EndpointStatus": "InService", "CreationTime": 1, "LastModifiedTime": 99999999999}), nil, records.KindDeployment, connector.Malformed, connector.Partial},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.fill()
			if tt.raw != nil {
				f.raw[tt.op] = tt.raw
			} else {
				f.ops[tt.op] = tt.answer
			}
			rec, cov, err := run(t, f.config())
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, g := range rec.gaps {
				for _, k := range g.Kinds {
					found = found || (k == tt.kind && g.Reason == tt.reason)
				}
				if strings.Contains(g.Detail, fakeSecret) || strings.Contains(g.Detail, "AKIA") {
					t.Errorf("gap with a secret: %+v", g)
				}
				if g.Reason == connector.Denied && g.Permission != "sagemaker:"+tt.op {
					t.Errorf("permission %q", g.Permission)
				}
			}
			if c := cov[tt.kind]; !found || c.Status != tt.cover || c.Enumerated {
				t.Errorf("gaps %+v, coverage %+v", rec.gaps, c)
			}
		})
	}
}

func TestVariantsBehindAClosedDoorAreNotResolved(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["DescribeModel"] = failWith("AccessDeniedException")
	rec, _, err := run(t, f.config())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range payload(t, rec.byKind(records.KindDeployment)[0])["variants"].([]any) {
		if m := v.(obj); m["resolved"] != false || m["model_package_arn"] != "" {
			t.Errorf("variant %v", m)
		}
	}
	n := 0
	for _, c := range f.calls {
		if c == "DescribeModel" {
			n++
		}
	}
	if n != 1 || len(rec.gaps) != 1 {
		t.Errorf("a denied action was tried %d times and reported %d times, want once", n, len(rec.gaps))
	}
}

func TestInferenceComponents(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	f.ops["DescribeEndpointConfig"] = one(obj{"EndpointConfigName": "live-3", "ProductionVariants": []obj{{"VariantName": "a"}}})
	f.ops["ListInferenceComponents"] = one(obj{"InferenceComponents": []obj{{"InferenceComponentName": "ic-1"}}})
	f.ops["DescribeInferenceComponent"] = one(obj{"InferenceComponentName": "ic-1", "Specification": obj{"ModelName": "m2"}, "RuntimeConfig": obj{"CurrentCopyCount": 3, "DesiredCopyCount": 3}})
	rec, _, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 0 {
		t.Fatalf("gaps %v, error %v", rec.gaps, err)
	}
	vs := payload(t, rec.byKind(records.KindDeployment)[0])["variants"].([]any)
	if len(vs) != 1 || vs[0].(obj)["name"] != "a/ic-1" || vs[0].(obj)["version"] != "2" || vs[0].(obj)["instance_count"] != 3.0 {
		t.Errorf("variants %v", vs)
	}
}

func TestSeveralRegions(t *testing.T) {
	f := newFakeAWS(t)
	f.fill()
	rec, cov, err := run(t, f.config("eu-west-1", "us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.byKind(records.KindDeployment)) != 2 || rec.byKind(records.KindDeployment)[1].Subject.ID != "live@us-east-1" || !f.regions["us-east-1"] {
		t.Errorf("deployments %v, regions %v", rec.byKind(records.KindDeployment), f.regions)
	}
	if !strings.Contains(cov[records.KindDeployment].Query, "eu-west-1, us-east-1; no other region") {
		t.Errorf("query %q", cov[records.KindDeployment].Query)
	}
}

func TestRefusedKeysEndTheRun(t *testing.T) {
	f := newFakeAWS(t)
	f.raw["GetCallerIdentity"] = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token is invalid.</Message></Error></ErrorResponse>`)
	}
	_, _, err := run(t, f.config())
	if err == nil || !strings.Contains(err.Error(), "InvalidClientTokenId") || strings.Contains(err.Error(), fakeSecret) {
		t.Errorf("error %v", err)
	}
	rep, err := New().Check(t.Context(), f.config())
	if err != nil || rep.Problem == "" || rep.Remedy == "" || len(rep.Permissions) != len(permissions()) {
		t.Errorf("check %+v, %v", rep, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := newFakeAWS(t)
	f := newFakeAWS(t)
	f.fill()
	f.raw["ListEndpoints"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}
	rec, _, err := run(t, f.config())
	if err != nil || len(rec.gaps) != 2 || len(other.calls) != 0 { // of endpoints, and of endpoints as resources
		t.Errorf("gaps %v, error %v; the other host was asked %v", rec.gaps, err, other.calls)
	}
}

func TestCheck(t *testing.T) {
	f := newFakeAWS(t)
	for _, op := range []string{"DescribeModelPackageGroup", "DescribeModelPackage", "DescribeEndpoint", "DescribeEndpointConfig", "DescribeInferenceComponent",
		"DescribeTrainingJob", "DescribeModelCard", "DescribeMonitoringSchedule", "DescribeProcessingJob"} {
		f.ops[op] = failWith("ValidationException")
	}
	f.ops["DescribeModel"] = failWith("AccessDeniedException")
	rep, err := New().Check(t.Context(), f.config())
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	for _, p := range rep.Permissions {
		want := connector.Granted
		switch p.Permission {
		case "sagemaker:DescribeModel":
			want = connector.Missing
		case "s3:GetLifecycleConfiguration", "s3:GetBucketObjectLockConfiguration":
			want = connector.GrantUnknown // no bucket to try it on
		case describeRegions, assumeRole, listAccounts:
			want = connector.GrantUnknown // not needed
		}
		if p.Grant != want {
			t.Errorf("%s: %q (%s), want %q", p.Permission, p.Grant, p.Detail, want)
		}
	}
	if diff := cmp.Diff([]string{"account 123456789012, region eu-west-1"}, rep.Scope); diff != "" || rep.Identity != "arn:aws:sts::123456789012:assumed-role/reader/exhibit" {
		t.Errorf("scope %v, identity %q", rep.Scope, rep.Identity)
	}
}

// An action that is not offered fails each time: a check does not wait for it
// as a collection does.
func TestCheckTriesTwice(t *testing.T) {
	f := newFakeAWS(t)
	f.raw["ListEndpoints"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	cfg := f.config()
	cfg.Settings = []byte(strings.Replace(string(cfg.Settings), `"max_attempts":2`, `"max_attempts":9`, 1))
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	asked := 0
	for _, op := range f.calls {
		if op == "ListEndpoints" {
			asked++
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times, want 2", asked)
	}
	for _, p := range rep.Permissions {
		if p.Permission == "sagemaker:ListEndpoints" && (p.Grant != connector.GrantUnknown || !strings.Contains(p.Detail, "500")) {
			t.Errorf("%+v", p)
		}
	}
}

func TestSettingsErrorsComeAllAtOnce(t *testing.T) {
	_, err := New().Check(t.Context(), connector.Config{Settings: []byte(`{"regions":["moon"],"endpoint_url":"http://example.com","web_identity_token_file":"/t"}`),
		Secrets: map[string]string{"access_key_id": "AKIATEST"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"regions[0]", "give both or neither", "role_arn", "want https"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q:\n%v", want, err)
		}
	}
}

// assume answers AssumeRole and AssumeRoleWithWebIdentity, and notes what was
// asked.
func (f *fakeAWS) assume(op string, asked *url.Values) {
	f.raw[op] = func(w http.ResponseWriter, r *http.Request) {
		*asked = r.PostForm
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>`+
			`<SecretAccessKey>rolesecret</SecretAccessKey><SessionToken>roletoken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`+
			`<AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/exhibit</Arn><AssumedRoleId>X:exhibit</AssumedRoleId></AssumedRoleUser></%[1]sResult></%[1]sResponse>`, op)
	}
}

func TestRoles(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("web-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		op       string
		settings obj
		secrets  map[string]string
		want     map[string]string
	}{
		"from keys": {"AssumeRole", obj{}, map[string]string{"access_key_id": "AKIATEST", "secret_access_key": fakeSecret, "external_id": "ext"},
			map[string]string{"RoleArn": "arn:aws:iam::123456789012:role/reader", "RoleSessionName": "exhibit", "ExternalId": "ext"}},
		"from a workload's token": {"AssumeRoleWithWebIdentity", obj{"web_identity_token_file": token}, nil,
			map[string]string{"RoleArn": "arn:aws:iam::123456789012:role/reader", "WebIdentityToken": "web-token"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeAWS(t)
			f.fill()
			var asked url.Values
			f.assume(tt.op, &asked)
			tt.settings["regions"], tt.settings["endpoint_url"], tt.settings["role_arn"] = []string{"eu-west-1"}, f.URL, "arn:aws:iam::123456789012:role/reader"
			tt.settings["requests_per_second"], tt.settings["lookups_per_second"] = 1000, 1000
			b, err := json.Marshal(tt.settings)
			if err != nil {
				t.Fatal(err)
			}
			rec, _, err := run(t, connector.Config{Settings: b, Secrets: tt.secrets})
			if err != nil || len(rec.byKind(records.KindDeployment)) != 1 {
				t.Fatalf("records %v, error %v", rec.records, err)
			}
			for k, v := range tt.want {
				if asked.Get(k) != v {
					t.Errorf("%s is %q, want %q", k, asked.Get(k), v)
				}
			}
			if !slices.Contains(f.keys, "ASIAROLE") || slices.Contains(f.keys[len(f.keys)-1:], "AKIATEST") {
				t.Errorf("keys used: %v", f.keys)
			}
		})
	}
}
