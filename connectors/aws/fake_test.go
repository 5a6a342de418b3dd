package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

type obj = map[string]any

// fakeAWS speaks AWS JSON 1.1 for SageMaker and the query protocol for STS's
// GetCallerIdentity. Each operation's answer is a function that a test sets.
type fakeAWS struct {
	*httptest.Server
	t   *testing.T
	mu  sync.Mutex
	ops map[string]func(in obj) (int, any)
	raw map[string]http.HandlerFunc // replaces an operation's whole answer

	calls   []string
	keys    []string // access key ids
	regions map[string]bool
}

const fakeSecret = "s3cret/aws+value"

func newFakeAWS(t *testing.T) *fakeAWS {
	t.Helper()
	f := &fakeAWS{t: t, ops: map[string]func(obj) (int, any){}, raw: map[string]http.HandlerFunc{}, regions: map[string]bool{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	for op, list := range map[string]string{
		"ListModelPackageGroups": "ModelPackageGroupSummaryList", "ListModelPackages": "ModelPackageSummaryList",
		"ListEndpoints": "Endpoints", "ListTags": "Tags", "ListInferenceComponents": "InferenceComponents",
		"ListModelCards": "ModelCardSummaries", "ListModelCardVersions": "ModelCardVersionSummaryList",
		"ListMonitoringSchedules": "MonitoringScheduleSummaries", "ListMonitoringExecutions": "MonitoringExecutionSummaries",
		"ListDomains": "Domains", "ListNotebookInstances": "NotebookInstances", "ListModels": "Models", "ListFeatureGroups": "FeatureGroupSummaries",
		"ListPipelines": "PipelineSummaries", "ListArtifacts": "ArtifactSummaries", "QueryLineage": "Vertices",
		"LookupEvents": "Events", "DescribeTrails": "trailList", "GetResources": "ResourceTagMappingList",
	} {
		f.ops[op] = func(obj) (int, any) { return 200, obj{list: []obj{}} }
	}
	for _, op := range []string{"GetTrailStatus", "GetEventSelectors"} {
		f.ops[op] = failWith("TrailNotFoundException")
	}
	f.emptyBedrock()
	return f
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	if region := strings.Split(r.Header.Get("Authorization"), "/"); len(region) > 3 {
		f.regions[region[2]] = true
		f.keys = append(f.keys, strings.TrimPrefix(region[0], "AWS4-HMAC-SHA256 Credential="))
	}
	if op, in, ok := restOp(r, b); ok { // Bedrock and what it logs to
		f.rest(w, r, op, in)
		return
	}
	op := r.Header.Get("X-Amz-Target")
	for _, prefix := range []string{"SageMaker.", "CloudTrail_20131101.", "ResourceGroupsTaggingAPI_20170126.", "AWSOrganizationsV20161128."} {
		op = strings.TrimPrefix(op, prefix)
	}
	if form, err := url.ParseQuery(string(b)); err == nil && form.Get("Action") != "" { // STS
		op, r.PostForm = form.Get("Action"), form
	}
	f.calls = append(f.calls, op)
	if h := f.raw[op]; h != nil {
		h(w, r)
		return
	}
	if op == "GetCallerIdentity" {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:sts::123456789012:assumed-role/reader/exhibit</Arn><UserId>X</UserId><Account>123456789012</Account>`+
			`</GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	var in obj
	if err := json.Unmarshal(b, &in); err != nil {
		f.t.Errorf("%s: body %q: %v", op, b, err)
	}
	answer := f.ops[op]
	if answer == nil {
		f.write(w, 400, obj{"__type": "UnknownOperationException", "message": "not here"})
		return
	}
	status, out := answer(in)
	b, err = json.Marshal(out)
	if err != nil {
		f.t.Error(err)
	}
	if auth := strings.Split(r.Header.Get("Authorization"), "/"); len(auth) > 3 { // each region has things of its own
		b = []byte(strings.ReplaceAll(string(b), ":sagemaker:eu-west-1:", ":sagemaker:"+auth[2]+":"))
		if _, key, ok := strings.Cut(auth[0], "Credential=ASIA"); ok && len(key) == 12 { // and so has each account
			b = []byte(strings.ReplaceAll(string(b), ":123456789012:", ":"+key+":"))
		}
	}
	f.write(w, status, json.RawMessage(b))
}

func (f *fakeAWS) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func failWith(code string) func(obj) (int, any) {
	return func(obj) (int, any) { return 400, obj{"__type": code, "message": "said the server"} }
}

func one(v obj) func(obj) (int, any) { return func(obj) (int, any) { return 200, v } }

func (f *fakeAWS) config(regions ...string) connector.Config {
	if len(regions) == 0 {
		regions = []string{"eu-west-1"}
	}
	b, err := json.Marshal(obj{"regions": regions, "endpoint_url": f.URL, "requests_per_second": 1000, "lookups_per_second": 1000, "max_attempts": 2})
	if err != nil {
		f.t.Fatal(err)
	}
	return connector.Config{Settings: b, Secrets: map[string]string{"access_key_id": "AKIATEST", "secret_access_key": fakeSecret}}
}

// registryOf fills the fake with a group of two packages, one endpoint on the
// second, and one on a model made from files.
func (f *fakeAWS) fill() {
	const arn = "arn:aws:sagemaker:eu-west-1:123456789012:"
	f.ops["ListModelPackageGroups"] = one(obj{"ModelPackageGroupSummaryList": []obj{
		{"ModelPackageGroupName": "triage", "ModelPackageGroupArn": arn + "model-package-group/triage", "CreationTime": 1767225600}}})
	f.ops["DescribeModelPackageGroup"] = one(obj{"ModelPackageGroupName": "triage", "ModelPackageGroupArn": arn + "model-package-group/triage",
		"CreationTime": 1767225600, "ModelPackageGroupStatus": "Completed", "CreatedBy": obj{"UserProfileName": "mina"}})
	f.ops["ListTags"] = func(in obj) (int, any) {
		return 200, obj{"Tags": []obj{{"Key": "Environment", "Value": "production"}}}
	}
	f.ops["ListModelPackages"] = func(in obj) (int, any) {
		if in["ModelPackageType"] != "Both" && in["MaxResults"] != 1.0 { // but for a probe
			f.t.Errorf("asked for packages of type %v", in["ModelPackageType"])
		}
		if in["NextToken"] == nil {
			return 200, obj{"ModelPackageSummaryList": []obj{{"ModelPackageArn": arn + "model-package/triage/1", "ModelPackageGroupName": "triage", "ModelPackageVersion": 1, "ModelApprovalStatus": "PendingManualApproval", "CreationTime": 1767312000}}, "NextToken": "2"}
		}
		return 200, obj{"ModelPackageSummaryList": []obj{{"ModelPackageArn": arn + "model-package/triage/2", "ModelPackageGroupName": "triage", "ModelPackageVersion": 2, "ModelApprovalStatus": "Approved", "CreationTime": 1767312000}}}
	}
	f.ops["DescribeModelPackage"] = func(in obj) (int, any) {
		name := in["ModelPackageName"].(string)
		out := obj{"ModelPackageName": "triage", "ModelPackageGroupName": "triage", "ModelPackageArn": name, "ModelPackageVersion": 1,
			"CreationTime": 1767312000, "ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval",
			"CreatedBy": obj{"IamIdentity": obj{"Arn": "arn:aws:sts::123456789012:assumed-role/ml/mina"}}}
		if strings.HasSuffix(name, "/2") {
			out["ModelPackageVersion"], out["ModelApprovalStatus"], out["ApprovalDescription"] = 2, "Approved", "=evaluated\n\x1b[1m"
			out["LastModifiedTime"], out["LastModifiedBy"] = 1767398400.5, obj{"IamIdentity": obj{"Arn": "arn:aws:sts::1:assumed-role/x/y", "SourceIdentity": "bo"}}
			out["MetadataProperties"] = obj{"CommitId": "abc123", "GeneratedBy": "pipeline/1"}
			out["InferenceSpecification"] = obj{"Containers": []obj{{"Image": "i", "ImageDigest": "sha256:1", "ModelDataUrl": "s3://b/m", "Framework": "XGBOOST", "FrameworkVersion": "3.0"}}}
		}
		return 200, out
	}
	f.ops["ListEndpoints"] = one(obj{"Endpoints": []obj{{"EndpointName": "live", "EndpointArn": arn + "endpoint/live", "CreationTime": 1767398400, "LastModifiedTime": 1767484800, "EndpointStatus": "InService"}}})
	f.ops["DescribeEndpoint"] = one(obj{"EndpointName": "live", "EndpointArn": arn + "endpoint/live", "EndpointConfigName": "live-3", "EndpointStatus": "InService",
		"CreationTime": 1767398400, "LastModifiedTime": 1767484800, "DataCaptureConfig": obj{"EnableCapture": true, "CaptureStatus": "Started", "CurrentSamplingPercentage": 100, "DestinationS3Uri": "s3://x", "KmsKeyId": "k"},
		"ProductionVariants": []obj{{"VariantName": "a", "CurrentWeight": 0.9, "CurrentInstanceCount": 2}, {"VariantName": "b", "CurrentWeight": 0.1, "CurrentInstanceCount": 1}}})
	f.ops["DescribeEndpointConfig"] = one(obj{"EndpointConfigName": "live-3", "EndpointConfigArn": arn + "endpoint-config/live-3", "CreationTime": 1767398400,
		"ProductionVariants": []obj{{"VariantName": "a", "ModelName": "m2", "InitialVariantWeight": 1.0}, {"VariantName": "b", "ModelName": "bare"}}})
	f.ops["DescribeModel"] = func(in obj) (int, any) {
		c := obj{"Image": "i", "ModelDataUrl": "s3://b/other"}
		if in["ModelName"] == "m2" {
			c = obj{"ModelPackageName": arn + "model-package/triage/2"}
		}
		return 200, obj{"ModelName": in["ModelName"], "ModelArn": arn + "model/x", "CreationTime": 1767398400, "PrimaryContainer": c}
	}
}
