package gapreport

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// What is the word for baselines in the ledger's export entries.
const What = "gap report"

// Baseline is a report as it was frozen: enough to say later what became of
// each of its shortfalls. It is the body of an export entry: a report is a
// conclusion that was handed out, and no evidence, so it is no record.
type Baseline struct {
	What     string             `json:"what"`
	AsOf     time.Time          `json:"as_of"`
	By       string             `json:"by"`
	Size     int64              `json:"assessed_size"` // of the ledger that was assessed
	SHA256   evidence.Digest    `json:"sha256"`        // of the report in JSON
	Bytes    int64              `json:"bytes"`
	File     string             `json:"file,omitempty"` // it was written to
	Catalog  evidence.Digest    `json:"catalog"`        // rules in force
	Open     int                `json:"open"`
	Findings map[Cause][]string `json:"findings"` // ids, sorted, under all four causes
}

// Freeze returns the baseline of a report whose JSON is text.
func Freeze(r Report, text []byte, by, file string) Baseline {
	b := Baseline{What: What, AsOf: r.AsOf.UTC(), By: by, Size: r.Checkpoint.Size, SHA256: evidence.Sum(text), Bytes: int64(len(text)), File: file,
		Catalog: r.Catalog.Digest, Open: r.Open, Findings: map[Cause][]string{}}
	for _, g := range r.Causes {
		ids := []string{}
		for _, it := range g.Items {
			ids = append(ids, it.ID)
		}
		slices.Sort(ids)
		b.Findings[g.Cause] = ids
	}
	return b
}

// ParseBaseline reads the body of an export entry; ok is false if something
// else than a gap report was handed out.
func ParseBaseline(body json.RawMessage) (b Baseline, ok bool, err error) {
	var kind struct {
		What string `json:"what"`
	}
	if err := json.Unmarshal(body, &kind); err != nil {
		return b, false, fmt.Errorf("export: %w", err)
	}
	if kind.What != What {
		return b, false, nil
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return b, false, fmt.Errorf("gap report: %w", err)
	}
	if b.AsOf.IsZero() || b.Findings == nil {
		return b, false, errors.New("gap report: no instant or no findings")
	}
	return b, true, nil
}

// Progress is what became of a baseline's shortfalls.
type Progress struct {
	AsOf   time.Time       `json:"baseline_as_of"`
	SHA256 evidence.Digest `json:"baseline_sha256"`
	Then   int             `json:"then"`
	Closed int             `json:"no_longer_open"`
	Still  int             `json:"still_open"`
	New    int             `json:"new"`
	Causes []CauseProgress `json:"causes"`
	// OtherRules reports that other expectations or thresholds were in force:
	// part of the difference may come from them.
	OtherRules bool `json:"other_rules"`
}

// CauseProgress is the same for one cause, as the baseline had it.
type CauseProgress struct {
	Cause  Cause `json:"cause"`
	Then   int   `json:"then"`
	Closed int   `json:"no_longer_open"`
	Still  int   `json:"still_open"`
	New    int   `json:"new"` // under this cause now, and in no cause then
}

// Compare says what became of a baseline by the time of a report.
func Compare(b Baseline, r Report) *Progress {
	p := &Progress{AsOf: b.AsOf, SHA256: b.SHA256, OtherRules: b.Catalog != r.Catalog.Digest}
	now, then := map[string]bool{}, map[string]bool{}
	for _, g := range r.Causes {
		for _, it := range g.Items {
			now[it.ID] = true
		}
	}
	for _, ids := range b.Findings {
		for _, id := range ids {
			then[id] = true
		}
	}
	for i, c := range Causes() {
		cp := CauseProgress{Cause: c, Then: len(b.Findings[c])}
		for _, id := range b.Findings[c] {
			if now[id] {
				cp.Still++
			} else {
				cp.Closed++
			}
		}
		for _, it := range r.Causes[i].Items {
			if !then[it.ID] {
				cp.New++
			}
		}
		p.Then += cp.Then
		p.Closed += cp.Closed
		p.Still += cp.Still
		p.New += cp.New
		p.Causes = append(p.Causes, cp)
	}
	return p
}
