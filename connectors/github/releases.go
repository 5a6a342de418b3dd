package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const (
	// maxTagPages is how much of a repository's list of tags is read; tags
	// beyond are looked up one by one.
	maxTagPages = 20
	// maxTagLookups is how many tags of a repository are looked up so.
	maxTagLookups = 50
	// maxAssets is how many files of a release a record holds.
	maxAssets = 500
)

// listedRelease is a release as listed; the client library's type lacks what
// GitHub added since.
type listedRelease struct {
	ID          int64     `json:"id"`
	TagName     string    `json:"tag_name"`
	Target      string    `json:"target_commitish"`
	Name        string    `json:"name"`
	Draft       bool      `json:"draft"`
	Prerelease  bool      `json:"prerelease"`
	Immutable   *bool     `json:"immutable"`
	CreatedAt   time.Time `json:"created_at"`
	PublishedAt time.Time `json:"published_at"`
	HTMLURL     string    `json:"html_url"`
	Author      *account  `json:"author"`
	Assets      []struct {
		Name        string    `json:"name"`
		ContentType string    `json:"content_type"`
		Size        int64     `json:"size"`
		Digest      string    `json:"digest"`
		CreatedAt   time.Time `json:"created_at"`
	} `json:"assets"`
}

// at is when it was published, or made if it is a draft.
func (rel *listedRelease) at() time.Time {
	if rel.PublishedAt.IsZero() {
		return rel.CreatedAt.UTC()
	}
	return rel.PublishedAt.UTC()
}

// account is a user, bot or organisation.
type account struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

// name is the account's login; ghost, as GitHub shows it, if it is gone.
func (a *account) name() string {
	if a == nil || a.Login == "" {
		return "ghost"
	}
	return line(a.Login, 100)
}

type releasePayload struct {
	Repo            string         `json:"repo"`
	RepoID          int64          `json:"repo_id"`
	ReleaseID       int64          `json:"release_id"`
	Tag             string         `json:"tag,omitempty"`
	Name            string         `json:"name,omitempty"`
	TargetCommitish string         `json:"target_commitish,omitempty"`
	SHA             string         `json:"sha,omitempty"` // of the tag
	CreatedAt       string         `json:"created_at,omitempty"`
	PublishedAt     string         `json:"published_at,omitempty"`
	Author          string         `json:"author"`
	Draft           bool           `json:"draft"`
	Prerelease      bool           `json:"prerelease"`
	Immutable       *bool          `json:"immutable,omitempty"`
	Assets          []assetPayload `json:"assets"`
}

// assetPayload leaves out how often a file was fetched: every download would
// be a revision of the release.
type assetPayload struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type,omitempty"`
	Size        int64  `json:"size"` // bytes
	Digest      string `json:"digest,omitempty"`
	CreatedAt   string `json:"created_at,omitempty"`
}

// releaseNote is kept with the validator of a page of releases.
type releaseNote struct {
	Since time.Time `json:"since"`
	Tags  []string  `json:"tags"` // of the releases on the page
	Heads string    `json:"heads"`
}

// releaseCursor is how far back the releases of a repository were read.
type releaseCursor struct {
	Since time.Time `json:"since"`
}

// releases emits the releases, with the commits that their tags point to. A
// tag can move while its release stays as it is, so both lists are asked for.
func (r *run) releases(ctx context.Context, repo repository) error {
	var cur releaseCursor
	known := r.cursor(repo.cursorName("releases"), &cur) && !r.since.Before(cur.Since)
	if !known {
		cur = releaseCursor{Since: r.since}
	}
	c := call{path: repo.path() + "/releases", usable: noteFits(func(n releaseNote) bool { return known && !cur.Since.Before(n.Since) })}
	var read []page[[]*listedRelease]
	names := map[string]bool{}
	err := pages(ctx, r.api, c, func(p page[[]*listedRelease]) (bool, error) {
		var note releaseNote
		if p.notModified {
			if err := json.Unmarshal(p.memo, &note); err != nil {
				return false, err
			}
		} else if p.body == nil {
			return false, &malformedError{Path: c.path, Why: "the answer holds no list of releases"}
		}
		for _, t := range append(note.Tags, tagsOf(p.body)...) {
			names[t] = true
		}
		read = append(read, p)
		return true, nil
	})
	if err != nil {
		return err
	}
	heads := map[string]string{}
	if len(names) > 0 {
		if heads, err = r.tagHeads(ctx, repo, names); err != nil {
			return err
		}
	}
	for _, p := range read {
		if err := r.releasePage(ctx, repo, p, cur, heads); err != nil {
			return err
		}
	}
	r.cover.reaches(KindRelease, cur.Since)
	if known {
		return nil
	}
	return r.setCursor(repo.cursorName("releases"), cur)
}

func tagsOf(list []*listedRelease) []string {
	tags := []string{}
	for _, rel := range list {
		if rel != nil && records.Fit(rel.TagName) {
			tags = append(tags, rel.TagName)
		}
	}
	return tags
}

// releasePage emits the releases of a page, unless neither they nor their
// tags changed.
func (r *run) releasePage(ctx context.Context, repo repository, p page[[]*listedRelease], cur releaseCursor, heads map[string]string) error {
	if p.notModified {
		var note releaseNote
		if err := json.Unmarshal(p.memo, &note); err != nil {
			return err
		}
		if note.Heads == headsOf(note.Tags, heads) {
			return nil
		}
		q := url.Values{"per_page": {fmt.Sprint(pageSize)}, "page": {fmt.Sprint(p.number)}}
		var err error
		if p.answer, err = r.api.get(ctx, call{path: repo.path() + "/releases", query: q}, &p.body); err != nil {
			return err
		}
	}
	whole := true
	for _, rel := range p.body {
		if rel == nil || !fitID(rel.ID) {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{KindRelease}, scope: repo.FullName},
				&malformedError{Path: repo.path() + "/releases", Why: "a release without an id"}); err != nil {
				return err
			}
			continue
		}
		if at := rel.at(); at.Before(r.earliest(cur.Since)) {
			continue
		}
		if err := r.emitRelease(repo, rel, heads[rel.TagName]); err != nil {
			return err
		}
	}
	if !whole {
		return r.stop(r.emit.Validator(p.key, connector.Validator{}))
	}
	tags := tagsOf(p.body)
	return r.keep(p.answer, releaseNote{Since: cur.Since, Tags: tags, Heads: headsOf(tags, heads)})
}

// headsOf is short for where tags point to.
func headsOf(tags []string, heads map[string]string) string {
	at := make([]any, 0, len(tags))
	for _, t := range tags {
		at = append(at, heads[t])
	}
	return mark(at...)
}

func (r *run) emitRelease(repo repository, rel *listedRelease, sha string) error {
	pay := releasePayload{
		Repo: repo.FullName, RepoID: repo.ID, ReleaseID: rel.ID, Tag: line(rel.TagName, 300), Name: line(rel.Name, 200),
		TargetCommitish: line(rel.Target, 300), SHA: sha, CreatedAt: stamp(rel.CreatedAt), PublishedAt: stamp(rel.PublishedAt),
		Author: rel.Author.name(), Draft: rel.Draft, Prerelease: rel.Prerelease, Immutable: rel.Immutable, Assets: []assetPayload{},
	}
	for _, a := range rel.Assets[:min(len(rel.Assets), maxAssets)] {
		if a.Size >= 0 && a.Size <= maxID {
			pay.Assets = append(pay.Assets, assetPayload{Name: line(a.Name, 200), ContentType: line(a.ContentType, 100), Size: a.Size,
				Digest: line(a.Digest, 100), CreatedAt: stamp(a.CreatedAt)})
		}
	}
	slices.SortStableFunc(pay.Assets, func(a, b assetPayload) int { return strings.Compare(a.Name, b.Name) })
	subject := repo.FullName + "@" + sha
	if sha == "" {
		subject = fmt.Sprintf("%s@release-%d", repo.FullName, rel.ID)
	}
	return r.record(connector.Record{
		Kind: KindRelease, Subject: connector.Subject{Type: "release", ID: subject}, Key: fmt.Sprint(rel.ID), EventTime: rel.at(), URL: rel.HTMLURL,
	}, pay)
}

// tagNote is kept with the validator of a page of tags.
type tagNote struct {
	Heads map[string]string `json:"heads"`
}

// tagHeads finds the commits that tags point to.
func (r *run) tagHeads(ctx context.Context, repo repository, names map[string]bool) (map[string]string, error) {
	type tag struct {
		Name   string `json:"name"`
		Commit struct {
			SHA string `json:"sha"`
		} `json:"commit"`
	}
	heads, number := map[string]string{}, 0
	c := call{path: repo.path() + "/tags", usable: noteFits(func(n tagNote) bool { return n.Heads != nil })}
	err := pages(ctx, r.api, c, func(p page[[]tag]) (bool, error) {
		note := tagNote{Heads: map[string]string{}}
		if p.notModified {
			if err := json.Unmarshal(p.memo, &note); err != nil {
				return false, err
			}
		}
		for _, t := range p.body {
			if t.Name == "" || !isSHA(t.Commit.SHA) {
				return false, &malformedError{Path: c.path, Why: "a tag without name or commit"}
			}
			note.Heads[t.Name] = t.Commit.SHA
		}
		for name, sha := range note.Heads {
			if names[name] {
				heads[name] = sha
			}
		}
		number++
		return len(heads) < len(names) && number < maxTagPages, r.keep(p.answer, note)
	})
	if err != nil {
		return nil, err
	}
	if number < maxTagPages {
		return heads, nil
	}
	left := []string{}
	for name := range names {
		if heads[name] == "" && cleanPath(name) {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	for _, name := range left[:min(len(left), maxTagLookups)] {
		sha, err := r.tagHead(ctx, repo, name)
		if err != nil && statusOf(err) != http.StatusNotFound {
			return nil, err
		}
		if sha != "" {
			heads[name] = sha
		}
	}
	return heads, nil
}

// tagHead looks up one tag. An annotated one points to an object that points
// to the commit.
func (r *run) tagHead(ctx context.Context, repo repository, name string) (string, error) {
	type object struct {
		Object struct {
			Type string `json:"type"`
			SHA  string `json:"sha"`
		} `json:"object"`
	}
	path := repo.path() + "/git/ref/tags/" + escapePath(name)
	for range 5 {
		var o object
		if _, err := r.api.get(ctx, call{path: path}, &o); err != nil {
			return "", err
		}
		if !isSHA(o.Object.SHA) || o.Object.Type != "tag" && o.Object.Type != "commit" {
			return "", nil
		}
		if o.Object.Type == "commit" {
			return o.Object.SHA, nil
		}
		path = repo.path() + "/git/tags/" + o.Object.SHA
	}
	return "", nil
}
