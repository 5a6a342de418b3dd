package aiscan

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
)

// listed is a folder of which is known what is done at each of its names.
type listed struct {
	dir    *os.File // to be closed, nil if it could not be opened
	items  []item
	rules  []gitignore.Pattern // of git, for what is below
	unread string              // why nothing in it is read
}

// item is what is done at one name of a folder.
type item struct {
	entry  fs.DirEntry
	name   string // that of a folder ends in a slash
	enter  bool   // it is a folder that is walked into
	unread string // why it is not read
}

// list reads one folder, in the order of names. An error is beside the names
// that were read up to it.
func (f *folder) list(rel string, rules []gitignore.Pattern) (listed, error) {
	if strings.Count(rel, "/") > maxFolderDepth {
		return listed{unread: "nested too deeply"}, nil
	}
	full := filepath.Join(f.dir, filepath.FromSlash(rel))
	l := listed{rules: rules}
	var list []fs.DirEntry
	var err error
	if l.dir, err = os.Open(full); err == nil {
		list, err = l.dir.ReadDir(-1)
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if f.work != nil {
		if own := patterns(filepath.Join(full, ".gitignore"), domain(rel)); len(own) > 0 {
			l.rules = append(slices.Clip(rules), own...)
		}
	}
	if rel != "" && bareRepository(list) {
		l.unread = "what git keeps of a repository: named by itself, its last commit is read"
		return l, err
	}
	l.items = make([]item, 0, len(list))
	for _, d := range list {
		if f.work != nil && f.work.ignored(rel+d.Name(), d.IsDir(), l.rules) {
			continue
		}
		if s := f.item(rel, d); s.name != "" {
			l.items = append(l.items, s)
		}
	}
	return l, err
}

// close gives back the folder.
func (l *listed) close() {
	if l.dir != nil {
		_ = l.dir.Close() // only read
	}
}

// item says what is done at a name; one without a name is passed over.
func (f *folder) item(rel string, d fs.DirEntry) item {
	name := d.Name()
	switch {
	case !d.IsDir() && d.Type()&fs.ModeSymlink != 0:
		return item{name: name, unread: "a link, not followed"}
	case !d.IsDir() && !d.Type().IsRegular():
		return item{name: name, unread: "no regular file"}
	case !d.IsDir():
		return item{entry: d, name: name}
	case name == ".git":
		return item{}
	case skipped(name) != "":
		return item{name: name + "/", unread: skipped(name)}
	case f.work != nil && f.work.modules[rel+name]:
		return item{name: name, unread: "a submodule: another repository"}
	default:
		return item{name: name + "/", enter: true}
	}
}

// bareRepository reports whether a folder is what git keeps of a repository.
func bareRepository(list []fs.DirEntry) bool {
	has := 0
	for _, d := range list {
		if d.Name() == "HEAD" && !d.IsDir() || d.IsDir() && (d.Name() == "objects" || d.Name() == "refs") {
			has++
		}
	}
	return has == 3
}

func domain(rel string) []string {
	if rel == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(rel, "/"), "/")
}
