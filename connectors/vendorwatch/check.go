package vendorwatch

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check reads each address once and says which cannot be read.
func (*Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	report := connector.CheckReport{
		Identity: "anybody: public pages are read without an account", Permissions: []connector.PermissionState{{Permission: permPublic}},
	}
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings; every problem is listed"
		return report, nil //nolint:nilerr // the report tells it
	}
	web := &hosts{rate: cfg.Rate, clients: map[string]*rest.Client{}}
	var problems []string
	closed := false
	for _, v := range cfg.Vendors {
		for _, address := range v.addresses() {
			_, err := web.get(ctx, address, "*/*", nil)
			if ctx.Err() != nil {
				return report, ctx.Err()
			}
			if err != nil {
				problems = append(problems, err.Error())
				status := rest.StatusOf(err)
				closed = closed || status == http.StatusUnauthorized || status == http.StatusForbidden
				continue
			}
			report.Scope = append(report.Scope, "vendor "+v.ID+", "+address)
		}
	}
	state := &report.Permissions[0]
	state.Grant = connector.Granted
	if len(problems) > 0 {
		state.Grant = connector.GrantUnknown // broken, moved or out of reach is not closed
		if closed {
			state.Grant = connector.Missing
		}
		state.Detail = records.Line(fmt.Sprintf("%d of %d addresses cannot be read: %s", len(problems), len(problems)+len(report.Scope), strings.Join(problems, "; ")), 900)
	}
	if len(report.Scope) == 0 {
		report.Problem, report.Remedy = state.Detail, "check the addresses, and that the machine may reach them (HTTPS_PROXY)"
	}
	return report, nil
}

func (v *vendor) addresses() []string {
	var out []string
	if v.Status != "" {
		out = append(out, strings.TrimRight(v.Status, "/")+"/api/v2/incidents.json")
	}
	for _, f := range v.Feeds {
		out = append(out, f.URL)
	}
	for _, p := range v.Pages {
		out = append(out, p.URL)
	}
	return out
}
