// Package pages reads the pages of an SQLite file without SQL: whole trees in
// the order of their keys, and on the way everything that holds the file
// together. A verification that reads every row of a store anyway learns from
// that what PRAGMA integrity_check would have read all pages once more for.
//
// It imports nothing of the project. It reads no file: pages come from a
// function, which has SQLite's own snapshot behind it (the virtual table
// sqlite_dbpage), lent for a moment, so that the write-ahead log, locks and other writers are
// SQLite's affair. It opens no descriptor, because closing one would drop the
// locks that SQLite holds on the file in this process.
//
// # What it promises
//
// A Walk that ends without an error has met: pages of the right type, all at
// one depth; cells and free blocks that lie within the content of their page
// and share no byte, with as many bytes left over as the page says; keys of
// rows in ascending order within the bounds that inner pages give; no page
// without cells but the root of an empty tree; numbers in as few bytes as they
// need, as SQLite reads no others alike everywhere; chains of overflow pages
// exactly as long as their payload. A File whose Close ends
// without an error has met every page once: in a tree, in a chain, in the list
// of free pages, or as the page that SQLite keeps for locks. Order in
// indexes, and that an index holds the rows of its table, is for who knows the
// columns: package sqlite.
//
// # What a mistake here could do
//
// The package gives bytes to a verification that believes none of them: lines
// and payloads are hashed, and what the ledger does not hash is compared with
// what follows from it. A misread row is therefore a false alarm. What would be
// overlooked are places that readers by SQL use and a walk does not look at,
// which is why every page has to be accounted for, and why what this package
// finds is held against SQLite's own check in a test that damages files at
// random. A file of a form that is not read here (another encoding, pages with
// reserved bytes, pointers for vacuum) is ErrOther.
package pages
