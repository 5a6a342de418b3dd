package github

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Defaults, as config.schema.json states them.
const (
	defaultBaseURL      = "https://api.github.com"
	defaultLookbackDays = 365
	defaultConcurrency  = 8
	defaultBudget       = 12
	defaultMaxWait      = 120
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	BaseURL           string   `json:"base_url"`
	Organization      string   `json:"organization"`
	Owner             string   `json:"owner"`
	Repositories      []string `json:"repositories"`
	Exclude           []string `json:"exclude_repositories"`
	Branches          []string `json:"branches"`
	FileGlobs         []string `json:"file_globs"`
	ArtifactWorkflows []string `json:"artifact_workflows"`
	IssueProjects     []string `json:"issue_projects"`
	Since             string   `json:"since"`
	LookbackDays      int      `json:"lookback_days"`
	Concurrency       int      `json:"concurrency"`
	Budget            float64  `json:"requests_per_second"`
	MaxWait           int      `json:"max_wait_seconds"`
	AppID             int64    `json:"app_id"`
	InstallationID    int64    `json:"installation_id"`
	furtherSettings

	token     string
	key       *rsa.PrivateKey // of the app, if it is one that asks
	since     time.Time
	files     []glob
	artifacts []glob
}

// parseConfig reads and checks the settings and reports every error at once.
func parseConfig(in connector.Config, now time.Time) (*config, error) {
	c := &config{BaseURL: defaultBaseURL, LookbackDays: defaultLookbackDays, Concurrency: defaultConcurrency,
		Budget: defaultBudget, MaxWait: defaultMaxWait, furtherSettings: defaultFurther(), token: in.Secrets[secretToken]}
	dec := json.NewDecoder(bytes.NewReader(in.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("github: settings: %w", err)
	}
	var errs []error
	errs = append(errs, c.checkCredential(in.Secrets)...)
	if c.Organization == "" && c.Owner == "" && len(c.Repositories) == 0 {
		errs = append(errs, errors.New("organization: missing; name an organisation, an owner, or repositories as owner/name"))
	}
	if c.Organization != "" && c.Owner != "" {
		errs = append(errs, errors.New("organization, owner: give one of them; a second source can read the other"))
	}
	errs = append(errs, c.checkRepositories()...)
	errs = append(errs, c.compile()...)
	errs = append(errs, c.checkFurther()...)
	c.since = now.UTC().AddDate(0, 0, -c.LookbackDays).Truncate(24 * time.Hour)
	if c.Since != "" {
		t, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			errs = append(errs, fmt.Errorf("since: %q is not a day like 2025-01-31", c.Since))
		}
		c.since = t
	}
	if c.Concurrency < 1 || c.Budget <= 0 || c.MaxWait < 1 || c.LookbackDays < 1 {
		errs = append(errs, errors.New("concurrency, requests_per_second, max_wait_seconds, lookback_days: each must be above zero"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("github: settings: %w", err)
	}
	return c, nil
}

// checkCredential takes the secrets: a token, or the key of an app.
func (c *config) checkCredential(secrets map[string]string) (errs []error) {
	key := secrets[secretKey]
	switch {
	case c.token == "" && key == "":
		errs = append(errs, errors.New("secret token: missing; create a fine-grained token that can read the repositories, "+
			"or set app_id and the secret app_private_key"))
	case c.token != "" && key != "":
		errs = append(errs, errors.New("secrets token, app_private_key: give one of them"))
	case c.token != "" && !plainToken(c.token):
		errs = append(errs, errors.New("secret token: holds blanks or characters that no token has; was a line break copied?"))
	}
	if key != "" && c.AppID < 1 {
		errs = append(errs, errors.New("app_id: missing; the settings page of the GitHub App shows it"))
	}
	if key == "" && (c.AppID != 0 || c.InstallationID != 0) {
		errs = append(errs, errors.New("secret app_private_key: missing, although app_id or installation_id is set; generate it on the settings page of the GitHub App"))
	}
	if key != "" {
		var err error
		if c.key, err = parseKey(key); err != nil {
			errs = append(errs, fmt.Errorf("secret app_private_key: %w", err))
		}
	}
	if c.AppID < 0 || c.InstallationID < 0 {
		errs = append(errs, errors.New("app_id, installation_id: each must be above zero"))
	}
	return errs
}

// installationPath is where the app finds how it was let in.
func (c *config) installationPath() string {
	switch named := c.explicit(); {
	case c.InstallationID > 0:
		return fmt.Sprintf("app/installations/%d", c.InstallationID)
	case c.Organization != "":
		return "orgs/" + c.Organization + "/installation"
	case c.Owner != "":
		return "users/" + c.Owner + "/installation"
	case len(named) > 0:
		return "repos/" + named[0] + "/installation"
	}
	return "app/installations"
}

// account is the organisation or user that is listed; empty if none is.
func (c *config) account() string {
	if c.Organization != "" {
		return c.Organization
	}
	return c.Owner
}

func (c *config) checkRepositories() []error {
	var errs []error
	for _, list := range []struct {
		name  string
		items []string
	}{{"repositories", c.Repositories}, {"exclude_repositories", c.Exclude}} {
		for i, p := range list.items {
			full := c.fullPattern(p)
			owner, name, ok := strings.Cut(full, "/")
			switch {
			case !ok:
				errs = append(errs, fmt.Errorf("%s[%d]: %q: want owner/name, because no organization is set", list.name, i, p))
			case strings.Contains(name, "/") || !isWild(full) && !validFullName(full):
				errs = append(errs, fmt.Errorf("%s[%d]: %q is not a repository's name", list.name, i, p))
			case list.name == "repositories" && isWild(full) && !strings.EqualFold(owner, c.account()):
				errs = append(errs, fmt.Errorf("%s[%d]: %q: a wildcard needs the owner to be the organization that is listed", list.name, i, p))
			}
			if _, err := path.Match(full, ""); err != nil {
				errs = append(errs, fmt.Errorf("%s[%d]: %q: %w", list.name, i, p, err))
			}
		}
	}
	return errs
}

func (c *config) compile() []error {
	var errs []error
	for i, s := range c.FileGlobs {
		g, err := parseGlob(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("file_globs[%d]: %w", i, err))
		}
		c.files = append(c.files, g)
	}
	for i, s := range c.ArtifactWorkflows {
		g, err := parseGlob(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("artifact_workflows[%d]: %w", i, err))
		}
		c.artifacts = append(c.artifacts, g)
	}
	for i, b := range c.Branches {
		if !records.Fit(b) || strings.Contains(b, "..") {
			errs = append(errs, fmt.Errorf("branches[%d]: %q is not a branch's name", i, b))
		}
	}
	return errs
}

// fullPattern puts the listed account before a name without owner.
func (c *config) fullPattern(p string) string {
	if strings.Contains(p, "/") || c.account() == "" {
		return p
	}
	return c.account() + "/" + p
}

// explicit returns the repositories to ask for by name; nil when the account
// is to be listed.
func (c *config) explicit() []string {
	var out []string
	for _, p := range c.Repositories {
		full := c.fullPattern(p)
		if isWild(full) {
			return nil
		}
		out = append(out, full)
	}
	return out
}

// takes reports whether a repository is in the scope. Names are compared as
// GitHub does, without regard to case.
func (c *config) takes(full string) bool {
	return (len(c.Repositories) == 0 || c.anyPattern(c.Repositories, full)) && !c.anyPattern(c.Exclude, full)
}

func (c *config) anyPattern(patterns []string, full string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(strings.ToLower(c.fullPattern(p)), strings.ToLower(full)); err == nil && ok {
			return true
		}
	}
	return false
}

// filtered reports whether the scope is less than all that is listed.
func (c *config) filtered() bool { return len(c.Repositories)+len(c.Exclude) > 0 }

// mark is a short name for values that a stored note depends on.
func mark(values ...any) string {
	b, err := json.Marshal(values)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

func isWild(s string) bool { return strings.ContainsAny(s, "*?[") }
