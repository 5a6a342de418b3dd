// Package api is the REST interface of the agent: what the command line can be
// asked and told, for programs. Its description in OpenAPI 3.1 is made from the
// same types that answer, and is served at /v1/openapi.json.
//
// It may import the core under internal, internal/service, internal/access,
// internal/agent for schedules and for taking records in, internal/exportjob and
// internal/opsdb, where idempotency keys are. It knows no store's
// implementation, no page and no listener: it is handed to one, which has proved
// who asks.
//
// It promises that each operation asks for its permission before anything else;
// that whatever is refused says why and what to do, as a problem (RFC 9457); that
// no answer holds more than a page; that no raw payload is sent before the ledger
// says to whom; and that records which are pushed twice under one idempotency key
// are taken in once.
package api
