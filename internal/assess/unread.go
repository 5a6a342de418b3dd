package assess

import (
	"fmt"
	"sort"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// unread is a record in a form of its kind that this version does not know: a
// newer one put it into the ledger. It satisfies nothing, and what it is about
// is a part of the scope that was not seen, until the key can be read again.
type unread struct {
	key      string
	scope    blindScope
	from, to int64
}

// readable reports whether rows of a kind can be made of evidence. If not, that
// is remembered as a part that was not seen; if so, the key is seen again.
func (cv *covering) readable(e *evidence.Evidence, major int) bool {
	known := max(e.Major, 1) == major
	if known && len(cv.unread) == 0 {
		return true
	}
	at := nanos(e.CollectedAt)
	for i := range cv.unread {
		if u := &cv.unread[i]; u.key == e.Key && u.from <= at {
			u.to = min(u.to, at)
		}
	}
	if known {
		return true
	}
	u := unread{key: e.Key, from: at, to: notGone, scope: blindScope{name: "record " + e.Subject.ID, why: fmt.Sprintf("major version %d, and only %d is known here", e.Major, major)}}
	if gone := nanos(e.GoneAt); gone != absent {
		u.to = gone
	}
	cv.unread = append(cv.unread, u)
	return false
}

// unreadable are the parts of a kind that could not be read at t.
func (cv *covering) unreadable(k *kindInfo, source string, t int64, maxAge time.Duration) []blind {
	var out []blind
	for _, u := range cv.unread {
		if t < u.from || t >= u.to {
			continue
		}
		last := int64(absent)
		if n := sort.Search(len(cv.readings), func(i int) bool { return cv.readings[i].finished > u.from }); n > 0 {
			last = cv.readings[n-1].finished
		}
		out = append(out, blind{kind: k, source: source, blindScope: u.scope, last: last, recent: last != absent && t-last <= int64(maxAge)})
	}
	return out
}
