package mlflow

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	BaseURL           string           `json:"base_url"`
	Registry          string           `json:"registry"`
	Canary            string           `json:"canary"`
	SystemTag         string           `json:"system_tag"`
	Approval          *approvalConfig  `json:"approval"`
	Evaluation        evaluationConfig `json:"evaluation"`
	PageSize          int              `json:"page_size"`
	RequestsPerSecond float64          `json:"requests_per_second"`

	root                      *url.URL
	token, username, password string
}

type approvalConfig struct {
	Alias    string   `json:"alias"`
	Stage    string   `json:"stage"`
	Tag      string   `json:"tag"`
	Approved []string `json:"approved"`
	Rejected []string `json:"rejected"`
	ByTag    string   `json:"by_tag"`
	AtTag    string   `json:"at_tag"`
}

type evaluationConfig struct {
	Experiments []string `json:"experiments"`
	SubjectTag  string   `json:"subject_tag"`
	PassedTag   string   `json:"passed_tag"`
	Passed      []string `json:"passed"`
	Failed      []string `json:"failed"`
}

// parseConfig reads and checks settings and secrets and reports every error at
// once.
func parseConfig(cc connector.Config) (*config, error) {
	c := &config{RequestsPerSecond: 10, token: cc.Secrets["token"], username: cc.Secrets["username"], password: cc.Secrets["password"],
		Evaluation: evaluationConfig{SubjectTag: "model_version", Passed: []string{"passed"}, Failed: []string{"failed"}}}
	dec := json.NewDecoder(bytes.NewReader(cc.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("mlflow: settings: %w", err)
	}
	var errs []error
	root, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || root.Host == "" || root.User != nil || root.RawQuery != "" || root.Fragment != "" {
		return nil, errors.New("mlflow: settings: base_url: want an address like https://mlflow.example.com")
	}
	c.root = root
	if c.token != "" && (c.username != "" || c.password != "") {
		errs = append(errs, errors.New("secrets: give either token, or username and password"))
	}
	if (c.username == "") != (c.password == "") {
		errs = append(errs, errors.New("secrets username and password: give both or neither"))
	}
	if c.RequestsPerSecond <= 0 || c.PageSize < 0 || c.PageSize > 1000 {
		errs = append(errs, errors.New("requests_per_second: want more than zero; page_size: want 1 to 1000"))
	}
	if c.Approval != nil {
		errs = append(errs, c.Approval.complete()...)
	}
	c.setDefaults()
	if _, err := transport.New(c.transport(nil)); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("mlflow: settings: %w", err)
	}
	return c, nil
}

func (c *config) setDefaults() {
	if c.Registry == "" {
		c.Registry = "mlflow/" + c.root.Host
	}
	if c.PageSize == 0 {
		c.PageSize = 500
		if c.databricks() {
			c.PageSize = 100
		}
	}
}

// complete fills in what is not said and checks what is.
func (a *approvalConfig) complete() []error {
	given := 0
	for _, s := range []string{a.Alias, a.Stage, a.Tag} {
		if s != "" {
			given++
		}
	}
	var errs []error
	if given != 1 {
		errs = append(errs, errors.New("approval: name one of alias, stage and tag"))
	}
	if a.Tag == "" && (a.Approved != nil || a.Rejected != nil) {
		errs = append(errs, errors.New("approval: approved and rejected are values of a tag; name it"))
	}
	if a.Approved == nil {
		a.Approved = []string{"approved"}
	}
	if a.Rejected == nil {
		a.Rejected = []string{"rejected"}
	}
	return errs
}

// databricks reports whether the server is a Databricks workspace, whose newer
// registry, Unity Catalog, answers elsewhere.
func (c *config) databricks() bool {
	host := strings.ToLower(c.root.Hostname())
	return slices.ContainsFunc([]string{".databricks.com", ".azuredatabricks.net", ".databricks.us"}, func(s string) bool { return strings.HasSuffix(host, s) })
}

// transport is how requests are sent.
func (c *config) transport(count func(connector.Calls)) transport.Options {
	o := transport.Options{
		BaseURL: c.root.JoinPath("api/2.0/mlflow").String(), UserAgent: "exhibit-connector-mlflow/" + Version,
		RequestsPerSecond: c.RequestsPerSecond, Burst: 4, Counted: count, MaxResponseBytes: 64 << 20,
	}
	switch {
	case c.token != "":
		o.Authorize = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.token) }
	case c.username != "":
		o.Authorize = func(r *http.Request) { r.SetBasicAuth(c.username, c.password) }
	}
	return o
}

// credential reports whether the server is told who asks.
func (c *config) credential() bool { return c.token != "" || c.username != "" }

// digest tells apart settings under which runs would be read differently.
func (c *config) digest() string {
	raw, err := json.Marshal([]any{c.Registry, c.SystemTag, c.Evaluation})
	if err != nil {
		return "" // strings only: cannot be
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// link is where a person sees a page of the server.
func (c *config) link(elem ...string) string {
	if c.databricks() {
		return ""
	}
	for i, e := range elem {
		elem[i] = url.PathEscape(e)
	}
	u := *c.root
	return strings.TrimSuffix(u.String(), "/") + "/#/" + strings.Join(elem, "/")
}
