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
	Attachments       attachmentConfig  `json:"attachments"`
	IssueTypes        []issueType       `json:"issue_types"`

	since  time.Time
	token  string
	digest string
}

type project struct {
	Key          string `json:"key"`
	Canary       string `json:"canary"`
	Approvals    bool   `json:"approvals"`
	HistorySince string `json:"history_since"`

	historySince time.Time
}

// attachmentConfig says whether the content of attached files is hashed.
type attachmentConfig struct {
	SHA256   bool  `json:"sha256"`
	MaxBytes int64 `json:"max_bytes"`
}

// issueType maps some issues of a project to a kind: those of a type, with a
// label, or found by a query; of several, those that are all of it.
type issueType struct {
	Project string              `json:"project"`
	Type    string              `json:"type"`
	Label   string              `json:"label"`
	JQL     string              `json:"jql"`
	Kind    string              `json:"kind"`
	ForEach string              `json:"for_each"`
	Fields  map[string]fieldMap `json:"fields"`

	shape records.Shape
}

// fieldMap says where a payload field comes from. In the settings it is a path
// alone, or a path with more about its value.
type fieldMap struct {
	Path   string            `json:"path"`
	Values map[string]string `json:"values,omitempty"`  // Jira's word: ours; empty leaves the field out
	Prefix string            `json:"prefix,omitempty"`  // only texts that begin with it, without it
	VoidBy []string          `json:"void_by,omitempty"` // of a transition: what undoes it

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
	c := &config{Deployment: cloud, RequestsPerSecond: 10, PageSize: 100, Attachments: attachmentConfig{MaxBytes: 25 << 20}, token: cc.Secrets["token"]}
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
	var err error
	if c.since, err = day(c.Since); err != nil {
		errs = append(errs, fmt.Errorf("since: %w", err))
	}
	if c.Attachments.MaxBytes <= 0 {
		errs = append(errs, errors.New("attachments.max_bytes: want more than 0"))
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
	for i := range c.Projects {
		p := &c.Projects[i]
		if !key.MatchString(p.Key) || seen[p.Key] {
			errs = append(errs, fmt.Errorf("projects[%d].key: %q is no project key, or is there twice", i, p.Key))
		}
		seen[p.Key] = true
		if p.Canary != "" && !issueKey().MatchString(p.Canary) {
			errs = append(errs, fmt.Errorf("projects[%d].canary: %q is no issue key", i, p.Canary))
		}
		var err error
		if p.historySince, err = day(p.HistorySince); err != nil {
			errs = append(errs, fmt.Errorf("projects[%d].history_since: %w", i, err))
		}
	}
	for i, t := range c.IssueTypes {
		if !seen[t.Project] {
			errs = append(errs, fmt.Errorf("issue_types[%d].project: %q is not among the projects", i, t.Project))
		}
	}
	return errs
}

// day reads a day; empty is no limit.
func day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a day like 2025-01-31", s)
	}
	return t, nil
}

func (c *config) compileTypes() []error {
	var errs []error
	for i := range c.IssueTypes {
		for _, err := range c.IssueTypes[i].compile() {
			errs = append(errs, fmt.Errorf("issue_types[%d].%w", i, err))
		}
	}
	return errs
}

// compile reads the paths and reports what is wrong with a mapping.
func (t *issueType) compile() []error {
	var errs []error
	var ok bool
	if t.shape, ok = records.ShapeOf(t.Kind); !ok {
		errs = append(errs, fmt.Errorf("kind: %q cannot be kept as an issue; `exhibit connectors describe jira` lists the kinds that can", t.Kind))
	}
	if t.Type == "" && t.Label == "" && t.JQL == "" {
		errs = append(errs, errors.New("type: missing; say which issues are meant by type, label or jql"))
	}
	if err := checkJQL(t.JQL); err != nil {
		errs = append(errs, fmt.Errorf("jql: %w", err))
	}
	if _, ok := t.Fields[t.ForEach]; t.ForEach != "" && !ok {
		errs = append(errs, fmt.Errorf("for_each: %q is not among the fields", t.ForEach))
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		f := t.Fields[name]
		var err error
		if f.path, err = parsePath(f.Path); err != nil {
			errs = append(errs, fmt.Errorf("fields.%s: %w", name, err))
		}
		if len(f.VoidBy) > 0 && f.path.transition == nil {
			errs = append(errs, fmt.Errorf("fields.%s.void_by: only a transition can be undone", name))
		} else if len(f.VoidBy) > 0 {
			f.path.transition.voidBy = f.VoidBy
		}
		if word := twice(f.Values); word != "" {
			errs = append(errs, fmt.Errorf("fields.%s.values: %q is there twice; case does not count", name, word))
		}
		t.Fields[name] = f
	}
	return errs
}

// twice returns a word that is there in two spellings.
func twice(values map[string]string) string {
	seen := map[string]bool{}
	for _, word := range slices.Sorted(maps.Keys(values)) {
		low := strings.ToLower(word)
		if seen[low] {
			return word
		}
		seen[low] = true
	}
	return ""
}

// checkJQL refuses a query that cannot be put in brackets beside the project.
func checkJQL(q string) error {
	if q == "" {
		return nil
	}
	depth, quote := 0, rune(0)
	for _, r := range q {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
		case r == '"' || r == '\'':
			quote = r
		case r == '(':
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return errors.New("a bracket is closed that was not opened")
			}
		}
	}
	switch {
	case strings.TrimSpace(q) == "":
		return errors.New("it is empty; leave it out, or say which issues are meant")
	case depth != 0 || quote != 0:
		return errors.New("a bracket or a quotation mark is not closed")
	case strings.Contains(q, `\`):
		return errors.New("write it without backslashes")
	case regexp.MustCompile(`(?i)\border\s+by\b`).MatchString(q):
		return errors.New("leave ORDER BY out: the order does not matter")
	}
	return nil
}

// searchFields are the fields asked of the search: what jira.issue carries and
// what the settings map.
func (c *config) searchFields() []string {
	out := []string{"summary", "project", "issuetype", "status", "priority", "reporter", "assignee", "created", "updated",
		"resolution", "resolutiondate", "statuscategorychangedate", "duedate", "labels", "components", "parent", "issuelinks", "attachment"}
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

func issueKey() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,49}-[0-9]{1,12}$`) }
