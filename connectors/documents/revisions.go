package documents

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// docRevision is a revision on its way to becoming a record.
type docRevision struct {
	payload records.DocumentRevision
	at      time.Time
	commit  *commitInfo
}

// documents emits one record for each content that a document in force has had.
func (c *collection) documents(ctx context.Context) error {
	ids, err := c.documentIDs(ctx)
	if err != nil {
		return err
	}
	inForce := map[string]bool{}
	for _, id := range ids {
		inForce[id] = true
	}
	var out []*docRevision
	byContent := map[string]*docRevision{} // id and digest → entry in out
	last := map[string]string{}            // id → digest of its newest content so far
	for _, rev := range slices.Backward(c.hist.revisions) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, id, err := c.documentRevision(rev, ids, inForce)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		key := id + "@" + r.payload.SHA256
		switch prior := byContent[key]; {
		case prior != nil && last[id] == r.payload.SHA256: // moved, or only its mode changed: nothing new came into force
			prior.payload.SourcePath = r.payload.SourcePath
		case prior != nil: // an older content came back into force
			*prior = *r
		default:
			byContent[key] = r
			out = append(out, r)
		}
		last[id] = r.payload.SHA256
	}
	slices.SortStableFunc(out, func(a, b *docRevision) int { return a.at.Compare(b.at) })
	return c.emitRevisions(out)
}

func (c *collection) emitRevisions(revs []*docRevision) error {
	for _, r := range revs {
		if r.at.After(c.now) {
			if err := c.gap(records.KindDocumentRevision, r.payload.SourcePath, connector.Malformed,
				fmt.Sprintf("commit %s is dated %s, which has not come yet", r.commit.hash, r.at.UTC().Format(time.RFC3339))); err != nil {
				return err
			}
			continue
		}
		b, err := json.Marshal(r.payload)
		if err != nil {
			return fmt.Errorf("documents: %s: %w", r.payload.SourcePath, err)
		}
		if err := c.record(connector.Record{
			Kind: records.KindDocumentRevision, Major: 1,
			Subject:   connector.Subject{Type: "document", ID: r.payload.DocID},
			Key:       r.payload.DocID + "@" + r.payload.SHA256,
			EventTime: r.at.UTC(),
			URL:       c.url(r.commit, r.payload.SourcePath),
			Payload:   b,
		}); err != nil {
			return err
		}
	}
	return nil
}

// documentIDs gives each document at the head its id: what its front matter
// says, else its path. Files that cannot be read, or that claim an id which
// another claims too, are reported and left out.
func (c *collection) documentIDs(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	claims := map[string][]string{}
	for _, p := range c.currentPaths() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, ok := c.cfg.document(p); !ok {
			continue
		}
		if err := c.usable(p); err != nil {
			if err := c.gap(records.KindDocumentRevision, p, connector.Unsupported, err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		doc, err := c.repo.document(p, c.hist.current[p].Hash, c.cfg.MaxFileBytes)
		if err == nil {
			err = doc.err
		}
		if err != nil {
			if err := c.gap(records.KindDocumentRevision, p, reasonOf(err), err.Error()); err != nil {
				return nil, err
			}
			continue
		}
		id := doc.fields["id"]
		if id == "" {
			id = p
		}
		if !usableID(id) && id != p {
			if err := c.gap(records.KindDocumentRevision, p, connector.Malformed, "front matter: id: too long or not printable"); err != nil {
				return nil, err
			}
			continue
		}
		ids[p] = id
		claims[id] = append(claims[id], p)
	}
	for p, id := range ids {
		if others := claims[id]; len(others) > 1 {
			delete(ids, p)
			if p != others[0] {
				continue
			}
			if err := c.gap(records.KindDocumentRevision, strings.Join(others, ", "), connector.Malformed,
				fmt.Sprintf("these files all say that they are document %s; give each its own id", id)); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// documentRevision reads one revision; nil if it belongs to no document in
// force. A file that was renamed is followed by its id.
func (c *collection) documentRevision(rev revision, ids map[string]string, inForce map[string]bool) (*docRevision, string, error) {
	entry, ok := c.cfg.document(rev.path)
	if !ok || regular(rev.mode) != nil || !cleanPath(rev.path) {
		return nil, "", nil //nolint:nilerr // the error says what the file is instead; only regular files were ever documents
	}
	doc, err := c.repo.document(rev.path, rev.blob, c.cfg.MaxFileBytes)
	if err != nil {
		if _, current := ids[rev.path]; !current {
			return nil, "", nil
		}
		return nil, "", c.gap(records.KindDocumentRevision, rev.path+"@"+rev.commit.hash.String(), reasonOf(err), err.Error())
	}
	id := doc.fields["id"]
	if !inForce[id] {
		id = ids[rev.path]
	}
	if id == "" {
		return nil, "", nil
	}
	at := rev.commit.at
	r := &docRevision{at: at, commit: rev.commit, payload: records.DocumentRevision{
		DocID: id, Title: doc.title, Version: doc.fields["version"],
		Owner:          firstOf(doc.fields["owner"], entry.Owner),
		Classification: firstOf(doc.fields["classification"], entry.Classification),
		SHA256:         doc.sha256, MIME: mimeType(rev.path), Size: doc.size,
		ModifiedAt: at.UTC().Format(time.RFC3339), ModifiedBy: rev.commit.by,
		SourceURI:             fmt.Sprintf("git:%s@%s:%s", c.cfg.Name, rev.commit.hash, rev.path),
		SourcePath:            rev.path,
		SourceCommit:          rev.commit.hash.String(),
		OutOfOrder:            rev.commit.beforeParent,
		RequiredSectionsFound: sectionsFound(entry.RequiredSections, doc.sections),
	}}
	return r, id, nil
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
