package huggingface

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// target is a revision with the branches and tags that point to it.
type target struct {
	SHA  string   `json:"sha"`
	Refs []string `json:"refs,omitempty"`
}

// contents reads the revisions of a repository that were not read before.
func (c *collection) contents(ctx context.Context, s *seen) error {
	kinds := c.book.Wants(s.family.kinds[1:]...)
	if len(kinds) == 0 {
		return nil
	}
	part := coverage.Part{Kinds: kinds, Scope: s.name(), Permission: readContent}
	targets, err := c.targets(ctx, s)
	if err != nil {
		part.Permission = permissionOf(s, err)
		return c.book.Missed(ctx, part, err)
	}
	for _, t := range targets {
		part.Scope = s.name() + "@" + t.SHA
		if err := c.revision(ctx, s, t, kinds); err != nil {
			part.Permission = permissionOf(s, err)
			if err := c.book.Missed(ctx, part, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// targets are the revisions of branches and tags, and those that the settings
// name. Of a data set only the latest is read.
func (c *collection) targets(ctx context.Context, s *seen) ([]target, error) {
	byCommit := map[string][]string{}
	list, err := c.latest(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		byCommit[t.SHA] = t.Refs
	}
	for _, pinned := range s.pinned {
		sha, err := c.resolve(ctx, s, pinned)
		if err != nil {
			part := coverage.Part{Kinds: s.family.kinds[1:], Scope: s.name() + "@" + pinned, Permission: permissionOf(s, err)}
			if err := c.book.Missed(ctx, part, err); err != nil {
				return nil, err
			}
			continue
		}
		if _, there := byCommit[sha]; !there {
			byCommit[sha] = nil
		}
	}
	out := make([]target, 0, len(byCommit))
	for sha, names := range byCommit {
		out = append(out, target{SHA: sha, Refs: names})
	}
	slices.SortFunc(out, func(a, b target) int { return cmp.Compare(a.SHA, b.SHA) })
	return out, nil
}

func (c *collection) latest(ctx context.Context, s *seen) ([]target, error) {
	switch {
	case s.family.row != kindDataset:
		return c.refs(ctx, s)
	case !isCommit(s.row.SHA):
		return nil, &rest.MalformedError{Path: s.family.path(s.row.ID), Why: "the repository has no revision"}
	}
	return []target{{SHA: s.row.SHA}}, nil
}

// refs asks which revisions the branches and tags point to.
func (c *collection) refs(ctx context.Context, s *seen) ([]target, error) {
	call := rest.Call{Path: s.family.path(s.row.ID, "refs"), Usable: rest.NoteFits(func([]target) bool { return true })}
	var got refs
	ans, err := c.hub.ask(ctx, call, &got)
	if err != nil {
		return nil, err
	}
	if ans.NotModified {
		var list []target
		if err := json.Unmarshal(ans.Memo, &list); err != nil {
			return nil, fmt.Errorf("%s: the note of the last run: %w", call.Path, err)
		}
		return list, nil
	}
	if got.Branches == nil {
		return nil, &rest.MalformedError{Path: call.Path, Why: "the answer holds no branches"}
	}
	byCommit := map[string][]string{}
	for _, r := range append(got.Branches, got.Tags...) {
		if !isCommit(r.Target) {
			return nil, &rest.MalformedError{Path: call.Path, Why: "a branch or tag points to no commit"}
		}
		byCommit[r.Target] = append(byCommit[r.Target], records.Line(r.Name, 200))
	}
	list := make([]target, 0, len(byCommit))
	for sha, names := range byCommit {
		slices.Sort(names)
		list = append(list, target{SHA: sha, Refs: slices.Compact(names)})
	}
	slices.SortFunc(list, func(a, b target) int { return cmp.Compare(a.SHA, b.SHA) })
	return list, c.note(ans, list)
}

// note keeps the answer's validators with what it said.
func (c *collection) note(ans rest.Answer, said any) error {
	v := ans.Validator
	if v.IsZero() {
		return nil
	}
	memo, err := json.Marshal(said)
	if err != nil {
		return err
	}
	v.Memo = memo
	return c.book.Validator(ans.Key, v)
}

// resolve finds the commit of a branch, tag or shortened name.
func (c *collection) resolve(ctx context.Context, s *seen, name string) (string, error) {
	if isCommit(name) {
		return name, nil
	}
	var at revision
	call := rest.Call{Path: s.family.path(s.row.ID, "revision", name)}
	if _, err := c.hub.ask(ctx, call, &at); err != nil {
		return "", err
	}
	if !isCommit(at.SHA) {
		return "", &rest.MalformedError{Path: call.Path, Why: "the answer names no commit"}
	}
	return at.SHA, nil
}

// revision emits what is at a commit, or says that it did before: what a
// commit holds never changes, only the names that point to it.
func (c *collection) revision(ctx context.Context, s *seen, t target, kinds []string) error {
	due := slices.DeleteFunc(slices.Clone(kinds), func(kind string) bool { _, known := c.remembered(kind, s, t); return known })
	for _, kind := range kinds {
		k, known := c.remembered(kind, s, t)
		if !known || k.Records == 0 {
			continue
		}
		if err := c.book.Unchanged(group(kind, s, t.SHA), k.Records); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	var at revision
	call := rest.Call{Path: s.family.path(s.row.ID, "revision", t.SHA), Query: map[string][]string{"blobs": {"true"}}}
	if _, err := c.hub.ask(ctx, call, &at); err != nil {
		return err
	}
	if at.SHA != t.SHA || at.Siblings == nil {
		return &rest.MalformedError{Path: call.Path, Why: "the answer is about another revision, or holds no files"}
	}
	made, err := c.commit(ctx, s, t.SHA)
	if err != nil {
		return err
	}
	r := &reading{seen: s, target: t, at: at, made: made}
	for _, kind := range due {
		if err := c.emit(ctx, kind, r); err != nil {
			return err
		}
	}
	return nil
}

// reading is a revision as it was read.
type reading struct {
	*seen
	target
	at   revision
	made commit

	card   []byte
	loaded bool
	cut    bool // a gap says that not all was kept, so it is said again next time
}

// commit asks when a revision was made and by whom.
func (c *collection) commit(ctx context.Context, s *seen, sha string) (commit, error) {
	var list []commit
	call := rest.Call{Path: s.family.path(s.row.ID, "commits", sha), Query: map[string][]string{"limit": {"1"}}}
	if _, err := c.hub.ask(ctx, call, &list); err != nil {
		return commit{}, err
	}
	if len(list) == 0 || list[0].ID != sha {
		return commit{}, &rest.MalformedError{Path: call.Path, Why: "the history does not begin with the revision"}
	}
	return list[0], nil
}

// emit emits what a kind has at a revision, and remembers it.
func (c *collection) emit(ctx context.Context, kind string, r *reading) error {
	var n int
	var err error
	switch kind {
	case records.KindModelVersion:
		n, err = c.emitVersion(ctx, r)
	case records.KindModelCard:
		n, err = c.emitCard(ctx, r)
	case kindDatasheet:
		n, err = c.emitSheet(ctx, r)
	}
	switch {
	case coverage.Fatal(ctx, err) != nil:
		return err
	case err != nil:
		part := coverage.Part{Kinds: []string{kind}, Scope: r.name() + "@" + r.SHA, Permission: permissionOf(r.seen, err)}
		return c.book.Missed(ctx, part, err)
	case r.cut && kind == records.KindModelVersion:
		return nil
	}
	return c.keep(kind, r.seen, r.target, n)
}

// group holds the one record that a kind has of a revision.
func group(kind string, s *seen, sha string) string { return kind + "|" + s.name() + "@" + sha }

// kept is what is remembered of a revision that was read.
type kept struct {
	Target  string `json:"target"` // digest of the revision and the names that point to it
	Records int    `json:"records"`
}

// stateKey is where it is kept: beside the validators, so that a full run
// forgets it.
func stateKey(kind string, s *seen, sha string) string { return "read:" + group(kind, s, sha) }

// remembered is what the last run kept.
func (c *collection) remembered(kind string, s *seen, t target) (kept, bool) {
	var k kept
	v, there := c.req.Validators[stateKey(kind, s, t.SHA)]
	return k, there && json.Unmarshal(v.Memo, &k) == nil && k.Target == digest(kind, t)
}

func (c *collection) keep(kind string, s *seen, t target, n int) error {
	memo, err := json.Marshal(kept{Target: digest(kind, t), Records: n})
	if err != nil {
		return err
	}
	return c.book.Validator(stateKey(kind, s, t.SHA), connector.Validator{Memo: memo})
}

// digest tells whether a kind's record of a revision could have changed.
func digest(kind string, t target) string {
	if kind != records.KindModelVersion {
		t.Refs = nil
	}
	sum := sha256.Sum256([]byte(t.SHA + "\x00" + strings.Join(t.Refs, "\x00") + "\x00" + Version))
	return hex.EncodeToString(sum[:12])
}
