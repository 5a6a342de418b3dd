package anthropic

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Pages where a person can see what is recorded.
const (
	pagePeople     = "https://platform.claude.com/settings/members"
	pageWorkspaces = "https://platform.claude.com/settings/workspaces"
	pageKeys       = "https://platform.claude.com/settings/keys"
	pageUse        = "https://platform.claude.com/usage"
	pageCost       = "https://platform.claude.com/cost"
)

// users reads people and invitations. Service accounts cannot be listed with a
// key; those that keys act as are named there.
func (r *run) users(ctx context.Context) error {
	const kind = records.KindVendorUser
	r.book.Query("users and invitations that are open; service accounts are not read, since Anthropic lists them to no key", kind)
	part := coverage.Part{Kinds: []string{kind}, Scope: "users", Permission: permAdmin}
	err := r.book.Part(ctx, part, func() error {
		return list(ctx, r.admin, "v1/organizations/users", nil, rest.Into(r.book, "users", func(u struct {
			ID      string `json:"id"`
			Email   string `json:"email"`
			Name    string `json:"name"`
			Role    string `json:"role"`
			AddedAt string `json:"added_at"`
		}) error {
			at, err := moment(u.AddedAt)
			if err != nil || !records.Fit(u.ID) {
				return r.book.Malformed("user "+u.ID, "it has no id that can be one, or its added_at is no time", kind)
			}
			return r.user(at, records.VendorUser{UserID: u.ID, Email: records.Line(u.Email, 254), Name: records.Line(u.Name, 200), Role: records.Line(u.Role, 60), Status: "active"})
		}, kind))
	})
	if err != nil {
		return err
	}
	return r.invites(ctx)
}

// invites reads invitations that nobody has answered: accounts to come.
func (r *run) invites(ctx context.Context) error {
	const kind = records.KindVendorUser
	part := coverage.Part{Kinds: []string{kind}, Scope: "invitations", Permission: permAdmin}
	return r.book.Part(ctx, part, func() error {
		return list(ctx, r.admin, "v1/organizations/invites", nil, rest.Into(r.book, "invitations", func(i struct {
			ID        string `json:"id"`
			Email     string `json:"email"`
			Role      string `json:"role"`
			Status    string `json:"status"`
			InvitedAt string `json:"invited_at"`
		}) error {
			at, err := moment(i.InvitedAt)
			switch {
			case err != nil || !records.Fit(i.ID):
				return r.book.Malformed("invitation "+i.ID, "it has no id that can be one, or its invited_at is no time", kind)
			case i.Status == "accepted" || i.Status == "expired" || i.Status == "deleted":
				return nil
			case i.Status != "pending":
				return r.book.Malformed("invitation "+i.ID, "its status is none that is documented", kind)
			}
			return r.user(at, records.VendorUser{UserID: i.ID, Email: records.Line(i.Email, 254), Role: records.Line(i.Role, 60), Status: "invited"})
		}, kind))
	})
}

// user emits an account under the person's address, or else its id.
func (r *run) user(at time.Time, u records.VendorUser) error {
	u.Vendor, u.AddedAt = r.cfg.Vendor, records.Stamp(at)
	id := strings.ToLower(u.Email)
	if !records.Fit(id) {
		id = u.UserID
	}
	return r.book.Record(connector.Record{
		Kind: records.KindVendorUser, Subject: connector.Subject{Type: "person", ID: id}, Key: u.Vendor + "|" + u.UserID, EventTime: at, URL: pagePeople,
	}, u)
}

// workspacePath is the address of something of a workspace.
func workspacePath(id, what string) string {
	return "v1/organizations/workspaces/" + url.PathEscape(id) + "/" + what
}
