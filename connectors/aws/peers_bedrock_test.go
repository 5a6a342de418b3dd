//go:build peers && unix

package aws

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	agenttypes "github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// bedrockAt fills a server that imitates AWS: a custom model with the job that
// made it, an agent, a knowledge base, and logging to a group and a bucket.
func bedrockAt(t *testing.T, url string) {
	t.Helper()
	ctx, creds := t.Context(), credentials.NewStaticCredentialsProvider("AKIATEST", fakeSecret, "")
	group, role := sdk.String("/ai/invocations"), sdk.String("arn:aws:iam::123456789012:role/x")
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: creds})
	ok(logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))(t)
	ok(logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: sdk.String("/ai/invocations-2")}))(t)
	ok(logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: sdk.Int32(400)}))(t)
	put(t, url+"/ai-logs", "", http.Header{"X-Amz-Bucket-Object-Lock-Enabled": {"true"}})
	put(t, url+"/ai-logs?lifecycle", `<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><Prefix>bedrock/</Prefix></Filter>`+
		`<Expiration><Days>730</Days></Expiration></Rule></LifecycleConfiguration>`, nil)
	put(t, url+"/ai-logs?object-lock", `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>`+
		`<Mode>COMPLIANCE</Mode><Days>365</Days></DefaultRetention></Rule></ObjectLockConfiguration>`, nil)
	put(t, url+"/training", "", nil)
	put(t, url+"/training/claims.jsonl", "{}", nil)

	api := bedrock.New(bedrock.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: creds})
	ok(api.PutModelInvocationLoggingConfiguration(ctx, &bedrock.PutModelInvocationLoggingConfigurationInput{LoggingConfig: &types.LoggingConfig{
		CloudWatchConfig:        &types.CloudWatchConfig{LogGroupName: group, RoleArn: role},
		S3Config:                &types.S3Config{BucketName: sdk.String("ai-logs"), KeyPrefix: sdk.String("bedrock")},
		TextDataDeliveryEnabled: sdk.Bool(true), ImageDataDeliveryEnabled: sdk.Bool(false), EmbeddingDataDeliveryEnabled: sdk.Bool(true),
	}}))(t)
	ok(api.CreateModelCustomizationJob(ctx, &bedrock.CreateModelCustomizationJobInput{
		JobName: sdk.String("claims-1"), CustomModelName: sdk.String("claims"), RoleArn: role,
		BaseModelIdentifier: sdk.String("arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-lite-v1"),
		HyperParameters:     map[string]string{"epochCount": "2"},
		TrainingDataConfig:  &types.TrainingDataConfig{S3Uri: sdk.String("s3://training/claims.jsonl")},
		OutputDataConfig:    &types.OutputDataConfig{S3Uri: sdk.String("s3://training/out")},
		CustomModelTags:     []types.Tag{{Key: sdk.String("system"), Value: sdk.String("claims")}},
	}))(t)
	agents := bedrockagent.New(bedrockagent.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: creds})
	// The server makes both, and answers with times that AWS's own client does not take.
	_, _ = agents.CreateAgent(ctx, &bedrockagent.CreateAgentInput{AgentName: sdk.String("helper"), AgentResourceRoleArn: role,
		FoundationModel: sdk.String("anthropic.claude-3-sonnet-20240229-v1:0"), Tags: map[string]string{"owner": "mina"}})
	_, _ = agents.CreateKnowledgeBase(ctx, &bedrockagent.CreateKnowledgeBaseInput{Name: sdk.String("handbook"), RoleArn: role,
		KnowledgeBaseConfiguration: &agenttypes.KnowledgeBaseConfiguration{Type: agenttypes.KnowledgeBaseTypeVector,
			VectorKnowledgeBaseConfiguration: &agenttypes.VectorKnowledgeBaseConfiguration{EmbeddingModelArn: sdk.String("arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v1")}},
		StorageConfiguration: &agenttypes.StorageConfiguration{Type: agenttypes.KnowledgeBaseStorageTypeOpensearchServerless,
			OpensearchServerlessConfiguration: &agenttypes.OpenSearchServerlessConfiguration{CollectionArn: sdk.String("arn:aws:aoss:eu-west-1:123456789012:collection/abcdefghij1234567890"),
				VectorIndexName: sdk.String("i"), FieldMapping: &agenttypes.OpenSearchServerlessFieldMapping{MetadataField: sdk.String("m"), TextField: sdk.String("t"), VectorField: sdk.String("v")}}},
	})
}

// put sends a request of S3, which the server takes unsigned.
func put(t *testing.T, url, body string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("PUT %s: status %d", url, resp.StatusCode)
	}
}

// What the server does not have, or answers in a way that no client of AWS
// takes, is a gap and never an empty, clean reading. What it has is read.
func TestBedrockAgainstMoto(t *testing.T) {
	url := peertest.Moto(t)
	bedrockAt(t, url)
	rec, cov, err := run(t, motoConfig(t, url, obj{"services": []string{"bedrock"}}))
	if err != nil {
		t.Fatal(err)
	}
	const (
		html     = connector.Unavailable // HTTP 500 with a page that says NotImplemented
		badTimes = connector.Malformed   // times that are not in the format of AWS
	)
	want := map[string]connector.Reason{
		"foundation models": html, "custom models": badTimes, "imported models": html, "model customization jobs": badTimes,
		"inference profiles of AWS's own": html, "application inference profiles": html, "provisioned throughput": html,
		"deployments of custom models": html, "marketplace endpoints": html, "prompt routers": html, "agents": badTimes, "flows": html, "prompts": html,
		"knowledge bases": badTimes, "guardrails that the account enforces": html, "guardrails": html, "evaluation jobs": html,
		"use of models": connector.NotFound, // the server does not speak the protocol of CloudWatch's client
	}
	got := map[string]connector.Reason{}
	for _, g := range rec.gaps {
		got[strings.TrimPrefix(g.Scope, "account 123456789012, region eu-west-1, ")] = g.Reason
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, kind := range []string{records.KindModelLifecycle, records.KindGuardrail, kindEvaluationRun, records.KindVendorUsage, records.KindAIResource, records.KindLineage} {
		if c := cov[kind]; c.Status != connector.Refused || c.Enumerated {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	if c := cov[records.KindInvocationLogging]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("coverage: %+v", c)
	}
	wantLogging := obj{"provider": "aws", "account": "123456789012", "region": "eu-west-1", "enabled": true, "destinations": []any{"logs:/ai/invocations", "s3://ai-logs/bedrock"},
		"content_types": []any{"embedding", "text"}, "log_group": "/ai/invocations", "retention_days": 400.0}
	if d := cmp.Diff(wantLogging, payload(t, rec.byKind(records.KindInvocationLogging)[0])); d != "" {
		t.Error(d)
	}
	days := map[string]any{}
	for _, r := range rec.byKind(records.KindLogRetention) {
		p := payload(t, r)
		days[p["store"].(string)] = []any{p["retention_days"], p["immutability"].(obj)["lock"]}
	}
	if d := cmp.Diff(map[string]any{"arn:aws:logs:eu-west-1:123456789012:log-group:/ai/invocations": []any{400.0, false}, "s3://ai-logs/bedrock": []any{730.0, true}}, days); d != "" {
		t.Error(d)
	}
}

// With its times mended on the way, the server's custom model, agent and
// knowledge base are read. Its customization job never completes, so there is
// no lineage, and the job is asked for again.
func TestBedrockAgainstMotoWithItsTimesMended(t *testing.T) {
	url := peertest.Moto(t)
	bedrockAt(t, url)
	rec, _, err := run(t, motoConfig(t, mended(t, url), obj{"services": []string{"bedrock"}}))
	if err != nil {
		t.Fatal(err)
	}
	connectortest.Peer(t, peertest.MotoName+", Bedrock", rec.kinds())
	attributes := map[string]any{}
	for _, r := range rec.byKind(records.KindAIResource) {
		p := payload(t, r)
		if p["service"] == "bedrock" {
			attributes[p["name"].(string)] = p["attributes"]
		}
	}
	if d := cmp.Diff(map[string]any{
		"helper":   obj{"version": "DRAFT", "model": "anthropic.claude-3-sonnet-20240229-v1:0", "role": "arn:aws:iam::123456789012:role/x"},
		"handbook": obj{"type": "VECTOR", "model": "amazon.titan-embed-text-v1", "storage": "OPENSEARCH_SERVERLESS", "role": "arn:aws:iam::123456789012:role/x"},
	}, attributes); d != "" {
		t.Error(d)
	}
	models := rec.byKind(records.KindModelVersion)
	if len(models) != 1 || len(rec.byKind(records.KindModel)) != 1 {
		t.Fatalf("%d models, %d versions", len(rec.byKind(records.KindModel)), len(models))
	}
	v := payload(t, models[0])
	if v["registry"] != "bedrock/123456789012/eu-west-1" || v["model"] != "claims" || v["source_run"] != "arn:aws:bedrock:eu-west-1:123456789012:model-customization-job/claims-1" {
		t.Errorf("version %v", v)
	}
	if len(rec.byKind(records.KindLineage)) != 0 || rec.cursors["bedrock-customizations/123456789012/eu-west-1"] == "" {
		t.Errorf("lineage %v, cursors %v", rec.byKind(records.KindLineage), rec.cursors)
	}
}

// mended stands before a server and writes its times as AWS does.
func mended(t *testing.T, target string) string {
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ModifyResponse: func(resp *http.Response) error {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			body = regexp.MustCompile(`"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)"`).ReplaceAll(body, []byte(`"${1}T${2}Z"`))
			body = regexp.MustCompile(`("\w+At": )(\d+)(\.\d+)?`).ReplaceAllFunc(body, func(b []byte) []byte {
				name, n, _ := strings.Cut(string(b), ": ")
				seconds, err := strconv.ParseFloat(n, 64)
				if err != nil {
					return b
				}
				return []byte(name + `: "` + time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) + `"`)
			})
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	return s.URL
}
