package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	defaultMaxCommits   = 200_000
	defaultMaxFileBytes = 32 << 20
	maxRecordBytes      = 1 << 20
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	Repository   string         `json:"repository"`
	Name         string         `json:"name"`
	Branch       string         `json:"branch"`
	WebURL       string         `json:"web_url"`
	Since        string         `json:"since"`
	MaxCommits   int            `json:"max_commits"`
	MaxFileBytes int64          `json:"max_file_bytes"`
	Documents    []documentGlob `json:"documents"`
	Records      []recordGlob   `json:"records"`

	since time.Time
}

type documentGlob struct {
	Glob             string   `json:"glob"`
	Owner            string   `json:"owner"`
	Classification   string   `json:"classification"`
	RequiredSections []string `json:"required_sections"`

	pattern glob
}

type recordGlob struct {
	Glob  string   `json:"glob"`
	Kinds []string `json:"kinds"`

	pattern glob
}

// parseConfig reads and checks the settings and reports every error at once.
func parseConfig(settings json.RawMessage) (*config, error) {
	c := &config{MaxCommits: defaultMaxCommits, MaxFileBytes: defaultMaxFileBytes}
	dec := json.NewDecoder(bytes.NewReader(settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("documents: settings: %w", err)
	}
	var errs []error
	if c.Repository == "" {
		errs = append(errs, errors.New("repository: missing; name the folder of a git clone"))
	}
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(filepath.Clean(c.Repository)), ".git")
	}
	if c.Since != "" {
		t, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			errs = append(errs, fmt.Errorf("since: %q is not a day like 2025-01-31", c.Since))
		}
		c.since = t
	}
	if len(c.Documents)+len(c.Records) == 0 {
		errs = append(errs, errors.New("documents, records: at least one of them must name files to read"))
	}
	errs = append(errs, c.compile()...)
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("documents: settings: %w", err)
	}
	return c, nil
}

func (c *config) compile() []error {
	var errs []error
	for i := range c.Documents {
		g, err := parseGlob(c.Documents[i].Glob)
		if err != nil {
			errs = append(errs, fmt.Errorf("documents[%d].glob: %w", i, err))
		}
		c.Documents[i].pattern = g
	}
	for i := range c.Records {
		g, err := parseGlob(c.Records[i].Glob)
		if err != nil {
			errs = append(errs, fmt.Errorf("records[%d].glob: %w", i, err))
		}
		c.Records[i].pattern = g
		for _, k := range c.Records[i].Kinds {
			if _, ok := records.ShapeOf(k); !ok {
				errs = append(errs, fmt.Errorf("records[%d].kinds: %q cannot be kept in a file; "+
					"`exhibit connectors describe documents` lists the kinds that can", i, k))
			}
		}
	}
	return errs
}

// document returns the first document entry that takes path.
func (c *config) document(path string) (*documentGlob, bool) {
	for i := range c.Documents {
		if c.Documents[i].pattern.match(path) {
			return &c.Documents[i], true
		}
	}
	return nil, false
}

// recordKinds returns the kinds that a file at path may carry; empty if it is
// no record file.
func (c *config) recordKinds(path string) []string {
	var kinds []string
	for i := range c.Records {
		if c.Records[i].pattern.match(path) {
			kinds = append(kinds, c.Records[i].Kinds...)
		}
	}
	return kinds
}

// wantsPath reports whether a file at path is to be read at all.
func (c *config) wantsPath(path string) bool {
	_, ok := c.document(path)
	return ok || len(c.recordKinds(path)) > 0
}

// wantsDir reports whether a file below dir may be wanted.
func (c *config) wantsDir(dir string) bool {
	for i := range c.Documents {
		if c.Documents[i].pattern.matchDir(dir) {
			return true
		}
	}
	for i := range c.Records {
		if c.Records[i].pattern.matchDir(dir) {
			return true
		}
	}
	return false
}

// kinds returns the kinds that this source holds and the request wants, sorted.
func (c *config) kinds(req connector.Request) []string {
	var out []string
	if len(c.Documents) > 0 {
		out = append(out, records.KindDocumentRevision)
	}
	for _, r := range c.Records {
		out = append(out, r.Kinds...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(k string) bool { return !req.Wants(k) })
}
