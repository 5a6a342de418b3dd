package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

// marker is the file that says that a folder was written by the sandbox, and
// may be written again.
const marker = ".simulated"

// Import is a file of JSON lines that WriteFiles leaves for `exhibit import`.
type Import struct {
	Source string // name to import it under
	Path   string // relative to the folder of WriteFiles
}

// Imports lists the files of JSON lines, in the order to import them.
func (o *Org) Imports() []Import {
	return []Import{
		{Source: "northlight-usage", Path: "imports/northlight-usage.jsonl"},
		{Source: "vendor-consoles", Path: "imports/vendor-consoles.jsonl"},
		{Source: "cloud-exports", Path: "imports/cloud-exports.jsonl"},
		{Source: "code-lists", Path: "imports/code-lists.jsonl"},
		{Source: "uploads", Path: "imports/uploads.jsonl"},
	}
}

// setupFile is one file of WriteFiles: a template under org/setup.
type setupFile struct {
	path, from string
	mode       os.FileMode
}

func setupFiles() []setupFile {
	return []setupFile{
		{"exhibit.yaml", "exhibit.yaml.tmpl", 0o644},
		{"register.yaml", "register.yaml.tmpl", 0o644},
		{"imports/northlight-usage.jsonl", "northlight-usage.jsonl.tmpl", 0o644},
		{"imports/vendor-consoles.jsonl", "vendor-consoles.jsonl.tmpl", 0o644},
		{"imports/cloud-exports.jsonl", "cloud-exports.jsonl.tmpl", 0o644},
		{"imports/code-lists.jsonl", "code-lists.jsonl.tmpl", 0o644},
		{"imports/uploads.jsonl", "uploads.jsonl.tmpl", 0o644},
		{"README.md", "README.md.tmpl", 0o644},
	}
}

// WriteFiles writes what a user of Exhibit would own into dir: exhibit.yaml
// (naming the servers of this Org), register.yaml, secrets of mode 0600, a git
// repository governance/, and imports/. It makes dir if need be. A folder that
// it wrote before is written again; any other that already holds one of these
// is refused.
func (o *Org) WriteFiles(dir string) error {
	if err := o.writeFiles(dir); err != nil {
		return fmt.Errorf("sandbox: write the simulated organisation's files: %w", err)
	}
	return nil
}

func (o *Org) writeFiles(dir string) error {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := claim(dir); err != nil {
		return err
	}
	for _, f := range setupFiles() {
		raw, err := orgFiles.ReadFile("org/setup/" + f.from)
		if err != nil {
			return err
		}
		text, err := o.world.fill(f.from, string(raw), o.setupFuncs(whole))
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, f.path), text, f.mode); err != nil {
			return err
		}
	}
	for name, secret := range map[string]string{
		"github-token": o.GitHubToken, "jira-token": o.JiraToken,
		"aws-access-key-id": o.AWSAccessKeyID, "aws-secret-access-key": o.AWSSecretAccessKey,
	} {
		if err := write(filepath.Join(dir, "secrets", name), secret+"\n", 0o600); err != nil {
			return err
		}
	}
	governance := filepath.Join(dir, "governance")
	if err := os.RemoveAll(governance); err != nil {
		return err
	}
	return o.world.writeGovernance(governance)
}

// setupFuncs are what the templates of org/setup may use besides times.
func (o *Org) setupFuncs(dir string) template.FuncMap {
	w := o.world
	return template.FuncMap{
		"github":  func() string { return o.GitHubURL + "/api/v3" },
		"jira":    func() string { return o.JiraURL },
		"aws":     func() string { return o.AWSURL },
		"org":     func() string { return o.GitHubOrg },
		"orgName": func() string { return w.company.Organization.Name },
		"email":   func() string { return o.JiraEmail },
		"region":  func() string { return o.AWSRegion },
		"people":  func() []person { return w.company.People },
		"fields":  customFieldIDs,
		"folder":  func() string { return filepath.ToSlash(dir) },
		"now":     func() string { return stamp(w.now) },
	}
}

// customFieldIDs gives the ids of Jira's custom fields by short name.
func customFieldIDs() map[string]string {
	out := map[string]string{}
	for name, f := range customFields() {
		out[name] = f.id
	}
	return out
}

// Active reports whether the person still works there.
func (p person) Active() bool { return !p.Left.set }

// claim makes the folder ours, or refuses it.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := os.Stat(filepath.Join(dir, marker))
	if err == nil {
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, name := range []string{"exhibit.yaml", "register.yaml", "governance", "secrets", "imports", "README.md"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s already has %s, and was not written by the sandbox; choose an empty folder", dir, name)
		}
	}
	return write(filepath.Join(dir, marker), "Written by the simulated organisation. It may be written again.\n", 0o644)
}

// write replaces a file whole, with its mode set whatever the umask.
func write(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Chmod(mode), f.Close())
}
