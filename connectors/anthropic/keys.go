package anthropic

import (
	"context"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// memoryUsed remembers the last day on which each key was used: Anthropic does
// not tell it, and reports are read only from where the last run ended.
const memoryUsed = connector.MemoryPrefix + "last-used"

// maxRemembered bounds what fits into a cursor.
const maxRemembered = 1200

// key is a key of a workspace or the organisation. What is shown of its value
// is not read at all.
type key struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
	Workspace string `json:"workspace_id"`
	CreatedBy *struct {
		ID string `json:"id"`
	} `json:"created_by"`
	Principal *struct {
		User    string `json:"user_id"`
		Service string `json:"service_account_id"`
	} `json:"principal"`
	Scope *struct {
		Type      string `json:"type"`
		Workspace string `json:"workspace_id"`
	} `json:"scope"`
}

func (k key) payload(r *run) records.APIKey {
	p := records.APIKey{Vendor: r.cfg.Vendor, KeyID: k.ID, Name: records.Line(k.Name, 200), KeyType: "workspace", Project: r.place(k.Workspace),
		LastUsedAt: r.lastUsed[k.ID], Status: records.Line(k.Status, 40)}
	if k.CreatedBy != nil {
		p.Owner = records.Line(k.CreatedBy.ID, 200)
	}
	if w := k.Principal; w != nil {
		p.Owner = records.Line(w.User+w.Service, 200)
		if w.Service != "" {
			p.KeyType = "service_account"
		}
	}
	if s := k.Scope; s != nil {
		p.Project = records.Line(s.Workspace, 100)
		if s.Type == "organization" && p.KeyType == "workspace" {
			p.KeyType = "organization"
		}
	}
	return p
}

// keys reads the keys in every state, those that were switched off or archived
// too.
func (r *run) keys(ctx context.Context) error {
	const kind = records.KindAPIKey
	part := coverage.Part{Kinds: []string{kind}, Scope: "keys", Permission: permAdmin}
	listed := map[string]bool{}
	whole := false
	err := r.book.Part(ctx, part, func() error {
		r.book.Query("keys in every state; Admin API keys are in no list; last use is the last day in the usage reports that were read", kind)
		err := list(ctx, r.admin, "v1/organizations/api_keys", nil, rest.Into(r.book, "keys", func(k key) error {
			times, err := moments(k.CreatedAt, k.ExpiresAt)
			if err != nil || !records.Fit(k.ID) {
				return r.book.Malformed("key "+k.ID, "it has no id that can be one, or one of its times is none", kind)
			}
			listed[k.ID] = true
			p := k.payload(r)
			p.CreatedAt, p.ExpiresAt = records.Stamp(times[0]), records.Stamp(times[1])
			return r.book.Record(connector.Record{
				Kind: kind, Subject: connector.Subject{Type: "vendor", ID: r.cfg.Vendor}, Key: r.cfg.Vendor + "|" + k.ID, EventTime: times[0], URL: pageKeys,
			}, p)
		}, kind))
		whole = err == nil
		return err
	})
	if err != nil || !whole {
		return err
	}
	return r.hiddenKeys(listed)
}
