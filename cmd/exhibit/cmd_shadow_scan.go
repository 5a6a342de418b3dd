package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export/scanned"
	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/gitdir"
)

// scanOptions are the flags of shadow scan.
type scanOptions struct {
	repo, rev, since     string
	register             string
	failOn               string
	all                  bool
	ignore               []string
	cache                string
	noCache              bool
	jobs                 int
	sarif, cyclone, spdx string
}

// Values of --fail-on of shadow scan.
const (
	failUnregistered = "unregistered"
	failCredential   = "credential"
)

func newShadowScanCommand(g *globals) *cobra.Command {
	var o scanOptions
	c := &cobra.Command{
		Use:   "scan PATH…",
		Short: "AI use in code, held against the register",
		Long: `Reads folders and git repositories and says which AI their code uses, where, and which registered
system accounts for it, or none. It needs neither a store nor a network, and runs nothing that it finds.

A use is one product in one scope: product (runs for users), infrastructure, ci, development
(assistants that write code), agent_interface (tools that are offered to agents) or supporting (tests,
documentation, examples), which needs no entry in the register and is shown with --all. A mention in
prose, a comment or a package that is only called alike is no use.

How sure it is: declared (a manifest or infrastructure code says so), inferred (code does what only its
use does) or unresolved (it could be something else). Credentials that lie open are reported by
prefix, length and a hash, never themselves.

Use is held against the register file of the configuration, or --register. A repository is found in it
by owner/name: from the address of its origin, or --repo. With --rev, a revision is read from git's
objects without a checkout, as the last commit of a bare repository is without it; with --since, only
what is new since a revision is reported: the form for pull requests and pre-commit hooks. A file that
only moved brings nothing in; a package that moved from its tests to the product does.

What was not read (links, submodules, files too large or broken) is named with its reason. Files that
did not change since the last scan are not read again: what was found in them is kept in a cache, under
the hash of their content.`,
		Example: `  exhibit shadow scan .
  exhibit shadow scan ~/src/* --register register.yaml --fail-on unregistered
  exhibit shadow scan . --since origin/main --fail-on unregistered --sarif new-ai.sarif
  exhibit shadow scan . --rev v2.3.0 -o json
  exhibit shadow scan . --cyclonedx ai.cdx.json --spdx ai.spdx.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("nothing to scan"), "name folders or repositories: exhibit shadow scan ."}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runShadowScan(c.Context(), g, o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.repo, "repo", "", "`owner/name` of the repository (default from the address of its origin, else the folder's name)")
	f.StringVar(&o.rev, "rev", "", "read this `revision` from git's objects instead of the files")
	f.StringVar(&o.since, "since", "", "report only what was not there at this `revision`")
	f.StringVar(&o.register, "register", "", "register `file` to hold it against (default from the configuration)")
	f.StringVar(&o.failOn, "fail-on", "", "exit with code 4 on `what`: unregistered (AI that nobody accounts for), credential (one lies open), or both with a comma")
	f.BoolVar(&o.all, "all", false, "show what only supports (tests, documentation, examples) as well")
	f.StringArrayVar(&o.ignore, "ignore", nil, "leave out paths that match this `glob`; may be given several times")
	f.StringVar(&o.cache, "cache", "", "`folder` for what was found in unchanged files (default in the user's cache folder)")
	f.BoolVar(&o.noCache, "no-cache", false, "read every file")
	f.IntVar(&o.jobs, "jobs", 0, "files read at once (default one per processor)")
	f.StringVar(&o.sarif, "sarif", "", "write SARIF 2.1.0 to this `file` as well")
	f.StringVar(&o.cyclone, "cyclonedx", "", "write a CycloneDX 1.7 bill of materials to this `file` as well")
	f.StringVar(&o.spdx, "spdx", "", "write an SPDX 3.0.1 document to this `file` as well")
	return c
}

func (o *scanOptions) check(paths []string) error {
	for _, what := range strings.Split(o.failOn, ",") {
		if what != "" && what != failUnregistered && what != failCredential {
			return usageError{fmt.Errorf("--fail-on %q is not known", what), "use --fail-on unregistered, credential, or unregistered,credential"}
		}
	}
	if len(paths) > 1 {
		for flag, value := range map[string]string{"--repo": o.repo, "--cyclonedx": o.cyclone, "--spdx": o.spdx, "--rev": o.rev, "--since": o.since} {
			if value != "" {
				return usageError{fmt.Errorf("%s is for one path, %d were given", flag, len(paths)), "scan them one by one"}
			}
		}
	}
	if o.jobs < 0 {
		return usageError{fmt.Errorf("--jobs %d is no number of files", o.jobs), "leave it out for one per processor"}
	}
	taken := map[string]bool{}
	for _, path := range []string{o.sarif, o.cyclone, o.spdx} {
		if path == "" {
			continue
		}
		if err := checkOutput(path); err != nil {
			return err
		}
		if path = filepath.Clean(path); taken[path] {
			return usageError{fmt.Errorf("two formats are to be written to %s", path), "name a file for each of --sarif, --cyclonedx and --spdx"}
		}
		taken[path] = true
	}
	return nil
}

func runShadowScan(ctx context.Context, g *globals, o scanOptions, paths []string) error {
	if err := o.check(paths); err != nil {
		return err
	}
	s, err := newScanner(ctx, g, o)
	if err != nil {
		return err
	}
	var scans []scanned.Scan
	for _, path := range paths {
		one, err := s.scan(ctx, path)
		if err != nil {
			return fmt.Errorf("scan %s: %w", path, err)
		}
		scans = append(scans, one)
	}
	if s.cache != nil {
		if err := s.cache.Close(); err != nil {
			g.note("the cache could not be written, the next scan reads every file: %v", err)
		}
	}
	if err := s.files(scans); err != nil {
		return err
	}
	if err := s.print(scans); err != nil {
		return err
	}
	return s.verdict(scans)
}

// scanner is one run of shadow scan.
type scanner struct {
	g       *globals
	o       scanOptions
	signs   *aisign.Set
	against *against
	cache   *aiscan.DiskCache // nil without one
	now     time.Time
}

func newScanner(ctx context.Context, g *globals, o scanOptions) (*scanner, error) {
	signs, err := aisign.Load()
	if err != nil {
		return nil, err
	}
	s := &scanner{g: g, o: o, signs: signs, now: time.Now().UTC()}
	if s.against, err = g.scanAgainst(ctx, o.register, signs, s.now); err != nil {
		return nil, err
	}
	if o.noCache {
		return s, nil
	}
	dir := o.cache
	if dir == "" {
		dir = defaultCache()
	}
	if dir == "" {
		return s, nil
	}
	if s.cache, err = aiscan.FileCache(dir, 0); err != nil {
		if o.cache != "" {
			return nil, hinted{fmt.Errorf("--cache: %w", err), "name a folder that may be written to, or use --no-cache"}
		}
		g.note("no cache: %v", err)
		s.cache = nil
	}
	return s, nil
}

// defaultCache is where what was found is kept; empty for somebody without a
// home.
func defaultCache() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "exhibit", "scan")
}

// scan reads one path.
func (s *scanner) scan(ctx context.Context, path string) (scanned.Scan, error) {
	repo := s.o.repo
	if repo == "" {
		repo = repositoryName(path)
	}
	repo = s.signs.Concealed(repo)
	tree, err := s.tree(path, s.o.rev)
	if err != nil {
		return scanned.Scan{}, err
	}
	rep, err := s.read(ctx, tree, repo)
	if err != nil {
		return scanned.Scan{}, err
	}
	if s.o.since != "" {
		old, err := s.before(ctx, path, repo)
		if err != nil {
			return scanned.Scan{}, err
		}
		rep = onlyNew(rep, old)
	}
	out := scanned.Scan{Report: rep, Repo: repo, Version: version, At: s.now}
	out.Verdicts, err = s.against.verdicts(rep, repo)
	return out, err
}

func (s *scanner) tree(path, rev string) (aiscan.Tree, error) {
	if rev != "" || gitdir.Bare(path) {
		t, err := aiscan.Git(path, rev)
		if err != nil {
			return nil, hinted{err, "--rev takes a branch, tag or commit of a git repository"}
		}
		return t, nil
	}
	t, err := aiscan.Folder(path)
	if err != nil {
		return nil, hinted{err, "name a folder"}
	}
	return t, nil
}

// read scans a tree.
func (s *scanner) read(ctx context.Context, tree aiscan.Tree, repo string) (aiscan.Report, error) {
	if c, ok := tree.(io.Closer); ok {
		defer func() { _ = c.Close() }() // only read
	}
	p := newProgress(s.g, "scan "+repo)
	defer p.end()
	salt := sha256.Sum256([]byte("exhibit/credential/" + repo)) // hints of one repository can be compared
	var cache aiscan.Cache
	if s.cache != nil {
		cache = s.cache
	}
	return aiscan.Scan(ctx, tree, aiscan.Options{
		Signatures: s.signs, Salt: salt[:], Cache: cache, Workers: s.o.jobs, Root: repo, Ignore: s.o.ignore, Whole: s.o.since != "",
		Progress: func(files int, bytes int64) { p.show(fmt.Sprintf("%d files, %d MB", files, bytes>>20)) },
	})
}

// verdict gives the exit code.
func (s *scanner) verdict(scans []scanned.Scan) error {
	fails := strings.Split(s.o.failOn, ",")
	for i := range scans {
		if slices.Contains(fails, failUnregistered) && len(unregistered(&scans[i])) > 0 ||
			slices.Contains(fails, failCredential) && len(scans[i].Report.Secrets) > 0 {
			return exitWith{exitFailOn}
		}
	}
	return nil
}

// unregistered are the sightings that nobody accounts for.
func unregistered(s *scanned.Scan) []aiscan.Sighting {
	var out []aiscan.Sighting
	for _, f := range s.Report.Sightings {
		if v := s.Verdicts[f.ID]; v.Candidate && !v.Registered {
			out = append(out, f)
		}
	}
	return out
}

// repositoryName is what the register would call the repository at a path: the
// last two parts of its origin's address, or the folder's name.
func repositoryName(path string) string {
	if name := aiscan.Origin(path); name != "" {
		return name
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if gitdir.Bare(full) {
		full = strings.TrimSuffix(strings.TrimSuffix(full, ".git"), string(filepath.Separator)) // app.git, or app/.git
	}
	return filepath.Base(full)
}
