package secrets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// managerServer speaks the JSON protocol of AWS Secrets Manager, and what gives
// credentials besides: STS, and the agent of a container.
type managerServer struct {
	*httptest.Server
	values map[string]string
	keys   []string // of who asked, with the region
}

func newManagerServer(t *testing.T) *managerServer {
	m := &managerServer{values: map[string]string{
		"prod/exhibit": `{"token": "s3cret-token", "port": 8443, "list": ["s3cret"]}`, "plain": "s3cret-plain", "prod/exhibit@AWSPENDING": `{"token": "s3cret-next"}`,
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /creds", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "s3cret-pod" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"AccessKeyId": "AKIDPOD", "SecretAccessKey": "s3cret", "Token": "t", "Expiration": time.Now().Add(time.Hour)})
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			m.sts(w, r)
			return
		}
		m.secret(t, w, r)
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

func (m *managerServer) sts(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Form.Get("Action") != "AssumeRoleWithWebIdentity" || r.Form.Get("WebIdentityToken") != "s3cret-jwt" || r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>
<AssumedRoleUser><Arn>a</Arn><AssumedRoleId>b</AssumedRoleId></AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (m *managerServer) secret(t *testing.T, w http.ResponseWriter, r *http.Request) {
	auth := r.Header.Get("Authorization") // AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/secretsmanager/aws4_request, …
	_, scope, _ := strings.Cut(auth, "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 || parts[3] != "secretsmanager" || r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		t.Errorf("asked %q with %q", r.Header.Get("X-Amz-Target"), auth)
	}
	m.keys = append(m.keys, parts[0]+" "+parts[2])
	var in struct{ SecretId, VersionStage string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		t.Error(err)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	name := in.SecretId[strings.LastIndex(in.SecretId, ":")+1:]
	if in.VersionStage != "" && in.VersionStage != "AWSCURRENT" {
		name += "@" + in.VersionStage
	}
	switch v, ok := m.values[name]; {
	case name == "denied":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type": "AccessDeniedException", "Message": "User is not authorized to perform: secretsmanager:GetSecretValue"}`))
	case name == "binary":
		_, _ = w.Write([]byte(`{"Name": "binary", "SecretBinary": "czNjcmV0LWJpbg=="}`))
	case !ok:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find the specified secret."}`))
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"Name": name, "SecretString": v, "VersionStages": []string{"AWSCURRENT"}})
	}
}

func TestSecretsManager(t *testing.T) {
	m := newManagerServer(t)
	e := env{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_REGION": "us-east-1"}
	section := "{aws: {endpoint: '" + m.URL + "', region: eu-west-1}}"
	for _, tc := range []struct{ place, want, asked string }{
		{"{aws: {secret: prod/exhibit, field: token}}", "s3cret-token", "AKIDENV eu-west-1"},
		{"{aws: {secret: prod/exhibit, field: port, region: eu-central-1}}", "8443", "AKIDENV eu-central-1"},
		{"{aws: {secret: 'arn:aws:secretsmanager:eu-north-1:123456789012:secret:plain'}}", "s3cret-plain", "AKIDENV eu-north-1"},
		{"{aws: {secret: prod/exhibit, field: token, stage: AWSPENDING}}", "s3cret-next", "AKIDENV eu-west-1"},
		{"{aws: {secret: binary}}", "s3cret-bin", "AKIDENV eu-west-1"},
	} {
		c, s := parsed(t, tc.place, section)
		if got, err := resolver(c, e, nil).Resolve(t.Context(), s); err != nil || got != tc.want || m.keys[len(m.keys)-1] != tc.asked {
			t.Errorf("%s: %q, %v, %v", tc.place, got, err, m.keys)
		}
	}
	for place, want := range map[string]string{
		"{aws: {secret: nowhere}}":                   "AWS Secrets Manager nowhere: AWS Secrets Manager has no such secret",
		"{aws: {secret: denied}}":                    "AccessDeniedException: User is not authorized",
		"{aws: {secret: prod/exhibit, field: nope}}": `no field "nope"`,
		"{aws: {secret: prod/exhibit, field: list}}": "neither text nor a number",
		"{aws: {secret: plain, field: token}}":       "no JSON object",
	} {
		c, s := parsed(t, place, section)
		got, err := resolver(c, e, nil).Resolve(t.Context(), s)
		wantErr(t, got, err, want)
	}
	c, s := parsed(t, "{aws: {secret: plain}}", "")
	got, err := resolver(c, env{"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s3cret"}, nil).Resolve(t.Context(), s)
	wantErr(t, got, err, "in which region")
}

// Where credentials come from.
func TestSecretsManagerCredentials(t *testing.T) {
	m := newManagerServer(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"jwt": "s3cret-jwt", "pod": "s3cret-pod\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		e    env
		want string
	}{
		"service account": {env{"AWS_WEB_IDENTITY_TOKEN_FILE": dir + "/jwt", "AWS_ROLE_ARN": "arn:aws:iam::1:role/exhibit", "AWS_ENDPOINT_URL": m.URL}, "AKIDROLE eu-west-1"},
		"pod identity":    {env{"AWS_CONTAINER_CREDENTIALS_FULL_URI": m.URL + "/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": dir + "/pod", "AWS_ENDPOINT_URL": m.URL}, "AKIDPOD eu-west-1"},
		"key":             {env{"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_ROLE_ARN": "x", "AWS_ENDPOINT_URL_SECRETS_MANAGER": m.URL}, "AKIDENV eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			m.keys = nil
			c, s := parsed(t, "{aws: {secret: plain}}", "{aws: {region: eu-west-1}}")
			r := resolver(c, tc.e, nil)
			for range 2 {
				if got, err := r.Resolve(t.Context(), s); err != nil || got != "s3cret-plain" {
					t.Errorf("%q, %v", got, err)
				}
			}
			if len(m.keys) != 2 || m.keys[1] != tc.want {
				t.Errorf("asked by %v", m.keys)
			}
		})
	}
	for want, e := range map[string]env{
		"switched off": {"AWS_EC2_METADATA_DISABLED": "true"},
		"in the clear": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://metadata.example.org/creds"},
	} {
		c, s := parsed(t, "{aws: {secret: plain}}", "{aws: {region: eu-west-1}}")
		got, err := resolver(c, e, nil).Resolve(t.Context(), s)
		wantErr(t, got, err, want)
	}
}
