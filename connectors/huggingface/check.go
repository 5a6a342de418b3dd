package huggingface

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// identity is what the hub tells of a token.
type identity struct {
	Name string `json:"name"`
	Orgs []struct {
		Name string `json:"name"`
	} `json:"orgs"`
	Auth struct {
		Token struct {
			Role  string `json:"role"` // read, write, fineGrained
			Grain struct {
				Gated  *bool    `json:"canReadGatedRepos"`
				Global []string `json:"global"`
				Scoped []struct {
					Entity struct {
						Type string `json:"type"` // org, user, model, dataset
						Name string `json:"name"`
					} `json:"entity"`
					Permissions []string `json:"permissions"`
				} `json:"scoped"`
			} `json:"fineGrained"`
		} `json:"accessToken"`
	} `json:"auth"`
}

// Check asks what the token is and what it may, and for each owner and
// repository that the settings name.
func (conn *Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	o := cfg.transport(nil)
	o.Clock = conn.clock
	h, err := newHub(cfg, o)
	if err != nil {
		return connector.CheckReport{}, err
	}
	rep := connector.CheckReport{Identity: "anybody: no token is configured"}
	var who *identity
	if cfg.token != "" {
		who = &identity{}
		if _, err := h.ask(ctx, rest.Call{Path: pathWho}, who); err != nil {
			return problem(ctx, rep, err)
		}
		rep.Identity = records.Line(who.Name, 100) + ", token of role " + records.Line(who.Auth.Token.Role, 40)
	}
	content, gated := contentState(cfg, who), gatedState(who)
	if err := h.probe(ctx, &rep, &content); err != nil {
		return problem(ctx, rep, err)
	}
	rep.Permissions = []connector.PermissionState{content, gated}
	if len(rep.Scope) == 0 {
		rep.Problem = "none of the organisations and repositories in the settings is seen"
		rep.Remedy = "check their names, and the token's access"
	}
	return rep, nil
}

func problem(ctx context.Context, rep connector.CheckReport, err error) (connector.CheckReport, error) {
	if ctx.Err() != nil {
		return connector.CheckReport{}, ctx.Err()
	}
	rep.Permissions = []connector.PermissionState{{Permission: readContent}, {Permission: readGated}}
	rep.Problem = err.Error()
	rep.Remedy = "make a new token at huggingface.co/settings/tokens, and check base_url"
	return rep, nil
}

// contentState tells whether the token may read what is private, from what the
// hub says of it.
func contentState(cfg *config, who *identity) connector.PermissionState {
	state := connector.PermissionState{Permission: readContent}
	if who == nil {
		state.Grant, state.Detail = connector.Missing, "without a token only public repositories are seen"
		return state
	}
	var lacks []string
	for _, o := range cfg.Organizations {
		reads, known := who.reads(o)
		if !known {
			state.Detail = "the hub names a role that is not known here: " + records.Line(who.Auth.Token.Role, 40)
			return state
		}
		if !reads {
			lacks = append(lacks, o)
		}
	}
	if len(lacks) > 0 {
		state.Grant, state.Detail = connector.Missing, "private repositories of "+strings.Join(lacks, ", ")+" are not seen"
		return state
	}
	if len(cfg.Organizations) > 0 {
		state.Grant = connector.Granted
	} else {
		state.Detail = "no organisation is in the settings, so that there is nothing private to try it on"
	}
	return state
}

// reads reports whether the token reads what is private of an owner; known is
// false for a role that we do not know.
func (who *identity) reads(owner string) (reads, known bool) {
	switch t := who.Auth.Token; t.Role {
	case "read", "write":
		return strings.EqualFold(who.Name, owner) || slices.ContainsFunc(who.Orgs, func(o struct {
			Name string `json:"name"`
		}) bool {
			return strings.EqualFold(o.Name, owner)
		}), true
	case "fineGrained":
		for _, s := range t.Grain.Scoped {
			if (s.Entity.Type == "org" || s.Entity.Type == "user") && strings.EqualFold(s.Entity.Name, owner) && slices.Contains(s.Permissions, readContent) {
				return true, true
			}
		}
		return slices.Contains(t.Grain.Global, readContent), true
	}
	return false, false
}

func gatedState(who *identity) connector.PermissionState {
	state := connector.PermissionState{Permission: readGated}
	switch {
	case who == nil:
		state.Grant, state.Detail = connector.Missing, "gated repositories need a token"
	case who.Auth.Token.Role == "read" || who.Auth.Token.Role == "write":
		state.Grant = connector.Granted
	case who.Auth.Token.Grain.Gated == nil:
		state.Detail = "the hub does not say"
	case *who.Auth.Token.Grain.Gated:
		state.Grant = connector.Granted
	default:
		state.Grant = connector.Missing
	}
	return state
}

// probe asks for the owners, the repositories and the canary.
func (h *hub) probe(ctx context.Context, rep *connector.CheckReport, content *connector.PermissionState) error {
	for _, o := range h.cfg.Organizations {
		_, known, err := h.owner(ctx, o)
		if coverage.Fatal(ctx, err) != nil {
			return err
		}
		if known {
			rep.Scope = append(rep.Scope, "models and data sets of "+o)
		}
	}
	for _, n := range h.cfg.named {
		var r repository
		_, err := h.ask(ctx, rest.Call{Path: n.family.path(n.id)}, &r)
		if coverage.Fatal(ctx, err) != nil {
			return err
		}
		if err == nil {
			rep.Scope = append(rep.Scope, n.name())
		}
	}
	if h.cfg.Canary == "" {
		return nil
	}
	var r repository
	_, err := h.ask(ctx, rest.Call{Path: h.cfg.canary.family.path(h.cfg.canary.id)}, &r)
	var absent coverage.Reasoner
	switch {
	case coverage.Fatal(ctx, err) != nil:
		return err
	case err == nil:
		return nil
	case errors.As(err, &absent) && (absent.Reason() == connector.NotFound || absent.Reason() == connector.Denied):
		content.Grant, content.Detail = connector.Missing, fmt.Sprintf("the canary %s is not seen", h.cfg.Canary)
	default:
		content.Grant, content.Detail = connector.GrantUnknown, fmt.Sprintf("the canary %s could not be read: %v", h.cfg.Canary, err)
	}
	return nil
}
