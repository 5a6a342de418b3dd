package bundle

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// RunManifest is what a bundle says about one run: how it was asked, who read,
// what it saw, counted and did not see, from the lines of the ledger.
type RunManifest struct {
	Opened     *RunLine               `json:"opened"`
	Closed     *RunLine               `json:"closed"` // null while open
	Evidence   map[string]RunEvidence `json:"evidence"`
	Gone       map[string]int64       `json:"gone"`
	Difference map[string]int64       `json:"difference"`
	Uncounted  []string               `json:"uncounted"`

	ID string `json:"-"`
}

// RunLine is a ledger line about a run.
type RunLine struct {
	At       string          `json:"at"`
	Body     json.RawMessage `json:"body"`
	Position int64           `json:"position"`
}

// RunEvidence counts the evidence lines of a run.
type RunEvidence struct {
	New     int64 `json:"new"`
	Revised int64 `json:"revised"`
}

func runLine(e evidence.Entry) *RunLine {
	return &RunLine{At: e.At.UTC().Format(lineTime), Body: slices.Clone(e.Body), Position: e.Seq}
}

// lineTime is how ledger lines write a time.
const lineTime = "2006-01-02T15:04:05.000000Z"

// OpenRun begins the manifest of the run that an entry opens.
func OpenRun(e evidence.Entry) (*RunManifest, evidence.Run, error) {
	r, err := evidence.ParseRunOpened(e)
	if err != nil {
		return nil, r, err
	}
	return &RunManifest{ID: r.ID, Opened: runLine(e), Evidence: map[string]RunEvidence{}, Gone: map[string]int64{},
		Difference: map[string]int64{}, Uncounted: []string{}}, r, nil
}

// Item counts an evidence line of the run.
func (m *RunManifest) Item(kind string, revision int) {
	n := m.Evidence[kind]
	if revision == 1 {
		n.New++
	} else {
		n.Revised++
	}
	m.Evidence[kind] = n
}

// Close takes the entry that closes the run.
func (m *RunManifest) Close(e evidence.Entry) (evidence.Run, error) {
	r, err := evidence.ParseRunClosed(e)
	if err != nil {
		return r, err
	}
	m.Closed = runLine(e)
	for kind, k := range r.Kinds {
		if k.IndependentCount >= 0 {
			m.Difference[kind] = k.Seen - k.IndependentCount
		} else {
			m.Uncounted = append(m.Uncounted, kind)
		}
	}
	slices.Sort(m.Uncounted)
	return r, nil
}

// Disagrees says where the closing line counts otherwise than the lines of the
// run, or nothing.
func (m *RunManifest) Disagrees(closed evidence.Run) (want, found string) {
	for _, kind := range slices.Sorted(maps.Keys(closed.Kinds)) {
		k, n := closed.Kinds[kind], m.Evidence[kind]
		if k.New != n.New || k.Revised != n.Revised || k.Gone != m.Gone[kind] {
			return fmt.Sprintf("%s: %d new, %d revised, %d gone, as the run closed", kind, k.New, k.Revised, k.Gone),
				fmt.Sprintf("%d, %d, %d in its lines", n.New, n.Revised, m.Gone[kind])
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(m.Evidence)) {
		if _, ok := closed.Kinds[kind]; !ok {
			return "lines of kinds that the run names when it closes", kind
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(m.Gone)) {
		if _, ok := closed.Kinds[kind]; !ok {
			return "lines of kinds that the run names when it closes", kind
		}
	}
	return "", ""
}

// Content is the manifest's file.
func (m *RunManifest) Content() ([]byte, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest of run %.60q: %w", m.ID, err)
	}
	c, err := evidence.Canonical(raw)
	if err != nil {
		return nil, fmt.Errorf("manifest of run %.60q: %w", m.ID, err)
	}
	return append(c, '\n'), nil
}
