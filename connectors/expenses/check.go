package expenses

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Check reads the header of every file, and says which lacks a column.
func (c *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	report := connector.CheckReport{Identity: "the agent's user on this machine", Permissions: []connector.PermissionState{{Permission: permRead}}}
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings; every problem is listed"
		return report, nil //nolint:nilerr // the report tells it
	}
	names, missing := search(cfg.Files)
	var problems []string
	state := &report.Permissions[0]
	state.Grant = connector.Granted
	note := func(what string, err error) {
		text, why := err.Error(), (*fileError)(nil)
		if errors.As(err, &why) {
			text += why.seen
			if why.reason == connector.Denied {
				state.Grant = connector.Missing
			}
		}
		problems = append(problems, what+": "+text)
	}
	for _, pattern := range cfg.Files {
		if err := missing[pattern]; err != nil {
			note(pattern, err)
		}
	}
	for _, name := range names {
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		err := cfg.look(name)
		if err == nil {
			report.Scope = append(report.Scope, records.Line("file "+name, 200))
			continue
		}
		note(name, err)
	}
	state.Detail = records.Line(strings.Join(problems, "; "), 900)
	if len(report.Scope) == 0 {
		if state.Grant == connector.Granted {
			state.Grant = connector.GrantUnknown
		}
		report.Problem = records.Line(fmt.Sprintf("no export can be read: %s", strings.Join(problems, "; ")), 900)
		report.Remedy = "check the paths, the rights of the agent's user, and the names of the columns"
	}
	return report, nil
}

// look reads the header of a file.
func (c *config) look(name string) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = c.begin(f)
	return err
}
