package openai

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

const (
	fakeAdmin = "sk-admin-fake-0123456789"
	fakeKey   = "sk-proj-fake-0123456789"
)

// fake imitates OpenAI: an answer by path.
type fake struct{ *connectortest.Answers }

func list1(items string) string {
	return `{"object":"list","data":[` + items + `],"has_more":false}`
}

const org = "/organization/"

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{connectortest.NewAnswers(t, admit)}
	f.pages(org+"users",
		`{"object":"organization.user","id":"user-1","name":"Ana","email":"Ana@example.test","role":"owner","added_at":1767225600,"api_key_last_used_at":1777000123,"user":{"object":"user","id":"user-1","enabled":true,"banned":false}}`,
		`{"object":"organization.user","id":"user-2","role":"reader","added_at":1767225601,"user":{"object":"user","id":"user-2","email":"bo@example.test","name":"Bo","enabled":false}},
		 {"object":"organization.user","id":"svc-1","name":"batch","role":"reader","added_at":1767225602,"is_service_account":true}`)
	f.Put(org+"invites", list1(`{"id":"inv-1","email":"cy@example.test","role":"reader","status":"pending","created_at":1767225603,"projects":[{"id":"proj_a","role":"member"}]},
		{"id":"inv-2","email":"old@example.test","role":"reader","status":"expired","created_at":1767225603,"projects":[]}`))
	f.Put(org+"projects", list1(`{"id":"proj_a","object":"organization.project","name":"chat","created_at":1767225604,"archived_at":null,"status":"active","residency":"EU_STORAGE_PROCESSING"},
		{"id":"proj_b","object":"organization.project","name":"old","created_at":1767225604,"archived_at":1770000000,"status":"archived"}`))
	f.Put(org+"projects/proj_a/service_accounts", list1(`{"id":"svc-1","name":"batch","role":"member","created_at":1767225602},{"id":"svc-2","name":"cron","role":"member","created_at":1767225605}`))
	f.Put(org+"projects/proj_a/users", list1(`{"id":"user-1","role":"owner","added_at":1},{"id":"user-2","role":"member","added_at":1}`))
	f.On(org+"projects/proj_a/api_keys", func(w http.ResponseWriter, r *http.Request) {
		keys := `{"id":"key_1","name":"prod","redacted_value":"sk-abc***xyz","created_at":1767225606,"last_used_at":1777000123,"owner_project_access":"active","owner":{"type":"service_account","service_account":{"id":"svc-1","name":"batch"}}}`
		if r.URL.Query().Get("owner_project_access") == "any" {
			keys += `,{"id":"key_2","name":"left behind","redacted_value":"sk-def***xyz","created_at":1767225606,"last_used_at":null,"owner_project_access":"inactive","owner":{"type":"user","user":{"id":"user-2","email":"bo@example.test"}}}`
		}
		fmt.Fprint(w, list1(keys))
	})
	f.Put(org+"admin_api_keys", list1(`{"id":"key_admin","name":"exhibit","redacted_value":"sk-admin***789","created_at":1767225607,"expires_at":1767225608,"last_used_at":1777000123,"owner":{"type":"user","id":"user-1","name":"Ana"}}`))
	f.use("completions", `{"object":"x","input_tokens":10,"output_tokens":5,"num_model_requests":3,"project_id":"proj_a","api_key_id":"key_1","model":"gpt-4o-2024-08-06"}`)
	f.use("images", `{"object":"x","images":2,"num_model_requests":2,"project_id":"proj_a","api_key_id":"key_1","model":"gpt-image-1"}`)
	for _, s := range []string{"embeddings", "moderations", "audio_speeches", "audio_transcriptions"} {
		f.use(s, "")
	}
	f.report("/organization/costs", `{"object":"x","amount":{"value":0.06,"currency":"usd"},"project_id":"proj_a"},{"object":"x","amount":{"value":0.1,"currency":"usd"},"project_id":"proj_a"}`)
	f.Put(org+"audit_logs", list1(`{"id":"audit_2","type":"api_key.deleted","effective_at":1777000002,"actor":{"type":"session","session":{"user":{"id":"user-1","email":"ana@example.test"},"ip_address":"192.0.2.1"}},"project":{"id":"proj_a","name":"chat"},"api_key.deleted":{"id":"key_0"}},
		{"id":"audit_1","type":"login.failed","effective_at":1777000001,"actor":{"type":"api_key","api_key":{"id":"key_1","type":"service_account","service_account":{"id":"svc-1"}}},"login.failed":{"error_code":"x"}}`))
	f.Put(org+"data_retention", `{"object":"organization.data_retention","type":"modified_abuse_monitoring"}`)
	f.Put(org+"projects/proj_a/data_retention", `{"object":"project.data_retention","type":"zero_data_retention"}`)
	f.Put(org+"projects/proj_a/model_permissions", `{"object":"project.model_permissions","mode":"allow_list","model_ids":["o3","gpt-4o"]}`)
	f.Put("/models", `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1715367049,"owned_by":"system","shutdown_date":null},
		{"id":"gpt-4-0314","object":"model","created":1678604600,"owned_by":"openai","shutdown_date":"2026-03-26"},
		{"id":"o1","object":"model","created":1678604601,"owned_by":"openai","shutdown_date":"2999-01-01"}]}`)
	f.Put("/fine_tuning/jobs", list1(`{"id":"ftjob-1","organization_id":"org-acme","created_at":1767225609,"finished_at":1767225709,"model":"gpt-4o-mini-2024-07-18","fine_tuned_model":"ft:gpt-4o-mini-2024-07-18:acme:triage:9abc","status":"succeeded","training_file":"file-1","validation_file":"file-2","result_files":[],"hyperparameters":{"n_epochs":3}},
		{"id":"ftjob-2","organization_id":"org-acme","created_at":1767225609,"finished_at":null,"model":"gpt-4o-mini-2024-07-18","fine_tuned_model":null,"status":"failed","training_file":"file-1"}`))
	return f
}

func (f *fake) status(path string, code int) {
	f.On(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, `{"error":{"message":"because","type":"invalid_request_error","code":null}}`)
	})
}

// pages answers page after page; the token is the number of the next.
func (f *fake) pages(path string, items ...string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		_, _ = fmt.Sscanf(r.URL.Query().Get("after"), "p%d", &n)
		if n+1 < len(items) {
			fmt.Fprintf(w, `{"object":"list","data":[%s],"has_more":true,"last_id":"p%d"}`, items[n], n+1)
			return
		}
		fmt.Fprint(w, list1(items[n]))
	})
}

func (f *fake) use(service, row string) { f.report("/organization/usage/"+service, row) }

// report answers with the row on the last two days that were asked for, a page
// a day.
func (f *fake) report(path, row string) {
	f.On(path, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		start, err := strconv.ParseInt(q.Get("start_time"), 10, 64)
		end, err2 := strconv.ParseInt(q.Get("end_time"), 10, 64)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if err2 != nil {
			end = start
		}
		from := max(start, end-2*86400)
		if p, err := strconv.ParseInt(q.Get("page"), 10, 64); err == nil {
			from = p
		}
		if from >= end {
			fmt.Fprint(w, `{"object":"page","data":[],"has_more":false,"next_page":null}`)
			return
		}
		more, next := "false", "null"
		if from+86400 < end {
			more, next = "true", strconv.Quote(strconv.FormatInt(from+86400, 10))
		}
		fmt.Fprintf(w, `{"object":"page","data":[{"object":"bucket","start_time":%d,"end_time":%d,"results":[%s]}],"has_more":%s,"next_page":%s}`, from, from+86400, row, more, next)
	})
}

// admit answers a key that is not the one for what is asked.
func admit(w http.ResponseWriter, r *http.Request) bool {
	want := fakeKey
	if strings.HasPrefix(r.URL.Path, org) {
		want = fakeAdmin
	}
	w.Header().Set("Openai-Organization", "org-acme")
	if r.Header.Get("Authorization") != "Bearer "+want {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}`)
		return false
	}
	return true
}

func (f *fake) config(settings string) connector.Config {
	if settings != "" {
		settings = "," + settings
	}
	return connector.Config{
		Settings: []byte(`{"requests_per_second":1000,"base_url":"` + f.URL + `"` + settings + `}`),
		Secrets:  map[string]string{secretAdmin: fakeAdmin, secretKey: fakeKey},
	}
}

func (f *fake) collect(t *testing.T, settings string, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(settings)}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

// yesterday is the last day that is told of.
func yesterday() string {
	return usage.Midnight(time.Now().Add(-usage.Settled)).Add(-day).Format(time.DateOnly)
}
