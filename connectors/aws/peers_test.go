//go:build peers

package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// startMoto starts moto_server, an imitation of AWS that others wrote, and
// returns its address.
func startMoto(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Fatal("moto_server is not on the PATH; install it with: pip install 'moto[server]==5.2.1'")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, path, "-H", "127.0.0.1", "-p", fmt.Sprint(port))
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if resp, err := http.Get(url + "/moto-api/"); err == nil {
			_ = resp.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			cancel()
			_ = cmd.Wait()
			t.Fatalf("moto_server did not start: %s", log.String())
		}
	}
}

func ok[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestAgainstMoto(t *testing.T) {
	url := startMoto(t)
	ctx := t.Context()
	api := sagemaker.New(sagemaker.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", fakeSecret, "")})
	for i := range 101 { // more than a page
		name := fmt.Sprintf("empty-%03d", i)
		ok(api.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: &name}))(t)
	}
	triage := sdk.String("triage")
	ok(api.CreateModelPackageGroup(ctx, &sagemaker.CreateModelPackageGroupInput{ModelPackageGroupName: triage, Tags: []types.Tag{{Key: sdk.String("system"), Value: sdk.String("bot")}}}))(t)
	image := &types.InferenceSpecification{
		Containers:            []types.ModelPackageContainerDefinition{{Image: sdk.String("img"), ModelDataUrl: sdk.String("s3://b/m")}},
		SupportedContentTypes: []string{"text/csv"}, SupportedResponseMIMETypes: []string{"text/csv"},
	}
	ok(api.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: triage, InferenceSpecification: image, ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval}))(t)
	second := ok(api.CreateModelPackage(ctx, &sagemaker.CreateModelPackageInput{ModelPackageGroupName: triage, InferenceSpecification: image, ModelApprovalStatus: types.ModelApprovalStatusPendingManualApproval}))(t)
	ok(api.UpdateModelPackage(ctx, &sagemaker.UpdateModelPackageInput{ModelPackageArn: second.ModelPackageArn, ModelApprovalStatus: types.ModelApprovalStatusApproved, ApprovalDescription: sdk.String("evaluated")}))(t)
	ok(api.CreateModel(ctx, &sagemaker.CreateModelInput{ModelName: sdk.String("m2"), ExecutionRoleArn: sdk.String("arn:aws:iam::123456789012:role/x"), PrimaryContainer: &types.ContainerDefinition{ModelPackageName: second.ModelPackageArn}}))(t)
	ok(api.CreateEndpointConfig(ctx, &sagemaker.CreateEndpointConfigInput{EndpointConfigName: sdk.String("live-1"), ProductionVariants: []types.ProductionVariant{
		{VariantName: sdk.String("a"), ModelName: sdk.String("m2"), InitialInstanceCount: sdk.Int32(1), InitialVariantWeight: sdk.Float32(1), InstanceType: types.ProductionVariantInstanceTypeMlM5Large}}}))(t)
	ok(api.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{EndpointName: sdk.String("live"), EndpointConfigName: sdk.String("live-1"), Tags: []types.Tag{{Key: sdk.String("Environment"), Value: sdk.String("production")}}}))(t)

	settings := ok(json.Marshal(obj{"regions": []string{"eu-west-1"}, "endpoint_url": url, "requests_per_second": 100, "lookups_per_second": 100, "max_attempts": 1}))(t)
	cfg := connector.Config{Settings: settings, Secrets: map[string]string{"access_key_id": "AKIATEST", "secret_access_key": fakeSecret}}
	rep, err := New().Check(ctx, cfg)
	if err != nil || rep.Problem != "" || !strings.Contains(rep.Identity, "123456789012") {
		t.Errorf("check: %+v, %v", rep, err)
	}
	rec, cov, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rec.gaps {
		t.Logf("gap %+v", g)
	}
	got := map[string]int{}
	for _, r := range rec.records {
		got[r.Kind]++
	}
	want := map[string]int{records.KindModel: 102, records.KindModelVersion: 2, records.KindModelApproval: 2, records.KindDeployment: 1, records.KindInvocationLogging: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	states := map[string]string{}
	for _, r := range rec.byKind(records.KindModelApproval) {
		states[r.Subject.ID] = payload(t, r)["approval_status"].(string)
	}
	if diff := cmp.Diff(map[string]string{"triage/1": "PendingManualApproval", "triage/2": "Approved"}, states); diff != "" {
		t.Error(diff)
	}
	d := payload(t, rec.byKind(records.KindDeployment)[0])
	v := d["variants"].([]any)[0].(obj)
	if v["model_package_arn"] != *second.ModelPackageArn || v["version"] != "2" || v["resolved"] != true || d["environment"] != "production" {
		t.Errorf("deployment %v", d)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete && len(rec.gaps) == 0 {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}
