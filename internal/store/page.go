package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// How many items a page holds: if nothing is asked for, and at most.
const (
	DefaultPage = 50
	MaxPage     = 500
)

// PageQuery asks for one page of evidence. Zero fields select everything.
//
// The position in the ledger is the key by which pages follow one another: the
// next page of the newest first is asked for with Before set to Page.Next, of
// the oldest first with After set to it.
type PageQuery struct {
	Kinds         []string
	Source        string
	Run           string
	SubjectType   string
	SubjectID     string    // the whole id
	SubjectPrefix string    // what the id begins with
	KeyPrefix     string    // what the key begins with
	Digest        string    // what the evidence's digest begins with, hexadecimal
	CollectedFrom time.Time // collected at this time or later
	CollectedTo   time.Time // collected before this time
	Latest        bool      // only the newest revision of each (source, kind, key) within AsOf

	AsOf   int64 // see the ledger as it was with this many entries; 0 is now
	Before int64 // only positions below; 0 means all
	After  int64 // only positions at or above
	Oldest bool  // oldest first
	Limit  int   // items; 0 is DefaultPage, more than MaxPage is MaxPage
}

// Page is one page of evidence, without payloads.
type Page struct {
	Items []evidence.Evidence
	// Next is the cursor of the next page; it means nothing if Done. A page
	// that is short and not Done is one whose search was given up to answer
	// in time: what was found so far, to be continued.
	Next int64
	Done bool
}

// RunQuery asks for one page of runs, the newest first. The next page is asked for
// with Before set to the id of the last run of this one.
type RunQuery struct {
	Source string // empty: of all sources
	Before string // only runs that opened before the one with this id; empty: all
	Limit  int    // runs; 0 is DefaultPage, more than MaxPage is MaxPage
}

// RunPage is one page of runs.
type RunPage struct {
	Runs []evidence.Run
	More bool // older ones follow
}

// Check refuses a query that cannot be answered, and sets its limit.
func (q *RunQuery) Check() error {
	if q.Limit < 0 {
		return errors.New("page of runs: the limit is not negative")
	}
	if q.Limit == 0 {
		q.Limit = DefaultPage
	}
	q.Limit = min(q.Limit, MaxPage)
	return nil
}

// Count is how much evidence there is of a kind from a source.
type Count struct {
	Source, Kind string
	Evidence     int64 // revisions
	Live         int64 // keys that exist as far as the store knows
}

// Check refuses a query that cannot be answered, and sets its limit.
func (q *PageQuery) Check() error {
	switch {
	case q.Limit < 0 || q.Before < 0 || q.After < 0 || q.AsOf < 0:
		return errors.New("page: limit and positions are not negative")
	case q.Limit == 0:
		q.Limit = DefaultPage
	}
	q.Limit = min(q.Limit, MaxPage)
	q.Digest = strings.ToLower(q.Digest)
	if _, err := hex.DecodeString(q.Digest + "0"[:len(q.Digest)%2]); err != nil || len(q.Digest) > 2*len(evidence.Digest{}) {
		return fmt.Errorf("page: %.80q is not the beginning of a digest; want hexadecimal digits", q.Digest)
	}
	for _, s := range []string{q.SubjectType, q.SubjectID, q.SubjectPrefix, q.KeyPrefix} {
		if !utf8.ValidString(s) {
			return fmt.Errorf("page: %.80q is not valid UTF-8", s)
		}
	}
	return nil
}

// Matches reports whether ev is what the query asks for, but for its position
// and whether it is the latest.
func (q *PageQuery) Matches(ev *evidence.Evidence) bool {
	switch {
	case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, ev.Kind),
		q.Source != "" && q.Source != ev.Source,
		q.Run != "" && q.Run != ev.Run,
		q.SubjectType != "" && q.SubjectType != ev.Subject.Type,
		q.SubjectID != "" && q.SubjectID != ev.Subject.ID,
		!strings.HasPrefix(ev.Subject.ID, q.SubjectPrefix),
		!strings.HasPrefix(ev.Key, q.KeyPrefix),
		!q.CollectedFrom.IsZero() && ev.CollectedAt.Before(q.CollectedFrom),
		!q.CollectedTo.IsZero() && !ev.CollectedAt.Before(q.CollectedTo):
		return false
	}
	return q.Digest == "" || strings.HasPrefix(ev.Digest.String(), q.Digest)
}

// Window gives the positions that the query may look at, from ≤ seq < to, in
// a ledger of the given size.
func (q *PageQuery) Window(size int64) (from, to int64) {
	to = size
	if q.AsOf > 0 {
		to = min(to, q.AsOf)
	}
	if q.Before > 0 {
		to = min(to, q.Before)
	}
	return q.After, to
}

// MinDigestPrefix is how many digits of a digest EntryByDigest needs.
const MinDigestPrefix = 8

// CheckDigestPrefix refuses what cannot be the beginning of an entry's digest,
// or is too short to mean one.
func CheckDigestPrefix(s string) error {
	if len(s) < MinDigestPrefix || len(s) > 2*len(evidence.Digest{}) || strings.Trim(s, "0123456789abcdef") != "" {
		return fmt.Errorf("%.80q: want at least %d hexadecimal digits of a digest, in lower case", s, MinDigestPrefix)
	}
	return nil
}
