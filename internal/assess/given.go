package assess

import (
	"strings"
	"unicode"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// longestSign is the length in bytes of the longest text that is looked up.
const longestSign = 16

// filled reports whether a value says anything. A text without a letter or
// digit does not, nor does a sign for what is not there, such as n/a; a list
// does if one of its elements does.
func filled(v ref.Val) ref.Val { return said(v, saysNothing) }

// says is filled for a value that may be null, which says nothing.
func says(v ref.Val) ref.Val {
	if v == types.NullValue {
		return types.False
	}
	return filled(v)
}

// named is filled for a field that holds a person: nobody is none.
func named(v ref.Val) ref.Val { return said(v, namesNobody) }

// answerable is named for one who looks or decides: a machine cannot.
func answerable(v ref.Val) ref.Val { return said(v, noAnswerer) }

func noAnswerer(s string) bool {
	return namesNobody(s) || strings.HasSuffix(strings.ToLower(strings.TrimSpace(s)), "[bot]")
}

func said(v ref.Val, empty func(string) bool) ref.Val {
	switch x := v.(type) {
	case types.String:
		return types.Bool(!empty(string(x)))
	case traits.Lister:
		n, _ := x.Size().(types.Int)
		for i := range n {
			if s, ok := x.Get(i).(types.String); !ok || !empty(string(s)) {
				return types.True
			}
		}
		return types.False
	case traits.Sizer:
		return types.Bool(x.Size() != types.IntZero)
	}
	return types.True
}

func saysNothing(s string) bool {
	word := strings.IndexFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) >= 0
	return !word || sign(s, "n/a", "n.a.", "n. a.", "n/a.", "tbd", "t.b.d.", "tba", "tbc", "todo", "to do", "to be defined")
}

func namesNobody(s string) bool {
	return saysNothing(s) || sign(s, "none", "no one", "nobody", "not named", "unknown", "na", "null", "nil")
}

// sign reports whether s is one of the words.
func sign(s string, words ...string) bool {
	if len(s) > 4*longestSign {
		return false
	}
	s = strings.TrimSpace(s)
	if len(s) > longestSign {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(s, w) {
			return true
		}
	}
	return false
}

// filledName is the function that tells whether a field says anything: some
// fields name people, and some of those people have to look for themselves.
func filledName(field string) string {
	switch field {
	case "approved_by", "approver", "approvers", "reviewer", "reviewed_by", "accepted_by", "verified_by", "decision_by", "decided_by",
		"deviation_approved_by", "extension_approved_by", "acked_by", "completed_by", "assessor", "chair", "auditor":
		return "@answerable"
	case "owner", "deputy", "author", "accountable", "accepters", "acquired_by", "assignee", "captured_by", "evaluated_by", "evaluator",
		"extended_by", "implemented_by", "modified_by", "performed_by", "person", "proposed_by", "requested_by", "run_by", "sender", "who", "org", "vendor", "partner", "customer":
		return "@named"
	}
	return "@filled"
}
