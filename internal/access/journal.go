package access

import (
	"context"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// PayloadLog puts on record who sees raw payloads. Its one implementation is
// Journal; those who show payloads take this.
type PayloadLog interface {
	// OnPayload returns once the ledger says that p sees these payloads, for a
	// purpose such as "page /evidence/…" or "GET /v1/evidence". Call it once a
	// request, with all that is about to be sent, and send nothing if it fails.
	OnPayload(ctx context.Context, p Principal, purpose string, digests ...evidence.Digest) error
}
