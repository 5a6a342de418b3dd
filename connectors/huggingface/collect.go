package huggingface

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	hub  *hub
	book *coverage.Book

	seen map[string]*seen // by name with the family's prefix
	todo []*seen          // in the order in which they were seen

	counted   map[string]int64 // by kind: what owners count of themselves, and what was named beside
	uncounted map[string]bool  // kinds of which an owner tells no count
}

// seen is a repository that was listed or asked for by name.
type seen struct {
	family *family
	row    repository
	pinned []string // revisions that the settings name
}

func (s *seen) name() string { return s.family.prefix + s.row.ID }

// Collect lists what the owners have, reads what else was named, and then what
// is new in each repository.
func (conn *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(conn.Describe(), req, emit)
	o := cfg.transport(book.Counter())
	o.Clock, o.Validators = conn.clock, req.Validators
	h, err := newHub(cfg, o)
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, hub: h, book: book, seen: map[string]*seen{}, counted: map[string]int64{}, uncounted: map[string]bool{}}
	if err := c.run(ctx); err != nil {
		if fatal := coverage.Fatal(ctx, err); fatal != nil {
			return nil, fatal
		}
		return nil, err
	}
	return book.Result(), nil
}

func (c *collection) run(ctx context.Context) error {
	c.ask()
	for _, f := range []*family{models(), datasets()} {
		if len(c.book.Wants(f.kinds...)) == 0 {
			continue
		}
		for _, owner := range c.cfg.Organizations {
			if err := c.owner(ctx, f, owner); err != nil {
				return err
			}
		}
		if err := c.others(ctx, f); err != nil {
			return err
		}
		if len(c.cfg.Organizations) > 0 && !c.uncounted[f.row] {
			c.book.Count(f.row, c.counted[f.row])
		}
	}
	if err := c.missesCanary(); err != nil {
		return err
	}
	for i, s := range c.todo {
		c.book.Progress(s.name(), i, len(c.todo))
		if err := c.contents(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// ask writes down what is asked of the hub.
func (c *collection) ask() {
	scope := "the hub at " + c.cfg.root.String() + ": "
	if len(c.cfg.Organizations) > 0 {
		scope += "all of " + strings.Join(c.cfg.Organizations, ", ") + "; "
	}
	if len(c.cfg.Repositories) > 0 {
		scope += "also " + strings.Join(c.cfg.Repositories, ", ")
	}
	for _, f := range []*family{models(), datasets()} {
		c.book.Query(scope, f.row)
		c.book.Query(scope+"; the revisions of branches and tags", f.kinds[1:]...)
	}
	c.book.Enumerated(records.KindModel, kindDataset)
}

// owner lists what one owner has, and holds it against the owner's own count.
func (c *collection) owner(ctx context.Context, f *family, owner string) error {
	part := coverage.Part{Kinds: f.kinds, Scope: f.api + " of " + owner, Permission: readContent}
	return c.book.Part(ctx, part, func() error {
		n, known, err := c.hub.owner(ctx, owner)
		if fatal := coverage.Fatal(ctx, err); fatal != nil {
			return err
		}
		rows, private := 0, 0
		listed := c.hub.list(ctx, f, owner, func(raw json.RawMessage) error {
			rows++
			isPrivate, err := c.row(ctx, f, owner, raw)
			if isPrivate {
				private++
			}
			return err
		})
		switch {
		case listed != nil:
			return listed
		case rows == 0 && err == nil && !known:
			return &absentError{owner}
		case rows == 0 && err != nil:
			return fmt.Errorf("an empty list, and whether there is an owner of this name could not be told: %w", err)
		}
		return c.count(f, n, rows, private, owner)
	})
}

// absentError is an owner that is not there: the hub lists nothing for it, as
// for one that has nothing.
type absentError struct{ owner string }

func (e *absentError) Error() string {
	return fmt.Sprintf("there is no organisation or user %s, or none that is shown", e.owner)
}

// Reason is NotFound.
func (*absentError) Reason() connector.Reason { return connector.NotFound }

// count notes what the owner's own page counts. That may be of all or of what
// is public only; it is what is public if it falls short by just that.
func (c *collection) count(f *family, n counts, rows, private int, owner string) error {
	counted := n.Models
	if f.api == "datasets" {
		counted = n.Datasets
	}
	if counted == nil {
		c.uncounted[f.row] = true
		return nil
	}
	total := *counted
	if total < int64(rows) {
		total += int64(private)
	}
	c.counted[f.row] += total
	if total <= int64(rows) {
		return nil
	}
	return c.book.Gap(connector.Gap{Kinds: f.kinds, Scope: f.api + " of " + owner, Reason: connector.Hidden, Permission: readContent,
		Detail: fmt.Sprintf("%d are listed, but the owner's page counts %d: the token does not see all", rows, total)})
}

// row takes one repository of a list.
func (c *collection) row(ctx context.Context, f *family, owner string, raw json.RawMessage) (private bool, err error) {
	var r repository
	if err := decode("/api/"+f.api, raw, &r); err != nil {
		return false, c.book.Missed(ctx, coverage.Part{Kinds: f.kinds, Scope: "a repository of " + owner}, err)
	}
	if first, _, _ := strings.Cut(r.ID, "/"); !validID(r.ID) || !strings.EqualFold(first, owner) {
		return false, c.book.Gap(connector.Gap{Kinds: f.kinds, Scope: "a repository of " + owner, Reason: connector.Malformed,
			Detail: "the list holds a row whose name is none of this owner's: " + records.Line(r.ID, 100)})
	}
	private = r.Private != nil && *r.Private
	return private, c.take(f, r, "")
}

// others reads what the settings name.
func (c *collection) others(ctx context.Context, f *family) error {
	for _, n := range c.cfg.named {
		if n.family.api != f.api {
			continue
		}
		part := coverage.Part{Kinds: f.kinds, Scope: n.name(), Permission: readContent}
		if err := c.book.Part(ctx, part, func() error { return c.one(ctx, n) }); err != nil {
			return err
		}
	}
	return nil
}

// one reads a repository that the settings name.
func (c *collection) one(ctx context.Context, n named) error {
	if s := c.seen[n.name()]; s != nil {
		return c.take(n.family, s.row, n.revision)
	}
	var r repository
	call := rest.Call{Path: n.family.path(n.id), Query: map[string][]string{"expand[]": n.family.expand}}
	if _, err := c.hub.ask(ctx, call, &r); err != nil {
		return err
	}
	if !validID(r.ID) {
		return &rest.MalformedError{Path: call.Path, Why: "the answer has no name"}
	}
	if !strings.EqualFold(r.ID, n.id) {
		return &movedError{named: n.name(), now: n.family.prefix + r.ID}
	}
	if c.seen[n.family.prefix+r.ID] == nil {
		c.counted[n.family.row]++ // the owners' counts do not hold it
	}
	return c.take(n.family, r, n.revision)
}

// movedError is a name that leads to a repository of another. Somebody may have
// taken over the name or what it led to, so only people can tell that it is the
// same.
type movedError struct{ named, now string }

func (e *movedError) Error() string {
	return fmt.Sprintf("the hub answers for %s with %s; if that is what is meant, name it so in the settings", e.named, records.Line(e.now, 200))
}

// Reason is NotFound.
func (*movedError) Reason() connector.Reason { return connector.NotFound }

// take keeps and emits a repository.
func (c *collection) take(f *family, r repository, pinned string) error {
	s := c.seen[f.prefix+r.ID]
	fresh := s == nil
	if fresh {
		s = &seen{family: f, row: r}
		c.seen[s.name()] = s
		c.todo = append(c.todo, s)
	}
	if pinned != "" && !slices.Contains(s.pinned, pinned) {
		s.pinned = append(s.pinned, pinned)
	}
	if !fresh {
		return nil
	}
	if f.row == kindDataset {
		return c.emitDataset(s)
	}
	return c.emitModel(s)
}

// missesCanary reports a canary that no list held.
func (c *collection) missesCanary() error {
	n := c.cfg.canary
	if c.cfg.Canary == "" || c.seen[n.name()] != nil || len(c.book.Wants(n.family.kinds...)) == 0 {
		return nil
	}
	all := append(models().kinds, datasets().kinds...)
	return c.book.Gap(connector.Gap{Kinds: all, Scope: "repositories of " + strings.Join(c.cfg.Organizations, ", "), Reason: connector.Hidden, Permission: readContent,
		Detail: fmt.Sprintf("%s, which must be there, was not seen: the token does not see everything, or it was removed", c.cfg.Canary)})
}

// permissionOf is the one that closes a gap.
func permissionOf(s *seen, err error) string {
	var denied *rest.StatusError
	if errors.As(err, &denied) && s.row.Gated != "" && s.row.Gated != "false" {
		return readGated
	}
	return readContent
}
