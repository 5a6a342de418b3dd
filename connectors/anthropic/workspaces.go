package anthropic

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

const (
	// defaultName stands for the default workspace while its id is not known.
	defaultName = "default"
	// memoryDefault remembers that id: reports do not give it.
	memoryDefault = connector.MemoryPrefix + "default-workspace"
)

// workspace is one of the organisation's.
type workspace struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	CreatedAt  string `json:"created_at"`
	ArchivedAt string `json:"archived_at"`
	Residency  *struct {
		Geo     string          `json:"workspace_geo"`
		Allowed json.RawMessage `json:"allowed_inference_geos"`
	} `json:"data_residency"`

	created, archived time.Time
}

// listWorkspaces reads all workspaces, archived ones and the default one too.
// The default one is that which is not listed unless it is asked for.
func (r *run) listWorkspaces(ctx context.Context) error {
	kinds := []string{records.KindVendorProject, records.KindDataControls}
	wanted := r.book.Wants(append(kinds, records.KindVendorUsage, records.KindModelObservation)...)
	r.defaultID = defaultName
	r.book.Position(memoryDefault, &r.defaultID)
	if len(wanted) == 0 {
		return nil
	}
	r.book.Query("workspaces, with archived ones and the default one", kinds...)
	s := rest.Into(r.book, "workspaces", func(w workspace) error {
		times, err := moments(w.CreatedAt, w.ArchivedAt)
		if err != nil || !records.Fit(w.ID) {
			return r.book.Malformed("workspace "+w.ID, "it has no id that can be one, or one of its times is none", kinds...)
		}
		w.created, w.archived = times[0], times[1]
		if !slices.ContainsFunc(r.workspaces, func(v workspace) bool { return v.ID == w.ID }) { // one that moved to the next page meanwhile
			r.workspaces = append(r.workspaces, w)
		}
		return nil
	}, kinds...)
	const path = "v1/organizations/workspaces"
	err := list(ctx, r.admin, path, url.Values{"include_archived": {"true"}, "include_default": {"true"}}, s)
	if err == nil {
		r.listed = true
		err = r.findDefault(ctx, path)
	}
	return r.book.Missed(ctx, coverage.Part{Kinds: kinds, Scope: "workspaces", Permission: permAdmin}, err)
}

func (r *run) findDefault(ctx context.Context, path string) error {
	named := map[string]bool{}
	s := rest.Into(r.book, "workspaces", func(w struct {
		ID string `json:"id"`
	}) error {
		named[w.ID] = true
		return nil
	}, records.KindVendorProject)
	if err := list(ctx, r.admin, path, url.Values{"include_archived": {"true"}}, s); err != nil {
		return err
	}
	var found []string
	for _, w := range r.workspaces {
		if !named[w.ID] {
			found = append(found, w.ID)
		}
	}
	if len(found) == 1 {
		r.defaultID = found[0]
		return r.book.Cursor(memoryDefault, r.defaultID)
	}
	return nil
}

// place names the workspace of a report's row: none is the default one.
func (r *run) place(id string) string {
	if id == "" {
		return r.defaultID
	}
	return records.Line(id, 100)
}

// members counts who may use each workspace and emits the workspaces. Everybody
// may use the default one.
func (r *run) members(ctx context.Context) error {
	if len(r.book.Wants(records.KindVendorProject)) == 0 {
		return nil
	}
	for _, w := range r.workspaces {
		out := records.VendorProject{Vendor: r.cfg.Vendor, ProjectID: w.ID, Name: records.Line(w.Name, 200), Status: "active",
			CreatedAt: records.Stamp(w.created), ArchivedAt: records.Stamp(w.archived)}
		if w.Residency != nil {
			out.Region = records.Line(w.Residency.Geo, 60)
		}
		switch {
		case w.ArchivedAt != "":
			out.Status = "archived"
		case w.ID != r.defaultID:
			n := int64(0)
			err := list(ctx, r.admin, workspacePath(w.ID, "members"), nil, rest.Into(r.book, "members of workspace "+w.ID, func(json.RawMessage) error {
				n++
				return nil
			}, records.KindVendorProject))
			if err == nil {
				out.Members = counted(n)
			} else if err := r.missed.Miss(ctx, coverage.Part{Kinds: []string{records.KindVendorProject}, Scope: "members", Permission: permAdmin}, w.ID, err); err != nil {
				return err
			}
		}
		err := r.book.Record(connector.Record{
			Kind: records.KindVendorProject, Subject: connector.Subject{Type: "deployment", ID: w.ID}, Key: r.cfg.Vendor + "|" + w.ID,
			EventTime: w.created, URL: pageWorkspaces + "/" + url.PathEscape(w.ID),
		}, out)
		if err != nil {
			return err
		}
	}
	return nil
}

// controls emits where the data of each workspace rests and is computed.
func (r *run) controls(context.Context) error {
	const kind = records.KindDataControls
	err := r.book.Gap(connector.Gap{
		Kinds: []string{kind}, Scope: "training_opt_out, zdr and retention", Reason: connector.Unsupported,
		Detail: "Anthropic's API tells neither whether data is used for training, nor whether it is kept, nor for how long: upload a capture of the privacy settings, or the agreement, as a document",
	})
	if err != nil {
		return err
	}
	r.book.Query("data_residency of active workspaces", kind)
	for _, w := range r.workspaces {
		if w.Residency == nil || w.ArchivedAt != "" {
			continue
		}
		regions, ok := geos(w.Residency.Allowed)
		if !ok {
			if err := r.book.Malformed("data residency of workspace "+w.ID, "allowed_inference_geos is neither a list nor unrestricted", kind); err != nil {
				return err
			}
			continue
		}
		err := r.book.Record(connector.Record{
			Kind: kind, Subject: connector.Subject{Type: "vendor", ID: r.cfg.Vendor}, Key: r.cfg.Vendor + "|" + w.ID, URL: pageWorkspaces + "/" + url.PathEscape(w.ID),
		}, records.DataControls{Vendor: r.cfg.Vendor, Project: w.ID, Region: records.Line(w.Residency.Geo, 60), Inference: regions})
		if err != nil {
			return err
		}
	}
	return nil
}

// geos reads where requests may be computed: a list of places, or one word.
func geos(raw json.RawMessage) ([]string, bool) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return []string{records.Line(word, 60)}, word != ""
	}
	var places []string
	if json.Unmarshal(raw, &places) != nil {
		return nil, false
	}
	for i, p := range places {
		places[i] = records.Line(p, 60)
	}
	slices.Sort(places)
	return places, true
}
