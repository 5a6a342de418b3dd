package assess

import "testing"

func TestSamePerson(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"bob", "bob", true}, {"Bob ", "bob", true}, {"\tBOB\n", "bob", true}, {"bob\u00a0", "bob", true},
		{"Bob  Smith", "bob smith", true}, {"JÖRG", "jörg", true}, {"\u212aim", "kim", true}, {"ſue", "SUE", true},
		{" ", "", true}, {"bob", "", false}, {"bob", "bobby", false}, {"bobsmith", "bob smith", false},
	} {
		if got := samePerson(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.a, c.b, got, c.want)
		}
		if samePerson(c.b, c.a) != c.want {
			t.Errorf("%q and %q the other way round", c.b, c.a)
		}
	}
}
