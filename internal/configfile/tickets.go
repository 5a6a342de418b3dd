package configfile

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Tickets says in which trackers findings become tickets.
type Tickets struct {
	Jira    *TicketsJira
	GitHub  *TicketsGitHub
	For     TicketsFor
	DryRun  bool
	PerHour int  // tickets opened in an hour, in each tracker
	Reopen  bool // also what a person closed by hand
}

// TicketsFor says which findings become tickets. An empty list means all.
type TicketsFor struct{ Severities, Grades, Owners []string }

// TicketsJira is a project in Jira.
type TicketsJira struct {
	URL       string
	Server    bool // Jira Data Center or Server, not Cloud
	Project   string
	Type      string
	Email     string // of the account, in Cloud
	Token     Secret
	Fields    map[string]json.RawMessage // set when a ticket is opened
	DoneName  string                     // transition by which it is closed; empty: one that leads to done
	StartName string                     // transition by which it is opened again
}

// TicketsGitHub is a repository.
type TicketsGitHub struct {
	BaseURL string // of an Enterprise Server; empty: github.com
	Owner   string
	Repo    string
	Labels  []string
	Token   Secret
}

type ticketsYAML struct {
	Jira   *ticketsJiraYAML   `yaml:"jira"`
	GitHub *ticketsGitHubYAML `yaml:"github"`
	For    struct {
		Severities []string `yaml:"severities"`
		Grades     []string `yaml:"grades"`
		Owners     []string `yaml:"owners"`
	} `yaml:"for"`
	DryRun  bool `yaml:"dry_run"`
	PerHour int  `yaml:"per_hour"`
	Reopen  bool `yaml:"reopen_closed_by_hand"`
}

type ticketsJiraYAML struct {
	URL         string                     `yaml:"url,required"`
	Deployment  string                     `yaml:"deployment"`
	Project     string                     `yaml:"project,required"`
	Type        string                     `yaml:"type"`
	Email       string                     `yaml:"email"`
	Token       Secret                     `yaml:"token,required"`
	Fields      map[string]json.RawMessage `yaml:"fields"`
	Transitions struct {
		Done   string `yaml:"done"`
		Reopen string `yaml:"reopen"`
	} `yaml:"transitions"`
}

type ticketsGitHubYAML struct {
	BaseURL string   `yaml:"base_url"`
	Repo    string   `yaml:"repo,required"`
	Labels  []string `yaml:"labels"`
	Token   Secret   `yaml:"token,required"`
}

var (
	projectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,30}$`)
	repoName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)
)

// defaultPerHour bounds how many tickets are opened in an hour.
const defaultPerHour = 60

func (r reader) tickets(y ticketsYAML) Tickets {
	at := yamlfile.At("tickets")
	t := Tickets{For: TicketsFor(y.For), DryRun: y.DryRun, PerHour: y.PerHour, Reopen: y.Reopen}
	r.words(at.Then("for", "severities"), y.For.Severities, NotifySeverities())
	r.words(at.Then("for", "grades"), y.For.Grades, NotifySeverities())
	if per := at.Then("per_hour"); !r.f.Has(per) {
		t.PerHour = defaultPerHour
	} else if !r.f.Faulty(per) && y.PerHour < 1 {
		r.f.Problemf(per, "at least one an hour").Hint("leave it out for %d; dry_run: true opens none", defaultPerHour)
	}
	if y.Jira != nil {
		t.Jira = r.jira(at.Then("jira"), y.Jira)
	}
	if y.GitHub != nil {
		t.GitHub = r.github(at.Then("github"), y.GitHub)
	}
	if r.f.Has(at) && y.Jira == nil && y.GitHub == nil && !r.f.Faulty(at) {
		r.f.KeyProblemf(at, "no tracker is named").Hint("jira: or github:")
	}
	return t
}

func (r reader) jira(at yamlfile.Path, y *ticketsJiraYAML) *TicketsJira {
	j := &TicketsJira{URL: strings.TrimSuffix(y.URL, "/"), Project: y.Project, Type: y.Type, Email: y.Email, Token: y.Token, Fields: y.Fields,
		DoneName: y.Transitions.Done, StartName: y.Transitions.Reopen, Server: y.Deployment == "server"}
	r.trackerURL(at.Then("url"), y.URL)
	if y.Type == "" {
		j.Type = "Task"
	}
	if y.Project != "" && !projectKey.MatchString(y.Project) {
		r.f.Problemf(at.Then("project"), "%q is no key of a project", y.Project).Hint("the capitals before the number of an issue, for example AIMS")
	}
	switch {
	case y.Deployment != "" && y.Deployment != "cloud" && y.Deployment != "server":
		r.f.Problemf(at.Then("deployment"), "%q is not known", y.Deployment).Hint("cloud (the default) or server")
	case j.Server && y.Email != "":
		r.f.KeyProblemf(at.Then("email"), "has no meaning for a server").Hint("token: a personal access token")
	case !j.Server && y.Email == "":
		r.f.KeyProblemf(at, "an account in Jira Cloud has an email").Hint("email: the account that the token belongs to")
	}
	for _, key := range r.f.Root().Child("tickets").Child("jira").Child("fields").Keys() {
		switch key {
		case "project", "issuetype", "summary", "description", "labels", "duedate":
			r.f.KeyProblemf(at.Then("fields", key), "is written by exhibit")
		}
	}
	return j
}

func (r reader) github(at yamlfile.Path, y *ticketsGitHubYAML) *TicketsGitHub {
	g := &TicketsGitHub{BaseURL: y.BaseURL, Labels: y.Labels, Token: y.Token}
	if y.BaseURL != "" {
		r.trackerURL(at.Then("base_url"), y.BaseURL)
	}
	g.Owner, g.Repo, _ = strings.Cut(y.Repo, "/")
	if y.Repo != "" && !repoName.MatchString(y.Repo) {
		r.f.Problemf(at.Then("repo"), "%q is no repository", y.Repo).Hint("owner/name")
	}
	for i, l := range y.Labels {
		if strings.TrimSpace(l) == "" || len(l) > 50 || strings.Contains(l, ",") {
			r.f.Problemf(at.Then("labels", i), "%q is no label", l)
		}
	}
	return g
}

func (r reader) trackerURL(at yamlfile.Path, text string) {
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(u.Hostname(), "127."))) {
		r.f.Problemf(at, "%q is no https address", text).Hint("credentials do not belong into it")
	}
}
