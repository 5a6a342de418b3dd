package openai

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// project is one of the organisation's.
type project struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	CreatedAt  int64  `json:"created_at"`
	ArchivedAt int64  `json:"archived_at"`
	Status     string `json:"status"`
	Residency  string `json:"residency"`

	services *int64
}

func (p project) archived() bool { return p.Status == "archived" || p.ArchivedAt > 0 }

// path is the address of something of the project.
func (p project) path(what string) string {
	return "organization/projects/" + url.PathEscape(p.ID) + "/" + what
}

// listProjects reads all projects, archived ones too: others are read by them.
func (r *run) listProjects(ctx context.Context) error {
	kinds := r.book.Wants(records.KindVendorProject, records.KindVendorUser, records.KindAPIKey, records.KindDataControls)
	if len(kinds) == 0 {
		return nil
	}
	r.book.Query("projects, with archived ones", records.KindVendorProject)
	s := rest.Into(r.book, "projects", func(p project) error {
		if !records.Fit(p.ID) {
			return r.book.Malformed("projects", "a project has no id that can be one", kinds...)
		}
		if !slices.ContainsFunc(r.projects, func(q project) bool { return q.ID == p.ID }) { // one that moved to the next page meanwhile
			r.projects = append(r.projects, p)
		}
		return nil
	}, records.KindVendorProject)
	s.Bad = func(n int, why string) error { return r.book.Malformed(rest.Entry("projects", n), why, kinds...) }
	err := list(ctx, r.admin, "organization/projects", url.Values{"include_archived": {"true"}}, s)
	r.listed = err == nil
	return r.book.Missed(ctx, coverage.Part{Kinds: kinds, Scope: "projects", Permission: permManagement}, err)
}

// members counts who may use each project and emits the projects.
func (r *run) members(ctx context.Context) error {
	if len(r.book.Wants(records.KindVendorProject)) == 0 {
		return nil
	}
	for _, p := range r.projects {
		out := records.VendorProject{
			Vendor: r.cfg.Vendor, ProjectID: p.ID, Name: records.Line(p.Name, 200), Status: "active", CreatedAt: records.Stamp(records.Unix(p.CreatedAt)),
			ArchivedAt: records.Stamp(records.Unix(p.ArchivedAt)), Region: records.Line(p.Residency, 60), Services: p.services,
		}
		if p.archived() {
			out.Status = "archived"
		} else {
			n := int64(0)
			err := list(ctx, r.admin, p.path("users"), nil, rest.Into(r.book, "members of project "+p.ID, func(json.RawMessage) error {
				n++
				return nil
			}, records.KindVendorProject))
			if err == nil {
				out.Members = counted(n)
			} else if err := r.missed.Miss(ctx, coverage.Part{Kinds: []string{records.KindVendorProject}, Scope: "members", Permission: permManagement}, p.ID, err); err != nil {
				return err
			}
		}
		err := r.book.Record(connector.Record{
			Kind: records.KindVendorProject, Subject: connector.Subject{Type: "deployment", ID: p.ID}, Key: r.cfg.Vendor + "|" + p.ID,
			EventTime: records.Unix(p.CreatedAt), URL: "https://platform.openai.com/settings/" + url.PathEscape(p.ID) + "/general",
		}, out)
		if err != nil {
			return err
		}
	}
	return nil
}
