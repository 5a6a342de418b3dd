package github

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// listedInstallation is an app as the organisation let it in. Rights are read
// by name, whatever GitHub adds to them.
type listedInstallation struct {
	ID          int64          `json:"id"`
	AppID       int64          `json:"app_id"`
	AppSlug     string         `json:"app_slug"`
	HTMLURL     string         `json:"html_url"`
	Permissions map[string]any `json:"permissions"`
	Events      []string       `json:"events"`
	Selection   string         `json:"repository_selection"`
	SuspendedAt *time.Time     `json:"suspended_at"`
	SuspendedBy *account       `json:"suspended_by"`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

type installationPayload struct {
	Organization        string            `json:"organization"`
	InstallationID      int64             `json:"installation_id"`
	AppID               int64             `json:"app_id,omitempty"`
	AppSlug             string            `json:"app_slug"`
	Permissions         map[string]string `json:"permissions"`
	Events              []string          `json:"events"`
	RepositorySelection string            `json:"repository_selection"`
	Suspended           bool              `json:"suspended"`
	SuspendedAt         string            `json:"suspended_at,omitempty"`
	SuspendedBy         string            `json:"suspended_by,omitempty"`
	CreatedAt           string            `json:"created_at,omitempty"`
	UpdatedAt           string            `json:"updated_at,omitempty"`
}

// installations emits the apps that are installed in the organisation.
func (r *run) installations(ctx context.Context) error {
	org := r.cfg.Organization
	path := "orgs/" + org + "/installations"
	sum, err := list(ctx, r, listing[listedInstallation]{
		kind: KindAppInstallation, path: path, field: "installations", total: "total_count",
		part: part{kinds: []string{KindAppInstallation}, scope: "organisation " + org, permission: permOrgAdmin},
		record: func(in listedInstallation) (connector.Record, any, error) {
			if !fitID(in.ID) || in.Permissions == nil {
				return connector.Record{}, nil, &malformedError{Path: path, Why: "an installation without id or permissions"}
			}
			pay := installationPayload{
				Organization: org, InstallationID: in.ID, AppSlug: line(in.AppSlug, 200), Permissions: rights("", in.Permissions), Events: []string{},
				RepositorySelection: line(in.Selection, 40), CreatedAt: stamp(in.CreatedAt), UpdatedAt: stamp(in.UpdatedAt),
			}
			if fitID(in.AppID) {
				pay.AppID = in.AppID
			}
			for _, e := range in.Events[:min(len(in.Events), 500)] {
				pay.Events = append(pay.Events, line(e, 100))
			}
			slices.Sort(pay.Events)
			if in.SuspendedAt != nil {
				pay.Suspended, pay.SuspendedAt, pay.SuspendedBy = true, stamp(*in.SuspendedAt), in.SuspendedBy.name()
			}
			return connector.Record{Subject: connector.Subject{Type: "organization", ID: org}, Key: strconv.FormatInt(in.ID, 10), URL: in.HTMLURL}, pay, nil
		},
	})
	r.counted(KindAppInstallation, sum)
	return err
}

// counted notes the number that the source gives for all of a kind.
func (r *run) counted(kind string, sum listed) {
	if sum.total >= 0 {
		r.cover.update(kind, func(s *seen) { s.count = int64(sum.total) })
	}
}

// rights takes names of rights with what they allow. Other values than a word
// are no right that GitHub documents.
func rights(prefix string, in map[string]any) map[string]string {
	out := map[string]string{}
	for name, v := range in {
		if word, ok := v.(string); ok && records.Fit(name) && len(out) < 500 {
			out[prefix+line(name, 100)] = line(word, 40)
		}
	}
	return out
}

// listedGrant is a fine-grained token that the organisation let in.
type listedGrant struct {
	ID          int64                     `json:"id"`
	Owner       *account                  `json:"owner"`
	Selection   string                    `json:"repository_selection"`
	Permissions map[string]map[string]any `json:"permissions"`
	GrantedAt   time.Time                 `json:"access_granted_at"`
	TokenName   string                    `json:"token_name"`
	Expired     bool                      `json:"token_expired"`
	ExpiresAt   *time.Time                `json:"token_expires_at"`
	LastUsedAt  *time.Time                `json:"token_last_used_at"`
}

type grantPayload struct {
	Organization        string            `json:"organization"`
	GrantID             int64             `json:"grant_id"`
	Owner               string            `json:"owner"`
	TokenName           string            `json:"token_name,omitempty"`
	RepositorySelection string            `json:"repository_selection"`
	Permissions         map[string]string `json:"permissions"`
	GrantedAt           string            `json:"granted_at,omitempty"`
	Expired             bool              `json:"expired"`
	ExpiresAt           string            `json:"expires_at,omitempty"`
	LastUsedAt          string            `json:"last_used_at,omitempty"` // day
}

// tokenGrants emits the fine-grained tokens that the organisation let in.
// GitHub shows them to apps only, so that another token's refusal says nothing
// about its permissions.
func (r *run) tokenGrants(ctx context.Context) error {
	org := r.cfg.Organization
	path := "orgs/" + org + "/personal-access-tokens"
	_, err := list(ctx, r, listing[listedGrant]{
		kind: KindTokenGrant, path: path, part: part{kinds: []string{KindTokenGrant}, scope: "organisation " + org, permission: permOrgTokens},
		record: func(g listedGrant) (connector.Record, any, error) {
			if !fitID(g.ID) {
				return connector.Record{}, nil, &malformedError{Path: path, Why: "a grant without an id"}
			}
			pay := grantPayload{
				Organization: org, GrantID: g.ID, Owner: g.Owner.name(), TokenName: line(g.TokenName, 200), RepositorySelection: line(g.Selection, 40),
				Permissions: map[string]string{}, GrantedAt: stamp(g.GrantedAt), Expired: g.Expired, LastUsedAt: dayOf(g.LastUsedAt),
			}
			for scope, list := range g.Permissions {
				for name, level := range rights(line(scope, 40)+".", list) {
					pay.Permissions[name] = level
				}
			}
			if g.ExpiresAt != nil {
				pay.ExpiresAt = stamp(*g.ExpiresAt)
			}
			return connector.Record{Subject: connector.Subject{Type: "organization", ID: org}, Key: strconv.FormatInt(g.ID, 10),
				URL: r.cfg.web(fmt.Sprintf("organizations/%s/settings/personal-access-tokens/%d", org, g.ID), nil)}, pay, nil
		},
	})
	if status := statusOf(err); !r.cfg.isApp() && (status == http.StatusForbidden || status == http.StatusNotFound) {
		return &notOfferedError{line(err.Error(), 200) + "; GitHub shows these to GitHub Apps only, and this source reads with a person's token"}
	}
	return err
}

// dayOf is the day of a time: what changes with each use is to be one revision
// a day.
func dayOf(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return stamp(t.UTC().Truncate(24 * time.Hour))
}
