package huggingface

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	Organizations     []string `json:"organizations"`
	Repositories      []string `json:"repositories"`
	Canary            string   `json:"canary"`
	Registry          string   `json:"registry"`
	BaseURL           string   `json:"base_url"`
	PageSize          int      `json:"page_size"`
	RequestsPerSecond float64  `json:"requests_per_second"`

	root   *url.URL
	named  []named
	canary named
	token  string
}

// named is a repository that the settings name.
type named struct {
	family   *family
	id       string
	revision string // empty: the latest
}

// name is how the settings and gaps write a repository.
func (n named) name() string { return n.family.prefix + n.id }

// parseConfig reads and checks settings and secrets and reports every error at
// once.
func parseConfig(cc connector.Config) (*config, error) {
	c := &config{BaseURL: "https://huggingface.co", PageSize: 100, token: cc.Secrets["token"]}
	dec := json.NewDecoder(bytes.NewReader(cc.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("huggingface: settings: %w", err)
	}
	root, err := url.Parse(strings.TrimSuffix(c.BaseURL, "/"))
	if err != nil || root.Host == "" || root.User != nil || root.RawQuery != "" || root.Fragment != "" {
		return nil, errors.New("huggingface: settings: base_url: want an address like https://huggingface.co")
	}
	c.root = root
	var errs []error
	if len(c.Organizations)+len(c.Repositories) == 0 {
		errs = append(errs, errors.New("organizations, repositories: name at least one"))
	}
	for i, o := range c.Organizations {
		if !validID(o) || strings.Contains(o, "/") {
			errs = append(errs, fmt.Errorf("organizations[%d]: %q is no name", i, o))
		}
	}
	for i, r := range c.Repositories {
		n, err := parseName(r)
		if err != nil {
			errs = append(errs, fmt.Errorf("repositories[%d]: %w", i, err))
		}
		c.named = append(c.named, n)
	}
	if c.Canary != "" {
		if c.canary, err = parseName(c.Canary); err != nil {
			errs = append(errs, fmt.Errorf("canary: %w", err))
		}
	}
	c.setDefaults()
	if c.RequestsPerSecond < 0 || c.PageSize < 1 || c.PageSize > 1000 {
		errs = append(errs, errors.New("requests_per_second: want more than zero; page_size: want 1 to 1000"))
	}
	if _, err := transport.New(c.transport(nil)); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("huggingface: settings: %w", err)
	}
	return c, nil
}

func (c *config) setDefaults() {
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = 1.5
		if c.token != "" {
			c.RequestsPerSecond = 3
		}
	}
	if c.Registry == "" {
		c.Registry = "huggingface"
		if !strings.EqualFold(c.root.Host, "huggingface.co") {
			c.Registry += "/" + c.root.Host
		}
	}
}

// parseName reads a repository as the settings name it.
func parseName(s string) (named, error) {
	n := named{family: models()}
	rest, revision, pinned := strings.Cut(s, "@")
	if id, ok := strings.CutPrefix(rest, "datasets/"); ok {
		n.family, rest = datasets(), id
	}
	n.id, n.revision = rest, revision
	if !validID(n.id) || pinned && revision == "" {
		return n, fmt.Errorf("%q is no repository; write owner/name, datasets/owner/name or owner/name@revision", s)
	}
	return n, nil
}

// validID reports whether s is a name that the hub gives: owner/name, or a
// name alone.
func validID(s string) bool {
	parts := strings.Split(s, "/")
	if len(parts) > 2 || len(s) > 200 {
		return false
	}
	for _, p := range parts {
		if strings.Trim(p, ".") == "" || strings.ContainsFunc(p, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
		}) {
			return false
		}
	}
	return true
}

// Waits: the hub counts over five minutes, and a host waits no longer than
// that for a sign of life.
const (
	longestWait    = 4*time.Minute + 30*time.Second
	longestRequest = 10 * time.Minute
)

// transport is how requests are sent.
func (c *config) transport(count func(connector.Calls)) transport.Options {
	o := transport.Options{
		BaseURL: c.root.String(), UserAgent: "exhibit-connector-huggingface/" + Version, RequestsPerSecond: c.RequestsPerSecond,
		Burst: 10, Counted: count, MaxWait: longestWait, MaxElapsed: longestRequest, MaxResponseBytes: 32 << 20, Base: newLimits(),
	}
	if c.token != "" {
		o.Authorize = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.token) }
	}
	return o
}
