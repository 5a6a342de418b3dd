package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// attachment is a file of an issue, as jira.issue names it.
type attachment struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256,omitempty"` // of the content, if it was read
	Unhashed string `json:"unhashed,omitempty"`
	Author   string `json:"author,omitempty"`
	Created  string `json:"created,omitempty"`
	MIMEType string `json:"mime_type,omitempty"`
}

// tooLarge is why a file's content was not read.
const tooLarge = "too_large"

// attachments reads what an issue says of its files; nil if it says nothing.
func (is *issue) attachments() ([]attachment, error) {
	v, told := is.fields["attachment"]
	if !told || v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		return nil, &shapeError{"attachment", "want a list"}
	}
	out := []attachment{}
	for _, item := range list {
		m, _ := item.(map[string]any)
		r := &reader{fields: m}
		a := attachment{ID: r.text(40, "id"), Name: r.text(300, "filename"), Author: r.person("author"), MIMEType: r.text(100, "mimeType")}
		size, err := strconv.ParseInt(r.text(30, "size"), 10, 64)
		_, idErr := strconv.ParseUint(a.ID, 10, 64)
		if r.err != nil || err != nil || size < 0 || size > 1<<53 || idErr != nil {
			return nil, &shapeError{"attachment", "an item has no id or size, or is none"}
		}
		a.Size = size
		if at, err := timeField(m, "created"); err == nil {
			a.Created = at.Format(time.RFC3339Nano)
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b attachment) int { return compareIDs(a.ID, b.ID) })
	return out, nil
}

// hash reads a file's content and notes its SHA-256. Cloud may send us on to
// the host that keeps the file; the credential stays behind. What is said to
// be the content counts only if it is as long as the issue says: a login page
// is not.
func (c *client) hash(ctx context.Context, a *attachment, limit int64) error {
	if a.Size > limit {
		a.Unhashed = tooLarge
		return nil
	}
	path := "rest/api/3/attachment/content/" + url.PathEscape(a.ID)
	if c.version == "2" {
		path = "secure/attachment/" + url.PathEscape(a.ID) + "/"
	}
	f := &file{limit: a.Size}
	req, err := c.request(withFile(ctx, f), http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "*/*")
	_, _, err = c.send(path, req)
	if err == nil && f.sha256 == "" {
		err = &formatError{op: path, err: errors.New("there is no content in the answer")}
	}
	if err == nil && f.size != a.Size {
		err = &formatError{op: path, err: fmt.Errorf("the content is not the %d bytes that the issue says", a.Size)}
	}
	if err != nil {
		return err
	}
	a.SHA256 = f.sha256
	return nil
}

// hashCache remembers the hashes of files read lately. The content of an
// attachment never changes under its id; a full run reads it again all the
// same.
type hashCache struct {
	known map[string]string // id/size → SHA-256
	order []string          // oldest first
}

// maxHashes keeps the cache below what the host takes as one position.
const maxHashes = 500

type cachedHash struct {
	File string `json:"f"`
	Hash string `json:"h"`
}

func newHashCache(value string) *hashCache {
	c := &hashCache{known: map[string]string{}}
	var list []cachedHash
	if json.Unmarshal([]byte(value), &list) != nil {
		return c
	}
	for _, e := range list {
		if len(e.Hash) == 64 {
			c.put(e.File, e.Hash)
		}
	}
	return c
}

func (a *attachment) cacheKey() string { return a.ID + "/" + strconv.FormatInt(a.Size, 10) }

func (c *hashCache) put(key, hash string) {
	if c.known[key] != "" {
		c.order = slices.DeleteFunc(c.order, func(k string) bool { return k == key })
	}
	c.known[key] = hash
	if c.order = append(c.order, key); len(c.order) > maxHashes {
		delete(c.known, c.order[0])
		c.order = c.order[1:]
	}
}

func (c *hashCache) String() string {
	list := make([]cachedHash, 0, len(c.order))
	for _, k := range c.order {
		list = append(list, cachedHash{k, c.known[k]})
	}
	b, _ := json.Marshal(list) // plain texts: cannot fail
	return string(b)
}

// hashAll notes the hashes of an issue's files, from the cache or by reading
// them. It returns what went wrong, by file; stop ends the reading of the
// project. A host of files that is down is asked no more in this run.
func (r *projectRun) hashAll(ctx context.Context, files []attachment) (failed []error, stop error) {
	for i := range files {
		a := &files[i]
		key := a.cacheKey()
		if a.SHA256 = r.hashes.known[key]; a.SHA256 == "" {
			err := r.filesDown
			if err == nil {
				err = r.api.hash(ctx, a, r.cfg.Attachments.MaxBytes)
			}
			var limit *transport.RateLimitError
			if ctx.Err() != nil || errors.As(err, &limit) {
				return failed, err
			}
			if err != nil {
				a.Unhashed = "unread"
				failed = append(failed, fmt.Errorf("attachment %s (%s): %w", a.ID, records.Line(a.Name, 80), unfatal(err)))
				if stops(err) && statusOf(err) != http.StatusUnauthorized {
					r.filesDown = err
				}
				continue
			}
		}
		if a.SHA256 != "" {
			r.hashes.put(key, a.SHA256)
		}
	}
	return failed, nil
}

// unfatal keeps a 401 for one part (a token without the scope for it, the host
// that keeps files) from ending the run as if the token were refused everywhere.
func unfatal(err error) error {
	if statusOf(err) == http.StatusUnauthorized {
		return &scopeError{connector.Denied, err.Error()}
	}
	return err
}
