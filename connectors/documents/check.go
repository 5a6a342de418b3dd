package documents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Check opens the repository, finds the branch and lists the files that the
// settings take, without reading them.
func (*Connector) Check(ctx context.Context, cfg connector.Config) (connector.CheckReport, error) {
	c, err := parseConfig(cfg.Settings)
	if err != nil {
		return connector.CheckReport{}, err
	}
	rep := connector.CheckReport{
		Identity:    "files of " + c.Repository,
		Permissions: []connector.PermissionState{{Permission: permRead}},
	}
	repo, err := openRepository(c)
	if err != nil {
		rep.Problem = err.Error()
		rep.Permissions[0].Grant, rep.Remedy = diagnose(err)
		return rep, nil
	}
	defer func() { _ = repo.close() }() // files that were only read
	rep.Permissions[0].Grant = connector.Granted
	rep.Identity = fmt.Sprintf("files of %s, branch %s at %s", c.Repository, repo.branch, repo.head)
	c.MaxCommits = 1
	hist, err := repo.walk(ctx, c, plumbing.ZeroHash)
	if err != nil {
		rep.Problem = err.Error()
		rep.Permissions[0].Grant, rep.Remedy = diagnose(err)
		return rep, nil
	}
	col := &collection{cfg: c, hist: hist}
	for _, p := range col.currentPaths() {
		if len(rep.Scope) == 1000 {
			rep.Scope = append(rep.Scope, fmt.Sprintf("and %d more", len(hist.current)-1000))
			break
		}
		rep.Scope = append(rep.Scope, printable(p))
	}
	if len(hist.current) == 0 {
		rep.Problem = "no file on the branch matches the globs in the settings"
		rep.Remedy = "compare documents[].glob and records[].glob with the paths that `git ls-tree -r --name-only " + repo.branch + "` prints"
	}
	return rep, nil
}

// diagnose says what a failure means for the permission, and what to do.
func diagnose(err error) (connector.Grant, string) {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return connector.Missing, "give the account that runs the agent read access to the folder (chmod -R o+rX, or a group)"
	case errors.Is(err, git.ErrRepositoryNotExists), errors.Is(err, fs.ErrNotExist):
		return connector.GrantUnknown, "clone the repository there first: git clone --mirror URL FOLDER"
	case errors.Is(err, errNoBranch):
		return connector.Granted, "name an existing branch in the settings (git branch --list shows them)"
	}
	return connector.GrantUnknown, "run git fsck in the clone; if it is damaged, clone it again"
}
