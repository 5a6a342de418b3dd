package ticket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
)

// GitHubOptions name a repository and a token that may write issues in it.
type GitHubOptions struct {
	BaseURL   string // of the API; empty: https://api.github.com/
	Owner     string
	Repo      string
	Labels    []string // beside "exhibit"
	Token     Secret
	Transport http.RoundTripper
	Every     time.Duration // between two writes; 0: 1 s, as GitHub asks
}

// GitHub keeps tickets as issues of a repository.
type GitHub struct {
	o      GitHubOptions
	c      *github.Client
	marked bool // the label is there
}

var _ Tracker = (*GitHub)(nil)

// NewGitHub returns a tracker. It asks nothing yet.
func NewGitHub(o GitHubOptions) (*GitHub, error) {
	base, err := url.Parse(strings.TrimSuffix(cmp.Or(o.BaseURL, "https://api.github.com"), "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("github: %w", err)
	}
	c := github.NewClient(client(base, cmp.Or(o.Every, time.Second), o.Transport, func(ctx context.Context, r *http.Request) error {
		token, err := o.Token(ctx)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	c.BaseURL = base
	return &GitHub{o: o, c: c}, nil
}

// Name is github.
func (g *GitHub) Name() string { return "github" }

// maxPages bounds a list: 100 tickets a page.
const maxPages = 1000

// List reads the issues with the label, by when they were opened.
func (g *GitHub) List(ctx context.Context, since time.Time) ([]Ticket, error) {
	opts := &github.IssueListByRepoOptions{State: "all", Labels: []string{Label}, Sort: "created", Direction: "asc", ListOptions: github.ListOptions{PerPage: 100}}
	if !since.IsZero() {
		opts.Since = since.UTC()
	}
	var out []Ticket
	seen := map[string]bool{}
	for page := 1; page <= maxPages; page++ {
		opts.Page = page
		issues, resp, err := g.c.Issues.ListByRepo(ctx, g.o.Owner, g.o.Repo, opts)
		if err != nil {
			return nil, githubError(resp, err)
		}
		fresh := false
		for _, i := range issues {
			t := githubTicket(i)
			if i.IsPullRequest() || seen[t.Key] {
				continue
			}
			seen[t.Key], fresh = true, true
			out = append(out, t)
		}
		if len(issues) == 0 || resp.NextPage == 0 {
			return out, nil
		}
		if !fresh && page > 2 {
			return nil, errors.New("github: the list of issues repeats itself")
		}
	}
	return nil, errors.New("github: the list of issues does not end")
}

// Create opens an issue. One whose label was dropped, because the token may not
// set labels, is an error after the fact: it could not be found again.
func (g *GitHub) Create(ctx context.Context, d *Draft) (Ticket, error) {
	if err := g.label(ctx); err != nil {
		return Ticket{}, err
	}
	title, body := d.Title, githubBody(d)
	labels := append([]string{Label}, g.o.Labels...)
	i, resp, err := g.c.Issues.Create(ctx, g.o.Owner, g.o.Repo, &github.IssueRequest{Title: &title, Body: &body, Labels: &labels})
	if err != nil {
		return Ticket{}, githubError(resp, err)
	}
	if i.GetNumber() == 0 {
		return Ticket{}, errors.New("github: an answer without the number of the issue")
	}
	return githubTicket(i), nil
}

// label makes sure that the label can be set, before anything is opened.
func (g *GitHub) label(ctx context.Context) error {
	if g.marked {
		return nil
	}
	name, colour, about := Label, "1f6feb", "kept by Exhibit"
	_, resp, err := g.c.Issues.CreateLabel(ctx, g.o.Owner, g.o.Repo, &github.Label{Name: &name, Color: &colour, Description: &about})
	if err != nil && (resp == nil || resp.StatusCode != http.StatusUnprocessableEntity) { // 422: it is there
		// No issue was opened, whatever became of the label.
		return fmt.Errorf("%w: the label %s cannot be made, and without it no issue is found again: %w", ErrDenied, Label, githubError(resp, err))
	}
	g.marked = true
	return nil
}

// Edit writes title and text anew.
func (g *GitHub) Edit(ctx context.Context, key string, d *Draft) error {
	title, body := d.Title, githubBody(d)
	return g.edit(ctx, key, &github.IssueRequest{Title: &title, Body: &body})
}

// SetOpen closes an issue or opens it again.
func (g *GitHub) SetOpen(ctx context.Context, key string, open, done bool) error {
	state, reason := "closed", "completed"
	switch {
	case open:
		state, reason = "open", "reopened"
	case !done:
		reason = "not_planned"
	}
	return g.edit(ctx, key, &github.IssueRequest{State: &state, StateReason: &reason})
}

func (g *GitHub) edit(ctx context.Context, key string, r *github.IssueRequest) error {
	n, err := number(key)
	if err != nil {
		return err
	}
	_, resp, err := g.c.Issues.Edit(ctx, g.o.Owner, g.o.Repo, n, r)
	return githubError(resp, err)
}

// HasComment looks for a mark.
func (g *GitHub) HasComment(ctx context.Context, key, mark string) (bool, error) {
	n, err := number(key)
	if err != nil {
		return false, err
	}
	for page := 1; page <= maxPages; page++ {
		list, resp, err := g.c.Issues.ListComments(ctx, g.o.Owner, g.o.Repo, n, &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 100, Page: page}})
		if err != nil {
			return false, githubError(resp, err)
		}
		if slices.ContainsFunc(list, func(c *github.IssueComment) bool { return lastLine(c.GetBody()) == commentMark(mark) }) {
			return true, nil
		}
		if len(list) == 0 || resp.NextPage == 0 {
			return false, nil
		}
	}
	return false, errors.New("github: the list of comments does not end")
}

// Comment adds a comment.
func (g *GitHub) Comment(ctx context.Context, key string, c *Comment) error {
	n, err := number(key)
	if err != nil {
		return err
	}
	body := c.Text + "\n"
	if c.Fact != "" {
		body += "\n" + fenced(c.Fact) + "\n"
	}
	body += "\n" + commentMark(c.Mark)
	_, resp, err := g.c.Issues.CreateComment(ctx, g.o.Owner, g.o.Repo, n, &github.IssueComment{Body: &body})
	return githubError(resp, err)
}

func number(key string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(key, "#"))
	if err != nil {
		return 0, fmt.Errorf("github: %q is no number of an issue", key)
	}
	return n, nil
}

// githubError says what went wrong. The library knows two of the ways in which
// GitHub says to wait; judge knows the others.
func githubError(resp *github.Response, err error) error {
	if err == nil {
		return nil
	}
	var limited *github.RateLimitError
	if errors.As(err, &limited) {
		return &Wait{For: max(time.Until(limited.Rate.Reset.Time)+time.Second, time.Minute), Err: errors.New("github: rate limit")}
	}
	var abuse *github.AbuseRateLimitError
	if errors.As(err, &abuse) {
		wait := time.Minute
		if abuse.RetryAfter != nil {
			wait = max(*abuse.RetryAfter, time.Second)
		}
		return &Wait{For: wait, Err: errors.New("github: secondary rate limit")}
	}
	said := ""
	var refused *github.ErrorResponse
	if errors.As(err, &refused) {
		said = refused.Message
		for _, e := range refused.Errors {
			said += "; " + e.Field + " " + e.Code + " " + e.Message
		}
	}
	var plain *http.Response
	if resp != nil {
		plain = resp.Response
	}
	return fmt.Errorf("github: %w", judge(plain, err, said))
}

var findingMark = regexp.MustCompile(`^<!-- exhibit finding (F-[0-9a-f]{6,64}) -->$`)

func commentMark(mark string) string { return "<!-- exhibit comment " + mark + " -->" }

func githubTicket(i *github.Issue) Ticket {
	t := Ticket{Key: "#" + strconv.Itoa(i.GetNumber()), URL: i.GetHTMLURL(), Open: i.GetState() == "open", Created: i.GetCreatedAt().Time}
	if m := findingMark.FindStringSubmatch(lastLine(i.GetBody())); m != nil {
		t.Finding = m[1]
	}
	return t
}

func lastLine(s string) string {
	s = strings.TrimRight(s, "\r\n \t")
	return strings.TrimRight(s[strings.LastIndexByte(s, '\n')+1:], "\r")
}

// githubBody writes a draft. What may be hostile stands in code, where nothing
// is a mention, a reference, a link or an image.
func githubBody(d *Draft) string {
	var b strings.Builder
	b.WriteString(d.Intro + "\n\n")
	for _, f := range d.Facts {
		b.WriteString("- **" + f.Name + "**: " + code(f.Text) + "\n")
	}
	if d.Link != "" {
		b.WriteString("\n[Open in Exhibit](" + d.Link + ")\n")
	}
	b.WriteString("\n<!-- exhibit finding " + d.Finding + " -->")
	return b.String()
}

// code writes text as inline code: between more backticks than it holds.
func code(s string) string {
	ticks := strings.Repeat("`", longestTicks(s)+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

func fenced(s string) string {
	ticks := strings.Repeat("`", max(longestTicks(s)+1, 3))
	return ticks + "text\n" + s + "\n" + ticks
}

func longestTicks(s string) (longest int) {
	run := 0
	for _, r := range s {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
