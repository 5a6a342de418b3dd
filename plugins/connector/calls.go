package connector

// Calls counts what a run asked of its source. It explains a run's cost to a
// person and shows that an unchanged source was read with conditional
// requests; no verdict depends on it.
type Calls struct {
	Requests    int64 `json:"requests"`     // requests sent, retries included
	NotModified int64 `json:"not_modified"` // answers that said "unchanged" (304)
	Retries     int64 `json:"retries"`      // requests sent again after a failure
	RateLimited int64 `json:"rate_limited"` // answers that told us to slow down
	Bytes       int64 `json:"bytes"`        // bytes of response bodies read
}

// Add returns the sum of c and d, field by field.
func (c Calls) Add(d Calls) Calls {
	return Calls{
		Requests:    c.Requests + d.Requests,
		NotModified: c.NotModified + d.NotModified,
		Retries:     c.Retries + d.Retries,
		RateLimited: c.RateLimited + d.RateLimited,
		Bytes:       c.Bytes + d.Bytes,
	}
}

// CallRecorder is what an Emitter may offer beside its own methods: it takes
// the number of calls made since it was last told, and the run's total is the
// sum. It never blocks and is safe for concurrent use.
//
//	if rec, ok := emit.(connector.CallRecorder); ok {
//		rec.Calls(connector.Calls{Requests: 1, Bytes: n})
//	}
type CallRecorder interface {
	Calls(Calls)
}
