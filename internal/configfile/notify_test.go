package configfile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

const telling = head + `
notify:
  link_base: https://exhibit.acme.example/
  channels:
    ops-slack: {slack: {webhook: {env: SLACK_WEBHOOK}}}
    board: {teams: {webhook: {file: teams.url}}}
    on-call: {pagerduty: {integration_key: {env: PD_KEY}}}
    siem: {webhook: {url: https://siem.acme.example/hook, secret: {env: HOOK_SECRET}}}
    secret-place: {webhook: {url_secret: {env: HOOK_URL}, secret: {env: HOOK_SECRET}}}
    phone: {shoutrrr: {url: {env: NTFY_URL}}}
    mail:
      smtp: {host: mail.acme.example, username: exhibit, password: {env: SMTP_PASSWORD}, from: "Exhibit <exhibit@acme.example>", to: [aims@acme.example], owners: true}
  digest: {at: "08:00", timezone: Europe/Berlin, every: week, day: friday}
  quiet_hours: {from: "20:00", to: "07:00", days: [saturday, sunday], timezone: Europe/Berlin, break_through: [major]}
  routes:
    - {topics: [finding, shadow], severities: [major], to: [ops-slack, on-call]}
    - {to: [mail], when: digest}
tickets:
  jira: {url: https://acme.atlassian.net, project: AIMS, email: bot@acme.example, token: {env: JIRA_WRITE}, fields: {priority: {name: High}}}
  github: {repo: acme/aims, labels: [compliance], token: {env: GITHUB_WRITE}}
  for: {severities: [major, minor], grades: [major]}
  dry_run: true
`

func TestNotifyAndTickets(t *testing.T) {
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(telling), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	n := c.Notify
	if len(n.Channels) != 7 || n.LinkBase != "https://exhibit.acme.example" || len(n.Routes) != 2 || !n.Routes[1].Digest {
		t.Errorf("%+v", n)
	}
	kinds := map[string]string{}
	for _, ch := range n.Channels {
		kinds[ch.Name] = ch.Kind
		if ch.Name == "mail" && (ch.SMTP.Port != 587 || ch.SMTP.TLS != "starttls" || !ch.SMTP.Owners || ch.Secret.Place() != "environment variable SMTP_PASSWORD") {
			t.Errorf("%+v", ch)
		}
	}
	if kinds["ops-slack"] != configfile.ChannelSlack || kinds["secret-place"] != configfile.ChannelWebhook || kinds["phone"] != configfile.ChannelShoutrrr {
		t.Errorf("%v", kinds)
	}
	if n.Digest.At != 8*time.Hour || n.Digest.Day != time.Friday || !n.Quiet.Hours || n.Quiet.From != 20*time.Hour || len(n.Quiet.Days) != 2 {
		t.Errorf("%+v %+v", n.Digest, n.Quiet)
	}
	if j := c.Tickets.Jira; j.Type != "Task" || string(j.Fields["priority"]) != `{"name":"High"}` || c.Tickets.PerHour != 60 || !c.Tickets.DryRun || c.Tickets.GitHub.Repo != "aims" {
		t.Errorf("%+v %+v", j, c.Tickets)
	}
	if err := compiled(t).Validate(free(t, []byte(telling))); err != nil {
		t.Errorf("schema: %v", err)
	}
}

// TestNotifyMistakes: each mistake is told with its place, all at once, and
// nothing that may be a secret is repeated.
func TestNotifyMistakes(t *testing.T) {
	src := head + `
notify:
  link_base: exhibit.acme.example
  channels:
    Bad_Name: {slack: {webhook: {env: A}}}
    two: {slack: {webhook: {env: A}}, teams: {webhook: {env: A}}}
    none: {}
    plain: {slack: {webhook: https://hooks.slack.com/services/T0/B0/s3cretpart}}
    clear: {webhook: {url: http://siem.acme.example/, secret: {env: A}}}
    both: {webhook: {url: https://u:s3cretpart@siem.acme.example/, url_secret: {env: B}, secret: {env: A}}}
    mail: {smtp: {host: "mail:25", from: nobody, tls: ssl}}
    open: {smtp: {host: mail, from: a@acme.example, tls: none, username: x, password: {env: A}, owners: true}}
  digest: {at: "8:00", every: month, day: noday}
  quiet_hours: {from: "20:00", timezone: Mars, break_through: [high]}
  routes:
    - {topics: [findings], severities: [high], to: [nowhere], when: later}
    - {to: []}
tickets:
  jira: {url: "https://x:y@acme.atlassian.net", project: aims, token: {env: A}, fields: {summary: x}}
  github: {repo: acme, token: {env: A}, labels: [""]}
  for: {grades: [bad]}
  per_hour: 0
`
	_, err := configfile.Parse("/x/exhibit.yaml", []byte(src), configfile.Known{})
	if err == nil {
		t.Fatal("taken")
	}
	text := err.Error()
	for _, want := range []string{`"exhibit.acme.example" is no address`, `"Bad_Name" is not the name`, "a channel is one of", "the place of a secret is a mapping",
		"not an https address", "want one of url and url_secret", `"mail:25" is no name of a host`, `"nobody" is no mail address`, `"ssl" is not known`, "nobody gets this mail",
		"no password is sent in the clear", `"8:00" is no time of day`, `"month" is not known`, "hours have a from and a to", `unknown time zone "Mars"`, `"high" is not known`,
		`"findings" is not known`, "did you mean finding", `"nowhere" is not known`, `"later" is not known`, "a route leads to a channel", `"aims" is no key of a project`,
		"an account in Jira Cloud has an email", "is written by exhibit", `"acme" is no repository`, "is no label", "at least one an hour", `"bad" is not known`} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %s", want)
		}
	}
	if strings.Contains(text, "s3cretpart") {
		t.Error("a secret is repeated")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestNotifyFormAgreesWithTheSchema(t *testing.T) {
	s := compiled(t)
	for _, bad := range []string{
		"notify: {channels: {Bad: {slack: {webhook: {env: A}}}}}", "notify: {channels: {a: {}}}", "notify: {channels: {a: {slack: {}}}}",
		"notify: {channels: {a: {webhook: {secret: {env: A}}}}}", "notify: {routes: [{topics: [x], to: [a]}]}", "notify: {digest: {at: \"25:00\"}}",
		"notify: {quiet_hours: {days: [someday]}}", "tickets: {}", "tickets: {github: {repo: acme, token: {env: A}}}", "tickets: {per_hour: 0, github: {repo: a/b, token: {env: A}}}",
	} {
		src := []byte(head + bad + "\n")
		if _, err := configfile.Parse("/x/exhibit.yaml", src, configfile.Known{}); err == nil {
			t.Errorf("the program takes %s", bad)
		}
		if err := s.Validate(free(t, src)); err == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}
