package netlogs

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg     *config
	set     *aisign.Set
	table   *table
	book    *coverage.Book
	mem     *memory
	key     []byte
	now     time.Time
	since   int32
	again   bool // everything is read anew
	changed bool // because settings or signatures are others

	known   *known
	jobs    []*job
	touched map[key]map[string]bool // by channel

	aggregates int // new ones of this run
}

// Collect reads what is new in every log, and emits the days that it is about.
func (c *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	set, err := c.signatures()
	if err != nil {
		return nil, fmt.Errorf("netlogs: signatures: %w", err)
	}
	r := &run{
		cfg: cfg, set: set, table: newTable(set.All(), cfg.Canaries), book: coverage.New(c.Describe(), req, emit),
		now: time.Now().UTC(), touched: map[key]map[string]bool{},
	}
	if !req.Since.IsZero() {
		r.since = dayOf(req.Since.Unix())
		r.book.Since(req.Since.UTC(), records.KindActivity)
	}
	mem, at, lost := loadMemory(req.Cursors)
	r.mem = mem
	if lost {
		if err := r.gap("memory of earlier runs", connector.Malformed, "it cannot be read: all files are read anew, and days of which a file is gone by now count too little"); err != nil {
			return nil, err
		}
	}
	if err := r.begin(req, at.Sum); err != nil {
		return nil, err
	}
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.readAll(ctx); err != nil {
		return nil, err
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	err = r.mem.store(at, req.Cursors, func(name, value string) error {
		if err := emit.Cursor(name, value); err != nil {
			return &coverage.EmitError{Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.book.Result(), nil
}

// begin decides whether what is remembered still holds.
func (r *run) begin(req connector.Request, sum string) error {
	r.key = r.cfg.salt
	if len(r.key) == 0 {
		if len(r.mem.Key) != 32 {
			r.mem.Key = make([]byte, 32)
			if _, err := rand.Read(r.mem.Key); err != nil {
				return fmt.Errorf("netlogs: %w", err)
			}
		}
		r.key = r.mem.Key
	} else {
		r.mem.Key = nil
	}
	c := r.cfg
	raw, err := json.Marshal(struct {
		Logs              []*logConfig
		Groups            []group
		By, People        string
		Canaries          []string
		MaxLine, MaxActor int
		Set, Version      string
		Salt              [32]byte
	}{c.Logs, c.Groups, c.GroupBy, c.People, c.Canaries, c.MaxLine, c.MaxActors, r.set.Digest(), Version,
		sha256.Sum256(append([]byte("settings\x00"), r.key...))})
	if err != nil {
		return fmt.Errorf("netlogs: settings: %w", err)
	}
	all := sha256.Sum256(raw)
	digest := hex.EncodeToString(all[:12])
	r.changed = r.mem.Settings != "" && r.mem.Settings != digest
	r.again = req.Full || req.Cursors[position] != sum || r.changed || r.mem.Settings != "" && r.since < r.mem.Since
	r.mem.Settings, r.mem.Since = digest, r.since
	r.known = newKnown(r.mem.Files)
	return nil
}

// prepare finds the files, and what is remembered of each.
func (r *run) prepare(ctx context.Context) error {
	owner := map[string]string{}
	for i, l := range r.cfg.Logs {
		files, bad := search(ctx, i, l.Paths)
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, p := range bad {
			if err := r.missed(ctx, l, p.path, p.err); err != nil {
				return err
			}
		}
		jobs := make([]*job, 0, len(files))
		for _, f := range files {
			j := &job{found: f}
			if other, twice := owner[f.path]; twice {
				err := fmt.Errorf("it is a file of log %s too, and was read as such", other)
				if err := r.missed(ctx, l, f.path, err); err != nil {
					return err
				}
				continue
			}
			owner[f.path] = l.Name
			n := headBytes
			if r.known.unchanged(l.Name, f) != nil {
				n = printBytes
			}
			j.head, j.packed, j.err = headOf(f.path, n)
			jobs = append(jobs, j)
		}
		// What is not packed comes first: a packed copy of it is the same.
		slices.SortStableFunc(jobs, func(a, b *job) int { return order(a.packed) - order(b.packed) })
		for _, j := range jobs {
			if err := r.match(ctx, l, j); err != nil {
				return err
			}
		}
		r.jobs = append(r.jobs, jobs...)
	}
	r.lose()
	return nil
}

func order(b bool) int {
	if b {
		return 1
	}
	return 0
}

// match finds out which file a file is.
func (r *run) match(ctx context.Context, l *logConfig, j *job) error {
	if j.err != nil {
		return r.missed(ctx, l, j.path, j.err)
	}
	if len(j.head) == 0 {
		return nil
	}
	var inherited *fileNote
	if twin := r.known.twinOf(j); twin != nil {
		switch same := copies(ctx, twin, j); {
		case same && !j.longer(twin):
			j.twin = twin.path
			return nil
		case same:
			inherited = r.known.replace(twin, j)
		default:
			j.err = fmt.Errorf("it begins like %s and goes on otherwise: they cannot be told apart, so that this one was not read", twin.path)
			return r.missed(ctx, l, j.path, j.err)
		}
	}
	n := r.known.find(l.Name, j)
	if n == nil {
		n = inherited
	}
	if n == nil {
		n = &fileNote{Log: l.Name, sums: map[key]*sum{}}
		r.mem.Files = append(r.mem.Files, n)
		r.known.claimed[n] = true
	}
	j.note = n
	if r.again {
		for k := range n.sums {
			r.touch(n.Channel, k)
		}
		n.Off, n.Cut, n.Failed, n.Counts, n.Seen, n.sums = 0, false, "", counts{}, nil, map[key]*sum{}
	}
	j.from = n.Off
	j.same = !r.again && n.Path == j.path && n.Size == j.size && n.MTime == j.time.UnixNano() && n.Failed == "" && (n.Off >= j.size || j.packed || r.now.Sub(j.time) < settled)
	j.cut = !j.packed && j.size < n.Off
	return r.tell(ctx, l, j)
}

// tell finds out the form of a file that is to be read.
func (r *run) tell(ctx context.Context, l *logConfig, j *job) error {
	if j.same || j.cut {
		return nil
	}
	if len(j.head) < headBytes && len(j.head) == printBytes {
		j.head, _, j.err = headOf(j.path, headBytes)
		if j.err != nil {
			return r.missed(ctx, l, j.path, j.err)
		}
	}
	c := l.clock(j.time, r.now)
	begin := newProbe(j.head, r.table, c)
	var err error
	if l.Format != "auto" {
		j.format, _ = formatOf(l.Format)
		j.wrap = begin.wrapping(j.format, l)
	} else {
		j.format, j.wrap, err = begin.detect()
	}
	if errors.Is(err, errNoLine) {
		j.same = true // nothing to read yet
		return nil
	}
	var p parser
	if err == nil {
		p, err = j.format.parser(l)
	}
	if err == nil {
		err = p.prime(j.head)
	}
	if err != nil {
		j.err, j.note.Failed = err, err.Error()
		return r.missed(ctx, l, j.path, err)
	}
	j.note.Format, j.note.Channel = j.format.name, l.channelOf(j.format, j.head)
	if j.note.Note = j.format.name; j.wrap != bareLines {
		j.note.Note += " in " + j.wrap.String()
	}
	return nil
}

// lose marks the files that are remembered and gone. What they say was found
// with the settings of then: once these are others, their days stay as they are
// on record.
func (r *run) lose() {
	for _, n := range r.mem.Files {
		n.gone = !r.known.claimed[n]
		if !n.gone || !r.changed {
			continue
		}
		for k := range n.sums {
			r.mem.To = max(r.mem.To, k.day)
			if r.mem.From == 0 || k.day < r.mem.From {
				r.mem.From = k.day
			}
		}
		clear(n.sums)
	}
}

func (r *run) touch(channel string, k key) {
	if r.touched[k] == nil {
		r.touched[k] = map[string]bool{}
	}
	r.touched[k][channel] = true
}

// gap tells of a part that was not seen.
func (r *run) gap(scope string, reason connector.Reason, detail string) error {
	return r.book.Gap(connector.Gap{Kinds: []string{records.KindActivity}, Scope: scope, Reason: reason, Detail: detail})
}

// missed tells of a file that cannot be read.
func (r *run) missed(ctx context.Context, l *logConfig, path string, err error) error {
	return r.book.Missed(ctx, coverage.Part{Kinds: []string{records.KindActivity}, Scope: "log " + l.Name + ", " + path, Permission: permRead}, &unread{err})
}

// unread is a file or a part of it that was not read.
type unread struct{ err error }

func (e *unread) Error() string {
	var path *fs.PathError
	if errors.As(e.err, &path) { // its place is said beside it
		return path.Err.Error()
	}
	return e.err.Error()
}
func (e *unread) Unwrap() error { return e.err }

// Reason says why.
func (e *unread) Reason() connector.Reason { return reasonOf(e.err) }
