package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCleanParts: only parts that show the program's file as it is are dropped.
func TestCleanParts(t *testing.T) {
	const smaps = `00400000-00402000 r--p 00000000 fe:00 1  /opt/exhibit
Rss:                   8 kB
Anonymous:             0 kB
00402000-02755000 r-xp 00002000 fe:00 1  /opt/exhibit
Rss:                   8 kB
Anonymous:             0 kB
050c8000-050c9000 r--p 04cc6000 fe:00 1  /opt/exhibit
Anonymous:             4 kB
050c9000-05295000 rw-p 04cc7000 fe:00 1  /opt/exhibit
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2  /opt/other
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0
Anonymous:          4096 kB
`
	want := []part{{0x400000, 0x402000}, {0x402000, 0x2755000}}
	if diff := cmp.Diff(want, cleanParts([]byte(smaps), "/opt/exhibit"), cmp.AllowUnexported(part{})); diff != "" {
		t.Error(diff)
	}
}

// TestDropProgram: the process goes on with its pages given back, finds itself in
// the real table, and nothing is read around what it needs again.
func TestDropProgram(t *testing.T) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	if len(cleanParts(raw, exe)) == 0 {
		t.Errorf("no part of %s is in\n%s", exe, raw)
	}
	for _, cached := range []bool{false, true} {
		if err := dropProgram(cached); err != nil {
			t.Error(err)
		}
	}
	if raw, err = os.ReadFile("/proc/self/smaps"); err != nil {
		t.Fatal(err)
	}
	for _, p := range cleanParts(raw, exe) {
		_, after, _ := bytes.Cut(raw, fmt.Appendf(nil, "%08x-%08x r", p.from, p.to))
		if _, flags, _ := bytes.Cut(after, []byte("VmFlags:")); !bytes.Contains(bytes.SplitN(flags, []byte("\n"), 2)[0], []byte(" rr ")) {
			t.Errorf("around the pages of %x-%x others are read", p.from, p.to)
		}
	}
}
