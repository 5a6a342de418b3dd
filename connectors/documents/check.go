package documents

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// maxScope is how many paths Check lists.
const maxScope = 1000

// Check opens the repository or the folder, finds the branch and lists the
// files that the settings take. Of a folder it reads them, of a branch it does not.
func (*Connector) Check(ctx context.Context, cfg connector.Config) (connector.CheckReport, error) {
	c, err := parseConfig(cfg.Settings)
	if err != nil {
		return connector.CheckReport{}, err
	}
	rep := connector.CheckReport{
		Identity:    "files of " + c.Repository + c.Folder,
		Permissions: []connector.PermissionState{{Permission: permRead}},
	}
	st, err := openStore(c)
	if err != nil {
		rep.Problem = err.Error()
		rep.Permissions[0].Grant, rep.Remedy = diagnose(err)
		return rep, nil
	}
	defer func() { _ = st.close() }() // files that were only read
	rep.Identity = fmt.Sprintf("files of %s%s (%s)", c.Repository, c.Folder, st.describe())
	c.MaxCommits = 1
	list, err := st.list(ctx, c, nil)
	if ctx.Err() != nil {
		return connector.CheckReport{}, ctx.Err()
	}
	if err != nil {
		rep.Problem = err.Error()
		rep.Permissions[0].Grant, rep.Remedy = diagnose(err)
		return rep, nil
	}
	found(&rep, c, list)
	return rep, nil
}

// found says what the listing shows: the paths, what cannot be read, and which
// globs take nothing.
func found(rep *connector.CheckReport, c *config, list *listing) {
	col := &collection{cfg: c, list: list}
	paths := col.currentPaths()
	for _, p := range paths {
		if len(rep.Scope) == maxScope {
			rep.Scope = append(rep.Scope, fmt.Sprintf("and %d more", len(paths)-maxScope))
			break
		}
		rep.Scope = append(rep.Scope, printable(p))
	}
	p := &rep.Permissions[0]
	p.Grant = connector.Granted
	var notes []string
	for path, f := range list.current {
		if errors.Is(f.problem, fs.ErrPermission) {
			p.Grant = connector.Missing
			notes = append(notes, "cannot be opened: "+printable(path))
		}
	}
	for _, u := range list.unseen {
		if u.reason == connector.Denied {
			p.Grant = connector.Missing
			notes = append(notes, "cannot be opened: "+printable(u.scope))
		}
	}
	for _, e := range c.entries() {
		if !slices.ContainsFunc(paths, e.pattern.match) {
			notes = append(notes, "no file matches "+e.glob)
		}
	}
	slices.Sort(notes)
	p.Detail = clip(strings.Join(notes, "; "), 2000)
	switch {
	case p.Grant == connector.Missing:
		rep.Problem, rep.Remedy = "some files or folders cannot be opened", grantRead
	case len(paths) == 0 && len(c.entries()) > 0:
		rep.Problem = "no file matches the globs in the settings"
		rep.Remedy = "compare documents[].glob and records[].glob with the paths of the files" + listCommand(c)
	}
}

// listCommand says how to see what is there.
func listCommand(c *config) string {
	if c.Folder != "" {
		return ""
	}
	return " that `git ls-tree -r --name-only HEAD` prints in the clone"
}

// grantRead is how an administrator grants the one right.
const grantRead = "give the account that runs the agent read access to the folder (chmod -R o+rX, or a group)"

// diagnose says what a failure means for the permission, and what to do.
func diagnose(err error) (connector.Grant, string) {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return connector.Missing, grantRead
	case errors.Is(err, gitdir.ErrNoRepository):
		return connector.GrantUnknown, "clone the repository there first (git clone --mirror URL FOLDER), or call a plain folder folder: in the settings"
	case errors.Is(err, fs.ErrNotExist):
		return connector.GrantUnknown, "there is no such folder; to read a repository, clone it there first: git clone --mirror URL FOLDER"
	case errors.Is(err, errNoBranch):
		return connector.Granted, "name an existing branch in the settings (git branch --list shows them)"
	case errors.Is(err, gitdir.ErrFormat):
		return connector.Granted, "clone it again in the common format: git clone --ref-format=files, objects named by SHA-1"
	}
	return connector.GrantUnknown, "run git fsck in the clone; if it is damaged, clone it again"
}
