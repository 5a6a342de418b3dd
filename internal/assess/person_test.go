package assess

import (
	"testing"

	"github.com/google/cel-go/common/types"
)

func TestSamePerson(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"bob", "bob", true}, {"Bob ", "bob", true}, {"\tBOB\n", "bob", true}, {"bob\u00a0", "bob", true},
		{"Bob  Smith", "bob smith", true}, {"JÖRG", "jörg", true}, {"\u212aim", "kim", true}, {"ſue", "SUE", true},
		{" ", "", true}, {"bob", "", false}, {"bob", "bobby", false}, {"bobsmith", "bob smith", false},
		{"bob.smith", "Bob Smith", true}, {"bob_smith", "bob-smith", true}, {"@bob", "bob", true}, {"bob\u200b", "bob", true},
		{"bob\u00adby", "bobby", true}, {"bob@acme.com", "bob@other.com", false}, {"-", "", true},
	} {
		if got := samePerson(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.a, c.b, got, c.want)
		}
		if samePerson(c.b, c.a) != c.want {
			t.Errorf("%q and %q the other way round", c.b, c.a)
		}
	}
}

func TestGiven(t *testing.T) {
	for _, c := range []struct {
		text                     string
		said, person, answerable bool
	}{
		{"", false, false, false}, {" \t", false, false, false}, {"-", false, false, false}, {"\u2014", false, false, false},
		{"?", false, false, false}, {"...", false, false, false}, {"n/a", false, false, false}, {" N/A ", false, false, false},
		{"TBD", false, false, false}, {"to do", false, false, false}, {"none", true, false, false}, {"Nobody", true, false, false},
		{"unknown", true, false, false}, {"bob", true, true, true}, {"dependabot[bot]", true, true, false}, {"7", true, true, true},
		{"n/a for a model without prompts", true, true, true}, {"\u738b", true, true, true}, {"nobody else than bob", true, true, true},
	} {
		v := types.String(c.text)
		if filled(v) != types.Bool(c.said) || named(v) != types.Bool(c.person) || answerable(v) != types.Bool(c.answerable) {
			t.Errorf("%q: %v, %v, %v", c.text, filled(v), named(v), answerable(v))
		}
		list := types.DefaultTypeAdapter.NativeToValue([]string{"-", c.text})
		if filled(list) != types.Bool(c.said) {
			t.Errorf("%q in a list: %v", c.text, filled(list))
		}
	}
	if says(types.NullValue) == types.True || says(types.String("-")) == types.True || says(types.Bool(false)) != types.True {
		t.Error("null, a sign and a truth value")
	}
	if filled(types.DefaultTypeAdapter.NativeToValue([]string{})) == types.True ||
		filled(types.DefaultTypeAdapter.NativeToValue(map[string]string{})) == types.True ||
		filled(types.DefaultTypeAdapter.NativeToValue([]int{0})) != types.True || filled(types.Int(0)) != types.True {
		t.Error("lists, maps and numbers")
	}
}
