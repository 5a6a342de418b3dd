package documents

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// docRevision is a revision on its way to becoming a record.
type docRevision struct {
	payload records.DocumentRevision
	arrived *arrival
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
	for _, rev := range slices.Backward(c.list.revisions) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, id, err := c.documentRevision(ctx, rev, ids, inForce)
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
	slices.SortStableFunc(out, func(a, b *docRevision) int { return a.arrived.at.Compare(b.arrived.at) })
	return c.emitRevisions(out)
}

func (c *collection) emitRevisions(revs []*docRevision) error {
	for _, r := range revs {
		if r.arrived.at.After(c.now) {
			if err := c.failed(revisionKinds(), r.payload.SourcePath, notYet(r.arrived)); err != nil {
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
			EventTime: r.arrived.at.UTC(),
			URL:       c.url(r.arrived, r.payload.SourcePath),
			Payload:   b,
		}); err != nil {
			return err
		}
	}
	return nil
}

// documentIDs gives each document that is there now its id: what its front
// matter says, what the settings say, else its path. Files that cannot be read,
// or that claim an id which another claims too, are reported and left out.
func (c *collection) documentIDs(ctx context.Context) (map[string]string, error) {
	ids := map[string]string{}
	claims := map[string][]string{}
	for _, p := range c.currentPaths() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entry, ok := c.cfg.document(p)
		if !ok {
			continue
		}
		id, err := c.documentID(ctx, p, entry)
		if err != nil {
			return nil, err
		}
		if id != "" {
			ids[p] = id
			claims[id] = append(claims[id], p)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(claims)) {
		paths := claims[id]
		if len(paths) == 1 {
			continue
		}
		for _, p := range paths {
			delete(ids, p)
		}
		if err := c.gap(revisionKinds(), strings.Join(paths, ", "), connector.Malformed,
			fmt.Sprintf("these files all say that they are document %s; give each its own id", id)); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// documentID returns the id of the document that lies at p now; empty if it is
// none, which is then reported.
func (c *collection) documentID(ctx context.Context, p string, entry *documentGlob) (string, error) {
	if err := c.usable(p); err != nil {
		r := reasonOf(err)
		if r == connector.Malformed { // it was not read at all
			r = connector.Unsupported
		}
		return "", c.gap(revisionKinds(), p, r, err.Error())
	}
	doc, err := c.document(ctx, p, c.list.current[p].blob)
	if err == nil {
		err = doc.err
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", c.failed(revisionKinds(), p, err)
	}
	id := firstOf(firstOf(doc.fields["id"], entry.ID), p)
	if !usableID(id) && id != p {
		return "", c.gap(revisionKinds(), p, connector.Malformed, "front matter: id: too long or not printable")
	}
	_, unreadable := doc.sections(entry.RequiredSections)
	if unreadable == "" || len(entry.RequiredSections) == 0 {
		return id, nil
	}
	return id, c.gap(revisionKinds(), p, connector.Malformed,
		"the required sections could not be looked for: "+unreadable+"; the content's digest is recorded")
}

// documentRevision reads one revision; nil if it belongs to no document in
// force, or was only a form. A file that was renamed is followed by its id.
func (c *collection) documentRevision(ctx context.Context, rev revision, ids map[string]string, inForce map[string]bool) (*docRevision, string, error) {
	entry, ok := c.cfg.document(rev.path)
	if !ok || rev.problem != nil || !cleanPath(rev.path) {
		return nil, "", nil //nolint:nilerr // the error says what the file is instead; only ordinary files were ever documents
	}
	doc, err := c.document(ctx, rev.path, rev.blob)
	if err != nil {
		if _, current := ids[rev.path]; !current || ctx.Err() != nil {
			return nil, "", ctx.Err()
		}
		return nil, "", c.failed(revisionKinds(), rev.path+"@"+rev.arrived.commit, err)
	}
	id := doc.fields["id"]
	if !inForce[id] {
		id = ids[rev.path]
	}
	if id == "" && inForce[entry.ID] {
		id = entry.ID
	}
	if id == "" || isForm(doc.err) {
		return nil, "", nil
	}
	return &docRevision{arrived: rev.arrived, payload: c.revisionPayload(rev, id, doc, entry)}, id, nil
}

func (c *collection) revisionPayload(rev revision, id string, doc *content, entry *documentGlob) records.DocumentRevision {
	a := rev.arrived
	p := records.DocumentRevision{
		DocID: id, Title: doc.title(rev.path), Version: doc.fields["version"],
		Owner:          firstOf(doc.fields["owner"], entry.Owner),
		Classification: firstOf(doc.fields["classification"], entry.Classification),
		SHA256:         doc.sha256, MIME: mimeType(rev.path), Pages: doc.pages, Size: doc.size,
		ModifiedAt: a.at.UTC().Format(time.RFC3339Nano), ModifiedBy: a.by,
		SourceURI: c.store.place(rev.path, a), SourcePath: rev.path,
		SourceCommit: a.commit, SourceSignature: a.signed, SourceSignedBy: a.signer,
		OutOfOrder: a.beforeParent, References: doc.references,
		EffectiveAt: statedTime(doc.fields["effective_at"]), NextReviewAt: statedTime(doc.fields["next_review"]),
		Store: c.store.keeper(),
	}
	p.RequiredSectionsFound, p.TextUnreadable = doc.sections(entry.RequiredSections)
	return p
}

// statedTime gives a time that a document states about itself; empty if it is
// none.
func statedTime(s string) string {
	at, _, err := records.ParseTime(s)
	if err != nil {
		return ""
	}
	return at.Format(time.RFC3339Nano)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
