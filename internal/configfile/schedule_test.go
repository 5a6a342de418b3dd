package configfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

func TestScheduleSection(t *testing.T) {
	text := head + `schedule: {blackout: ["Sun 00:00-06:00"], missed_after: 2h}
sources:
- {name: gh, connector: github, schedule: '@hourly', priority: 1, blackout: ["Mon-Fri 08:00-18:00 Europe/Berlin"], budget: {name: app, requests: 5000, per: 1h}}
- {name: code, connector: github, schedule: '@hourly', budget: {name: app, requests: 5000, per: 1h}}
`
	c, err := configfile.Parse("/etc/exhibit.yaml", []byte(text), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	if err := compiled(t).Validate(free(t, []byte(text))); err != nil {
		t.Error(err)
	}
	gh, code := c.Sources[0], c.Sources[1]
	if c.Schedule.MissedAfter != 2*time.Hour || gh.Priority != 1 || code.Priority != 2 || gh.Budget != code.Budget || gh.Budget.Per != time.Hour {
		t.Errorf("%+v\n%+v\n%+v", c.Schedule, gh, code)
	}
	var windows []string
	for _, w := range gh.Blackout {
		windows = append(windows, w.String())
	}
	if got := strings.Join(windows, "; "); got != "Sun 00:00-06:00; Mon-Fri 08:00-18:00 Europe/Berlin" || len(code.Blackout) != 1 {
		t.Errorf("blackout %q, and of the other source %v", got, code.Blackout)
	}
}

func TestScheduleMistakes(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"priority":        {source + "schedule: '@daily', priority: 5}\n", "a priority is 1, 2, 3 or 4"},
		"window":          {source + "schedule: '@daily', blackout: [Monday]}\n", "is not a day"},
		"hours":           {source + "schedule: '@daily', blackout: ['Mon 8-18']}\n", "is not a time of day"},
		"empty window":    {source + "schedule: '@daily', blackout: ['08:00-08:00']}\n", "no time at all"},
		"zone":            {source + "schedule: '@daily', blackout: ['08:00-09:00 Mars/Olympus']}\n", "unknown time zone"},
		"always":          {source + "schedule: '@daily', blackout: ['00:00-12:00', '12:00-24:00']}\n", "leaves no time at all"},
		"only when asked": {source + "blackout: ['08:00-09:00']}\n", "has no meaning without a schedule"},
		"budget of none":  {source + "budget: {name: a, requests: 0, per: 1h}}\n", "greater than zero"},
		"budget too slow": {source + "budget: {name: a, requests: 1, per: 1h}}\n", "reads nothing"},
		"budget's name":   {source + "budget: {name: A b, requests: 1, per: 1s}}\n", "is not the name of a budget"},
		"half a budget":   {source + "budget: {name: a, requests: 1}}\n", "per"},
		"two budgets": {source + "budget: {name: a, requests: 1, per: 1s}}\n- {name: jira, connector: jira, budget: {name: a, requests: 2, per: 1s}}\n",
			"differs from what another source says"},
		"tolerance": {head + "schedule: {missed_after: 5s}\n", "less than a minute"},
	} {
		_, err := configfile.Parse("/etc/exhibit.yaml", []byte(c.src), configfile.Known{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
