// Package readiness says what an auditor expects at an audit, and what of it is
// there: for stage 1, stage 2 and surveillance, for the audit programme, and
// for the choice of a certification body.
//
// It is pure: it is told the time, and does no I/O beyond the file system it is
// handed. It may import internal/assess, internal/evidence and
// internal/yamlfile.
//
// It promises that nothing is shown as there without the digest of a piece of
// evidence, that whatever an item asks for and nobody has is named, and that
// certification bodies are never ranked: no score, no order but the alphabet.
package readiness
