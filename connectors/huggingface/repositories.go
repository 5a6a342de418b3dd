package huggingface

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// dataset is the payload of inventory.dataset: what the hub tells of a data
// set, which is not who is responsible for it or what it is used for.
type dataset struct {
	ID         string `json:"dataset_id"`
	Location   string `json:"location,omitempty"`
	Owner      string `json:"owner,omitempty"`
	UpdatedAt  string `json:"updated_at,omitempty"`
	Version    string `json:"version,omitempty"`
	Licence    string `json:"licence,omitempty"`
	Gated      string `json:"gated,omitempty"`
	Visibility string `json:"visibility,omitempty"`
	Disabled   bool   `json:"disabled,omitempty"`
}

func (c *collection) emitModel(s *seen) error {
	r := s.row
	return c.book.Record(connector.Record{
		Kind: records.KindModel, Subject: connector.Subject{Type: "model", ID: r.ID}, Key: c.cfg.Registry + "|" + r.ID,
		EventTime: r.Created.Time, URL: c.cfg.page(s.family, r.ID),
	}, records.Model{
		Registry: c.cfg.Registry, Name: r.ID, ID: s.uri(""), Owner: r.owner(), Tags: r.tagMap(), CreatedAt: records.Stamp(r.Created.Time),
		Visibility: r.visibility(), Licence: r.licence(), Gated: string(r.Gated), Disabled: r.Disabled,
	})
}

func (c *collection) emitDataset(s *seen) error {
	r := s.row
	link := c.cfg.page(s.family, r.ID)
	return c.book.Record(connector.Record{
		Kind: kindDataset, Subject: connector.Subject{Type: "dataset", ID: r.ID}, Key: r.ID, EventTime: r.Modified.Time, URL: link,
	}, dataset{
		ID: r.ID, Location: link, Owner: r.owner(), UpdatedAt: records.Stamp(r.Modified.Time), Version: records.Line(r.SHA, 64), Licence: r.licence(),
		Gated: string(r.Gated), Visibility: r.visibility(), Disabled: r.Disabled,
	})
}

// uri is how the hub's own tools name a repository, at a revision or not.
func (s *seen) uri(sha string) string {
	uri := "hf://" + s.name()
	if sha != "" {
		uri += "@" + sha
	}
	return uri
}

func (r repository) owner() string {
	if r.Author != "" {
		return records.Line(r.Author, 100)
	}
	owner, _, slash := strings.Cut(r.ID, "/")
	if !slash {
		return ""
	}
	return owner
}

// visibility is empty where the hub does not tell.
func (r repository) visibility() string {
	if r.Private == nil {
		return ""
	}
	return map[bool]string{true: "private", false: "public"}[*r.Private]
}

// licence is what the card says, or else the hub's tag.
func (r repository) licence() string {
	if m := metaOf(r.Card); m.Licence != "" {
		return m.Licence
	}
	for _, t := range r.Tags {
		if name, ok := strings.CutPrefix(t, "license:"); ok {
			return records.Line(name, 100)
		}
	}
	return ""
}

// maxTags bounds the tags that are kept.
const maxTags = 200

// tagMap turns the hub's tags, which are words or name:value, into a map.
func (r repository) tagMap() map[string]string {
	out := map[string]string{}
	tags := slices.Clone(r.Tags)
	slices.Sort(tags)
	for _, t := range slices.Compact(tags) {
		name, value, _ := strings.Cut(records.Line(t, 300), ":")
		if name == "" || len(out) >= maxTags && out[name] == "" {
			continue
		}
		if old := out[name]; old != "" && value != "" {
			value = records.Line(old+", "+value, 1000)
		}
		out[name] = value
	}
	for name, value := range map[string]string{"pipeline_tag": r.Pipeline, "library_name": r.Library} {
		if value != "" {
			out[name] = records.Line(value, 100)
		}
	}
	return out
}
