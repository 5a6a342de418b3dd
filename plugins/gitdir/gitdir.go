// Package gitdir opens the objects of a git repository on this machine: a work
// tree, a further one, a submodule or a bare repository.
//
// It imports the parts of go-git that read files; the others start git to reach
// other repositories. It promises to write nothing, to run no program, and to
// name what cannot be read here.
package gitdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

var (
	// ErrNoRepository means that a folder holds no git repository.
	ErrNoRepository = errors.New("there is no git repository")
	// ErrFormat means that a repository is kept in a way that cannot be read here.
	ErrFormat = errors.New("the repository's format is not supported")
)

// Open opens the objects of a repository, as o says.
func Open(dir string, objects cache.Object, o filesystem.Options) (*filesystem.Storage, error) {
	files, err := gitFiles(dir)
	if err != nil {
		return nil, err
	}
	s := filesystem.NewStorageWithOptions(files, objects, o)
	cfg, err := s.Config()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	ext := cfg.Raw.Section("extensions")
	if f := ext.Option("objectformat"); f != "" && f != "sha1" {
		return nil, fmt.Errorf("%w: its objects are named by %.40q", ErrFormat, f)
	}
	if f := ext.Option("refstorage"); f != "" && f != "files" {
		return nil, fmt.Errorf("%w: its branches are kept as %.40q", ErrFormat, f)
	}
	return s, nil
}

// gitFiles finds what git keeps: in .git, where a .git file says, or, in a
// bare repository, in the folder itself.
func gitFiles(dir string) (billy.Filesystem, error) {
	dot := filepath.Join(dir, ".git")
	info, err := os.Stat(dot)
	switch {
	case err == nil && info.IsDir():
		return osfs.New(dot), nil
	case err == nil:
		return linkedFiles(dir, dot)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, name := range []string{"HEAD", "objects"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return nil, fmt.Errorf("%w: neither .git nor %s is there", ErrNoRepository, name)
		}
	}
	return osfs.New(dir), nil
}

// Bare reports whether a folder is what git keeps, without the files of a work
// tree: they are read from its objects then.
func Bare(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		return false
	}
	for name, folder := range map[string]bool{"HEAD": false, "objects": true, "refs": true} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() != folder {
			return false
		}
	}
	return true
}

// linkedFiles follows the .git file of a further work tree or of a submodule.
func linkedFiles(dir, dot string) (billy.Filesystem, error) {
	target, err := firstLine(dot)
	if err != nil {
		return nil, err
	}
	target, ok := strings.CutPrefix(target, "gitdir:")
	if target = strings.TrimSpace(target); !ok || target == "" {
		return nil, fmt.Errorf("%w: .git is no folder and names none", ErrNoRepository)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	common, err := firstLine(filepath.Join(target, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return osfs.New(target), nil
	}
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(common) {
		common = filepath.Join(target, common)
	}
	return dotgit.NewRepositoryFilesystem(osfs.New(target), osfs.New(common)), nil
}

// firstLine returns the first line of a small file.
func firstLine(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", fmt.Errorf("%w: %s is no small file", ErrNoRepository, filepath.Base(name))
	}
	b, err := os.ReadFile(name)
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line), err
}
