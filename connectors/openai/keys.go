package openai

import (
	"cmp"
	"context"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// key is a key of a project or of the organisation. Its redacted value is not
// read at all.
type key struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	CreatedAt   int64  `json:"created_at"`
	LastUsedAt  int64  `json:"last_used_at"`
	ExpiresAt   int64  `json:"expires_at"`
	OwnerAccess string `json:"owner_project_access"`
	Owner       struct {
		Type string `json:"type"`
		ID   string `json:"id"`
		User *struct {
			ID    string `json:"id"`
			Email string `json:"email"`
		} `json:"user"`
		Service *struct {
			ID string `json:"id"`
		} `json:"service_account"`
	} `json:"owner"`
}

func (k key) payload(r *run) records.APIKey {
	p := records.APIKey{
		Vendor: r.cfg.Vendor, KeyID: k.ID, Name: records.Line(k.Name, 200), KeyType: "project", Owner: k.Owner.ID, OwnerUse: records.Line(k.OwnerAccess, 40),
		CreatedAt: records.Stamp(records.Unix(k.CreatedAt)), LastUsedAt: onDay(k.LastUsedAt), ExpiresAt: records.Stamp(records.Unix(k.ExpiresAt)), Status: "active",
	}
	if u := k.Owner.User; u != nil {
		p.Owner = cmp.Or(u.Email, u.ID, p.Owner)
	}
	if s := k.Owner.Service; s != nil || k.Owner.Type == "service_account" {
		p.KeyType = "service_account"
		if s != nil {
			p.Owner = cmp.Or(s.ID, p.Owner)
		}
	}
	p.Owner = records.Line(p.Owner, 254)
	if end := records.Unix(k.ExpiresAt); !end.IsZero() && !end.After(r.now) {
		p.Status = "expired"
	}
	return p
}

// keys reads the keys of each active project, those too whose owner has no
// access any more, and the admin keys. A key that was revoked is not listed any
// more; who revoked it stands in the audit log.
func (r *run) keys(ctx context.Context) error {
	const kind = records.KindAPIKey
	if len(r.book.Wants(kind)) == 0 {
		return nil
	}
	r.book.Query("keys of active projects with owner_project_access=any, and admin keys; those that users made before there were projects are in no list", kind)
	for _, p := range r.active() {
		err := list(ctx, r.admin, p.path("api_keys"), url.Values{"owner_project_access": {"any"}}, rest.Into(r.book, "keys of project "+p.ID, func(k key) error {
			out := k.payload(r)
			out.Project = p.ID
			return r.record(k, out, pageKeys)
		}, kind))
		if err == nil {
			continue
		}
		if err := r.missed.Miss(ctx, coverage.Part{Kinds: []string{kind}, Scope: "keys", Permission: permManagement}, p.ID, err); err != nil {
			return err
		}
	}
	part := coverage.Part{Kinds: []string{kind}, Scope: "admin keys", Permission: permManagement}
	return r.book.Part(ctx, part, func() error {
		return list(ctx, r.admin, "organization/admin_api_keys", nil, rest.Into(r.book, "admin keys", func(k key) error {
			out := k.payload(r)
			out.KeyType = "admin"
			return r.record(k, out, pageAdmin)
		}, kind))
	})
}

func (r *run) record(k key, p records.APIKey, page string) error {
	if !records.Fit(k.ID) {
		return r.book.Malformed("keys", "a key has no id that can be one", records.KindAPIKey)
	}
	return r.book.Record(connector.Record{
		Kind: records.KindAPIKey, Subject: connector.Subject{Type: "vendor", ID: r.cfg.Vendor}, Key: r.cfg.Vendor + "|" + k.ID,
		EventTime: records.Unix(k.CreatedAt), URL: page,
	}, p)
}
