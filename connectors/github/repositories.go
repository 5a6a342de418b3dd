package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// repository is what a listing says that the other kinds need. It is kept as
// a note beside the listing's validator.
type repository struct {
	ID            int64  `json:"i"`
	FullName      string `json:"n"`
	DefaultBranch string `json:"b"`
	Private       bool   `json:"p,omitempty"` // or internal
	Pushed        int64  `json:"u,omitempty"` // when anything was pushed last, in seconds since 1970
}

func (r repository) path() string { return "repos/" + r.FullName }

// cursorName is the name of a position in this repository. It holds the id,
// which survives a change of name.
func (r repository) cursorName(what string) string {
	return what + "/" + strconv.FormatInt(r.ID, 10)
}

// listedRepository is a repository as listed. Values of custom properties may
// be lists, which the client library's own type cannot hold.
type listedRepository struct {
	gh.Repository
	CustomProperties map[string]any `json:"custom_properties"`
}

// repoNote is kept with the validator of a listing's page.
type repoNote struct {
	Filter string       `json:"f"` // of the configuration it was made with
	Listed int          `json:"l"`
	Repos  []repository `json:"r"`
}

// filterMark changes when a page would give other records than last time.
func (r *run) filterMark() string {
	return mark(r.cfg.Repositories, r.cfg.Exclude, r.req.Wants(KindRepository))
}

// repositories emits the repositories in the scope and returns them.
func (r *run) repositories(ctx context.Context) ([]repository, error) {
	if names := r.cfg.explicit(); names != nil {
		return r.namedRepositories(ctx, names)
	}
	l, err := r.listing(ctx)
	if err != nil {
		return nil, r.nothingListed(ctx, err)
	}
	repos, listed, err := r.listRepositories(ctx, l)
	if statusOf(err) == http.StatusNotFound && l.fallback != "" {
		l.path, l.note = l.fallback, publicOnly
		repos, listed, err = r.listRepositories(ctx, l)
	}
	r.cover.update(KindRepository, func(s *seen) {
		s.query = line(fmt.Sprintf("GET /%s, repositories %q without %q", l.path, r.cfg.Repositories, r.cfg.Exclude), 1000)
		if err == nil || len(repos) > 0 {
			s.read++
		}
	})
	if err != nil {
		return repos, r.nothingListed(ctx, err)
	}
	return repos, r.compare(l, listed)
}

// nothingListed makes a failed listing a gap of every kind: their scope is
// not known.
func (r *run) nothingListed(ctx context.Context, err error) error {
	if r.hostIsSilent(err) {
		return fmt.Errorf("github: %w: %w", err, connector.ErrUnreachable)
	}
	kinds := make([]string, 0, 8)
	for _, k := range New().Describe().Kinds {
		kinds = append(kinds, k.Kind)
	}
	return r.missed(ctx, part{kinds: kinds, scope: "repositories of " + r.cfg.account(), permission: permMetadata}, err)
}

// hostIsSilent reports whether nothing was ever answered.
func (r *run) hostIsSilent(err error) bool {
	var ue *url.Error
	return errors.As(err, &ue) && passing(ue.Err) && r.api.client.Calls().Bytes == 0
}

// namedRepositories asks for each configured name; nothing is listed.
func (r *run) namedRepositories(ctx context.Context, names []string) ([]repository, error) {
	r.cover.update(KindRepository, func(s *seen) {
		s.query = line(fmt.Sprintf("GET /repos/{owner}/{name} for %d configured names: %q without %q", len(names), names, r.cfg.Exclude), 1000)
	})
	var repos []repository
	for _, name := range names {
		if !r.cfg.takes(name) {
			continue
		}
		repo, err := r.namedRepository(ctx, name)
		if err != nil {
			if err := r.unseen(ctx, name, err); err != nil {
				return nil, err
			}
			continue
		}
		r.cover.update(KindRepository, func(s *seen) { s.read++ })
		repos = append(repos, repo)
	}
	return repos, nil
}

// unseen reports a configured repository that was not found or not shown.
func (r *run) unseen(ctx context.Context, name string, err error) error {
	if fatal := r.fatal(ctx, err); fatal != nil {
		return fatal
	}
	if r.hostIsSilent(err) {
		return fmt.Errorf("github: %w: %w", err, connector.ErrUnreachable)
	}
	g := gapOf(part{scope: name, permission: permMetadata}, err)
	for _, k := range New().Describe().Kinds {
		g.Kinds = append(g.Kinds, k.Kind)
	}
	if statusOf(err) == http.StatusNotFound {
		g.Reason = connector.NotFound
		g.Detail = "no repository of this name is visible to the token; check the name, and that the token is granted this repository"
	}
	return r.gap(g)
}

func (r *run) namedRepository(ctx context.Context, name string) (repository, error) {
	var full listedRepository
	ans, err := r.api.get(ctx, call{path: "repos/" + name, usable: noteFits(func(n repoNote) bool {
		return n.Filter == r.filterMark() && len(n.Repos) == 1
	})}, &full)
	if err != nil {
		return repository{}, err
	}
	if ans.notModified {
		var note repoNote
		if err := json.Unmarshal(ans.memo, &note); err != nil {
			return repository{}, err
		}
		return note.Repos[0], r.attest(KindRepository, note.Repos[0].cursorName("repository"), 1)
	}
	repo, err := r.emitRepository(&full, "")
	if err != nil {
		return repository{}, err
	}
	return repo, r.keep(ans, repoNote{Filter: r.filterMark(), Listed: 1, Repos: []repository{repo}})
}

// attest says that a group is unchanged, if its kind was asked for.
func (r *run) attest(kind, group string, count int) error {
	if !r.req.Wants(kind) || count == 0 {
		return nil
	}
	return r.stop(r.emit.Unchanged(group, count))
}

// accountListing is where the repositories of the account are listed.
type accountListing struct {
	path  string
	query url.Values
	count int64  // repositories that the account itself counts; -1 if unknown
	note  string // why the listing may be short of private repositories
	// fallback is asked where path is not offered.
	fallback string
}

const publicOnly = "this listing holds public repositories only; name private ones under repositories, or use a token of the account"

// listing finds out whether the account is an organisation or a user.
func (r *run) listing(ctx context.Context) (accountListing, error) {
	name := r.cfg.account()
	if r.cfg.Organization != "" {
		var org gh.Organization
		ans, err := r.api.get(ctx, call{path: "orgs/" + name, usable: noteFits(func(int64) bool { return true })}, &org)
		if statusOf(err) == http.StatusNotFound {
			return r.userListing(ctx, name)
		}
		if err != nil && (r.fatal(ctx, err) != nil || r.hostIsSilent(err)) {
			return accountListing{}, err
		}
		count := int64(-1) // without an answer, not known
		if err == nil {
			count, err = r.accountCount(ans, org.PublicRepos, org.TotalPrivateRepos)
		} else {
			err = nil
		}
		return accountListing{path: "orgs/" + name + "/repos", query: url.Values{"type": {"all"}, "sort": {"full_name"}}, count: count,
			fallback: "users/" + name + "/repos"}, err
	}
	return r.userListing(ctx, name)
}

// accountCount is the sum that the account states, or -1. It needs both parts.
func (r *run) accountCount(ans answer, public *int, private *int64) (int64, error) {
	count := int64(-1)
	if ans.notModified {
		if json.Unmarshal(ans.memo, &count) != nil {
			count = -1
		}
		return count, nil
	}
	if public != nil && private != nil {
		count = int64(*public) + *private
	}
	return count, r.keep(ans, count)
}

func (r *run) userListing(ctx context.Context, name string) (accountListing, error) {
	var me gh.User
	ans, err := r.api.get(ctx, call{path: "user", usable: noteFits(func(string) bool { return true })}, &me)
	if err != nil && (r.fatal(ctx, err) != nil || r.hostIsSilent(err)) {
		return accountListing{}, err
	}
	login := me.GetLogin()
	if ans.notModified && json.Unmarshal(ans.memo, &login) != nil {
		login = ""
	}
	if err == nil {
		if err := r.keep(ans, login); err != nil {
			return accountListing{}, err
		}
	}
	if strings.EqualFold(login, name) {
		return accountListing{path: "user/repos", query: url.Values{"affiliation": {"owner"}, "sort": {"full_name"}}, count: -1}, nil
	}
	return accountListing{path: "users/" + name + "/repos", query: url.Values{"type": {"all"}, "sort": {"full_name"}}, count: -1, note: publicOnly}, nil
}

// listRepositories reads the listing. listed counts all, taken or not.
func (r *run) listRepositories(ctx context.Context, l accountListing) (repos []repository, listed int, err error) {
	seen := map[int64]bool{}
	c := call{path: l.path, query: l.query, usable: noteFits(func(n repoNote) bool { return n.Filter == r.filterMark() })}
	err = pages(ctx, r.api, c, func(p page[[]*listedRepository]) (bool, error) {
		group := fmt.Sprintf("%s/%d", l.path, p.number)
		var note repoNote
		var err error
		if p.notModified {
			if err := json.Unmarshal(p.memo, &note); err != nil {
				return false, err
			}
			err = r.attest(KindRepository, group, len(note.Repos))
		} else if note, err = r.emitPage(ctx, p, group, seen); err == nil {
			err = r.ssoHides(p.answer)
		}
		for _, repo := range note.Repos {
			seen[repo.ID] = true
		}
		listed += note.Listed
		repos = append(repos, note.Repos...)
		return true, err
	})
	return repos, listed, err
}

// emitPage emits the repositories of a page that are in the scope. One that
// was seen on an earlier page has moved meanwhile; the page is then not to be
// attested later, because it holds one record less than it shows.
func (r *run) emitPage(ctx context.Context, p page[[]*listedRepository], group string, seen map[int64]bool) (repoNote, error) {
	note := repoNote{Filter: r.filterMark(), Listed: len(p.body)}
	whole := true
	for _, full := range p.body {
		if full == nil || !r.cfg.takes(full.GetFullName()) {
			continue
		}
		if seen[full.GetID()] {
			whole = false
			continue
		}
		repo, err := r.emitRepository(full, group)
		var bad *malformedError
		if errors.As(err, &bad) {
			whole = false
			if err := r.missed(ctx, part{kinds: []string{KindRepository}, scope: "a repository of " + r.cfg.account()}, err); err != nil {
				return note, err
			}
			continue
		}
		if err != nil {
			return note, err
		}
		note.Repos = append(note.Repos, repo)
	}
	if !whole {
		return note, r.stop(r.emit.Validator(p.key, connector.Validator{}))
	}
	return note, r.keep(p.answer, note)
}

// inRepositories are the kinds that a repository which is not shown would have.
func (r *run) inRepositories() []string {
	kinds := []string{KindRepository}
	for _, s := range r.steps() {
		for _, k := range s.kinds {
			if unscanned := !r.cfg.ScanCode && slices.Contains(codeKinds(), k); !unscanned && !slices.Contains(kinds, k) {
				kinds = append(kinds, k)
			}
		}
	}
	return kinds
}

// ssoHides reports organisations that GitHub left out of a listing. Such a page
// is read again next time: an answer of 304 would not say so.
func (r *run) ssoHides(a answer) error {
	if !strings.HasPrefix(a.header.Get("X-GitHub-SSO"), "partial-results") {
		return nil
	}
	if err := r.stop(r.emit.Validator(a.key, connector.Validator{})); err != nil {
		return err
	}
	return r.gap(connector.Gap{Kinds: r.inRepositories(), Scope: "repositories of " + r.cfg.account(), Reason: connector.Hidden,
		Detail: "GitHub left out organisations whose single sign-on the token is not authorised for"})
}

// compare holds what was listed against what the account counts.
func (r *run) compare(l accountListing, listed int) error {
	if !r.cfg.filtered() {
		r.cover.update(KindRepository, func(s *seen) { s.count = l.count })
	}
	g := connector.Gap{Kinds: r.inRepositories(), Scope: "repositories of " + r.cfg.account(), Reason: connector.Hidden, Permission: permMetadata}
	switch {
	case l.count > int64(listed):
		g.Detail = fmt.Sprintf("the organisation counts %d repositories, the token sees %d; grant it all repositories", l.count, listed)
	case l.note != "":
		g.Detail = l.note
	default:
		return nil
	}
	return r.gap(g)
}

func (r *run) emitRepository(full *listedRepository, group string) (repository, error) {
	repo := repository{ID: full.GetID(), FullName: full.GetFullName(), DefaultBranch: full.GetDefaultBranch(),
		Private: full.GetPrivate() || full.GetVisibility() == "private" || full.GetVisibility() == "internal"}
	if t := full.GetPushedAt(); !t.IsZero() {
		repo.Pushed = t.Unix()
	}
	if !fitID(repo.ID) || !validFullName(repo.FullName) || repo.DefaultBranch != "" && !validBranch(repo.DefaultBranch) {
		return repository{}, &malformedError{Path: "repository " + line(repo.FullName, 80), Why: "its id, name or default branch is none that GitHub allows"}
	}
	if group == "" {
		group = repo.cursorName("repository")
	}
	pushed := full.GetPushedAt().UTC()
	if pushed.After(r.latest()) {
		pushed = time.Time{}
	}
	owner, name, _ := strings.Cut(repo.FullName, "/")
	p := repositoryPayload{
		Repo: repo.FullName, Owner: owner, Name: name, ID: repo.ID, Visibility: full.GetVisibility(), Archived: full.GetArchived(),
		Fork: full.GetFork(), DefaultBranch: repo.DefaultBranch, PushedAt: stamp(full.GetPushedAt().Time), CreatedAt: stamp(full.GetCreatedAt().Time),
		Language: full.GetLanguage(), Topics: append([]string{}, full.Topics...), CustomProperties: plainProperties(full.CustomProperties),
	}
	if p.Visibility == "" {
		p.Visibility = map[bool]string{true: "private", false: "public"}[full.GetPrivate()]
	}
	return repo, r.record(connector.Record{
		Kind: KindRepository, Subject: connector.Subject{Type: "repository", ID: repo.FullName}, Key: strconv.FormatInt(repo.ID, 10),
		Group: group, EventTime: pushed, URL: full.GetHTMLURL(),
	}, p)
}

// validBranch reports whether a branch's name can be asked for.
func validBranch(b string) bool { return records.Fit(b) && !strings.Contains(b, "..") && len(b) <= 250 }

// plainProperties keeps the values that GitHub documents: texts and lists of them.
func plainProperties(in map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range in {
		switch v := v.(type) {
		case string:
			out[name] = v
		case []any:
			list := []string{}
			for _, e := range v {
				if s, ok := e.(string); ok {
					list = append(list, s)
				}
			}
			out[name] = list
		}
	}
	return out
}
