package github

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

type copilotPayload struct {
	Organization            string            `json:"organization"`
	PlanType                string            `json:"plan_type,omitempty"`
	SeatManagementSetting   string            `json:"seat_management_setting,omitempty"`
	PublicCodeSuggestions   string            `json:"public_code_suggestions,omitempty"`
	IDEChat                 string            `json:"ide_chat,omitempty"`
	PlatformChat            string            `json:"platform_chat,omitempty"`
	CLI                     string            `json:"cli,omitempty"`
	OtherSettings           map[string]string `json:"other_settings,omitempty"`
	SeatsTotal              *int              `json:"seats_total,omitempty"`
	CodingAgentRepositories string            `json:"coding_agent_repositories,omitempty"`
	ContentExclusions       *[]exclusion      `json:"content_exclusions,omitempty"` // nil: unread
	Unread                  []string          `json:"unread"`
}

// exclusion is what is kept from Copilot in a repository, or in all.
type exclusion struct {
	Repository string   `json:"repository"`
	Paths      []string `json:"paths"`
}

// copilotPolicy emits what the organisation allows Copilot. It is put together
// from three answers, each with its own permission; they are kept as notes, so
// that one of them can change alone.
func (r *run) copilotPolicy(ctx context.Context) error {
	org := r.cfg.Organization
	pay := copilotPayload{Organization: org, Unread: []string{}}
	if err := r.copilotBilling(ctx, &pay); err != nil {
		return err
	}
	for _, sub := range []struct {
		name, permission string
		read             func(context.Context, *copilotPayload) error
	}{
		{"content_exclusions", permCopilotExclusions, r.copilotExclusions},
		{"coding_agent", permCopilotAgent, r.copilotAgent},
	} {
		if err := sub.read(ctx, &pay); err != nil {
			pay.Unread = append(pay.Unread, sub.name)
			p := part{kinds: []string{KindCopilotPolicy}, scope: "organisation " + org + " " + sub.name, permission: sub.permission}
			if err := r.missed(ctx, p, err); err != nil {
				return err
			}
		}
	}
	return r.record(connector.Record{
		Kind: KindCopilotPolicy, Subject: connector.Subject{Type: "organization", ID: org}, Key: strings.ToLower(org),
		URL: r.cfg.web("organizations/"+org+"/settings/copilot/policies", nil),
	}, pay)
}

// copilotBilling reads the settings. Every further word that GitHub says is
// taken as a setting, for it adds some every year.
func (r *run) copilotBilling(ctx context.Context, pay *copilotPayload) error {
	path := "orgs/" + r.cfg.Organization + "/copilot/billing"
	var body map[string]json.RawMessage
	type note struct {
		Words map[string]string `json:"w"`
		Seats *int              `json:"s"`
	}
	var n note
	ans, err := r.api.get(ctx, call{path: path, usable: noteFits(func(n note) bool { return n.Words != nil })}, &body)
	switch {
	case statusOf(err) == http.StatusUnprocessableEntity:
		return &notOfferedError{err.Error()}
	case err != nil:
		return err
	case ans.notModified:
		err = json.Unmarshal(ans.memo, &n)
	default:
		n.Words = map[string]string{}
		for name, raw := range body {
			var word string
			if json.Unmarshal(raw, &word) == nil && records.Fit(name) && len(n.Words) < 200 {
				n.Words[line(name, 100)] = line(word, 100)
			}
		}
		var seats struct {
			Total *int `json:"total"`
		}
		if json.Unmarshal(body["seat_breakdown"], &seats) == nil {
			n.Seats = seats.Total
		}
		if n.Words["seat_management_setting"] == "" && n.Words["public_code_suggestions"] == "" {
			return &malformedError{Path: path, Why: "the answer holds none of the settings that are documented"}
		}
		err = r.keep(ans, n)
	}
	if err != nil {
		return err
	}
	for name, field := range map[string]*string{
		"plan_type": &pay.PlanType, "seat_management_setting": &pay.SeatManagementSetting, "public_code_suggestions": &pay.PublicCodeSuggestions,
		"ide_chat": &pay.IDEChat, "platform_chat": &pay.PlatformChat, "cli": &pay.CLI,
	} {
		*field = n.Words[name]
		delete(n.Words, name)
	}
	pay.OtherSettings, pay.SeatsTotal = n.Words, n.Seats
	return nil
}

// copilotExclusions reads which paths are kept from Copilot.
func (r *run) copilotExclusions(ctx context.Context, pay *copilotPayload) error {
	path := "orgs/" + r.cfg.Organization + "/copilot/content_exclusion"
	var body map[string][]json.RawMessage
	list := []exclusion{}
	ans, err := r.api.get(ctx, call{path: path, usable: noteFits(func(n []exclusion) bool { return n != nil })}, &body)
	switch {
	case err != nil:
		return err
	case ans.notModified:
		err = json.Unmarshal(ans.memo, &list)
	case body == nil:
		return &malformedError{Path: path, Why: "the answer holds no rules"}
	default:
		for repo, rules := range body {
			if rules == nil {
				return &malformedError{Path: path, Why: "a repository without a list of rules"}
			}
			ex := exclusion{Repository: line(repo, 300), Paths: []string{}}
			for _, raw := range rules {
				ex.Paths = append(ex.Paths, exclusionPath(raw))
			}
			slices.Sort(ex.Paths)
			list = append(list, ex)
		}
		slices.SortFunc(list, func(a, b exclusion) int { return strings.Compare(a.Repository, b.Repository) })
		err = r.keep(ans, list)
	}
	pay.ContentExclusions = &list
	return err
}

// exclusionPath is a rule: a path, or an object that says what to match.
func exclusionPath(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return line(text, 300)
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	b, err := json.Marshal(v) // with sorted names
	if err != nil {
		return ""
	}
	return line(string(b), 300)
}

// copilotAgent reads which repositories Copilot's agent may work in.
func (r *run) copilotAgent(ctx context.Context, pay *copilotPayload) error {
	path := "orgs/" + r.cfg.Organization + "/copilot/coding-agent/permissions"
	var body struct {
		Repositories string `json:"enabled_repositories"`
	}
	ans, err := r.api.get(ctx, call{path: path, usable: noteFits(func(n string) bool { return n != "" })}, &body)
	switch {
	case err != nil:
		return err
	case ans.notModified:
		return json.Unmarshal(ans.memo, &pay.CodingAgentRepositories)
	case body.Repositories == "":
		return &malformedError{Path: path, Why: "the answer does not say enabled_repositories"}
	}
	pay.CodingAgentRepositories = line(body.Repositories, 40)
	return r.keep(ans, pay.CodingAgentRepositories)
}

// listedSeat is a seat as listed; the client library's type lacks fields.
type listedSeat struct {
	Assignee *account `json:"assignee"`
	Team     *struct {
		Slug string `json:"slug"`
	} `json:"assigning_team"`
	PlanType        string     `json:"plan_type"`
	CreatedAt       time.Time  `json:"created_at"`
	Ends            string     `json:"pending_cancellation_date"`
	LastActivityAt  *time.Time `json:"last_activity_at"`
	LastEditor      string     `json:"last_activity_editor"`
	AuthenticatedAt *time.Time `json:"last_authenticated_at"`
}

type seatPayload struct {
	Organization            string `json:"organization"`
	User                    string `json:"user"`
	UserID                  int64  `json:"user_id,omitempty"`
	AssigningTeam           string `json:"assigning_team,omitempty"`
	PlanType                string `json:"plan_type,omitempty"`
	CreatedAt               string `json:"created_at,omitempty"`
	PendingCancellationDate string `json:"pending_cancellation_date,omitempty"`
	LastActivityAt          string `json:"last_activity_at,omitempty"` // day
	LastActivityEditor      string `json:"last_activity_editor,omitempty"`
	LastAuthenticatedAt     string `json:"last_authenticated_at,omitempty"` // day
}

// copilotSeats emits who has a seat.
func (r *run) copilotSeats(ctx context.Context) error {
	org := r.cfg.Organization
	path := "orgs/" + org + "/copilot/billing/seats"
	sum, err := list(ctx, r, listing[listedSeat]{
		kind: KindCopilotSeat, path: path, field: "seats", total: "total_seats",
		part: part{kinds: []string{KindCopilotSeat}, scope: "organisation " + org, permission: permCopilotSeats},
		record: func(s listedSeat) (connector.Record, any, error) {
			if s.Assignee == nil || !records.Fit(s.Assignee.Login) || !fitID(s.Assignee.ID) {
				return connector.Record{}, nil, &malformedError{Path: path, Why: "a seat that is nobody's"}
			}
			pay := seatPayload{
				Organization: org, User: s.Assignee.Login, UserID: s.Assignee.ID, PlanType: line(s.PlanType, 40), CreatedAt: stamp(s.CreatedAt),
				LastActivityAt: dayOf(s.LastActivityAt), LastAuthenticatedAt: dayOf(s.AuthenticatedAt),
			}
			pay.LastActivityEditor, _, _ = strings.Cut(line(s.LastEditor, 100), "/")
			if s.Team != nil {
				pay.AssigningTeam = line(s.Team.Slug, 200)
			}
			if day, err := time.Parse(time.DateOnly, s.Ends); err == nil {
				pay.PendingCancellationDate = day.Format(time.DateOnly)
			}
			key := fmt.Sprintf("%s/%d", strings.ToLower(org), s.Assignee.ID)
			return connector.Record{Subject: connector.Subject{Type: "person", ID: s.Assignee.Login}, Key: key,
				URL: r.cfg.web("organizations/"+org+"/settings/copilot/seat_management", nil)}, pay, nil
		},
	})
	r.counted(KindCopilotSeat, sum)
	return err
}
