package zipform_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

// file is an entry of a test archive.
type file struct {
	name    string
	content string
	level   zipform.Level
}

var sample = []file{
	{"a.txt", "alpha", zipform.Store},
	{"b/c.json", strings.Repeat(`{"k":1}`, 200), zipform.Fast},
	{"b/d.xml", strings.Repeat("<r>é</r>", 300), zipform.Normal},
	{"empty", "", zipform.Normal},
}

func build(t *testing.T, files []file) ([]byte, []zipform.Part) {
	t.Helper()
	var buf bytes.Buffer
	var parts []zipform.Part
	w := zipform.NewWriter(&buf, t.TempDir())
	for _, f := range files {
		p, err := w.AddBytes(f.name, []byte(f.content), f.level)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes(), parts
}

// read returns every part and content, or the first error.
func read(b []byte) (parts []zipform.Part, contents []string, err error) {
	r, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, nil, err
	}
	for it, err := range r.Items() {
		if err != nil {
			return nil, nil, err
		}
		c, err := io.ReadAll(it)
		if err != nil {
			return nil, nil, err
		}
		p, err := it.Finish()
		if err != nil {
			return nil, nil, err
		}
		parts, contents = append(parts, p), append(contents, string(c))
	}
	return parts, contents, nil
}

func TestRoundTrip(t *testing.T) {
	b, want := build(t, sample)
	got, contents, err := read(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("parts (-written +read):\n%s", d)
	}
	for i, f := range sample {
		if contents[i] != f.content {
			t.Errorf("%s: content differs", f.name)
		}
	}
	if again, _ := build(t, sample); !bytes.Equal(b, again) {
		t.Error("the same entries gave other bytes")
	}
}

// The standard library, which nobody here wrote, must read the form too.
func TestStandardReaderReadsIt(t *testing.T) {
	b, _ := build(t, sample)
	zr, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, f := range zr.File {
		names = append(names, f.Name)
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		c, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		if string(c) != sample[i].content {
			t.Errorf("%s: content differs", f.Name)
		}
		if y := f.Modified.Year(); y != 1980 && y != 1979 {
			t.Errorf("%s: modified %v", f.Name, f.Modified)
		}
	}
	if d := cmp.Diff([]string{"a.txt", "b/c.json", "b/d.xml", "empty"}, names); d != "" {
		t.Error(d)
	}
}

// Every changed byte must be seen: by the form, by a checksum, or in the
// parts' sums, which a caller compares with a signed list.
func TestEveryByteCounts(t *testing.T) {
	b, want := build(t, sample)
	for i := range b {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			changed := bytes.Clone(b)
			changed[i] ^= flip
			got, _, err := read(changed)
			if err == nil && cmp.Equal(want, got) {
				t.Fatalf("byte %d of %d xor %#x was not noticed", i, len(b), flip)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good, _ := build(t, sample)
	other, _ := build(t, sample[:2])
	foreign := func(change func(*zip.Writer)) []byte {
		var buf bytes.Buffer
		zw := zip.NewWriter(&buf)
		change(zw)
		if err := zw.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	tests := []struct {
		name string
		data []byte
	}{
		{"nothing", nil},
		{"text", []byte(strings.Repeat("not a zip ", 10))},
		{"truncated", good[:len(good)-1]},
		{"half", good[:len(good)/2]},
		{"appended", append(bytes.Clone(good), 0)},
		{"prepended", append([]byte("MZ"), good...)},
		{"two archives", append(bytes.Clone(other), good...)},
		{"second directory", append(bytes.Clone(good), other[len(other)-endOf(other):]...)},
		{"archive comment", foreign(func(w *zip.Writer) { check(t, w.SetComment("hello")) })},
		{"foreign writer", foreign(func(w *zip.Writer) { _, err := w.Create("a"); check(t, err) })},
		{"symlink", foreign(func(w *zip.Writer) {
			h := &zip.FileHeader{Name: "a"}
			h.SetMode(0o777 | 1<<27)
			_, err := w.CreateRaw(h)
			check(t, err)
		})},
		{"traversal", raw(t, "../evil")},
		{"absolute", raw(t, "/etc/passwd")},
		{"backslash", raw(t, `a\b`)},
		{"bomb", bomb()},
		{"many entries claimed", claimMany(good)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(tt.data)
			if !errors.Is(err, zipform.ErrForm) {
				t.Fatalf("got error %v, want ErrForm", err)
			}
			if len(err.Error()) > 600 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func endOf(b []byte) int {
	return len(b) - int(binary.LittleEndian.Uint32(b[len(b)-6:]))
}

// raw makes an archive in the form but for a name that Writer refuses, by
// writing an innocent name of the same length and replacing it.
func raw(t *testing.T, name string) []byte {
	innocent := strings.Repeat("x", len(name))
	b, _ := build(t, []file{{innocent, "c", zipform.Store}})
	return bytes.ReplaceAll(b, []byte(innocent), []byte(name))
}

// bomb claims 4 GB in a few bytes, in both headers.
func bomb() []byte {
	var buf bytes.Buffer
	w := zipform.NewWriter(&buf, "")
	p, err := w.AddBytes("a", []byte("aaaa"), zipform.Normal)
	if err != nil {
		panic(err)
	}
	buf.Reset()
	w = zipform.NewWriter(&buf, "")
	p.Size = 1 << 32
	if err := w.Add(p, strings.NewReader(strings.Repeat("a", int(p.Packed)))); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

func claimMany(good []byte) []byte {
	b := bytes.Clone(good)
	binary.LittleEndian.PutUint16(b[len(b)-14:], 65000)
	binary.LittleEndian.PutUint16(b[len(b)-12:], 65000)
	return b
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "/a", "a//b", "a/", "..", "a/../b", "./a", "a\x00b", "é", "a b", strings.Repeat("a", 241)} {
		if zipform.CheckName(name) == nil {
			t.Errorf("name %q was accepted", name)
		}
		w := zipform.NewWriter(io.Discard, "")
		if _, err := w.AddBytes(name, nil, zipform.Store); err == nil {
			t.Errorf("entry %q was written", name)
		}
	}
	for _, name := range []string{"[Content_Types].xml", "_rels/.rels", "evidence/" + strings.Repeat("a", 64) + ".json"} {
		if err := zipform.CheckName(name); err != nil {
			t.Error(err)
		}
	}
}

// An archive with more entries than the old end record can say.
func TestLargeArchive(t *testing.T) {
	var buf bytes.Buffer
	w := zipform.NewWriter(&buf, t.TempDir())
	const n = 70_000
	for i := range n {
		if _, err := w.AddBytes(fmt.Sprintf("f/%d", i), []byte{byte(i)}, zipform.Store); err != nil {
			t.Fatal(err)
		}
	}
	check(t, w.Close())
	zr, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil || len(zr.File) != n {
		t.Fatalf("standard reader: %v", err)
	}
	parts, _, err := read(buf.Bytes())
	if err != nil || len(parts) != n {
		t.Fatalf("%d entries, %v", len(parts), err)
	}
}

// Large contents are packed in pieces, side by side; the bytes must not depend
// on how many at once, and any reader must join them.
func TestLargeContent(t *testing.T) {
	var content bytes.Buffer
	for i := 0; content.Len() < 5<<20+12345; i++ {
		fmt.Fprintf(&content, "<row r=\"%d\"><c>%x</c></row>", i, i*i*2654435761)
	}
	var first []byte
	for _, procs := range []int{1, 2, 3, 8} {
		before := runtime.GOMAXPROCS(procs)
		var buf bytes.Buffer
		w := zipform.NewWriter(&buf, t.TempDir())
		for _, size := range []int{content.Len(), 1 << 20, 1<<20 + 1, 0, 3} {
			_, err := w.AddFrom(fmt.Sprint("f", size), zipform.Normal, func(w io.Writer) error {
				_, err := io.Copy(w, bytes.NewReader(content.Bytes()[:size]))
				return err
			})
			check(t, err)
		}
		check(t, w.Close())
		runtime.GOMAXPROCS(before)
		if first == nil {
			first = buf.Bytes()
		}
		if !bytes.Equal(first, buf.Bytes()) {
			t.Fatalf("%d at once gave other bytes", procs)
		}
	}
	_, contents, err := read(first)
	check(t, err)
	if contents[0] != content.String() || len(contents[2]) != 1<<20+1 || contents[4] != content.String()[:3] {
		t.Error("read back otherwise")
	}
	zr, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	check(t, err)
	for i, f := range zr.File {
		rc, err := f.Open()
		check(t, err)
		c, err := io.ReadAll(rc)
		check(t, err)
		if string(c) != contents[i] {
			t.Errorf("%s: the standard reader reads otherwise", f.Name)
		}
	}
}

func FuzzRead(f *testing.F) {
	var buf bytes.Buffer
	w := zipform.NewWriter(&buf, "")
	for _, s := range sample {
		if _, err := w.AddBytes(s.name, []byte(s.content), s.level); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, contents, err := read(b)
		if err != nil {
			return
		}
		// Whatever is accepted is what the writer makes of the same packed data.
		r, err := zipform.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if uint64(len(parts)) != r.Count() || len(contents) != len(parts) {
			t.Fatalf("%d parts of %d", len(parts), r.Count())
		}
		var total int
		for _, p := range parts {
			total += int(p.Packed) + 30 + 46 + 2*len(p.Name)
		}
		if total+22 != len(b) {
			t.Fatalf("%d bytes accounted for of %d", total+22, len(b))
		}
	})
}
