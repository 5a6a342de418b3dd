package aiscan

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// Options say how a scan goes. The zero value of each field but Signatures is
// usable.
type Options struct {
	Signatures *aisign.Set
	// Salt keeps the hash of a credential from being guessed back. Hints of two
	// scans can be compared only if their salts are the same.
	Salt []byte
	// Cache keeps what was found by content; nil reads every file.
	Cache Cache
	// Workers is how many files are read at once; 0 takes one per processor.
	Workers int
	// MaxFile is the size from which on a file is named in Unread instead of
	// being read; 0 takes 100 MB.
	MaxFile int64
	// Root names the tree in ids and in the report: a repository's name.
	Root string
	// Ignore are globs of paths that are left out, named in Unread with the rule.
	Ignore []string
	// Whole keeps every signal, not the first ones of each rule alone.
	Whole bool
	// Progress is called now and then from one goroutine, with totals.
	Progress func(files int, bytes int64)
}

const defaultMaxFile = 100 << 20

// errSignatures is returned without signatures: nothing could be found.
var errSignatures = errors.New("a scan needs signatures")

// Scan reads a tree. The report holds what was found up to an error.
func Scan(ctx context.Context, t Tree, o Options) (Report, error) {
	s, err := New(o)
	if err != nil {
		return Report{}, err
	}
	return s.Scan(ctx, t, o.Root)
}

// Scanner scans several trees by the same options: what is made of the
// signatures is made once. It is safe for concurrent use.
type Scanner struct {
	options Options
	rules   *rules
}

// New prepares scans.
func New(o Options) (*Scanner, error) {
	if o.Signatures == nil {
		return nil, errSignatures
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxFile <= 0 {
		o.MaxFile = defaultMaxFile
	}
	r, err := newRules(o)
	if err != nil {
		return nil, err
	}
	return &Scanner{o, r}, nil
}

// Scan reads a tree that goes by the name of root. The report holds what was
// found up to an error.
func (sc *Scanner) Scan(ctx context.Context, t Tree, root string) (Report, error) {
	o, r := sc.options, sc.rules
	o.Root = root
	known, hit := r.known(ctx, t, o)
	if hit != nil {
		return *hit, nil
	}
	s := &scan{options: o, rules: r, jobs: make(chan []job, 2*o.Workers), total: newTotal(o)}
	err := s.run(ctx, t)
	h, past := t.(History)
	if past && err == nil {
		s.noted(".git", s.trailers(ctx, h))
	}
	rep := s.total.report(r)
	if past && err == nil {
		s.noted(".git", s.dates(ctx, h, &rep))
		rep.Unread = s.total.unreadSorted()
	}
	if c, ok := t.(interface{ Commit() string }); ok {
		rep.Commit = c.Commit()
	}
	rep.conceal(r.set)
	if err == nil && !s.total.part.failed {
		r.remember(known, rep, o.Cache)
	}
	return rep, err
}

// noted puts what could not be read of a history on the list of what was not
// read: the files were.
func (s *scan) noted(path string, err error) {
	if err != nil {
		s.total.unread(Entry{Path: path, Unread: "history read in part: " + reason(err), failed: true})
	}
}

// scan is one scan while it runs.
type scan struct {
	options Options
	rules   *rules
	jobs    chan []job
	total   *total
	batch   []job
	pending int     // bytes in batch
	inline  *worker // of files that are read while the tree is walked
}

// job is one entry to be read by a worker. data is set if it had to be read
// while the tree was walked.
type job struct {
	Entry
	data []byte
	err  error
}

// batchSize is how many entries go to a worker at once: small files cost less
// than handing them over.
const batchSize = 32

func (s *scan) run(ctx context.Context, t Tree) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wait sync.WaitGroup
	for range s.options.Workers {
		wait.Go(func() { s.work(ctx) })
	}
	streamed := t.Streamed()
	err := t.Walk(ctx, func(e Entry) error { return s.visit(ctx, e, streamed) })
	s.flush(ctx)
	close(s.jobs)
	wait.Wait()
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// visit takes an entry from the walk.
func (s *scan) visit(ctx context.Context, e Entry, streamed bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if rule := s.rules.ignored(e.Path); rule != "" {
		e.Unread = "left out by the setting ignore: " + rule
	}
	if e.Unread != "" {
		s.total.unread(e)
		return nil
	}
	j := job{Entry: e}
	if streamed {
		if e.Size > smallFile {
			return s.atOnce(ctx, j)
		}
		j.data, j.err = readSmall(e)
	}
	s.batch = append(s.batch, j)
	if s.pending += len(j.data); len(s.batch) == batchSize || s.pending > smallFile {
		s.flush(ctx)
	}
	return nil
}

// smallFile is the size up to which a file of a streamed tree is handed over;
// a larger one is read while it comes.
const smallFile = 1 << 20

func (s *scan) atOnce(ctx context.Context, j job) error {
	if s.inline == nil {
		s.inline = &worker{scan: s}
	}
	var p part
	s.inline.file(&p, j)
	s.total.add(p)
	return ctx.Err()
}

// readSmall reads a file of a streamed tree.
func readSmall(e Entry) ([]byte, error) {
	f, err := e.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	b := make([]byte, max(e.Size, 0))
	_, err = io.ReadFull(f, b)
	return b, err
}

func (s *scan) flush(ctx context.Context) {
	if len(s.batch) == 0 {
		return
	}
	select {
	case s.jobs <- s.batch:
	case <-ctx.Done():
	}
	s.batch, s.pending = nil, 0
}

func (s *scan) work(ctx context.Context) {
	w := &worker{scan: s}
	for batch := range s.jobs {
		var p part
		for _, j := range batch {
			if ctx.Err() != nil {
				break
			}
			if j.Look != nil {
				j.Look(&j.Entry)
			}
			if j.Unread != "" {
				p.leave(j.Entry)
				continue
			}
			w.file(&p, j)
		}
		s.total.add(p)
	}
}
