package ticket

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/andygrunwald/go-jira"
)

// JiraOptions name a project and an account that may write in it.
type JiraOptions struct {
	URL       string
	Server    bool   // Data Center or Server: version 2 of the API, and a personal access token
	Email     string // of the account, in Cloud
	Token     Secret
	Project   string
	Type      string
	Fields    map[string]json.RawMessage // set when a ticket is opened
	Done      string                     // name of the transition that closes; empty: one that leads to done
	Restart   string                     // name of the transition that opens again; empty: one that leads elsewhere
	Transport http.RoundTripper
	Every     time.Duration // between two writes; 0: 250 ms
}

// Jira keeps tickets as issues of a project.
type Jira struct {
	o     JiraOptions
	c     *jira.Client
	noDue bool // the project's screens have no due date
}

var _ Tracker = (*Jira)(nil)

// NewJira returns a tracker. It asks nothing yet.
func NewJira(o JiraOptions) (*Jira, error) {
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("jira: %w", err)
	}
	hc := client(base, cmp.Or(o.Every, 250*time.Millisecond), o.Transport, func(ctx context.Context, r *http.Request) error {
		token, err := o.Token(ctx)
		if err != nil {
			return err
		}
		if o.Server {
			r.Header.Set("Authorization", "Bearer "+token)
		} else {
			r.SetBasicAuth(o.Email, token)
		}
		return nil
	})
	c, err := jira.NewClient(hc, base.String())
	if err != nil {
		return nil, fmt.Errorf("jira: %w", err)
	}
	return &Jira{o: o, c: c}, nil
}

// Name is jira.
func (j *Jira) Name() string { return "jira" }

func (j *Jira) api(path string) string {
	if j.o.Server {
		return "rest/api/2/" + path
	}
	return "rest/api/3/" + path
}

// do asks, and reads the answer into v unless that is nil. The library reports
// an answer that is no success in words only: why is read from its body.
func (j *Jira) do(ctx context.Context, method, path string, body, v any) error {
	req, err := j.c.NewRequestWithContext(ctx, method, j.api(path), body)
	if err != nil {
		return fmt.Errorf("jira: %w", err)
	}
	resp, err := j.c.Do(req, nil)
	if err != nil {
		var plain *http.Response
		said := ""
		if resp != nil {
			plain = resp.Response
			said = jiraReason(plain)
		}
		return fmt.Errorf("jira: %w", judge(plain, err, said))
	}
	defer resp.Body.Close()
	if v == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(v)
	}
	if err != nil {
		return fmt.Errorf("jira: the answer broke off: %w", err)
	}
	return nil
}

// jiraReason reads why Jira refused, with the fields concerned, and closes the
// body.
func jiraReason(resp *http.Response) string {
	if resp == nil || resp.Body == nil {
		return ""
	}
	defer resp.Body.Close()
	var e struct {
		ErrorMessages []string          `json:"errorMessages"`
		Errors        map[string]string `json:"errors"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&e) != nil {
		return ""
	}
	out := e.ErrorMessages
	for name, text := range e.Errors {
		out = append(out, name+": "+text)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

type jiraIssue struct {
	Key    string `json:"key"`
	Fields struct {
		Labels  []string `json:"labels"`
		Created string   `json:"created"`
		Status  struct {
			Category struct {
				Key string `json:"key"`
			} `json:"statusCategory"`
		} `json:"status"`
	} `json:"fields"`
}

// List reads the issues with the label, by when they were opened. Times in JQL
// are relative: absolute ones are in the zone of whoever asks.
func (j *Jira) List(ctx context.Context, since time.Time) ([]Ticket, error) {
	jql := fmt.Sprintf("project = %q AND labels = %q", j.o.Project, Label)
	if !since.IsZero() {
		jql += fmt.Sprintf(` AND updated >= "-%dm"`, int(time.Since(since)/time.Minute)+1)
	}
	jql += " ORDER BY created ASC, key ASC"
	var out []Ticket
	seen := map[string]bool{}
	next := ""
	for range maxPages {
		page, err := j.page(ctx, jql, next, len(seen))
		if err != nil {
			return nil, err
		}
		fresh := false
		for _, i := range page.Issues {
			if !seen[i.Key] {
				seen[i.Key], fresh = true, true
				out = append(out, j.ticket(i))
			}
		}
		if page.last(j.o.Server, len(seen)) {
			return out, nil
		}
		if !fresh {
			return nil, errors.New("jira: the list of issues repeats itself")
		}
		next = page.NextPageToken
	}
	return nil, errors.New("jira: the list of issues does not end")
}

type jiraPage struct {
	Issues        []jiraIssue `json:"issues"`
	NextPageToken string      `json:"nextPageToken"`
	Total         int         `json:"total"`
}

func (p *jiraPage) last(server bool, seen int) bool {
	if server {
		return len(p.Issues) == 0 || seen >= p.Total
	}
	return p.NextPageToken == ""
}

func (j *Jira) page(ctx context.Context, jql, next string, from int) (*jiraPage, error) {
	q := url.Values{"jql": {jql}, "maxResults": {"100"}, "fields": {"labels,created,status"}}
	path := "search/jql?"
	if j.o.Server {
		path = "search?"
		q.Set("startAt", strconv.Itoa(from))
	} else if next != "" {
		q.Set("nextPageToken", next)
	}
	var p jiraPage
	if err := j.do(ctx, http.MethodGet, path+q.Encode(), nil, &p); err != nil {
		return nil, err
	}
	return &p, nil
}

var jiraFinding = regexp.MustCompile(`^exhibit-(F-[0-9a-f]{6,64})$`)

func (j *Jira) ticket(i jiraIssue) Ticket {
	t := Ticket{Key: i.Key, URL: strings.TrimSuffix(j.o.URL, "/") + "/browse/" + url.PathEscape(i.Key), Open: i.Fields.Status.Category.Key != "done"}
	for _, l := range i.Fields.Labels {
		if m := jiraFinding.FindStringSubmatch(l); m != nil {
			t.Finding = m[1]
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
		if at, err := time.Parse(layout, i.Fields.Created); err == nil {
			t.Created = at.UTC()
			break
		}
	}
	return t
}

// Create opens an issue. Where the project's screens know no due date, it is in
// the text alone.
func (j *Jira) Create(ctx context.Context, d *Draft) (Ticket, error) {
	for {
		fields := map[string]any{}
		for name, value := range j.o.Fields {
			fields[name] = value
		}
		fields["project"] = map[string]string{"key": j.o.Project}
		fields["issuetype"] = map[string]string{"name": j.o.Type}
		fields["labels"] = []string{Label, Label + "-" + d.Finding}
		j.describe(fields, d)
		var made struct {
			Key string `json:"key"`
		}
		err := j.do(ctx, http.MethodPost, "issue", map[string]any{"fields": fields}, &made)
		if err != nil && j.dueRefused(err) {
			continue
		}
		if err != nil {
			return Ticket{}, err
		}
		if made.Key == "" {
			return Ticket{}, errors.New("jira: an answer without the key of the issue")
		}
		return j.ticket(jiraIssue{Key: made.Key}), nil
	}
}

// dueRefused notes, once, that there is no due date to be set.
func (j *Jira) dueRefused(err error) bool {
	if j.noDue || !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "duedate: ") {
		return false
	}
	j.noDue = true
	return true
}

// describe adds the fields that follow the finding.
func (j *Jira) describe(fields map[string]any, d *Draft) {
	fields["summary"] = d.Title
	fields["description"] = j.text(jiraParagraphs(d)...)
	if !j.noDue {
		fields["duedate"] = nil
		if due := day(d.Due); due != "" {
			fields["duedate"] = due
		}
	}
}

// Edit writes summary, description and due date anew. Labels and everything
// else belong to people.
func (j *Jira) Edit(ctx context.Context, key string, d *Draft) error {
	for {
		fields := map[string]any{}
		j.describe(fields, d)
		err := j.do(ctx, http.MethodPut, "issue/"+url.PathEscape(key), map[string]any{"fields": fields}, nil)
		if err == nil || !j.dueRefused(err) {
			return err
		}
	}
}

// SetOpen takes an issue through the transition that the workflow has for it.
func (j *Jira) SetOpen(ctx context.Context, key string, open, _ bool) error {
	var list struct {
		Transitions []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
			To   struct {
				Category struct {
					Key string `json:"key"`
				} `json:"statusCategory"`
			} `json:"to"`
		} `json:"transitions"`
	}
	path := "issue/" + url.PathEscape(key) + "/transitions"
	if err := j.do(ctx, http.MethodGet, path, nil, &list); err != nil {
		return err
	}
	want := j.o.Done
	if open {
		want = j.o.Restart
	}
	for _, t := range list.Transitions {
		if want != "" && strings.EqualFold(t.Name, want) || want == "" && (t.To.Category.Key == "done") != open {
			return j.do(ctx, http.MethodPost, path, map[string]any{"transition": map[string]string{"id": t.ID}}, nil)
		}
	}
	word := "closes"
	if open {
		word = "opens again"
	}
	return fmt.Errorf("jira: %w: the workflow has no transition from here that %s %s", ErrRefused, word, key)
}

// HasComment looks for a mark.
func (j *Jira) HasComment(ctx context.Context, key, mark string) (bool, error) {
	for from, pages := 0, 0; pages < maxPages; pages++ {
		var p struct {
			Comments []struct {
				Body json.RawMessage `json:"body"`
			} `json:"comments"`
			Total int `json:"total"`
		}
		if err := j.do(ctx, http.MethodGet, fmt.Sprintf("issue/%s/comment?startAt=%d&maxResults=100", url.PathEscape(key), from), nil, &p); err != nil {
			return false, err
		}
		for _, c := range p.Comments {
			if lastOf(c.Body) == jiraMark(mark) {
				return true, nil
			}
		}
		if from += len(p.Comments); len(p.Comments) == 0 || from >= p.Total {
			return false, nil
		}
	}
	return false, errors.New("jira: the list of comments does not end")
}

// Comment adds a comment.
func (j *Jira) Comment(ctx context.Context, key string, c *Comment) error {
	lines := []string{c.Text}
	if c.Fact != "" {
		lines = append(lines, c.Fact)
	}
	return j.do(ctx, http.MethodPost, "issue/"+url.PathEscape(key)+"/comment", map[string]any{"body": j.text(append(lines, jiraMark(c.Mark))...)}, nil)
}

func jiraMark(mark string) string { return "[exhibit comment " + mark + "]" }

func jiraParagraphs(d *Draft) []string {
	out := []string{d.Intro}
	for _, f := range d.Facts {
		out = append(out, f.Name+": "+f.Text)
	}
	if d.Link != "" {
		out = append(out, d.Link)
	}
	return out
}

// text writes paragraphs so that nothing in them is markup: in Cloud as a
// document whose text is text, on a server within noformat.
func (j *Jira) text(paragraphs ...string) any {
	if j.o.Server {
		safe := strings.NewReplacer("{", "(", "}", ")") // nothing can end the block
		return "{noformat}\n" + safe.Replace(strings.Join(paragraphs, "\n")) + "\n{noformat}"
	}
	doc := adf{Type: "doc", Version: 1}
	for _, p := range paragraphs {
		doc.Content = append(doc.Content, adf{Type: "paragraph", Content: []adf{{Type: "text", Text: p}}})
	}
	return doc
}

// adf is a node of Atlassian's document format.
type adf struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`
	Text    string `json:"text,omitempty"`
	Content []adf  `json:"content,omitempty"`
}

// lastOf returns the last line of a comment in either form.
func lastOf(body json.RawMessage) string {
	var plain string
	if json.Unmarshal(body, &plain) == nil {
		return lastLine(strings.TrimSuffix(strings.TrimRight(plain, "\r\n "), "{noformat}"))
	}
	var doc adf
	if json.Unmarshal(body, &doc) != nil || len(doc.Content) == 0 {
		return ""
	}
	last := doc.Content[len(doc.Content)-1]
	var b strings.Builder
	for _, n := range last.Content {
		b.WriteString(n.Text)
	}
	return b.String()
}
