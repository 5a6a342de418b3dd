package verify

// checkID names a check in Explained.
type checkID string

// The checks of bundles, workbooks and stores.
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

// Explained says of a check how it was made, what it shows, and what it does
// not.
type Explained struct {
	How      string `json:"how"`
	Shows    string `json:"shows"`
	ShowsNot string `json:"does_not_show"`
}

// Explain returns the explanation of a check, by its name.
func Explain(name string) (Explained, bool) {
	e, ok := explanations()[checkID(name)]
	return e, ok
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
