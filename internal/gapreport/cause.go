package gapreport

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// Cause is why something falls short.
type Cause string

// The four causes, in the order of reports.
const (
	Control       Cause = "control"
	Owner         Cause = "owner"
	Documentation Cause = "documentation"
	Approval      Cause = "approval"
)

// Causes returns all of them.
func Causes() []Cause { return []Cause{Control, Owner, Documentation, Approval} }

// Title says a cause to people.
func (c Cause) Title() string {
	switch c {
	case Owner:
		return "Unclear owner"
	case Documentation:
		return "Weak documentation"
	case Approval:
		return "Inconsistent approval"
	}
	return "Missing control"
}

// What decided about a cause.
const (
	FromExpectation = "expectation"
	FromReason      = "reason"
)

// approvalPhrases say of an approval that it is not there, too late, by the
// wrong person, or of another text.
func approvalPhrases() []string {
	return []string{
		"not approved", "never approved", "nobody approved", "no second person approved", "nobody but its assessor",
		"nobody is named as approver", "names nobody who approved",
		"no approval ", "without approval", "approved by its ", "approved by the holder", "approved by who ", "approved by the system",
		"approved by somebody who", "approved only ", "approved for another tier", "approved at an older commit", "requirements first approved on",
		"is not the one that", "was rejected after it had been approved", "not approved by a second person", "nobody else agreed", "no approval precedes",
		"reviewed, never approved", "decided only ", "decided by who asked",
	}
}

// ownerPhrases say that nobody is named, or nobody who is still there.
func ownerPhrases() []string {
	return []string{
		"names no owner", "no owner is named", "no deputy is named", "nobody is named", "nobody owns", "nobody owned", "owned by nobody", "nobody holds",
		"held by nobody", "no owner or", "without owner", "nobody is assigned", "nobody handles it", "is no longer active", "names nobody who answers",
		"belongs to no registered system", "nothing is known of the owner", "nothing is known of the deputy",
	}
}

var quoted = regexp.MustCompile(`"[^"]*"`)

// CauseOf says why a result falls short, and what that was taken from: the
// expectation, which states a cause, or the result's reason.
func CauseOf(stated string, status assess.Status, reason string) (cause Cause, from string) {
	cause = Control
	for _, c := range Causes() {
		if string(c) == stated {
			cause = c
		}
	}
	if status != assess.StatusFailing && status != assess.StatusMissing {
		return cause, FromExpectation
	}
	said := strings.ToLower(quoted.ReplaceAllString(reason, ""))
	says := func(phrases []string) bool {
		for _, p := range phrases {
			if strings.Contains(said, p) {
				return true
			}
		}
		return false
	}
	refined := cause
	switch {
	case says(approvalPhrases()):
		refined = Approval
	case says(ownerPhrases()):
		refined = Owner
	}
	if refined != cause {
		return refined, FromReason
	}
	return cause, FromExpectation
}
