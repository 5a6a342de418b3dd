package huggingface

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// maxFiles bounds the files that a version names; their digest is of all.
const maxFiles = 2000

func (r *reading) authors() string {
	var names []string
	for _, a := range r.made.Authors {
		if n := records.Line(a.User, 100); n != "" {
			names = append(names, n)
		}
	}
	return records.Line(strings.Join(names, ", "), 300)
}

func (c *collection) emitVersion(ctx context.Context, r *reading) (n int, err error) {
	files, formats, sum := r.files()
	m, cardErr := c.meta(ctx, r)
	if len(files) > maxFiles {
		if err := c.book.Gap(connector.Gap{Kinds: []string{records.KindModelVersion}, Scope: r.name() + "@" + r.SHA, Reason: connector.Truncated,
			Detail: fmt.Sprintf("it has %d files; the first %d are named, the digest is of all", len(files), maxFiles)}); err != nil {
			return 0, err
		}
		files, r.cut = files[:maxFiles], true
	}
	tags := map[string]string{}
	if m.Licence != "" {
		tags["license"] = m.Licence
	}
	n, err = c.record(connector.Record{
		Kind: records.KindModelVersion, Subject: r.subject(), Key: r.key(c), Group: group(records.KindModelVersion, r.seen, r.SHA),
		EventTime: r.made.Date.Time, URL: c.cfg.page(r.family, r.row.ID, "tree", r.SHA),
	}, records.ModelVersion{
		Registry: c.cfg.Registry, Model: r.row.ID, Version: r.SHA, ARNOrURI: r.uri(r.SHA), CreatedAt: records.Stamp(r.made.Date.Time), CreatedBy: r.authors(),
		ArtifactDigest: sum, ArtifactURI: c.cfg.page(r.family, r.row.ID, "tree", r.SHA), StageOrAlias: strings.Join(r.Refs, ", "), Aliases: r.Refs, Tags: tags,
		Framework: records.Line(cmp.Or(r.at.Library, m.Library), 100), BaseModel: strings.Join(m.BaseModels, ", "), RevisionSHA: r.SHA,
		Formats: formats, Files: files, Datasets: m.Datasets,
	})
	return n, cmp.Or(err, cardErr)
}

// meta is what stands in front of the card: as the hub read it, or else as it
// is written.
func (c *collection) meta(ctx context.Context, r *reading) (meta, error) {
	if len(r.at.Card) > 0 && string(r.at.Card) != "null" {
		return metaOf(r.at.Card), nil
	}
	raw, err := c.load(ctx, r)
	if err != nil {
		return meta{}, err
	}
	matter, _ := splitCard(raw)
	return frontMatter(matter), nil
}

// maxRecord is the largest payload that a host takes, in bytes.
const maxRecord = 1 << 20

// record emits a fact and reports how many records that are: none if no host
// would take it, of which the book makes a gap.
func (c *collection) record(rec connector.Record, payload any) (int, error) {
	raw, err := json.Marshal(payload)
	if err != nil {
		return 0, err
	}
	n := 1
	if len(raw) > maxRecord || rec.EventTime.After(time.Now()) {
		n = 0
	}
	return n, c.book.Record(rec, json.RawMessage(raw))
}

func (r *reading) subject() connector.Subject {
	return connector.Subject{Type: "model", ID: r.row.ID + "/" + r.SHA}
}

func (r *reading) key(c *collection) string { return c.cfg.Registry + "|" + r.row.ID + "|" + r.SHA }

// files lists the files in the order of their paths, with the formats of all
// and a digest over all paths and contents.
func (r *reading) files() (files []records.ModelFile, formats []string, sum string) {
	siblings := slices.Clone(r.at.Siblings)
	slices.SortFunc(siblings, func(a, b sibling) int { return cmp.Compare(a.Name, b.Name) })
	hash, whole := sha256.New(), len(siblings) > 0
	for _, s := range siblings {
		f := records.ModelFile{Path: records.Line(s.Name, 400), Bytes: max(s.Size, 0), Format: formatOf(s.Name)}
		content := "git:" + s.Blob
		if s.LFS != nil {
			f.SHA256, f.Bytes = records.Line(s.LFS.SHA256, 64), max(s.LFS.Size, s.Size, 0)
			content = "sha256:" + s.LFS.SHA256
		}
		whole = whole && !strings.HasSuffix(content, ":")
		_, _ = fmt.Fprintf(hash, "%s\x00%s\n", s.Name, content) // a hash does not fail
		files = append(files, f)
		if f.Format != "" {
			formats = append(formats, f.Format)
		}
	}
	slices.Sort(formats)
	if whole {
		sum = "sha256:" + hex.EncodeToString(hash.Sum(nil))
	}
	return files, slices.Compact(formats), sum
}

// readme is the card's name, which is the only one that the hub looks for.
const readme = "README.md"

// load reads the card of a revision; nil if it has none.
func (c *collection) load(ctx context.Context, r *reading) ([]byte, error) {
	if r.loaded {
		return r.card, nil
	}
	for _, s := range r.at.Siblings {
		if s.Name != readme {
			continue
		}
		call := rest.Call{Path: r.family.file(r.row.ID, r.SHA, readme), Header: http.Header{"Accept": {"text/plain, */*;q=0.5"}}}
		ans, err := c.hub.ask(ctx, call, nil)
		if err != nil {
			return nil, err
		}
		if s.LFS == nil && s.Size > 0 && int64(len(ans.Body)) != s.Size {
			return nil, &rest.MalformedError{Path: call.Path, Why: fmt.Sprintf("the file has %d bytes, the list of files says %d", len(ans.Body), s.Size)}
		}
		r.card = ans.Body
		if r.card == nil {
			r.card = []byte{}
		}
	}
	r.loaded = true
	return r.card, nil
}

func (c *collection) emitCard(ctx context.Context, r *reading) (n int, err error) {
	raw, err := c.load(ctx, r)
	if err != nil || raw == nil {
		return 0, err
	}
	_, body := splitCard(raw)
	list := sections(body)
	title := r.row.ID
	if len(list) > 0 && list[0].level == 1 {
		title = list[0].title
	}
	sum := sha256.Sum256(raw)
	at := records.Stamp(r.made.Date.Time)
	return c.record(connector.Record{
		Kind: records.KindModelCard, Subject: r.subject(), Key: r.key(c), Group: group(records.KindModelCard, r.seen, r.SHA),
		EventTime: r.made.Date.Time, URL: c.cfg.page(r.family, r.row.ID, "blob", r.SHA, readme),
	}, records.ModelCard{
		Registry: c.cfg.Registry, Model: r.row.ID, ModelVersion: r.SHA, Name: title, Sections: sectionMap(list), Version: r.SHA,
		UpdatedAt: at, ContentSHA256: hex.EncodeToString(sum[:]),
	})
}

func (c *collection) emitSheet(ctx context.Context, r *reading) (n int, err error) {
	raw, err := c.load(ctx, r)
	if err != nil || raw == nil {
		return 0, err
	}
	_, body := splitCard(raw)
	s := sheet{ID: r.row.ID, Version: r.SHA}
	if !s.fill(sections(body)) {
		return 0, nil // a card that describes nothing of it is no datasheet
	}
	return c.record(connector.Record{
		Kind: kindDatasheet, Subject: connector.Subject{Type: "dataset", ID: r.row.ID}, Key: r.row.ID + "|" + r.SHA,
		Group: group(kindDatasheet, r.seen, r.SHA), URL: c.cfg.page(r.family, r.row.ID, "blob", r.SHA, readme),
	}, s)
}
