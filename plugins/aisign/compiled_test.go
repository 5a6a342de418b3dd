package aisign

import (
	"errors"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "compile signatures/ anew")

// What is compiled in is what the files say, and the files are right.
func TestCompiled(t *testing.T) {
	want, err := read(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	b := pack(nil, reflect.ValueOf(*want))
	if *update {
		if err := os.WriteFile("signatures.bin", b, 0o644); err != nil {
			t.Fatal(err)
		}
		compiled = string(b)
	}
	if string(b) != compiled {
		t.Error("signatures/ has changed: go test ./plugins/aisign -run TestCompiled -update")
	}
	got := &data{}
	if err := unpack(string(b), got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("what is unpacked is not what was packed")
	}
	if err := want.check(); err != nil {
		t.Error(err)
	}
}

// What is damaged is an error, and never anything else.
func TestDamagedCompiled(t *testing.T) {
	for at := 0; at < len(compiled); at += 997 {
		if err := unpack(compiled[:at], &data{}); !errors.Is(err, errCompiled) {
			t.Errorf("cut at %d: %v", at, err)
		}
		for _, c := range []string{"\x00", "\x7f", "\xff"} {
			// Most of it is text, in which another letter is no fault: it is
			// only not to end badly.
			_ = unpack(compiled[:at]+c+compiled[at+1:], &data{})
		}
	}
	for _, more := range []string{"x", strings.Repeat("\xff", 20)} {
		if err := unpack(compiled+more, &data{}); !errors.Is(err, errCompiled) {
			t.Errorf("%q behind it: %v", more, err)
		}
	}
}
