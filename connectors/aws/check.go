package aws

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// probeName is a resource that nobody has: whoever may describe it is told
// that there is none, whoever may not is told so.
const probeName = "exhibit-permission-probe"

// checking is one check.
type checking struct {
	cfg    *config
	states map[string]*connector.PermissionState
	scope  []string
}

// Check says who we are, enters each account, and tries each action in the
// first account that opens, on a name that does not exist or for a single row.
func (*Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	cfg.MaxAttempts = min(cfg.MaxAttempts, 2) // somebody waits for the answer, and an action that is not offered here fails each time
	s, err := newSession(ctx, cfg, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	k := &checking{cfg: cfg, states: map[string]*connector.PermissionState{}}
	for _, p := range permissions() {
		k.states[p.ID] = &connector.PermissionState{Permission: p.ID}
		if service := serviceOf(p.ID); service != "" && !cfg.reads(service) {
			k.states[p.ID].Detail = "not needed: settings.services leaves " + service + " out"
		}
	}
	var rep connector.CheckReport
	own, err := s.identity(ctx)
	if err == nil {
		rep.Identity = own.arn
		if err = k.accounts(ctx, s, own); err != nil {
			return connector.CheckReport{}, err
		}
	}
	if ctx.Err() != nil {
		return connector.CheckReport{}, ctx.Err()
	}
	for _, p := range permissions() {
		rep.Permissions = append(rep.Permissions, *k.states[p.ID])
	}
	rep.Scope = k.scope
	switch {
	case err != nil:
		rep.Problem = roleError(err).Error()
		rep.Remedy = "check the keys (aws sts get-caller-identity), the trust policy of role_arn, endpoint_url, and the machine's clock"
	case len(rep.Scope) == 0:
		rep.Problem, rep.Remedy = k.nothing()
	}
	return rep, nil
}

// nothing says why nothing can be read: what opens accounts comes first.
func (k *checking) nothing() (problem, remedy string) {
	problem, remedy = "nothing can be read in any of the regions", permissions()[0].Grant
	for _, p := range accountPermissions() {
		if st := k.states[p.ID]; st.Grant == connector.Missing || st.Grant == connector.GrantUnknown && !strings.HasPrefix(st.Detail, "not needed") {
			return "no account can be read: " + st.Detail, p.Grant
		}
	}
	return problem, remedy
}

// accounts enters each account, and tries all actions in the first.
func (k *checking) accounts(ctx context.Context, s *session, own identity) error {
	c := &collection{cfg: k.cfg, emit: silent{}, gaps: map[string]bool{}, seen: &scope{read: map[string][]string{}, off: map[string]bool{}}}
	doors, err := c.doors(ctx, s, own)
	k.organization(err)
	if err != nil {
		return ctx.Err() // nothing more can be told
	}
	probed, entered := false, false
	for _, d := range doors {
		in, id, err := s.open(ctx, d, own)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			k.is(assumeRole, connector.Missing, "account "+d.account, err)
			continue
		}
		entered = entered || d.role != "" || k.cfg.RoleARN != ""
		if probed {
			if err := k.glance(ctx, in, id); err != nil {
				return err
			}
			continue
		}
		probed = true
		if err := k.account(ctx, in, id); err != nil {
			return err
		}
	}
	if st := k.states[assumeRole]; st.Detail == "" && entered {
		st.Grant = connector.Granted
	} else if st.Detail == "" {
		st.Detail = "not needed: the settings name no role"
	}
	return nil
}

// organization says whether the accounts can be listed.
func (k *checking) organization(err error) {
	switch st := k.states[listAccounts]; {
	case k.cfg.Organization == nil:
		st.Detail = "not needed: the settings name no organization"
	case err == nil:
		st.Grant = connector.Granted
	case reasonOf(err) == connector.Denied:
		k.is(listAccounts, connector.Missing, "the organisation", err)
	default:
		k.is(listAccounts, connector.GrantUnknown, "the organisation", err)
	}
}

// account tries every action in the regions that are named; of all regions, in
// the home region, and one action in each of the others.
func (k *checking) account(ctx context.Context, s *session, id identity) error {
	regions, glances := k.cfg.Regions, []string(nil)
	if st := k.states[describeRegions]; k.cfg.everyRegion() {
		regions = []string{k.cfg.HomeRegion}
		on, _, err := s.enabledRegions(ctx)
		if err == nil {
			st.Grant, glances = connector.Granted, on
		} else if reasonOf(err) == connector.Denied {
			k.is(describeRegions, connector.Missing, "account "+id.account, err)
		} else {
			k.is(describeRegions, connector.GrantUnknown, "account "+id.account, err)
		}
	} else {
		st.Detail = "not needed: the settings name the regions"
	}
	for _, region := range regions {
		p, err := newProber(ctx, s, region, id)
		if err != nil {
			return err
		}
		if k.region(ctx, p) {
			k.reached(id.account, region)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, region := range glances {
		if region == k.cfg.HomeRegion {
			continue
		}
		if err := k.look(ctx, s, id, region); err != nil {
			return err
		}
	}
	return nil
}

// glance looks into a further account by one action.
func (k *checking) glance(ctx context.Context, s *session, id identity) error {
	return k.look(ctx, s, id, k.cfg.HomeRegion)
}

func (k *checking) look(ctx context.Context, s *session, id identity, region string) error {
	const op = "sagemaker:ListModelPackageGroups"
	api, err := s.sagemaker(ctx, region)
	if err != nil {
		return err
	}
	where := "account " + id.account + ", region " + region
	_, err = api.ListModelPackageGroups(ctx, &sagemaker.ListModelPackageGroupsInput{MaxResults: ptr(int32(1))})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		k.reached(id.account, region)
	case reasonOf(err) == connector.Denied:
		k.is(op, connector.Missing, where, &callError{op, err})
	default:
		k.is(op, connector.GrantUnknown, where, &callError{op, err})
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

func (k *checking) reached(account, region string) {
	k.scope = append(k.scope, "account "+account+", region "+region)
}

// region tries each action and reports whether any is granted. Those on
// accounts are not of a region.
func (k *checking) region(ctx context.Context, p *prober) bool {
	reached := false
	for _, perm := range permissions() {
		if service := serviceOf(perm.ID); service != "" && !k.cfg.reads(service) {
			continue
		}
		known, err := p.try(ctx, perm.ID)
		if !known {
			continue
		}
		st := k.states[perm.ID]
		switch reason := reasonOf(&callError{perm.ID, err}); {
		case err == nil, reason == connector.NotFound, reason == connector.Malformed && strings.HasPrefix(perm.ID, "sagemaker:") && isValidation(err):
			reached = true
			if st.Grant == connector.GrantUnknown && st.Detail == "" {
				st.Grant = connector.Granted
			}
		case reason == connector.Denied:
			k.is(perm.ID, connector.Missing, p.region, &callError{perm.ID, err})
		default:
			k.is(perm.ID, connector.GrantUnknown, p.region, &callError{perm.ID, err})
		}
	}
	return reached
}

// is writes down that an action is missing somewhere, or that nobody can tell.
// What is missing in one place stays missing.
func (k *checking) is(action string, grant connector.Grant, where string, err error) {
	st := k.states[action]
	if st.Grant != connector.Missing {
		st.Grant = grant
	}
	st.Detail = printable(strings.TrimPrefix(st.Detail+"; "+where+": "+err.Error(), "; "), 3000)
}

// isValidation: the service looked at the request, so it was allowed to be
// made.
func isValidation(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "Validation")
}

// silent is an emitter of a check, which emits nothing.
type silent struct{}

func (silent) Record(connector.Record) error               { return nil }
func (silent) Unchanged(string, int) error                 { return nil }
func (silent) Gap(connector.Gap) error                     { return nil }
func (silent) Cursor(string, string) error                 { return nil }
func (silent) Validator(string, connector.Validator) error { return nil }
func (silent) Progress(connector.Progress)                 {}
