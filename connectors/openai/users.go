package openai

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Pages where a person can see what is recorded.
const (
	pagePeople  = "https://platform.openai.com/settings/organization/people"
	pageKeys    = "https://platform.openai.com/settings/organization/api-keys"
	pageAdmin   = "https://platform.openai.com/settings/organization/admin-keys"
	pageUse     = "https://platform.openai.com/usage"
	pageControl = "https://platform.openai.com/settings/organization/data-controls"
)

// user is an account of the organisation.
type user struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Email    string `json:"email"`
	Role     string `json:"role"`
	AddedAt  int64  `json:"added_at"`
	Service  bool   `json:"is_service_account"`
	LastUsed int64  `json:"api_key_last_used_at"`
	User     *struct {
		Enabled *bool  `json:"enabled"`
		Banned  *bool  `json:"banned"`
		Email   string `json:"email"`
		Name    string `json:"name"`
	} `json:"user"`
	Projects *struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	} `json:"projects"`
}

func (u user) payload(vendor string) records.VendorUser {
	p := records.VendorUser{
		Vendor: vendor, UserID: u.ID, Email: records.Line(u.Email, 254), Name: records.Line(u.Name, 200), Role: records.Line(u.Role, 60), Service: u.Service,
		AddedAt: records.Stamp(records.Unix(u.AddedAt)), LastUsedAt: onDay(u.LastUsed), Status: "active",
	}
	if d := u.User; d != nil {
		p.Email, p.Name = cmp.Or(p.Email, records.Line(d.Email, 254)), cmp.Or(p.Name, records.Line(d.Name, 200))
		if d.Enabled != nil && !*d.Enabled || d.Banned != nil && *d.Banned {
			p.Status = "disabled"
		}
	}
	if u.Projects != nil {
		for _, in := range u.Projects.Data {
			p.Projects = append(p.Projects, records.Line(in.ID, 100))
		}
	}
	return p
}

// users reads people, service accounts and invitations. A service account that
// is listed of the organisation and of a project is one account.
func (r *run) users(ctx context.Context) error {
	const kind = records.KindVendorUser
	if len(r.book.Wants(kind, records.KindVendorProject)) == 0 {
		return nil // projects count their service accounts
	}
	r.book.Query("users, invitations that are open, and service accounts of active projects", kind)
	accounts := map[string]records.VendorUser{}
	part := coverage.Part{Kinds: []string{kind}, Scope: "users", Permission: permManagement}
	err := r.book.Part(ctx, part, func() error {
		return list(ctx, r.admin, "organization/users", nil, rest.Into(r.book, "users", func(u user) error {
			if !records.Fit(u.ID) {
				return r.book.Malformed("users", "an account has no id that can be one", kind)
			}
			accounts[u.ID] = u.payload(r.cfg.Vendor)
			return nil
		}, kind))
	})
	if err != nil {
		return err
	}
	whole, err := r.serviceAccounts(ctx, accounts)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		u := accounts[id]
		if u.Service && len(u.Projects) == 0 && !whole {
			continue // its projects are not known, which is told as a gap
		}
		if err := r.user(u); err != nil {
			return err
		}
	}
	return r.invites(ctx)
}

// user emits an account under the person's address, or else its id.
func (r *run) user(u records.VendorUser) error {
	slices.Sort(u.Projects)
	u.Projects = slices.Compact(u.Projects)
	id := strings.ToLower(u.Email)
	if !records.Fit(id) {
		id = u.UserID
	}
	at, err := records.Moment(u.AddedAt)
	if err != nil {
		return r.book.Malformed("user "+u.UserID, err.Error(), records.KindVendorUser)
	}
	return r.book.Record(connector.Record{
		Kind: records.KindVendorUser, Subject: connector.Subject{Type: "person", ID: id}, Key: u.Vendor + "|" + u.UserID, EventTime: at, URL: pagePeople,
	}, u)
}

// serviceAccounts adds those of each project to accounts, and tells whether all
// could be read.
func (r *run) serviceAccounts(ctx context.Context, accounts map[string]records.VendorUser) (whole bool, err error) {
	const kind = records.KindVendorUser
	whole = r.listed
	for i := range r.projects {
		p := &r.projects[i]
		if p.archived() {
			continue
		}
		n := int64(0)
		err := list(ctx, r.admin, p.path("service_accounts"), nil, rest.Into(r.book, "service accounts of project "+p.ID, func(raw json.RawMessage) error {
			n++
			var s struct {
				ID        string `json:"id"`
				Name      string `json:"name"`
				Role      string `json:"role"`
				CreatedAt int64  `json:"created_at"`
			}
			if json.Unmarshal(raw, &s) != nil || !records.Fit(s.ID) {
				return r.book.Malformed("service accounts of project "+p.ID, "an account is of another form, or has no id that can be one", kind)
			}
			u, known := accounts[s.ID]
			if !known {
				u = records.VendorUser{Vendor: r.cfg.Vendor, UserID: s.ID, Name: records.Line(s.Name, 200), Role: records.Line(s.Role, 60),
					AddedAt: records.Stamp(records.Unix(s.CreatedAt)), Status: "active"}
			}
			u.Service, u.Projects = true, append(u.Projects, p.ID)
			accounts[s.ID] = u
			return nil
		}, kind))
		if err != nil {
			whole = false
			part := coverage.Part{Kinds: []string{kind, records.KindVendorProject}, Scope: "service accounts", Permission: permManagement}
			if err := r.missed.Miss(ctx, part, p.ID, err); err != nil {
				return false, err
			}
			continue
		}
		p.services = counted(n)
	}
	return whole, nil
}

// invites reads invitations that nobody has answered: accounts to come.
func (r *run) invites(ctx context.Context) error {
	const kind = records.KindVendorUser
	part := coverage.Part{Kinds: []string{kind}, Scope: "invitations", Permission: permManagement}
	return r.book.Part(ctx, part, func() error {
		return list(ctx, r.admin, "organization/invites", nil, rest.Into(r.book, "invitations", func(i struct {
			ID        string `json:"id"`
			Email     string `json:"email"`
			Role      string `json:"role"`
			Status    string `json:"status"`
			CreatedAt int64  `json:"created_at"`
			Projects  []struct {
				ID string `json:"id"`
			} `json:"projects"`
		}) error {
			switch {
			case !records.Fit(i.ID):
				return r.book.Malformed("invitations", "an invitation has no id that can be one", kind)
			case i.Status == "accepted" || i.Status == "expired":
				return nil
			case i.Status != "pending":
				return r.book.Malformed("invitation "+i.ID, "its status is none that is documented", kind)
			}
			u := records.VendorUser{Vendor: r.cfg.Vendor, UserID: i.ID, Email: records.Line(i.Email, 254), Role: records.Line(i.Role, 60),
				AddedAt: records.Stamp(records.Unix(i.CreatedAt)), Status: "invited"}
			for _, p := range i.Projects {
				u.Projects = append(u.Projects, records.Line(p.ID, 100))
			}
			return r.user(u)
		}, kind))
	})
}
