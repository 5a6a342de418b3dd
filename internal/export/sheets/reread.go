package sheets

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// reread is what a payload says that was read again while the sheet was
// written. What was not read says nothing.
type reread struct {
	state          string
	Title          string `json:"title"`
	Uploader       string `json:"uploader"`
	Reviewer       string `json:"reviewer"`
	Decision       string `json:"review_decision"`
	Classification string `json:"classification"`
}

// States of a payload in the column "integrity OK".
const (
	payloadWhole   = "Y"
	payloadAltered = "N"
	payloadErased  = "erased"
	payloadUnread  = "not re-read"
)

// maxReread is how many payloads are read again: all would take as long as
// verifying, which exhibit verify does for all.
const maxReread = 100_000

// describes reports whether payloads of a kind say what the sheet shows of an
// item beyond its record: a title, a review, a classification.
func describes(kind string) bool {
	return kind == "evidence.manual_upload" || kind == "document.revision"
}

// reread reads the payload again of what another sheet leads to, and of what
// describes itself, and holds it against its digest.
func (b *Book) reread(ctx context.Context, ev *evidence.Evidence) (reread, error) {
	hidden := b.snap.Redaction.Hidden(ev.Kind)
	out := reread{state: payloadUnread}
	if hidden || b.Counts.Reread >= maxReread || !b.leadsTo(ev) && !describes(ev.Kind) {
		return out, nil
	}
	payload, err := b.snap.Ledger.Payload(ctx, ev.PayloadSum)
	switch {
	case errors.Is(err, store.ErrErased):
		out.state = payloadErased
		return out, nil
	case err != nil:
		return out, err
	}
	b.Counts.Reread++
	if evidence.Sum(payload) != ev.PayloadSum {
		out.state = payloadAltered
		return out, nil
	}
	out.state = payloadWhole
	if describes(ev.Kind) {
		if err := json.Unmarshal(payload, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// listing is what one enumeration lists: a kind of a source.
type listing struct{ source, kind string }

// listings are, by source and kind, when complete runs ended that listed all
// there was, in order.
func listings(runs []evidence.Run) map[listing][]time.Time {
	out := make(map[listing][]time.Time)
	for _, r := range runs {
		for kind, k := range r.Kinds {
			if k.Coverage == "complete" && k.Enumerated && !r.FinishedAt.IsZero() {
				l := listing{r.Provenance.Source, kind}
				out[l] = append(out[l], r.FinishedAt)
			}
		}
	}
	for _, at := range out {
		slices.SortFunc(at, time.Time.Compare)
	}
	return out
}

// lastSeen is when an object is last known to have been there: the end of the
// last run that listed everything before it was found gone, or else its own
// reading.
func lastSeen(ev *evidence.Evidence, listed map[listing][]time.Time) time.Time {
	at := listed[listing{ev.Source, ev.Kind}]
	n := len(at)
	if !ev.GoneAt.IsZero() {
		n, _ = slices.BinarySearchFunc(at, ev.GoneAt, time.Time.Compare)
	}
	if n == 0 || at[n-1].Before(ev.CollectedAt) {
		return ev.CollectedAt
	}
	return at[n-1]
}
