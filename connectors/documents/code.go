package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/onrecord"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// codeScan is the scan of the whole repository or folder for AI, which the
// setting scan_code asks for.
type codeScan struct {
	signs  *aisign.Set
	repo   string // owner/name
	done   bool
	report aiscan.Report
	began  time.Time
}

// codeKinds are what a scan of code gives.
func codeKinds() []string { return onrecord.Kinds() }

// codeRules names what a scan would look for; empty if none is asked for.
func (c *collection) codeRules() (string, error) {
	if !c.scansCode() {
		return "", nil
	}
	signs, err := aisign.Load()
	if err != nil {
		return "", err
	}
	repo := c.cfg.ScanRepository
	if repo == "" {
		repo = aiscan.Origin(c.cfg.Repository + c.cfg.Folder)
	}
	if repo == "" {
		repo = c.cfg.Name
	}
	repo = signs.Concealed(repo) // an address may hold anything
	c.code = &codeScan{signs: signs, repo: repo}
	return repo + " " + aiscan.RulesDigest(signs), nil
}

func (c *collection) scansCode() bool {
	return c.cfg.ScanCode && slices.ContainsFunc(codeKinds(), func(k string) bool { return slices.Contains(c.kinds, k) })
}

// codeState changes with what a scan would find: a branch is named by its
// commit, a plain folder has to be scanned to tell.
func (c *collection) codeState(ctx context.Context) (string, error) {
	if c.code == nil {
		return "", nil
	}
	if s := c.store.state(); s != "" {
		return s, nil
	}
	if err := c.scanCode(ctx); err != nil {
		return "", err
	}
	raw, err := json.Marshal(c.code.report)
	if err != nil {
		return "", fmt.Errorf("documents: scan: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// scanCode scans once.
func (c *collection) scanCode(ctx context.Context) error {
	if c.code.done {
		return nil
	}
	tree, err := c.codeTree()
	if err != nil {
		return fmt.Errorf("documents: scan: %w", err)
	}
	if cl, ok := tree.(io.Closer); ok {
		defer func() { _ = cl.Close() }() // only read
	}
	salt := sha256.Sum256([]byte("exhibit/credential/" + c.code.repo)) // one credential is one record in every run
	c.code.began = time.Now().UTC()
	c.code.report, err = aiscan.Scan(ctx, tree, aiscan.Options{
		Signatures: c.code.signs, Salt: salt[:], Root: c.code.repo,
		Progress: func(files int, _ int64) {
			c.emit.Progress(connector.Progress{Message: "looking for AI", Done: int64(files)})
		},
	})
	if err != nil {
		return fmt.Errorf("documents: scan: %w", err)
	}
	c.code.done = true
	return nil
}

func (c *collection) codeTree() (aiscan.Tree, error) {
	if r, ok := c.store.(*repository); ok {
		return aiscan.Git(c.cfg.Repository, r.head.String())
	}
	return aiscan.Folder(c.cfg.Folder)
}

// codeRecords emits what the scan found.
func (c *collection) codeRecords(ctx context.Context) error {
	if c.code == nil {
		return nil
	}
	if err := c.scanCode(ctx); err != nil {
		return err
	}
	rep := c.code.report
	if rep.Commit == "" { // a folder has none, and a record of a scan names what was scanned
		rep.Commit = "folder"
	}
	list, err := onrecord.Scan{Report: rep, Repo: c.code.repo, StartedAt: c.code.began, FinishedAt: time.Now().UTC()}.Records()
	if err != nil {
		return err
	}
	for _, r := range list {
		if !slices.Contains(c.kinds, r.Kind) {
			continue
		}
		if !records.Fit(r.Key) || !records.Fit(r.Subject.ID) {
			if err := c.gap([]string{r.Kind}, c.code.repo, connector.Malformed, "a file has a name that no record can hold"); err != nil {
				return err
			}
			continue
		}
		if err := c.record(r); err != nil {
			return err
		}
	}
	return nil
}
