package pluginhost

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// plan is what the stage is told, as it is drawn up.
type plan struct{ stage.Plan }

// read grants a file, or a folder with all that is in it, if it is there.
func (p *plan) read(path string) {
	switch {
	case isDir(path):
		p.Trees = append(p.Trees, path)
	case exists(path):
		p.Files = append(p.Files, path)
	}
}

// allow grants the reading of one path of the settings: a file, a folder with
// all that is in it, or a pattern's files.
func (p *plan) allow(path string) {
	path, err := filepath.Abs(path)
	if err != nil {
		return
	}
	if strings.ContainsAny(path, "*?[") {
		p.allowPattern(path)
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil: // that it is absent shows in the list of its folder
		p.list(filepath.Dir(path))
	case info.IsDir():
		p.Trees = append(p.Trees, path)
		p.allowGit(path)
	default:
		p.Files = append(p.Files, path)
		p.allowReplaced(path)
	}
}

// allowPattern grants the files of a pattern as they are now, and the list of
// the folder where the pattern begins.
func (p *plan) allowPattern(pattern string) {
	dir := filepath.Dir(pattern)
	for strings.ContainsAny(dir, "*?[") {
		dir = filepath.Dir(dir)
	}
	p.list(dir)
	names, err := filepath.Glob(pattern)
	if err != nil {
		return // the connector says so
	}
	for _, name := range names {
		p.read(name)
	}
}

// list grants the names in a folder and those below it, but not those of the
// whole machine.
func (p *plan) list(dir string) {
	if dir != string(filepath.Separator) {
		p.Lists = append(p.Lists, dir)
	}
}

// allowReplaced grants the folder of a file that is a link within it: so are
// those kept which are exchanged all at once while they are read, such as a
// cluster's tokens.
func (p *plan) allowReplaced(path string) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return
	}
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&os.ModeSymlink != 0 && strings.HasPrefix(target, dir+string(filepath.Separator)) {
		p.Trees = append(p.Trees, dir)
	}
}

// allowGit grants what a work tree of git keeps elsewhere: its own folder, the
// one that it shares with others, and those it borrows objects from. It follows
// only to what looks like git's.
func (p *plan) allowGit(dir string) {
	dot := filepath.Join(dir, ".git")
	if target, ok := strings.CutPrefix(firstLine(dot), "gitdir:"); ok {
		own := under(dir, strings.TrimSpace(target))
		if !isFile(filepath.Join(own, "HEAD")) {
			return
		}
		p.Trees = append(p.Trees, own)
		dot = own
		if common := firstLine(filepath.Join(own, "commondir")); common != "" {
			if dot = under(own, common); !isFile(filepath.Join(dot, "HEAD")) {
				return
			}
			p.Trees = append(p.Trees, dot)
		}
	} else if isFile(filepath.Join(dir, "HEAD")) {
		dot = dir // a bare one
	}
	p.allowBorrowed(filepath.Join(dot, "objects"), 5)
}

// allowBorrowed grants the folders of objects that one names as its further
// ones, which may name others.
func (p *plan) allowBorrowed(objects string, depth int) {
	raw, err := readSmall(filepath.Join(objects, "info", "alternates"))
	if err != nil || depth == 0 {
		return
	}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if other := under(objects, line); isDir(filepath.Join(other, "pack")) && isFile(filepath.Join(other, "..", "HEAD")) {
			p.Trees = append(p.Trees, other)
			p.allowBorrowed(other, depth-1)
		}
	}
}

// under is path as it stands in a file of dir.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// firstLine is the first line of a small file, or empty.
func firstLine(path string) string {
	raw, err := readSmall(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimSpace(line)
}

func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > 64<<10 {
		return nil, os.ErrInvalid
	}
	return os.ReadFile(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
