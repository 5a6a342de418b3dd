package people

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Kinds of what an auditor wrote into a workbook that came back.
const (
	KindConclusion = "audit.conclusion"
	KindSelection  = "audit.selection"
)

// Returned says where a note or a choice comes from.
type Returned struct {
	Snapshot    string   `json:"snapshot"`
	AsOf        moment   `json:"as_of"`
	Auditor     string   `json:"auditor"`
	Conflicts   []string `json:"conflicts"` // what the register and the ledger say against independence
	Independent bool     `json:"independent"`
	Filename    string   `json:"filename"`
	FileSHA256  string   `json:"file_sha256"`
	ImportedBy  string   `json:"imported_by"`
	Account     string   `json:"imported_account"`
	ImportedAt  moment   `json:"imported_at"`
}

// NewReturned says so of a snapshot and a file.
func NewReturned(snapshot string, asOf time.Time, auditor string, conflicts []string) Returned {
	if conflicts == nil {
		conflicts = []string{}
	}
	return Returned{Snapshot: snapshot, AsOf: at(asOf), Auditor: strings.TrimSpace(auditor), Conflicts: conflicts, Independent: len(conflicts) == 0}
}

// Conclusion is what an auditor wrote about a control. It changes no status: it
// is a statement about the evidence, not evidence.
type Conclusion struct {
	ID         string `json:"conclusion_id"`
	Control    string `json:"control"`
	Status     string `json:"status,omitempty"` // of the control in the snapshot
	Note       string `json:"note,omitempty"`
	Conclusion string `json:"conclusion,omitempty"`
	Returned
}

// Selection is which items of a population an auditor chose.
type Selection struct {
	ID          string   `json:"selection_id"`
	Expectation string   `json:"expectation_slug"`
	Items       []string `json:"items"` // type/id, sorted
	Returned
}

// ParseConclusion reads one from evidence of KindConclusion.
func ParseConclusion(e evidence.Evidence) (Conclusion, error) {
	var c Conclusion
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return c, fmt.Errorf("conclusion %s: %w", e.Key, err)
	}
	return c, nil
}

// ParseSelection reads one from evidence of KindSelection.
func ParseSelection(e evidence.Evidence) (Selection, error) {
	var s Selection
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return s, fmt.Errorf("selection %s: %w", e.Key, err)
	}
	return s, nil
}

// returnedID names what one auditor wrote about one thing in one snapshot, so
// that the same file, or a later one, speaks of the same record.
func (r Returned) id(prefix, about string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{r.Snapshot, strings.ToLower(plain(r.Auditor)), about}, "\x00")))
	return prefix + hex.EncodeToString(sum[:6])
}

// imported notes who brought it, after checking that they may.
func (r *Returned) imported(who Person, now time.Time) error {
	if err := active(who); err != nil {
		return err
	}
	if blank(r.Auditor) {
		return refuse("--auditor NAME", "nobody is named who wrote it")
	}
	r.ImportedBy, r.Account, r.ImportedAt = who.ID, who.Account, at(now)
	return nil
}

// Concluded puts on record what an auditor wrote about a control. What is on
// record with the same words already gives no record.
func Concluded(who Person, c Conclusion, onRecord []Conclusion, now time.Time) (Conclusion, *evidence.Record, error) {
	if err := c.imported(who, now); err != nil {
		return c, nil, err
	}
	c.ID = c.id("AC-", c.Control)
	for _, old := range onRecord {
		if old.ID == c.ID && old.Note == c.Note && old.Conclusion == c.Conclusion {
			return old, nil, nil
		}
	}
	rec, err := record(KindConclusion, evidence.Subject{Type: "record", ID: c.ID}, c.ID, c.ImportedAt.Time, c)
	return c, &rec, err
}

// Selected puts on record which items an auditor chose.
func Selected(who Person, s Selection, onRecord []Selection, now time.Time) (Selection, *evidence.Record, error) {
	if err := s.imported(who, now); err != nil {
		return s, nil, err
	}
	s.ID = s.id("AS-", s.Expectation)
	s.Items = slices.Compact(slices.Sorted(slices.Values(s.Items)))
	for _, old := range onRecord {
		if old.ID == s.ID && slices.Equal(old.Items, s.Items) {
			return old, nil, nil
		}
	}
	rec, err := record(KindSelection, evidence.Subject{Type: "record", ID: s.ID}, s.ID, s.ImportedAt.Time, s)
	return s, &rec, err
}
