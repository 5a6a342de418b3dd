// Package exportjob makes what an auditor receives while nobody waits for it: a
// job for each export, with its progress, the file in a private folder until it
// was fetched or grew old, and the entry in the ledger that says what was handed
// out, to whom and with which digest.
//
// It may import internal/service, internal/evidence and the exports. It knows
// neither pages nor the API: both order here. It promises that a file can be
// fetched only by whoever ordered it and only after the ledger has its digest;
// that few jobs run at a time, the others in the order in which they came; and
// that what it keeps on disk is bounded, in a folder that nobody else can read
// and that is gone when the agent has stopped.
package exportjob
