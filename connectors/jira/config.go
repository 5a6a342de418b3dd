package jira

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	cloud      = "cloud"
	dataCenter = "datacenter"
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	BaseURL           string            `json:"base_url"`
	WebURL            string            `json:"web_url"`
	Deployment        string            `json:"deployment"`
	Email             string            `json:"email"`
	Since             string            `json:"since"`
	RequestsPerSecond float64           `json:"requests_per_second"`
	PageSize          int               `json:"page_size"`
	Projects          []project         `json:"projects"`
	CustomFields      map[string]string `json:"custom_fields"`
	IssueTypes        []issueType       `json:"issue_types"`

	since  time.Time
	token  string
	digest string
}

type project struct {
	Key       string `json:"key"`
	Canary    string `json:"canary"`
	Approvals bool   `json:"approvals"`
}

// issueType maps the issues of one type in one project to a kind.
type issueType struct {
	Project string              `json:"project"`
	Type    string              `json:"type"`
	Kind    string              `json:"kind"`
	Fields  map[string]fieldMap `json:"fields"`

	shape records.Shape
}

// fieldMap says where a payload field comes from. In the settings it is a path
// alone, or a path with the words to put for Jira's.
type fieldMap struct {
	Path   string            `json:"path"`
	Values map[string]string `json:"values,omitempty"`

	path path
}

// UnmarshalJSON reads both forms.
func (f *fieldMap) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &f.Path) == nil {
		return nil
	}
	type plain fieldMap
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode((*plain)(f))
}

// parseConfig reads and checks settings and secrets and reports every error at
// once.
func parseConfig(cc connector.Config) (*config, error) {
	c := &config{Deployment: cloud, RequestsPerSecond: 10, PageSize: 100, token: cc.Secrets["token"]}
	dec := json.NewDecoder(bytes.NewReader(cc.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("jira: settings: %w", err)
	}
	var errs []error
	if c.token == "" {
		errs = append(errs, errors.New("secret token: missing; create an API token (Cloud) or a personal access token (Data Center)"))
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.User != nil {
		errs = append(errs, errors.New("base_url: want an address like https://acme.atlassian.net, without a user name"))
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.WebURL = strings.TrimRight(c.WebURL, "/"); c.WebURL == "" {
		c.WebURL = c.BaseURL
	}
	if c.Deployment != cloud && c.Deployment != dataCenter {
		errs = append(errs, fmt.Errorf("deployment: %q is neither cloud nor datacenter", c.Deployment))
	}
	if c.Since != "" {
		t, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			errs = append(errs, fmt.Errorf("since: %q is not a day like 2025-01-31", c.Since))
		}
		c.since = t
	}
	errs = append(errs, c.checkProjects()...)
	errs = append(errs, c.compileTypes()...)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("jira: settings: %w", err)
	}
	b, _ := json.Marshal(c) // plain values: cannot fail; the token is not among them
	sum := sha256.Sum256(append(b, Version...))
	c.digest = hex.EncodeToString(sum[:8])
	return c, nil
}

func (c *config) checkProjects() []error {
	key := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,49}$`)
	var errs []error
	if len(c.Projects) == 0 {
		errs = append(errs, errors.New("projects: name at least one"))
	}
	seen := map[string]bool{}
	for i, p := range c.Projects {
		if !key.MatchString(p.Key) || seen[p.Key] {
			errs = append(errs, fmt.Errorf("projects[%d].key: %q is no project key, or is there twice", i, p.Key))
		}
		seen[p.Key] = true
		if p.Canary != "" && !issueKey().MatchString(p.Canary) {
			errs = append(errs, fmt.Errorf("projects[%d].canary: %q is no issue key", i, p.Canary))
		}
	}
	for i, t := range c.IssueTypes {
		if !seen[t.Project] {
			errs = append(errs, fmt.Errorf("issue_types[%d].project: %q is not among the projects", i, t.Project))
		}
	}
	return errs
}

func (c *config) compileTypes() []error {
	var errs []error
	for i := range c.IssueTypes {
		t := &c.IssueTypes[i]
		s, ok := records.ShapeOf(t.Kind)
		if !ok {
			errs = append(errs, fmt.Errorf("issue_types[%d].kind: %q cannot be kept as an issue; "+
				"`exhibit connectors describe jira` lists the kinds that can", i, t.Kind))
		}
		t.shape = s
		if t.Type == "" {
			errs = append(errs, fmt.Errorf("issue_types[%d].type: missing", i))
		}
		for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
			f := t.Fields[name]
			p, err := parsePath(f.Path)
			if err != nil {
				errs = append(errs, fmt.Errorf("issue_types[%d].fields.%s: %w", i, name, err))
			}
			f.path = p
			t.Fields[name] = f
		}
	}
	return errs
}

// searchFields are the fields asked of the search: what jira.issue carries and
// what the settings map.
func (c *config) searchFields() []string {
	out := []string{"summary", "project", "issuetype", "status", "priority", "reporter", "assignee", "created", "updated",
		"resolution", "resolutiondate", "duedate", "labels", "components", "parent", "issuelinks"}
	for _, id := range c.CustomFields {
		out = append(out, id)
	}
	for _, t := range c.IssueTypes {
		for _, f := range t.Fields {
			if id := f.path.field(); id != "" {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// kindsOf returns the kinds that a project can give and the request wants.
func (c *config) kindsOf(p project, req connector.Request) []string {
	out := []string{KindIssue, KindTransition}
	if p.Approvals {
		out = append(out, KindApproval)
	}
	for _, t := range c.IssueTypes {
		if t.Project == p.Key {
			out = append(out, t.Kind)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(k string) bool { return !req.Wants(k) })
}

// needsHistory reports whether the changelogs of a project's issues are needed.
func (c *config) needsHistory(p project, req connector.Request) bool {
	if req.Wants(KindTransition) {
		return true
	}
	for _, t := range c.IssueTypes {
		if t.Project != p.Key || !req.Wants(t.Kind) {
			continue
		}
		for _, f := range t.Fields {
			if f.path.transition != nil {
				return true
			}
		}
	}
	return false
}

func issueKey() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,49}-[0-9]{1,12}$`) }
