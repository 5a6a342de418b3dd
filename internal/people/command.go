package people

import (
	"encoding/json"
	"fmt"
)

// byCommand says which command makes the kinds of which every record is the
// act of a person, so that no file can speak for one.
var byCommand = map[string]string{
	KindWaiver:    "exhibit waive request, then exhibit waive approve",
	KindStatement: "exhibit applicability propose, then exhibit applicability approve",
	KindFile:      "exhibit review submit",
	KindSample:    "exhibit sample --record",
	KindRetest:    "exhibit retest",

	KindConclusion: "exhibit review import",
	KindSelection:  "exhibit review import",

	KindAttestation: "exhibit register attest",

	KindCaseDecision: "exhibit shadow decide",
}

// MadeBy names the command that makes the records of a kind, for kinds of which
// every record is the act of a person.
func MadeBy(kind string) (how string, ok bool) {
	if kind == KindUpload {
		return "exhibit review submit", true
	}
	how, ok = byCommand[kind]
	return how, ok
}

// FromFile refuses a record of a file that would stand for what people do by
// command: one person could write it, the approval of a second one included.
// What somebody handed in elsewhere may be brought along, its review may not.
func FromFile(kind string, payload []byte) error {
	if how, ok := byCommand[kind]; ok {
		return refuse(how, "a file cannot bring %s: it needs two people, or names who did it; use %s", kind, how)
	}
	if kind != KindUpload {
		return nil
	}
	var u Upload
	if err := json.Unmarshal(payload, &u); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	if u.Reviewer != "" || u.Decision != "" || !u.ReviewedAt.IsZero() {
		return refuse("leave reviewer, review_decision and reviewed_at out, and use exhibit review accept",
			"a file cannot bring the review of %s: leave reviewer, review_decision and reviewed_at out, then use exhibit review accept %s", u.ID, u.ID)
	}
	return nil
}
