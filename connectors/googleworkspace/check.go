package googleworkspace

import (
	"context"
	"errors"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check tries each scope with a question that needs it.
func (conn *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	unknown := rest.Unknown(connector.CheckReport{}, permissions())
	cfg, err := parseConfig(in)
	if err != nil {
		return rest.Failed(ctx, unknown, err, "correct the settings or the secrets")
	}
	s := newSession(cfg, conn.clock, nil)
	report := connector.CheckReport{Identity: cfg.identity(), Scope: []string{"customer " + cfg.Customer}}
	person := ""
	if c, err := s.with(ctx, permUsers); err == nil {
		var p struct {
			Users []member `json:"users"`
		}
		if _, err := c.Get(ctx, usersCall(cfg, "1"), &p); err == nil && len(p.Users) > 0 {
			person = p.Users[0].ID
		}
	}
	for _, t := range trials(cfg, person) {
		state, err := s.probe(ctx, t)
		if err != nil {
			return rest.Failed(ctx, unknown, err, "make a new key for the service account, and check that admin names an administrator of this customer")
		}
		report.Permissions = append(report.Permissions, state)
	}
	return report, nil
}

// identity is in whose name Google is asked.
func (c *config) identity() string {
	if c.key != nil {
		return records.Line(c.key.Email, 200) + " in the name of " + records.Line(c.Admin, 200)
	}
	return "the holder of the secret " + secretToken
}

// trial is a small question that needs one scope.
type trial struct {
	permission string
	call       rest.Call
	untried    string // why it is not asked
}

func trials(c *config, person string) []trial {
	one := url.Values{"maxResults": {"1"}}
	out := []trial{{permission: permUsers, call: usersCall(c, "1")}}
	tokens := trial{permission: permTokens, call: tokensCall(person)}
	if person == "" {
		tokens.untried = "there is nobody to try it with"
	}
	licences := trial{permission: permLicences, untried: "not tried: licences are not read"}
	if c.Licences {
		licences = trial{permission: permLicences, call: rest.Call{Path: licencePath("101047"), Query: url.Values{"customerId": {c.Customer}, "maxResults": {"1"}}}}
	}
	return append(out, tokens, trial{permission: permReports, call: rest.Call{Path: logPath("token"), Query: one}}, licences)
}

func (s *session) probe(ctx context.Context, t trial) (connector.PermissionState, error) {
	state := connector.PermissionState{Permission: t.permission, Detail: t.untried}
	if t.untried != "" {
		return state, nil
	}
	c, err := s.with(ctx, t.permission)
	var missing *delegationError
	if errors.As(err, &missing) {
		state.Grant, state.Detail = connector.Missing, err.Error()
		return state, nil
	}
	if err != nil {
		return state, err
	}
	return c.Probe(ctx, t.permission, t.call)
}
