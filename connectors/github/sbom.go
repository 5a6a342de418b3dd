package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const (
	// sbomFresh is how long a document is good while nothing is pushed:
	// licences and submitted dependencies change without a push.
	sbomFresh = 30 * 24 * time.Hour
	// sbomRetry is after how long a repository that gave none is asked again.
	sbomRetry = 24 * time.Hour
	// reportKept is how long GitHub keeps a report that was asked for.
	reportKept = 6 * 24 * time.Hour
	// maxSBOMBytes bounds a document.
	maxSBOMBytes = 48 << 20
)

// sbomCursor is the last reading of a repository.
type sbomCursor struct {
	Read   time.Time `json:"read,omitzero"`   // when a document was read
	Pushed int64     `json:"pushed"`          // the repository's last push then
	Tried  time.Time `json:"tried,omitzero"`  // when none was given
	Why    string    `json:"why,omitempty"`   // the reason of the gap then
	Report string    `json:"report,omitzero"` // asked for, not fetched yet
	Asked  time.Time `json:"asked,omitzero"`
}

// sbomTurn says whose turn it is. Documents have a limit of their own at
// GitHub, so they are asked for by a client of its own: waiting there must not
// hold up the others.
type sbomTurn struct {
	api  *api
	mine map[int64]bool
}

// planSBOMs chooses the repositories of which the document is read this time:
// those never read, then those that changed or were read longest ago, then
// those that gave none. Those left over are a gap; those that did not change
// since they were read are not.
func (r *run) planSBOMs(repos []repository) error {
	if !r.req.Wants(KindSBOM) {
		return nil
	}
	o := transport.Options{Authorize: r.api.cred.authorize, MaxResponseBytes: maxSBOMBytes, RequestsPerSecond: r.cfg.Budget, Burst: 1}
	if rec, ok := r.emit.(connector.CallRecorder); ok {
		o.Counted = rec.Calls
	}
	a, err := clientAPI(r.cfg, o)
	if err != nil {
		return err
	}
	a.cred = r.api.cred
	r.sboms = &sbomTurn{api: a, mine: map[int64]bool{}}
	var due []candidate
	failed := map[string]int{}
	for _, repo := range repos {
		var cur sbomCursor
		known := r.cursor(repo.cursorName("sbom"), &cur)
		switch c := r.sbomDue(repo, cur, known); c.rank {
		case notDue:
		case notAgain:
			failed[cur.Why]++
		default:
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b candidate) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return int(min(max(a.id-b.id, -1), 1))
	})
	n := min(len(due), r.cfg.SBOMPerRun)
	for _, c := range due[:n] {
		r.sboms.mine[c.id] = true
	}
	return r.sbomsLeft(len(due)-n, len(repos), failed)
}

// candidate is a repository whose document may be read. The lowest rank comes
// first, and within one the reading of longest ago.
type candidate struct {
	id   int64
	rank int
	at   time.Time
}

// Ranks of a candidate.
const (
	neverRead = iota
	toRefresh
	toRetry
	notDue
	notAgain // gave none, and was asked a short while ago
)

// sbomDue says whether a repository's document is to be read.
func (r *run) sbomDue(repo repository, cur sbomCursor, known bool) candidate {
	c := candidate{id: repo.ID, rank: notDue}
	switch {
	case !known:
		c.rank = neverRead
	case cur.Report != "" && r.now.Sub(cur.Asked) < reportKept:
		c.rank, c.at = neverRead, cur.Asked
	case cur.Why != "" && r.now.Sub(cur.Tried) < sbomRetry:
		c.rank = notAgain
	case cur.Why != "":
		c.rank, c.at = toRetry, cur.Tried
	case cur.Pushed != repo.Pushed || repo.Pushed == 0 || r.now.Sub(cur.Read) >= sbomFresh:
		c.rank, c.at = toRefresh, cur.Read
	}
	return c
}

// sbomsLeft says what is not read this time although it should be, and what an
// earlier run was refused.
func (r *run) sbomsLeft(left, all int, failed map[string]int) error {
	if left > 0 {
		if err := r.gap(connector.Gap{Kinds: []string{KindSBOM}, Scope: "repositories of " + r.cfg.account(), Reason: connector.RateLimited,
			Detail: fmt.Sprintf("%d of %d repositories are left for later runs: sbom_per_run is %d", left, all, r.cfg.SBOMPerRun)}); err != nil {
			return err
		}
	}
	for _, why := range slices.Sorted(maps.Keys(failed)) {
		g := connector.Gap{Kinds: []string{KindSBOM}, Scope: "repositories of " + r.cfg.account(), Reason: connector.Reason(why),
			Detail: fmt.Sprintf("%d repositories gave no document when they were asked within the last day", failed[why])}
		if g.Reason == connector.Denied {
			g.Permission = permContents
		}
		if err := r.gap(g); err != nil {
			return err
		}
	}
	return nil
}

// sbom emits the packages of a repository, if it is its turn.
func (r *run) sbom(ctx context.Context, repo repository) error {
	if !r.sboms.mine[repo.ID] {
		return nil
	}
	var cur sbomCursor
	if !r.cursor(repo.cursorName("sbom"), &cur) || r.now.Sub(cur.Asked) >= reportKept {
		cur.Report = ""
	}
	body, err := r.sbomDocument(ctx, repo, &cur)
	if err == nil && body == nil { // the report is not ready
		if err := r.setCursor(repo.cursorName("sbom"), cur); err != nil {
			return err
		}
		return r.gap(connector.Gap{Kinds: []string{KindSBOM}, Scope: repo.FullName, Reason: connector.Unavailable,
			Detail: "GitHub is still making the report; the next run fetches it"})
	}
	var pay sbomPayload
	if err == nil {
		if pay, err = readSBOM(body); err != nil {
			err = &malformedError{Path: repo.path() + "/dependency-graph/sbom", Why: err.Error()}
		}
	}
	if err != nil {
		return r.sbomRefused(ctx, repo, err)
	}
	pay.Repo, pay.RepoID = repo.FullName, repo.ID
	if err := r.record(connector.Record{
		Kind: KindSBOM, Subject: connector.Subject{Type: "repository", ID: repo.FullName}, Key: fmt.Sprint(repo.ID),
		URL: r.cfg.web(repo.FullName+"/network/dependencies", nil),
	}, pay); err != nil {
		return err
	}
	return r.setCursor(repo.cursorName("sbom"), sbomCursor{Read: r.now.Truncate(time.Second), Pushed: repo.Pushed})
}

// sbomRefused remembers that a repository gave no document, so that it does
// not take the turn of others every time.
func (r *run) sbomRefused(ctx context.Context, repo repository, err error) error {
	var limit *transport.RateLimitError
	if r.fatal(ctx, err) != nil || errors.As(err, &limit) {
		return err
	}
	why := gapOf(part{}, err).Reason
	if e := r.setCursor(repo.cursorName("sbom"), sbomCursor{Tried: r.now.Truncate(time.Second), Why: string(why)}); e != nil {
		return e
	}
	return err
}

// sbomDocument asks for the document, or for a report of it: where that is
// configured, and where GitHub cannot make the document while one waits. No
// document and no error means that the report is not ready.
func (r *run) sbomDocument(ctx context.Context, repo repository, cur *sbomCursor) ([]byte, error) {
	if cur.Report == "" && !r.cfg.SBOMReports {
		var body json.RawMessage
		_, err := r.sboms.api.get(ctx, call{path: repo.path() + "/dependency-graph/sbom"}, &body)
		if statusOf(err)/100 != 5 {
			return body, err
		}
	}
	if cur.Report == "" {
		id, err := r.askReport(ctx, repo)
		if err != nil {
			return nil, err
		}
		cur.Report, cur.Asked = id, r.now.Truncate(time.Second)
	}
	return r.fetchReport(ctx, repo, cur.Report)
}

// askReport has GitHub make a report and returns its id.
func (r *run) askReport(ctx context.Context, repo repository) (string, error) {
	var said struct {
		URL string `json:"sbom_url"`
	}
	where := repo.path() + "/dependency-graph/sbom/generate-report"
	if _, err := r.sboms.api.get(ctx, call{method: http.MethodGet, path: where}, &said); err != nil {
		return "", err
	}
	id := path.Base(said.URL)
	if len(id) > 100 || strings.Trim(strings.ToLower(id), "0123456789abcdef-") != "" {
		return "", &malformedError{Path: where, Why: "the answer does not say where the report will be"}
	}
	return id, nil
}

// fetchReport waits for a report. GitHub sends us on to a store of files, whose
// host gets no credential.
func (r *run) fetchReport(ctx context.Context, repo repository, id string) ([]byte, error) {
	where := repo.path() + "/dependency-graph/sbom/fetch-report/" + id
	wait, end := time.Second, time.Now().Add(time.Duration(min(r.cfg.MaxWait, 60))*time.Second)
	for {
		var body json.RawMessage
		_, err := r.sboms.api.get(ctx, call{path: where, elsewhere: true}, &body)
		if statusOf(err) != http.StatusAccepted {
			return body, err
		}
		if time.Now().Add(wait).After(end) {
			return nil, nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		wait = min(2*wait, 10*time.Second)
	}
}
