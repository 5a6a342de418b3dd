package netlogs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Check looks at the beginning of every file, and says what each log is taken
// for.
func (c *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	report := connector.CheckReport{Identity: "the agent's user on this machine", Permissions: []connector.PermissionState{{Permission: permRead}}}
	if u, err := user.Current(); err == nil {
		report.Identity = "user " + records.Line(u.Username, 100) + " on this machine"
	}
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings; every problem is listed"
		return report, nil //nolint:nilerr // the report tells it
	}
	set, err := c.signatures()
	if err != nil {
		return report, fmt.Errorf("netlogs: signatures: %w", err)
	}
	table := newTable(set.All(), cfg.Canaries)
	var problems []string
	state := &report.Permissions[0]
	for i, l := range cfg.Logs {
		files, bad := search(ctx, i, l.Paths)
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		forms := map[string]int{}
		for _, f := range files {
			form, err := formOf(f, l, table)
			if err != nil {
				bad = append(bad, problem{f.path, err})
				continue
			}
			forms[form]++
		}
		for _, p := range bad {
			problems = append(problems, "log "+l.Name+", "+p.path+": "+(&unread{p.err}).Error())
			if errors.Is(p.err, fs.ErrPermission) {
				state.Grant = connector.Missing
			}
		}
		for _, form := range sortedKeys(forms) {
			report.Scope = append(report.Scope, records.Line(fmt.Sprintf("log %s: %d files, %s", l.Name, forms[form], form), 200))
		}
	}
	if state.Grant != connector.Missing && len(report.Scope) > 0 {
		state.Grant = connector.Granted
	}
	state.Detail = records.Line(strings.Join(problems, "; "), 900)
	if len(report.Scope) == 0 {
		report.Problem, report.Remedy = records.Line("no log can be read: "+strings.Join(problems, "; "), 900), "check the paths, the rights of the agent's user, and the format"
	}
	return report, nil
}

// formOf says what a file is taken for.
func formOf(f found, l *logConfig, t *table) (string, error) {
	head, _, err := headOf(f.path, headBytes)
	if err != nil {
		return "", err
	}
	begin := newProbe(head, t, l.clock(f.time, time.Now()))
	if len(begin.lines) == 0 {
		return "empty", nil
	}
	if l.Format != "auto" {
		form, _ := formatOf(l.Format)
		p, err := form.parser(l)
		if err == nil {
			err = p.prime(head)
		}
		if err != nil {
			return "", err
		}
		env := begin.wrapping(form, l)
		if begin.read(form, env, l) == 0 {
			return "", fmt.Errorf("none of its first lines is a request in the format %s", form.name)
		}
		return strings.TrimSuffix(form.name+" in "+env.String(), " in "), nil
	}
	form, env, err := begin.detect()
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(form.name+" in "+env.String(), " in ") + " (told by its lines)", nil
}
