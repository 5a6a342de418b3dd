// Package redact decides what an export hides from whom, and takes it out of
// everything that the export is made from, before it is made: payloads at their
// source, and texts of the assessment that were made from them.
//
// Hiding is by kind. A payload is hidden if any evidence that names it has a
// hidden kind. Its digest, its evidence lines and their proofs stay.
//
// It may import internal/export, internal/assess, internal/finding, internal/evidence and
// internal/store. It promises that what reads through Source never sees the bytes
// of a hidden payload, and that an assessment is copied, never changed.
package redact
