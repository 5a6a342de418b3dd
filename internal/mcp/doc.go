// Package mcp answers programs that speak the Model Context Protocol from the
// evidence in the ledger: it reads and never writes, except that whoever is shown
// a raw payload is put on record.
//
// It may import internal/service, internal/access and what they answer with. It
// promises that every answer says as of when and from which checkpoint it was
// made, and cites evidence by digest and position in the ledger; that what
// others wrote stands between marks which it cannot imitate, is called data and
// is bounded in length; and that no raw payload is shown to whoever may not see
// it, or before the ledger says who did.
package mcp
