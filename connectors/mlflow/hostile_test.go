package mlflow

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Addresses of artefacts and data hold keys and signatures more often than
// they should. None becomes evidence.
func TestNoCredentialsOfAddresses(t *testing.T) {
	f := newFake(t)
	f.fill()
	f.versions[0]["source"] = "s3://AKIAEXAMPLE:hunter2@bucket/model"
	f.versions[1]["source"] = "https://acct.blob.core.windows.net/models/2?sv=2024-01-01&sig=hunter2&se=2030"
	f.versions[1]["tags"] = append(f.versions[1]["tags"].([]obj), obj{"key": "data", "value": "from postgresql://ada:hunter2@db/claims, see docs"})
	f.models[0]["description"] = "trained from https://ada:hunter2@git.example.com/x.git"
	f.models[0]["tags"] = append(f.models[0]["tags"].([]obj), obj{"key": "repo", "value": "s3://AKIA:12/hunter2@bucket/x"})
	f.runs["r2"]["inputs"] = obj{"dataset_inputs": []obj{{"dataset": obj{"name": "https://h/x?token=hunter2", "digest": "d1"}}}}
	f.tests[0]["inputs"] = f.runs["r2"]["inputs"]
	rec, _ := collect(t, f.config(obj{"evaluation": obj{"experiments": []string{"tests"}}}), nil)
	for _, r := range rec.Records() {
		if strings.Contains(string(r.Payload)+r.Key+r.URL, "hunter2") {
			t.Errorf("%s %s tells a secret: %s", r.Kind, r.Key, r.Payload)
		}
	}
	if v := find(t, rec, records.KindModelVersion, "triage/1"); v["artifact_uri"] != "s3://REDACTED@bucket/model" {
		t.Errorf("artefact at %v", v["artifact_uri"])
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"s3://bucket/a b?": "s3://bucket/a b?",
		"abfss://models@acct.dfs.core.windows.net/m/1": "abfss://models@acct.dfs.core.windows.net/m/1",
		"wasbs://a:hunter2@acct/m":                     "wasbs://REDACTED@acct/m",
		"https://h/p?page=2&X-Amz-Signature=hunter2":   "https://h/p?X-Amz-Signature=REDACTED&page=2",
		"runs:/r1/model, ann@example.com":              "runs:/r1/model, ann@example.com",
		"https://%zz:hunter2@h/":                       "https://" + leftOut,
	} {
		if got := line(in, 500); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// A clock that was wrong once must not hide the runs of later versions.
func TestVersionMadeInTheFuture(t *testing.T) {
	f := newFake(t)
	f.fill()
	far := fakeVersion("triage", 3, "None", "r1")
	far["creation_timestamp"] = time.Now().Add(2 * 365 * 24 * time.Hour).UnixMilli()
	f.versions = append(f.versions, far)
	cfg := f.config(nil)
	first, _ := collect(t, cfg, nil)
	fresh := fakeVersion("triage", 4, "None", "r4")
	fresh["creation_timestamp"] = time.Now().UnixMilli()
	f.versions, f.runs["r4"] = append(f.versions, fresh), fakeRun("r4", "FINISHED")
	rec, _ := collect(t, cfg, first)
	find(t, rec, records.KindLineage, "triage/4")
}

// Nobody can have approved a version before it was made.
func TestApprovalBeforeTheVersion(t *testing.T) {
	for at, want := range map[string]int{"2020-01-01T00:00:00Z": 0, "2023-11-14": 1, "2023-11-15T00:00:00Z": 1} { // made on 2023-11-14 at 22:13
		f := newFake(t)
		f.fill()
		f.versions = f.versions[1:]
		f.versions[0]["tags"] = append(f.versions[0]["tags"].([]obj), obj{"key": "at", "value": at})
		rec, _ := collect(t, f.config(obj{"approval": obj{"tag": "approval_status", "at_tag": "at"}}), nil)
		if got := len(rec.Records(records.KindModelApproval)); got != want || reasons(rec)[connector.Malformed] != (want == 0) {
			t.Errorf("approved at %s: %d approvals, gaps %+v", at, got, rec.Gaps())
		}
	}
}
