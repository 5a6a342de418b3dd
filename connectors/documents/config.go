package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
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
	Folder       string         `json:"folder"`
	Name         string         `json:"name"`
	Branch       string         `json:"branch"`
	WebURL       string         `json:"web_url"`
	Since        string         `json:"since"`
	MaxCommits   int            `json:"max_commits"`
	MaxFileBytes int64          `json:"max_file_bytes"`
	SigningKeys  []string       `json:"signing_keys"`
	Documents    []documentGlob `json:"documents"`
	Records      []recordGlob   `json:"records"`
	ScanCode     bool           `json:"scan_code,omitempty"`
	// ScanRepository is what the register calls the repository.
	ScanRepository string `json:"scan_repository,omitempty"`

	since time.Time
	keys  keyring
}

type documentGlob struct {
	Glob             string   `json:"glob"`
	ID               string   `json:"id"`
	Owner            string   `json:"owner"`
	Classification   string   `json:"classification"`
	RequiredSections []string `json:"required_sections"`

	pattern glob
}

type recordGlob struct {
	Glob    string            `json:"glob"`
	Kinds   []string          `json:"kinds"`
	Columns map[string]string `json:"columns"` // field by header, where they differ
	Values  map[string]string `json:"values"`  // of every row
	Sheets  []string          `json:"sheets"`  // of a workbook; none means all

	pattern glob
}

// entry is one glob of the settings, whatever it is for.
type entry struct {
	glob    string
	pattern glob
	kinds   []string
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
	errs = append(errs, c.place()...)
	if c.Since != "" {
		t, err := time.Parse(time.DateOnly, c.Since)
		if err != nil {
			errs = append(errs, fmt.Errorf("since: %q is not a day like 2025-01-31", c.Since))
		}
		c.since = t
	}
	if len(c.Documents)+len(c.Records) == 0 && !c.ScanCode {
		errs = append(errs, errors.New("documents, records: at least one of them must name files to read, or scan_code be true"))
	}
	if c.ScanRepository != "" && (!c.ScanCode || !records.Fit(c.ScanRepository)) {
		errs = append(errs, errors.New("scan_repository: names the repository of a scan, as owner/name; it needs scan_code"))
	}
	errs = append(errs, c.compile()...)
	var err error
	if c.keys, err = parseKeys(c.SigningKeys); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("documents: settings: %w", err)
	}
	return c, nil
}

// place checks where the files are.
func (c *config) place() []error {
	var errs []error
	switch {
	case c.Repository == "" && c.Folder == "":
		errs = append(errs, errors.New("repository: missing; name the folder of a git clone, or a plain one as folder"))
	case c.Repository != "" && c.Folder != "":
		errs = append(errs, errors.New("repository, folder: name one of them"))
	case c.Folder != "" && (c.Branch != "" || c.Since != "" || len(c.SigningKeys) > 0):
		errs = append(errs, errors.New("branch, since, signing_keys: a plain folder has no history"))
	case isAddress(c.Repository):
		errs = append(errs, errors.New("repository: an address; this connector opens no connection: clone it to a folder by other means, and name that"))
	}
	if c.Folder != "" && strings.Contains(c.WebURL, "{commit}") {
		errs = append(errs, errors.New("web_url: a plain folder has no {commit}"))
	}
	if c.Name == "" {
		c.Name = strings.TrimSuffix(filepath.Base(filepath.Clean(c.Repository+c.Folder)), ".git")
	}
	return errs
}

// isAddress reports whether s is how git names another machine or a program,
// not a folder: https://…, ssh://…, ext::…, user@host:path.
func isAddress(s string) bool {
	return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*(://|::)|^[^/\\:]+@[^/\\:]+:`).MatchString(s)
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

// entries returns every glob of the settings with the kinds it is for.
func (c *config) entries() []entry {
	var out []entry
	for _, d := range c.Documents {
		out = append(out, entry{d.Glob, d.pattern, revisionKinds()})
	}
	for _, r := range c.Records {
		out = append(out, entry{r.Glob, r.pattern, r.Kinds})
	}
	return out
}

// kindsBelow returns the kinds that files below dir may give.
func (c *config) kindsBelow(dir string) []string {
	var kinds []string
	for _, e := range c.entries() {
		if e.pattern.matchDir(dir) {
			kinds = append(kinds, e.kinds...)
		}
	}
	return kinds
}

// globsOf returns the globs of the files that may give a kind.
func (c *config) globsOf(kind string) []string {
	var out []string
	for _, e := range c.entries() {
		if slices.Contains(e.kinds, kind) {
			out = append(out, e.glob)
		}
	}
	return out
}

// record returns what the settings say about a record file: the kinds of every
// entry that takes it, the rest of the first one.
func (c *config) record(path string) (recordGlob, bool) {
	var out recordGlob
	found := false
	for _, r := range c.Records {
		if !r.pattern.match(path) {
			continue
		}
		if !found {
			out, found = r, true
			out.Kinds = slices.Clone(r.Kinds)
			continue
		}
		for _, k := range r.Kinds {
			if !slices.Contains(out.Kinds, k) {
				out.Kinds = append(out.Kinds, k)
			}
		}
	}
	return out, found
}

// wantsPath reports whether a file at path is to be read at all.
func (c *config) wantsPath(path string) bool {
	_, ok := c.document(path)
	return ok || slices.ContainsFunc(c.Records, func(r recordGlob) bool { return r.pattern.match(path) })
}

// wantsDir reports whether a file below dir may be wanted.
func (c *config) wantsDir(dir string) bool {
	return slices.ContainsFunc(c.entries(), func(e entry) bool { return e.pattern.matchDir(dir) })
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
	if c.ScanCode {
		out = append(out, codeKinds()...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(k string) bool { return !req.Wants(k) })
}
