package openai

import (
	"context"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// organisation is what data controls of the whole are kept under.
const organisation = "organization"

// byDefault is what a project says that has no retention of its own.
const byDefault = "organization_default"

// controls reads the data controls of the organisation and of each active
// project.
func (r *run) controls(ctx context.Context) error {
	const kind = records.KindDataControls
	if len(r.book.Wants(kind)) == 0 {
		return nil
	}
	r.book.Query("data_retention of the organisation; data_retention, model_permissions and residency of active projects", kind)
	err := r.book.Gap(connector.Gap{
		Kinds: []string{kind}, Scope: "training_opt_out and retention in days", Reason: connector.Unsupported,
		Detail: "OpenAI's API does not tell whether data is shared for training, nor for how many days it is kept: upload a capture of Organization, Data controls as a document",
	})
	if err != nil {
		return err
	}
	var whole string
	part := coverage.Part{Kinds: []string{kind}, Scope: "data retention of the organisation", Permission: permManagement}
	err = r.book.Part(ctx, part, func() error {
		var err error
		if whole, err = r.retention(ctx, "organization/data_retention"); err != nil {
			return err
		}
		return r.control(records.DataControls{Project: organisation, RetentionType: records.Line(whole, 60), ZDR: zero(whole, "")})
	})
	if err != nil {
		return err
	}
	for _, p := range r.active() {
		if err := r.projectControls(ctx, p, whole); err != nil {
			return err
		}
	}
	return nil
}

// projectControls reads those of a project. What could not be read is not said.
func (r *run) projectControls(ctx context.Context, p project, whole string) error {
	part := coverage.Part{Kinds: []string{records.KindDataControls}, Scope: "data retention", Permission: permManagement}
	out := records.DataControls{Project: p.ID, Region: records.Line(p.Residency, 60)}
	kept, err := r.retention(ctx, p.path("data_retention"))
	if err == nil {
		out.RetentionType, out.ZDR = records.Line(kept, 60), zero(kept, whole)
	} else if err := r.missed.Miss(ctx, part, p.ID, err); err != nil {
		return err
	}
	var models struct {
		Mode string   `json:"mode"`
		IDs  []string `json:"model_ids"`
	}
	path := p.path("model_permissions")
	_, merr := r.admin.Get(ctx, rest.Call{Path: path}, &models)
	if merr == nil && models.Mode != "allow_list" && models.Mode != "deny_list" {
		merr = &rest.MalformedError{Path: path, Why: "mode is neither allow_list nor deny_list"}
	}
	if merr == nil {
		ids := []string{}
		for _, id := range models.IDs {
			ids = append(ids, records.Line(id, 200))
		}
		slices.Sort(ids)
		out.ModelPolicy = models.Mode
		if models.Mode == "allow_list" {
			out.AllowedModels = ids
		} else {
			out.DeniedModels = ids
		}
	} else {
		part.Scope = "model permissions"
		if err := r.missed.Miss(ctx, part, p.ID, merr); err != nil {
			return err
		}
	}
	if err != nil && merr != nil && out.Region == "" {
		return nil
	}
	r.book.Read(records.KindDataControls)
	return r.control(out)
}

func (r *run) retention(ctx context.Context, path string) (string, error) {
	var answer struct {
		Type string `json:"type"`
	}
	if _, err := r.admin.Get(ctx, rest.Call{Path: path}, &answer); err != nil {
		return "", err
	}
	if answer.Type == "" {
		return "", &rest.MalformedError{Path: path, Why: "it says no type of retention"}
	}
	return answer.Type, nil
}

// zero says whether nothing is kept. A project that goes by the organisation
// follows whole; where that is not known, neither is this.
func zero(kept, whole string) *bool {
	if kept == byDefault {
		kept = whole
	}
	if kept == "" {
		return nil
	}
	return yes(strings.HasSuffix(kept, "zero_data_retention"))
}

func (r *run) control(c records.DataControls) error {
	c.Vendor = r.cfg.Vendor
	return r.book.Record(connector.Record{
		Kind: records.KindDataControls, Subject: connector.Subject{Type: "vendor", ID: c.Vendor}, Key: c.Vendor + "|" + c.Project, URL: pageControl,
	}, c)
}
