package verify

import "strings"

// checkID names a check in Explained.
type checkID string

// The checks of bundles and workbooks.
const (
	checkFiles      checkID = "files as the signed manifest lists them"
	checkCheckpoint checkID = "signed checkpoint"
	checkCited      checkID = "evidence items that results rest on, found in the ledger"
	checkEntries    checkID = "ledger entries, leading to the signed root"
	checkHistory    checkID = "keys whose revisions follow one another, runs with matching counts"
	checkRuns       checkID = "run manifests equal to ledger entries"
	checkPayloads   checkID = "evidence files as their entries name them"
	checkRedacted   checkID = "payloads hidden as the profile says, and listed"
	checkEvents     checkID = "event times of results equal to their evidence's"
	checkRows       checkID = "workbook rows equal to ledger entries"
	checkParts      checkID = "workbook parts sealed"
	checkAttested   checkID = "attestations bound to this ledger"
	checkAgainst    checkID = "earlier states that this ledger continues"
	checkAssessed   checkID = "results recomputed from evidence and rules"
	checkWorkbook   checkID = "workbook parts written anew, equal"
)

// The checks of stores.
const (
	storeEntries  checkID = "entries under the signed checkpoint"
	storeEvidence checkID = "evidence in its run, revisions in order"
	storeRuns     checkID = "runs with matching counts"
	storeStates   checkID = "sources with cursors as their last run left them"
	storePayloads checkID = "payloads with matching digest"
	storeErased   checkID = "payloads erased, with their entry"
)

// countedRows ends the names of checks that count the rows of a sheet.
const countedRows = " rows"

// Explained says of a check how it was made, what it shows, and what it does
// not.
type Explained struct {
	How      string `json:"how"`
	Shows    string `json:"shows"`
	ShowsNot string `json:"does_not_show"`
}

// Explain returns the explanation of a check, by its name.
func Explain(name string) (Explained, bool) {
	if strings.HasSuffix(name, countedRows) {
		return Explained{"The rows of the sheet were counted, those of its continuations too, and compared with the number in the seal.",
			"No row was added to it or taken out since it was signed.", "What stands in the rows."}, true
	}
	if e, ok := ofStores()[checkID(name)]; ok {
		return e, ok
	}
	e, ok := explanations()[checkID(name)]
	return e, ok
}

// ofStores explains the checks that only a store allows.
func ofStores() map[checkID]Explained {
	return map[checkID]Explained{
		storeEntries: {"Every line was read in its strict form, the Merkle tree (RFC 6962) computed over all of them, and its root, their order and times compared with the signed checkpoint.",
			"No entry was added, dropped, moved or changed since the checkpoint was signed.", "That the ledger itself was not written anew by the key's holder: hold it against an earlier checkpoint with --since."},
		storeEvidence: {"Each item of evidence was looked up in the run that it names, the revisions of each key were counted, and every index row was compared with its line.",
			"No revision is missing, and what queries find is what the ledger holds.", "What a run did not see."},
		storeRuns: {"What each run says it read when it closed was compared with its lines.",
			"No line was taken from a run that was closed, and none was slipped in.", "That the source told the truth about its counts."},
		storeStates: {"The cursors and validators of each source were compared with the digest that its last closed run left.",
			"Nobody moved where reading goes on, so that records would be passed over.", "Sources that a run is open for: theirs may have moved since."},
		storePayloads: {"SHA-256 of every payload was compared with the ledger lines that name it.",
			"What is stored is what was read.", "That the source was right."},
		storeErased: {"For every payload that is not there, the entry that erased it was looked up.",
			"Nothing was erased without a record of who did it and why.", "What the erased payloads said."},
	}
}

func explanations() map[checkID]Explained {
	return map[checkID]Explained{
		checkFiles: {"The signature over the manifest was checked, then SHA-256 and size of every file in the archive, as it lies there and unpacked, against the manifest's list. Every byte between the files was computed and compared.",
			"No bit of the archive was changed since it was signed.", "That what was signed is true."},
		checkCheckpoint: {"The signature over origin, size and root of the ledger was checked with the same key.",
			"The holder of the key vouches for exactly this ledger.", "Whose key it is, unless it was given with --key."},
		checkEntries: {"The Merkle tree (RFC 6962) was computed over every ledger line in the bundle and the hashes of those that are not, and its root compared with the signed one.",
			"Every line lies in the signed ledger at its position; none was added, dropped, moved or changed.", "That the ledger itself was not written anew by the key's holder: hold it against an earlier state with --against."},
		checkCited: {"Each evidence id in the assessment was looked up among the SHA-256 of the ledger lines.",
			"Every result rests on evidence that is in the ledger.", "That the result follows from it: that is what recomputing shows."},
		checkHistory: {"For each source, kind and key the revisions were counted; for each run what it says it read when it closed was compared with its lines.",
			"No evidence line is missing from a run that was closed, and none was slipped in.", "What a run did not see."},
		checkRuns: {"Each run's manifest was made anew from the lines that opened and closed it and compared byte for byte.",
			"Parameters, identity, counts and gaps are those in the ledger.", "That the source told the truth about its counts."},
		checkPayloads: {"SHA-256 and size of every evidence file were compared with the ledger line that names it; no other file is there and none is missing but what was erased or is hidden.",
			"What is shown is what was read.", "That the source was right."},
		checkRedacted: {"Which payloads the profile hides was worked out from the ledger lines and compared with the list in the bundle.",
			"Nothing is hidden but what the profile names, and all of it is listed with its digest.", "What the hidden payloads say: hold one that you are shown against its digest."},
		checkEvents: {"For each result that states when something happened, that time was looked up in the ledger line of its evidence.",
			"Event times were not moved.", "Times that an expectation takes from within a record; they are counted in a note."},
		checkRows: {"Every row of the Evidence sheets was compared with the ledger line at the position that it states: id, payload, both times.",
			"The workbook shows the evidence that is in the ledger.", "The texts of the other cells: recomputing compares them."},
		checkParts: {"SHA-256 of every part of the workbook was compared with the signed list in it.",
			"No cell, style, link, name or setting was changed since it was signed.", "That the values are right: a bundle shows that."},
		checkAttested: {"Each note that somebody else attested was opened with the ledger's key, and the consistency proof from it to this checkpoint was computed.",
			"What they saw is the beginning of this ledger.", "Who they are: a time-stamp's chain and a witness's key have to be checked against keys obtained elsewhere."},
		checkAgainst: {"The root over the first lines was computed at the size of each earlier state and compared.",
			"Nothing that was there then was changed or dropped since.", "What was changed before anybody kept a state."},
		checkAssessed: {"The rules in the bundle were compiled, all evidence was applied to them, and the assessment was made anew as of the same instant.",
			"Every status, reason and date follows from the evidence and the rules, byte for byte.", "That the rules are the right ones: they are in rules/, with what the organisation changed in rules/own/."},
		checkWorkbook: {"The workbook was written anew from ledger, rules and request, and compared with the one in the bundle, byte for byte up to its signature.",
			"Every cell, link, status and style follows from the evidence and the rules.", "What a reader concludes."},
	}
}
