package documents

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// maxEntries bounds how many files and folders of a folder are looked at.
const maxEntries = 1_000_000

// folder is a plain folder of files. It has no history of its own: when a
// content was first seen is what the connector remembers, because the times
// that a file system keeps are set by whoever can write to it.
type folder struct {
	root   *os.Root
	dir    string
	called string
	now    time.Time
	memory memory
	before map[string]string // cursors of the last run
}

func openFolder(c *config) (*folder, error) {
	root, err := os.OpenRoot(c.Folder)
	if err != nil {
		return nil, fmt.Errorf("documents: open %s: %w", c.Folder, err)
	}
	return &folder{root: root, dir: c.Folder, called: c.Name, now: time.Now().UTC().Truncate(time.Microsecond)}, nil
}

func (f *folder) state() string { return "" }

func (f *folder) name() string { return "" }

func (f *folder) close() error { return f.root.Close() }

func (f *folder) describe() string { return "folder " + f.called }

func (f *folder) keeper() string { return f.called }

func (f *folder) place(p string, _ *arrival) string { return fmt.Sprintf("folder:%s:%s", f.called, p) }

func (f *folder) cursors() map[string]string { return f.memory.cursors(f.before) }

// list looks at every wanted file and hashes it: nothing less tells whether
// one was changed.
func (f *folder) list(ctx context.Context, c *config, cursors map[string]string) (*listing, error) {
	f.before = cursors
	w := &folderWalk{folder: f, cfg: c, out: &listing{current: map[string]file{}}, sums: map[string]string{}}
	if err := w.dir(ctx, ".", 0); err != nil {
		return nil, err
	}
	f.memory = parseMemory(cursors).next(w.sums, w.hidden, f.now)
	for p := range w.out.current {
		at := f.now // of a file that was never read
		if s, ok := f.memory[p]; ok {
			at = s.since
		}
		w.out.revisions = append(w.out.revisions, revision{path: p, file: w.out.current[p], arrived: &arrival{at: at}})
	}
	slices.SortFunc(w.out.revisions, func(a, b revision) int {
		if c := b.arrived.at.Compare(a.arrived.at); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return w.out, nil
}

// folderWalk goes over a folder once.
type folderWalk struct {
	folder *folder
	cfg    *config
	out    *listing
	sums   map[string]string // digest by path
	seen   int
}

// hidden reports whether a path may still hold what it held: it is there and
// could not be read, or the folder that it lay in could not be looked into.
func (w *folderWalk) hidden(p string) bool {
	if f, ok := w.out.current[p]; ok {
		return f.problem != nil
	}
	return slices.ContainsFunc(w.out.unseen, func(u unseen) bool { return u.below == "" || strings.HasPrefix(p, u.below+"/") })
}

func (w *folderWalk) dir(ctx context.Context, dir string, depth int) error {
	if depth > maxDepth {
		w.unseen(dir, connector.Truncated, fmt.Sprintf("folders nest deeper than %d", maxDepth))
		return nil
	}
	d, err := w.folder.root.Open(dir)
	if err != nil {
		if dir == "." {
			return fmt.Errorf("documents: open %s: %w", w.folder.dir, err)
		}
		w.unseen(dir, reasonOf(err), "the folder cannot be opened: "+cause(err))
		return nil
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close() // only read
	if err != nil {
		w.unseen(dir, reasonOf(err), "the folder cannot be listed: "+cause(err))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.seen++; w.seen > maxEntries {
			w.out.unseen = append(w.out.unseen, unseen{scope: dir, reason: connector.Truncated,
				heals: true, detail: fmt.Sprintf("more than %d files and folders; name a smaller folder", maxEntries)})
			return nil
		}
		if err := w.entry(ctx, path.Join(dir, e.Name()), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *folderWalk) entry(ctx context.Context, p string, e fs.DirEntry, depth int) error {
	switch {
	case e.IsDir():
		if strings.EqualFold(e.Name(), ".git") || !w.cfg.wantsDir(p) {
			return nil
		}
		return w.dir(ctx, p, depth+1)
	case e.Type()&fs.ModeSymlink != 0:
		w.link(p)
	case !w.cfg.wantsPath(p) || lockFile(e.Name()):
	case !e.Type().IsRegular():
		w.out.current[p] = file{problem: errors.New("not an ordinary file (" + special(e.Type()) + ")")}
	default:
		w.file(p)
	}
	return nil
}

// link reports a symbolic link that stands for a wanted file or hides a
// folder. It is never followed for its content.
func (w *folderWalk) link(p string) {
	if w.cfg.wantsPath(p) {
		w.out.current[p] = file{problem: errLink}
		return
	}
	if info, err := w.folder.root.Stat(p); w.cfg.wantsDir(p) && (err != nil || info.IsDir()) {
		w.unseen(p, connector.Unsupported, errLink.Error())
	}
}

func (w *folderWalk) file(p string) {
	b, err := w.folder.open(p, w.cfg.MaxFileBytes)
	if err != nil {
		w.out.current[p] = file{problem: err}
		return
	}
	d := sha256.Sum256(b)
	sum := hex.EncodeToString(d[:])
	w.sums[p] = sum
	w.out.current[p] = file{blob: sum}
}

func (w *folderWalk) unseen(dir string, r connector.Reason, detail string) {
	w.out.unseen = append(w.out.unseen, unseen{scope: dir, below: dir, reason: r, detail: detail, heals: true})
}

// read returns the content that was listed; a file that is another one by now
// is an error.
func (f *folder) read(p, blob string, limit int64) ([]byte, error) {
	b, err := f.open(p, limit)
	if err != nil {
		return nil, err
	}
	d := sha256.Sum256(b)
	if hex.EncodeToString(d[:]) != blob {
		return nil, fmt.Errorf("%w: the file was changed while it was read", errNotThere)
	}
	return b, nil
}

// open reads an ordinary file. It does not wait for a pipe that took the
// file's place, and does not leave the folder by a link.
func (f *folder) open(p string, limit int64) ([]byte, error) {
	h, err := f.root.OpenFile(p, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not an ordinary file (" + special(info.Mode()) + ")")
	}
	if info.Size() > limit {
		return nil, tooLarge(info.Size(), limit)
	}
	b, err := io.ReadAll(io.LimitReader(h, limit+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, tooLarge(int64(len(b)), limit)
	}
	return b, nil
}

// errLink is what is wrong with a symbolic link.
var errLink = errors.New("a symbolic link; it is not followed")

// special names what a file is that is not an ordinary one.
func special(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m.IsDir():
		return "a folder"
	}
	return m.String()
}

// lockFile reports whether an office program left a file beside the document
// that somebody has open.
func lockFile(name string) bool {
	return strings.HasPrefix(name, "~$") || strings.HasPrefix(name, ".~lock.")
}

// cause keeps what the system says and drops the path it repeats.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
