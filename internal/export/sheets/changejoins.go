package sheets

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// reviewKind is the kind of which there are most.
const reviewKind = "github.pull_request_review"

// prReview is a github.pull_request_review in little room: there may be millions.
type prReview struct {
	at       int64 // seconds
	commit   uint64
	repo     int32
	number   int32
	reviewer int32
	state    reviewState
	counts   bool // somebody who may write, no bot and not the author by the source's word
	bot      bool
}

type reviewState uint8

// States of a review.
const (
	reviewOther reviewState = iota
	reviewApproved
	reviewChanges
	reviewDismissed
)

// pullReview is what is read of a github.pull_request_review.
type pullReview struct {
	Repo        string `json:"repo"`
	Number      int32  `json:"pr_number"`
	Reviewer    string `json:"reviewer"`
	Type        string `json:"reviewer_type"`
	Association string `json:"reviewer_association"`
	IsAuthor    bool   `json:"reviewer_is_author"`
	State       string `json:"state"`
	Commit      string `json:"commit_id"`
	Submitted   when   `json:"submitted_at"`
}

// reviews are those of the repositories that a system names, by change.
type reviews struct {
	list  []prReview
	repos map[string]int32
	who   []string
	ids   map[string]int32 // of who
}

// hashOf tells commits apart in little room.
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// readReviews reads the reviews of changes that can be changes of production.
func (c *changeBook) readReviews(ctx context.Context) (*reviews, error) {
	out := &reviews{repos: map[string]int32{}, ids: map[string]int32{}}
	bound := map[string]bool{}
	err := eachRecord(ctx, c.Book, func(r *record[pullReview]) error {
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		ours, known := bound[r.v.Repo]
		if !known {
			ours = c.bind.bindsRepo(r.v.Repo)
			bound[strings.Clone(r.v.Repo)] = ours
		}
		if ours {
			out.add(&r.v)
		}
		return nil
	}, reviewKind)
	slices.SortStableFunc(out.list, func(x, y prReview) int {
		return cmp.Or(cmp.Compare(x.repo, y.repo), cmp.Compare(x.number, y.number), cmp.Compare(x.at, y.at))
	})
	return out, err
}

func intern(ids map[string]int32, s string) int32 {
	id, known := ids[s]
	if !known {
		id = int32(len(ids))
		ids[strings.Clone(s)] = id
	}
	return id
}

func (s *reviews) add(v *pullReview) {
	who := intern(s.ids, v.Reviewer)
	if int(who) == len(s.who) {
		s.who = append(s.who, v.Reviewer)
	}
	r := prReview{at: v.Submitted.Unix(), commit: hashOf(v.Commit), repo: intern(s.repos, v.Repo), number: v.Number, reviewer: who, bot: v.Type == "Bot"}
	switch v.State {
	case "APPROVED":
		r.state = reviewApproved
	case "CHANGES_REQUESTED":
		r.state = reviewChanges
	case "DISMISSED":
		r.state = reviewDismissed
	}
	mayWrite := slices.Contains([]string{"", "MEMBER", "OWNER", "COLLABORATOR"}, v.Association)
	r.counts = v.Reviewer != "" && !r.bot && !v.IsAuthor && mayWrite && !v.Submitted.IsZero()
	s.list = append(s.list, r)
}

// of are the reviews of a change, oldest first.
func (s *reviews) of(repo string, number int32) []prReview {
	id, known := s.repos[repo]
	if !known {
		return nil
	}
	from, _ := slices.BinarySearchFunc(s.list, prReview{repo: id, number: number}, func(x, y prReview) int {
		return cmp.Or(cmp.Compare(x.repo, y.repo), cmp.Compare(x.number, y.number))
	})
	to := from
	for to < len(s.list) && s.list[to].repo == id && s.list[to].number == number {
		to++
	}
	return s.list[from:to]
}

// consentTo says who agreed to a merge. It asks what the expectation about
// changes asks: an approval by somebody else who may write, of the commit that
// was merged, before the merge, and not taken back before it.
func (c *changeBook) consentTo(v *pull) consent {
	merged, head := v.Merged.Unix(), hashOf(v.Head)
	all := c.reviews.of(v.Repo, v.Number)
	takenBack := func(r prReview) bool {
		return slices.ContainsFunc(all, func(later prReview) bool {
			return (later.state == reviewChanges || later.state == reviewDismissed) && later.at > r.at && later.at <= merged &&
				c.people.same(c.reviews.who[later.reviewer], c.reviews.who[r.reviewer])
		})
	}
	var others, final, counted []prReview
	for _, r := range all {
		if r.state != reviewApproved || !r.counts || c.people.same(c.reviews.who[r.reviewer], v.Author) {
			continue
		}
		others = append(others, r)
		if v.Head != "" && r.commit == head {
			final = append(final, r)
		}
	}
	candidates := final
	if len(final) == 0 {
		candidates = others
	}
	for _, r := range candidates {
		if r.at <= merged && !takenBack(r) {
			counted = append(counted, r)
		}
	}
	out := consent{before: ptr(len(counted) > 0), final: ptr(len(final) > 0)}
	switch {
	case len(counted) > 0:
		out.name(c, counted, "")
		out.at = time.Unix(counted[len(counted)-1].at, 0).UTC()
	case len(candidates) > 0:
		out.name(c, candidates, "")
		out.at = time.Unix(candidates[0].at, 0).UTC()
	default:
		out.refused(c, all, v.Author)
	}
	return out
}

func (x *consent) name(c *changeBook, list []prReview, mark string) {
	for _, r := range list {
		x.by = append(x.by, c.reviews.who[r.reviewer]+mark)
	}
	x.by = distinct(x.by)
}

// refused names approvals that do not count, and why.
func (x *consent) refused(c *changeBook, all []prReview, author string) {
	for _, r := range all {
		switch {
		case r.state == reviewDismissed:
			x.name(c, []prReview{r}, " (dismissed)")
		case r.state != reviewApproved:
		case r.bot:
			x.name(c, []prReview{r}, " (bot)")
		case c.people.same(c.reviews.who[r.reviewer], author):
			x.name(c, []prReview{r}, " (author)")
		default:
			x.name(c, []prReview{r}, " (may not write)")
		}
	}
}

// changeRequest is what the sheet shows of a jira.change_request.
type changeRequest struct {
	Key      string   `json:"key"`
	By       string   `json:"approved_by"`
	Approved when     `json:"approved_at"`
	Refs     []string `json:"linked_refs"`
}

// changeRequests are all of them that somebody approved, by key and by what
// they name.
type changeRequests struct{ byKey, byRef map[string][]*changeRequest }

func (b *Book) changeRequests(ctx context.Context) (*changeRequests, error) {
	out := &changeRequests{byKey: map[string][]*changeRequest{}, byRef: map[string][]*changeRequest{}}
	return out, eachRecord(ctx, b, func(r *record[changeRequest]) error {
		if r.v.By == "" || r.v.Approved.IsZero() {
			return nil
		}
		out.byKey[r.v.Key] = append(out.byKey[r.v.Key], &r.v)
		for _, ref := range distinct(r.v.Refs) {
			out.byRef[ref] = append(out.byRef[ref], &r.v)
		}
		return nil
	}, "jira.change_request")
}

// requestWindow is how long an approved change request covers an endpoint or a
// guardrail that it names.
const requestWindow = 30 * 24 * time.Hour

// before are the approved requests that name one of refs and cover what
// happened at an instant.
func (s *changeRequests) before(at time.Time, refs ...string) []*changeRequest {
	var out []*changeRequest
	for _, ref := range distinct(refs) {
		for _, r := range s.byRef[ref] {
			if !r.Approved.After(at) && at.Sub(r.Approved.Time) <= requestWindow && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// keyed are the approved requests with one of these keys.
func (s *changeRequests) keyed(keys []string) []*changeRequest {
	var out []*changeRequest
	for _, key := range distinct(keys) {
		out = append(out, s.byKey[key]...)
	}
	return out
}

func requestTexts(list []*changeRequest) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.Key+": approved by "+r.By+" "+onDay(r.Approved.Time))
	}
	return out
}

// testRun is what the sheet keeps of an evaluation.run.
type testRun struct {
	id, system string
	passed     *bool
	at         time.Time
}

// decision is what the sheet keeps of a release.approval.
type decision struct {
	id, system, text string
}

// tests are evaluations and decisions to release, by what they name.
type tests struct {
	runs     map[string][]testRun
	releases map[string][]decision
}

func (b *Book) tests(ctx context.Context) (*tests, error) {
	out := &tests{runs: map[string][]testRun{}, releases: map[string][]decision{}}
	err := eachRecord(ctx, b, func(r *record[struct {
		ID       string `json:"run_id"`
		System   string `json:"system_id"`
		Ref      string `json:"subject_ref"`
		Passed   *bool  `json:"passed"`
		Finished when   `json:"finished_at"`
	}]) error {
		out.runs[r.v.Ref] = append(out.runs[r.v.Ref], testRun{r.v.ID, r.v.System, r.v.Passed, r.v.Finished.Time})
		return nil
	}, "evaluation.run")
	if err != nil {
		return nil, err
	}
	return out, eachRecord(ctx, b, func(r *record[struct {
		ID       string   `json:"release_id"`
		System   string   `json:"system_id"`
		Refs     []string `json:"artefact_refs"`
		Approver string   `json:"approver"`
		Role     string   `json:"approver_role"`
		Decision string   `json:"decision"`
		Decided  when     `json:"decided_at"`
	}]) error {
		text := r.v.ID + ": " + joined(" ", firstOf(r.v.Decision, "no outcome"), "by", firstOf(r.v.Approver, "nobody named"))
		if r.v.Role != "" {
			text += " (" + r.v.Role + ")"
		}
		for _, ref := range distinct(r.v.Refs) {
			out.releases[ref] = append(out.releases[ref], decision{r.v.ID, r.v.System, joined(" ", text, onDay(r.v.Decided.Time))})
		}
		return nil
	}, "release.approval")
}

// of are the evaluations of what changed, of its systems or of none.
func (t *tests) of(x *prodChange) []testRun {
	var out []testRun
	for _, ref := range distinct(x.refs) {
		for _, r := range t.runs[ref] {
			if r.system == "" || slices.Contains(x.systems, r.system) || len(x.systems) == 0 {
				out = append(out, r)
			}
		}
	}
	return out
}

// decisions say who decided that what changed goes live.
func (t *tests) decisions(x *prodChange) []string {
	var out []string
	for _, ref := range distinct(x.refs) {
		for _, d := range t.releases[ref] {
			if d.system == "" || slices.Contains(x.systems, d.system) {
				out = append(out, d.text)
			}
		}
	}
	return distinct(out)
}
