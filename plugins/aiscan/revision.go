package aiscan

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

var (
	// ErrNoCommit means that nothing was committed yet to what is checked out.
	ErrNoCommit = errors.New("the repository has no commit yet")
	errRevision = errors.New("there is no such revision")
)

// maxBack is how many commits a revision may lie behind what it starts from.
const maxBack = 100_000

// resolve finds a commit as git names one: by a reference, by its hash or the
// beginning of it, and from there back with ~2 or ^1.
func resolve(s *filesystem.Storage, revision string) (*object.Commit, error) {
	base, back := revision, ""
	if at := strings.IndexAny(revision, "~^"); at > 0 {
		base, back = revision[:at], revision[at:]
	}
	if base == "@" {
		base = "HEAD"
	}
	c, err := named(s, base)
	for err == nil && back != "" {
		c, back, err = step(s, c, back)
	}
	if errors.Is(err, errRevision) {
		return nil, fmt.Errorf("%w: %s", err, cleanText(revision, 100))
	}
	return c, err
}

// named finds a commit by the name of a reference or by its hash.
func named(s *filesystem.Storage, name string) (*object.Commit, error) {
	for _, form := range []string{"%s", "refs/%s", "refs/heads/%s", "refs/tags/%s", "refs/remotes/%s", "refs/remotes/origin/%s"} {
		ref, err := storer.ResolveReference(s, plumbing.ReferenceName(fmt.Sprintf(form, name)))
		if err == nil {
			return peel(s, ref.Hash())
		}
	}
	if name == "HEAD" {
		if _, err := s.Reference(plumbing.HEAD); err == nil { // of a branch that is not there yet
			return nil, ErrNoCommit
		}
	}
	if plumbing.IsHash(name) {
		return peel(s, plumbing.NewHash(name))
	}
	return abbreviated(s, name)
}

// abbreviated finds the one commit whose hash begins like that.
func abbreviated(s *filesystem.Storage, name string) (found *object.Commit, err error) {
	name = strings.ToLower(name)
	head, err := hex.DecodeString(name[:len(name)/2*2])
	if err != nil || len(name) < 4 {
		return nil, errRevision
	}
	all, err := s.HashesWithPrefix(head)
	if err != nil {
		return nil, err
	}
	for _, h := range all {
		if !strings.HasPrefix(h.String(), name) {
			continue
		}
		c, err := peel(s, h)
		if err != nil {
			continue // a file or a folder
		}
		if found != nil && found.Hash != c.Hash {
			return nil, fmt.Errorf("%w that is alone in beginning like that", errRevision)
		}
		found = c
	}
	if found == nil {
		return nil, errRevision
	}
	return found, nil
}

// step goes back by what a revision says next: ~ and a number of first parents,
// or ^ and which parent.
func step(s *filesystem.Storage, c *object.Commit, back string) (*object.Commit, string, error) {
	sign, rest := back[0], back[1:]
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	n := 1
	if digits > 0 {
		var err error
		if n, err = strconv.Atoi(rest[:digits]); err != nil || n > maxBack {
			return nil, "", errRevision
		}
	}
	rest = rest[digits:]
	if rest != "" && rest[0] != '~' && rest[0] != '^' || sign != '~' && sign != '^' {
		return nil, "", errRevision
	}
	which, times := 0, n
	if sign == '^' {
		which, times = n-1, min(n, 1)
	}
	for range times {
		if which >= len(c.ParentHashes) {
			return nil, "", errRevision
		}
		p, err := object.GetCommit(s, c.ParentHashes[which])
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", errRevision, err)
		}
		c = p
	}
	return c, rest, nil
}

// peel goes from a tag to the commit it is on.
func peel(s *filesystem.Storage, h plumbing.Hash) (*object.Commit, error) {
	for range 10 {
		o, err := object.GetObject(s, h)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errRevision, h, err)
		}
		switch o := o.(type) {
		case *object.Commit:
			return o, nil
		case *object.Tag:
			h = o.Target
		default:
			return nil, fmt.Errorf("%w: %s is no commit", errRevision, h)
		}
	}
	return nil, fmt.Errorf("%w: a tag of tags", errRevision)
}
