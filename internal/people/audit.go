package people

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Kinds of the records of testing.
const (
	KindSample = "audit.sample"
	KindRetest = "audit.retest"
)

// Sample is a draw from a population that somebody made.
type Sample struct {
	ID          string   `json:"sample_id"`
	Expectation string   `json:"expectation_slug"`
	AsOf        moment   `json:"as_of"`
	LedgerSize  int64    `json:"ledger_size"`
	LedgerRoot  string   `json:"ledger_root"`
	Count       int      `json:"population_count"`
	Population  string   `json:"population_sha256"`
	Complete    bool     `json:"population_complete"`
	Seed        string   `json:"seed"`
	Size        int      `json:"size"`
	Always      []string `json:"always"`
	Items       []string `json:"items"`
	DrawnBy     string   `json:"drawn_by"`
	Account     string   `json:"drawn_account"`
	DrawnAt     moment   `json:"drawn_at"`
}

// ParseSample reads a draw from evidence of KindSample.
func ParseSample(e evidence.Evidence) (Sample, error) {
	var s Sample
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return s, fmt.Errorf("sample %s: %w", e.Key, err)
	}
	return s, nil
}

// Drawn puts a draw on record. asOf is the instant of the population.
func Drawn(who Person, s Sample, asOf time.Time, onRecord []Sample, now time.Time) (Sample, evidence.Record, error) {
	if err := active(who); err != nil {
		return s, evidence.Record{}, err
	}
	s.ID = nextID(fmt.Sprintf("S-%d-", now.UTC().Year()), onRecord, func(s Sample) string { return s.ID })
	s.AsOf, s.DrawnBy, s.Account, s.DrawnAt = at(asOf), who.ID, who.Account, at(now)
	rec, err := record(KindSample, evidence.Subject{Type: "record", ID: s.ID}, s.ID, s.DrawnAt.Time, s)
	return s, rec, err
}

// Retest is an item that somebody tested again. It changes no result.
type Retest struct {
	ID          string           `json:"retest_id"`
	Expectation string           `json:"expectation_slug"`
	About       evidence.Subject `json:"about"`
	Result      string           `json:"result"`
	Note        string           `json:"note,omitempty"`
	Status      string           `json:"status"`
	Agrees      bool             `json:"agrees"`
	LedgerSize  int64            `json:"ledger_size"`
	LedgerRoot  string           `json:"ledger_root"`
	Sample      string           `json:"sample_id,omitempty"`
	TestedBy    string           `json:"tested_by"`
	Account     string           `json:"tested_account"`
	Independent bool             `json:"independent"`
	TestedAt    moment           `json:"tested_at"`
	Filename    string           `json:"filename,omitempty"`
	FileSHA256  string           `json:"file_sha256,omitempty"`
}

// Tested is whose work an item is: the owner has the next move on it, empty if
// nobody is named, and the hands had a part in the evidence that its result
// rests on.
type Tested struct {
	Owner string
	Hands []Hand
}

// Results of a retest.
const (
	Pass = "pass"
	Fail = "fail"
)

// ParseRetest reads a retest from evidence of KindRetest.
func ParseRetest(e evidence.Evidence) (Retest, error) {
	var r Retest
	if err := json.Unmarshal(e.Payload, &r); err != nil {
		return r, fmt.Errorf("retest %s: %w", e.Key, err)
	}
	return r, nil
}

// Retested puts a retest on record. item says whose work is tested: whoever
// tests their own is not independent of it, and the record says so.
func (p Policy) Retested(who Person, r Retest, item Tested, onRecord []Retest, now time.Time) (Retest, evidence.Record, error) {
	if err := active(who); err != nil {
		return r, evidence.Record{}, err
	}
	if r.Result != Pass && r.Result != Fail {
		return r, evidence.Record{}, unfit("--result pass or --result fail", "%q is no result of a retest", r.Result)
	}
	if blank(r.Note) {
		return r, evidence.Record{}, unfit("--note: what was looked at, and what was found", "a retest without a note shows nothing")
	}
	r.ID = nextID(fmt.Sprintf("RT-%d-", now.UTC().Year()), onRecord, func(r Retest) string { return r.ID })
	r.TestedBy, r.Account, r.TestedAt = who.ID, who.Account, at(now)
	r.Independent = (item.Owner == "" || !p.Directory.same(who.ID, item.Owner)) && !p.had(who, item.Hands)
	r.Agrees = (r.Result == Pass) == (r.Status == "satisfied")
	rec, err := record(KindRetest, evidence.Subject{Type: "record", ID: r.ID}, r.ID, r.TestedAt.Time, r)
	return r, rec, err
}
