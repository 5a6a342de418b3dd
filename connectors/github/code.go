package github

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/onrecord"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// codeKinds are what a scan of a repository's code gives.
func codeKinds() []string { return onrecord.Kinds() }

// codeCursor is the last scan of a repository: the same commit holds the same
// for the same rules.
type codeCursor struct {
	Head  string         `json:"head"`
	Rules string         `json:"rules"`
	Kinds map[string]int `json:"kinds"` // records of each
}

// codeScanner scans archives, one at a time: a scan uses all processors.
type codeScanner struct {
	api   *api
	scan  *aiscan.Scanner
	rules string
	turn  sync.Mutex
}

// planCode prepares the scan of code, if it is asked for.
func (r *run) planCode() error {
	if !r.cfg.ScanCode || !r.wantsAny(codeKinds()) {
		for _, k := range codeKinds() {
			r.cover.update(k, func(s *seen) { s.unasked = true })
		}
		return nil
	}
	signs, err := aisign.Load()
	if err != nil {
		return err
	}
	o := transport.Options{Authorize: r.api.cred.authorize, RequestsPerSecond: r.cfg.Budget, Burst: 1}
	if rec, ok := r.emit.(connector.CallRecorder); ok {
		o.Counted = rec.Calls
	}
	a, err := clientAPI(r.cfg, o)
	if err != nil {
		return err
	}
	a.cred = r.api.cred
	// The same salt in every run, so that one credential is one record; the
	// account's name keeps hints of two organisations apart.
	salt := sha256.Sum256([]byte("exhibit/credential/" + r.cfg.BaseURL + "/" + r.cfg.account()))
	scanner, err := aiscan.New(aiscan.Options{Signatures: signs, Salt: salt[:]})
	if err != nil {
		return err
	}
	r.scanner = &codeScanner{api: a, scan: scanner, rules: aiscan.RulesDigest(signs)}
	return nil
}

// code scans the code of a repository's default branch, unless the commit was
// scanned with the same rules before.
func (r *run) code(ctx context.Context, repo repository) error {
	if repo.DefaultBranch == "" {
		return nil
	}
	head, _, err := r.readableHead(ctx, repo)
	switch {
	case statusOf(err) == http.StatusNotFound && r.isEmpty(ctx, repo):
		return nil // no commit yet
	case err != nil:
		return err
	case head == "":
		return &malformedError{Path: repo.path(), Why: "the answer does not say which commit the branch " + line(repo.DefaultBranch, 100) + " is at"}
	}
	name := repo.cursorName("code")
	var cur codeCursor
	if r.cursor(name, &cur) && cur.Head == head && cur.Rules == r.scanner.rules && r.attestable(cur) {
		for _, kind := range codeKinds() {
			if err := r.attest(kind, codeGroup(repo, kind), cur.Kinds[kind]); err != nil {
				return err
			}
		}
		return nil
	}
	rep, began, err := r.scanner.archive(ctx, repo, head, int64(r.cfg.ScanMaxMB)<<20)
	if err != nil {
		return err
	}
	return r.emitCode(repo, onrecord.Scan{Report: rep, Repo: repo.FullName, URL: r.cfg.web(repo.FullName, nil), StartedAt: began, FinishedAt: time.Now().UTC()}, head)
}

// attestable reports whether every kind that this run wants was emitted by the
// run that scanned.
func (r *run) attestable(cur codeCursor) bool {
	return !slices.ContainsFunc(codeKinds(), func(kind string) bool { _, ok := cur.Kinds[kind]; return r.req.Wants(kind) && !ok })
}

// codeGroup is the unit in which a repository's code is unchanged.
func codeGroup(repo repository, kind string) string { return repo.cursorName("code") + "/" + kind }

// archive scans the archive of a commit as it arrives.
func (s *codeScanner) archive(ctx context.Context, repo repository, head string, limit int64) (aiscan.Report, time.Time, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	began := time.Now().UTC()
	body, err := s.api.archive(ctx, repo.path()+"/tarball/"+url.PathEscape(head), limit)
	if err != nil {
		return aiscan.Report{}, began, err
	}
	defer body.Close()
	rep, err := s.scan.Scan(ctx, aiscan.Archive(body), repo.FullName)
	if err != nil {
		return rep, began, err
	}
	rep.Commit = head
	return rep, began, nil
}

// archive asks for a file that GitHub hands out at another host, which gets no
// credential, and gives it as it arrives.
func (a *api) archive(ctx context.Context, where string, limit int64) (io.ReadCloser, error) {
	c := call{path: where, elsewhere: true}
	req, err := a.request(c)
	if err != nil {
		return nil, err
	}
	resp, err := a.send(transport.Streamed(ctx, limit), req)
	if err != nil {
		return nil, a.failed(ctx, c, err)
	}
	a.silent.Store(0)
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return nil, newStatusError(where, resp, text)
}

// emitCode emits what a scan found, what it did not read, and where it stands.
func (r *run) emitCode(repo repository, scan onrecord.Scan, head string) error {
	list, err := scan.Records()
	if err != nil {
		return err
	}
	cur := codeCursor{Head: head, Rules: r.scanner.rules, Kinds: map[string]int{}}
	for _, kind := range codeKinds() {
		if r.req.Wants(kind) {
			cur.Kinds[kind] = 0
		}
	}
	for _, rec := range list {
		if !r.req.Wants(rec.Kind) {
			continue
		}
		if !records.Fit(rec.Key) || !records.Fit(rec.Subject.ID) {
			if err := r.gap(connector.Gap{Kinds: []string{rec.Kind}, Scope: repo.FullName, Reason: connector.Malformed, Detail: "a file has a name that no record can hold"}); err != nil {
				return err
			}
			continue
		}
		rec.Major, rec.Group, rec.URL = 1, codeGroup(repo, rec.Kind), records.Link(rec.URL)
		cur.Kinds[rec.Kind]++
		if err := r.stop(r.emit.Record(rec)); err != nil {
			return err
		}
	}
	return r.setCursor(repo.cursorName("code"), cur)
}

// codeGap says in words why a repository was not scanned.
func codeGap(err error) (connector.Reason, string, bool) {
	var large *transport.TooLargeError
	switch {
	case errors.As(err, &large):
		return connector.Truncated, fmt.Sprintf("its archive is larger than scan_max_mb, %d MB", large.Limit>>20), true
	case errors.Is(err, aiscan.ErrArchive):
		return connector.Unavailable, "its archive broke off: " + line(err.Error(), 200), true
	}
	return "", "", false
}
