package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`{}`, `{}`},
		{` { "b" : 1 , "a" : [ true , null , false ] } `, `{"a":[true,null,false],"b":1}`},
		{`{"peach":1,"péché":2,"pêche":3,"p":4}`, `{"p":4,"peach":1,"péché":2,"pêche":3}`},
		{`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`, `{"\r":2,"1":4,"` + "\u0080" + `":6,"ö":7,"€":1,"😀":5,"` + "\ufb33" + `":3}`},
		{`"\u000f\n\u0009\u0041'\u0042\u0022\\\/\u2028"`, `"\u000f\n\tA'B\"\\/` + "\u2028" + `"`},
		{`[0, -0, 1e2, 1.0, 0.10, 1E-7, 0.000001, 100e-2, -12.50, 9007199254740992, -9007199254740992, 1.7976931348623157e1]`,
			`[0,0,100,1,0.1,1e-7,0.000001,1,-12.5,9007199254740992,-9007199254740992,17.976931348623157]`},
		{`0.1`, `0.1`}, {`5e-324`, `5e-324`}, {`0.000e5`, `0`}, {`12345678901234.5`, `12345678901234.5`},
		{`{"a":{"a":{"a":[[[{}]]]}}}`, `{"a":{"a":{"a":[[[{}]]]}}}`},
	} {
		got, err := Canonical([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"nothing": ``, "space": ` `, "two values": `1 2`, "open": `{"a":1`, "comma": `[1,]`, "comment": `/**/1`,
		"name twice": `{"a":1,"a":1}`, "name twice, spelt differently": `{"a":1,"\u0061":2}`, "name twice, deep": `[{"b":{"x":1,"x":1}}]`,
		"not UTF-8": "\"\xff\"", "not UTF-8 in a name": "{\"\xc0\xaf\":1}", "half a pair": `"\ud800"`, "the wrong half": `"\udc00\ud800"`,
		"control character": "\"\x01\"", "leading zero": `01`, "plus": `+1`, "no digits": `-`, "hexadecimal": `0x10`, "dot only": `1.`,
		"not a number": `NaN`, "infinite": `Infinity`, "1e400": `1e400`, "-1e400": `-1e400`,
		"2^53+1": `9007199254740993`, "beyond 2^53, though exact": `9007199254740994`, "below": `-9007199254740993`,
		"far beyond": `1e300`, "written with a dot": `90071992547409930.0e0`, "hidden in an exponent": `9.007199254740993e15`,
		"too fine": `0.12345678901234567890`, "vanishing": `1e-400`, "nearly one": `1.00000000000000000001`,
		"absurd exponent": `1e-99999999999999999999`, "deep array": strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
		"depth bomb": strings.Repeat("[", 1<<20), "deep object": strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1),
		"byte order mark": "\ufeff1",
	} {
		if got, err := Canonical([]byte(in)); err == nil {
			t.Errorf("%s: accepted as %.60s", name, got)
		}
	}
	if _, err := CanonicalObject([]byte(`[]`)); err == nil {
		t.Error("an array was taken for an object")
	}
	if err := checkCanonicalObject([]byte(`{"b":1,"a":1}`)); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("unordered names: %v, want ErrNotCanonical", err)
	}
}

// FuzzCanonical: what is accepted is valid, means the same to encoding/json,
// and is its own canonical form; the fast way never disagrees with the long.
func FuzzCanonical(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2,3.5,"x\n\u00e9",true,null],"b":{"c":""}}`, `{"b":1,"a":2}`, `"\"\\"`, `[0,-0,10,1e5]`, `{"é":1}`, `{"a\n":1,"b":2}`,
		"\"\u2028é\"", `9007199254740993`, `[[[]]]`, `{"":{}}`, `-1`, `00`, `1.0`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		fast := isCanonical(in)
		v := jsontext.Value(bytes.Clone(in))
		slow := prescan(in)
		if slow == nil {
			slow = v.Canonicalize()
		}
		if fast && (slow != nil || !bytes.Equal(in, v)) {
			t.Fatalf("fast way says canonical; long way: %q, %v", v, slow)
		}
		got, err := Canonical(in)
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("not JSON: %q", got)
		}
		again, err := Canonical(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Fatalf("canonical form of %q is %q (%v)", got, again, err)
		}
		var a, b any
		if err := json.Unmarshal(in, &a); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", in, err)
		}
		if err := json.Unmarshal(got, &b); err != nil {
			t.Fatal(err)
		}
		x, xerr := json.Marshal(a)
		y, yerr := json.Marshal(b)
		if xerr != nil || yerr != nil || !bytes.Equal(bytes.ReplaceAll(x, []byte("-0"), []byte("0")), bytes.ReplaceAll(y, []byte("-0"), []byte("0"))) {
			t.Fatalf("%q means %s, its canonical form %s", in, x, y)
		}
	})
}

func BenchmarkCanonical(b *testing.B) {
	plain := []byte(`{"a":"` + strings.Repeat("some text, and more of it; ", 36) + `","b":12,"c":[1,2,3],"d":{"e":true}}`)
	for name, in := range map[string][]byte{"canonical": plain, "unordered": append([]byte(`{"z":1.50,`), plain[1:]...)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := Canonical(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
