package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// log is a log kept as tiles, as a store keeps it.
type log struct {
	lines [][]byte
	tiles map[[2]int64][]byte
}

func (l *log) read(level int, n int64) ([]byte, error) {
	d, ok := l.tiles[[2]int64{int64(level), n}]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return d, nil
}

// grow appends n lines through a frontier that is read anew each time.
func (l *log) grow(t *testing.T, n int) tlog.Hash {
	t.Helper()
	f, err := NewFrontier(int64(len(l.lines)), l.read)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		line := fmt.Appendf(nil, "line %d", len(l.lines))
		l.lines = append(l.lines, line)
		f.Append(LeafHash(line))
	}
	for _, tile := range f.Drain() {
		l.tiles[[2]int64{int64(tile.Level), tile.N}] = tile.Data
	}
	if f.Size() != int64(len(l.lines)) {
		t.Fatalf("frontier has %d leaves, want %d", f.Size(), len(l.lines))
	}
	return f.Root()
}

// plain is tlog's own storage of hashes.
type plain []tlog.Hash

func (p *plain) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = (*p)[x]
	}
	return out, nil
}

// TestTiles grows a log in random steps past two full tiles of level 1's
// children, and compares every root and many hashes with tlog's.
func TestTiles(t *testing.T) {
	l := &log{tiles: map[[2]int64][]byte{}}
	var want plain
	r := rand.New(rand.NewPCG(3, 4))
	steps := []int{0, 1, 1, 254, 1, 255, 256, 257, 1000}
	for len(l.lines) < 70_000 {
		var step int
		if len(steps) > 0 {
			step, steps = steps[0], steps[1:]
		} else {
			step = r.IntN(9000)
		}
		from := len(l.lines)
		root := l.grow(t, step)
		for n := from; n < len(l.lines); n++ {
			hs, err := tlog.StoredHashes(int64(n), l.lines[n], &want)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, hs...)
		}
		wantRoot, err := tlog.TreeHash(int64(len(l.lines)), &want)
		if err != nil {
			t.Fatal(err)
		}
		if root != wantRoot {
			t.Fatalf("root of %d lines is %s, want %s", len(l.lines), root, wantRoot)
		}
	}
	h := Hashes(l.read)
	for range 5000 {
		i := r.Int64N(int64(len(want)))
		got, err := h.ReadHashes([]int64{i})
		if err != nil {
			t.Fatal(err)
		}
		if got[0] != want[i] {
			t.Fatalf("hash %d differs", i)
		}
	}
	if len(l.tiles) > len(l.lines)/256+5 {
		t.Errorf("%d tiles for %d lines", len(l.tiles), len(l.lines))
	}
}

// TestReuse: with memory given back the tree grows as without, past a full tile of
// level 1, and tiles that were not given back stay as they are.
func TestReuse(t *testing.T) {
	keeps, reuses := &Frontier{}, &Frontier{}
	var kept, upper []Tile
	for n := range TileWidth*TileWidth + 5*TileWidth + 7 {
		leaf := LeafHash(fmt.Appendf(nil, "line %d", n))
		keeps.Append(leaf)
		reuses.Append(leaf)
		if n%(3*TileWidth-1) > 0 {
			continue
		}
		for _, tile := range reuses.Full() {
			if tile.Level > 0 {
				upper = append(upper, tile)
				continue
			}
			kept = append(kept, Tile{tile.Level, tile.N, bytes.Clone(tile.Data)})
			reuses.Reuse(tile)
		}
		if got, want := reuses.Root(), keeps.Root(); got != want {
			t.Fatalf("root of %d leaves: %s, want %s", n+1, got, want)
		}
	}
	got, want := append(append(kept, upper...), reuses.Drain()...), make(map[[2]int64][]byte)
	for _, tile := range keeps.Drain() {
		want[[2]int64{int64(tile.Level), tile.N}] = tile.Data
	}
	if len(got) != len(want) || len(upper) != 1 {
		t.Errorf("%d tiles, %d of them full above level 0, want %d and 1", len(got), len(upper), len(want))
	}
	for _, tile := range got {
		if !bytes.Equal(tile.Data, want[[2]int64{int64(tile.Level), tile.N}]) {
			t.Errorf("tile %d/%d is not the same", tile.Level, tile.N)
		}
	}
}

func TestFrontierRefuses(t *testing.T) {
	l := &log{tiles: map[[2]int64][]byte{}}
	l.grow(t, 300)
	for name, size := range map[string]int64{"shorter": 299, "longer": 301, "missing tile": 1000} {
		if _, err := NewFrontier(size, l.read); err == nil {
			t.Errorf("%s: a frontier of %d leaves was made of tiles for 300", name, size)
		}
	}
	for _, index := range []int64{-1, tlog.StoredHashIndex(0, 300), tlog.StoredHashIndex(9, 0), 1 << 40} {
		if _, err := Hashes(l.read).ReadHashes([]int64{index}); err == nil {
			t.Errorf("hash %d was read", index)
		}
	}
	l.tiles[[2]int64{0, 1}] = l.tiles[[2]int64{0, 1}][:40]
	if _, err := Hashes(l.read).ReadHashes([]int64{tlog.StoredHashIndex(0, 257)}); err == nil {
		t.Error("a hash was read from a torn tile")
	}
}

func TestLeafHash(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 1022, 1023, 1024, 1025, 100_000} {
		line := bytes.Repeat([]byte{7}, n)
		if LeafHash(line) != tlog.RecordHash(line) {
			t.Errorf("leaf of %d bytes differs", n)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := ParseVerifier(key.Public() + "\n")
	if err != nil {
		t.Fatal(err)
	}
	c := Checkpoint{Origin: key.Origin(), Size: 42, Root: tlog.RecordHash([]byte("x"))}
	msg, err := c.Sign(key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenCheckpoint(msg, v)
	if err != nil || got != c {
		t.Fatalf("got %+v, %v, want %+v", got, err, c)
	}
	if got, err := UnverifiedCheckpoint(msg); err != nil || got != c {
		t.Errorf("unverified: %+v, %v", got, err)
	}
	// No byte of a note can be changed, taken away or added.
	for i := range msg {
		for _, bad := range [][]byte{
			append(append(bytes.Clone(msg[:i]), msg[i]^1), msg[i+1:]...),
			append(bytes.Clone(msg[:i]), msg[i+1:]...),
			append(append(bytes.Clone(msg[:i]), 'A'), msg[i:]...),
			msg[:i],
		} {
			if _, err := OpenCheckpoint(bad, v); err == nil {
				t.Fatalf("changed at byte %d and accepted:\n%s", i, bad)
			}
		}
	}
	other, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	ov, err := ParseVerifier(other.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCheckpoint(msg, ov); !errors.Is(err, ErrSignature) {
		t.Errorf("with another key: %v, want ErrSignature", err)
	}
	for name, text := range map[string]string{
		"another origin": "exhibit/x\n42\n" + c.Root.String() + "\n",
		"size -1":        c.Origin + "\n-1\n" + c.Root.String() + "\n",
		"size 042":       c.Origin + "\n042\n" + c.Root.String() + "\n",
		"size +42":       c.Origin + "\n+42\n" + c.Root.String() + "\n",
		"enormous size":  c.Origin + "\n99999999999999999999\n" + c.Root.String() + "\n",
		"short root":     c.Origin + "\n42\nAAAA\n",
		"loose root":     c.Origin + "\n42\n" + c.Root.String()[:42] + "B=\n",
		"extension":      c.Origin + "\n42\n" + c.Root.String() + "\nmore\n",
		"empty origin":   "\n42\n" + c.Root.String() + "\n",
		"two lines":      c.Origin + "\n42\n",
	} {
		msg, err := note.Sign(&note.Note{Text: text}, key.Signer())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCheckpoint(msg, v); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestConsistency(t *testing.T) {
	l := &log{tiles: map[[2]int64][]byte{}}
	seen := []Checkpoint{{Origin: "o", Root: l.grow(t, 0)}}
	for _, n := range []int{1, 2, 250, 3, 1, 600} {
		root := l.grow(t, n)
		seen = append(seen, Checkpoint{Origin: "o", Size: int64(len(l.lines)), Root: root})
	}
	now := seen[len(seen)-1]
	h := Hashes(l.read)
	for _, old := range seen {
		if err := CheckContinues(old, now, h); err != nil {
			t.Errorf("size %d to %d: %v", old.Size, now.Size, err)
		}
		if old.Size < now.Size {
			if err := CheckContinues(now, old, h); !errors.Is(err, ErrRollback) {
				t.Errorf("size %d back to %d: %v, want ErrRollback", now.Size, old.Size, err)
			}
		}
		forged := old
		forged.Root[5] ^= 1
		if err := CheckContinues(forged, now, h); !errors.Is(err, ErrFork) {
			t.Errorf("forged root at %d: %v, want ErrFork", old.Size, err)
		}
		if old.Size == 0 || old.Size == now.Size {
			continue
		}
		p, err := ProveConsistency(old.Size, now.Size, h)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p {
			bad := append([]tlog.Hash(nil), p...)
			bad[i][0] ^= 1
			if err := VerifyConsistency(old, now, bad); !errors.Is(err, ErrFork) {
				t.Errorf("proof with a wrong hash %d: %v, want ErrFork", i, err)
			}
		}
		if err := VerifyConsistency(old, now, p[1:]); !errors.Is(err, ErrFork) {
			t.Errorf("short proof: %v, want ErrFork", err)
		}
	}
	for _, seq := range []int64{0, 1, 255, 256, now.Size - 1} {
		p, err := ProveInclusion(now.Size, seq, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyInclusion(now, seq, l.lines[seq], p); err != nil {
			t.Error(err)
		}
		for _, wrong := range []int64{seq - 1, seq + 1, -1, now.Size} {
			if err := VerifyInclusion(now, wrong, l.lines[seq], p); !errors.Is(err, ErrProof) {
				t.Errorf("entry %d as %d: %v, want ErrProof", seq, wrong, err)
			}
		}
	}
	if _, err := ProveInclusion(now.Size, now.Size, h); err == nil {
		t.Error("proved an entry that is not there")
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "signing.key")
	if _, err := LoadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadKey of nothing: %v", err)
	}
	var wg sync.WaitGroup
	publics := make([]string, 8)
	for i := range publics {
		wg.Go(func() {
			k, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			publics[i] = k.Public()
		})
	}
	wg.Wait()
	for _, p := range publics {
		if p != publics[0] {
			t.Errorf("two keys were made: %s and %s", publics[0], p)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the key: %v (%v)", entries, err)
	}
	k, err := LoadKey(path)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%v", *k)} {
		if strings.Contains(text, "PRIVATE") || strings.Contains(text, strings.TrimSpace(string(secret))[40:]) {
			t.Errorf("a key prints its secret: %s", text)
		}
	}
	pub := filepath.Join(t.TempDir(), "exhibit.pub")
	if err := os.WriteFile(pub, []byte(k.Public()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	v, err := LoadVerifier(pub)
	if err != nil || v.Name() != k.Origin() {
		t.Errorf("verifier %v, %v", v, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path); err != nil {
		t.Errorf("a key that its group may read, as in a mounted secret: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "nonsense", string(secret[:len(secret)/2]), k.Public()} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadOrCreateKey(path)
		if err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("key file of %d bytes: %v", len(bad), err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != bad {
			t.Errorf("a damaged key was replaced (%v)", err)
		}
	}
	if err := os.WriteFile(path, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadVerifier(path); err == nil || strings.Contains(err.Error(), strings.TrimSpace(string(secret))) {
		t.Errorf("a signing key was taken for a verifier key: %v", err)
	}
}

// FuzzCheckpoint: text that is accepted is what the checkpoint gives back.
func FuzzCheckpoint(f *testing.F) {
	f.Add("exhibit/1\n7\n" + tlog.RecordHash(nil).String() + "\n\n— x AAAA\n")
	f.Fuzz(func(t *testing.T, msg string) {
		c, err := UnverifiedCheckpoint([]byte(msg))
		if err == nil && !strings.HasPrefix(msg, c.Text()+"\n") {
			t.Fatalf("%q was read as %+v", msg, c)
		}
	})
}
