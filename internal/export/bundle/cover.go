package bundle

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// coverFirst is the first line of ledger/cover.txt.
const coverFirst = "exhibit cover v1"

// CoverItem is a stretch of the ledger: either entries whose lines the bundle
// has, or one whole subtree of which it has the hash.
type CoverItem struct {
	From, To int64 // positions From ≤ n < To
	Node     bool
	Level    int // of the node
	Hash     tlog.Hash
}

// positions is a set of ledger positions, one bit each.
type positions struct {
	bits []uint64
	size int64
}

func newPositions(size int64) *positions {
	return &positions{bits: make([]uint64, (size+63)/64), size: size}
}

func (p *positions) add(n int64) error {
	if n < 0 || n >= p.size {
		return fmt.Errorf("ledger position %d is beyond the checkpoint at %d", n, p.size)
	}
	p.bits[n/64] |= 1 << (n % 64)
	return nil
}

// fill adds every position below n.
func (p *positions) fill(n int64) {
	for i := range n / 64 {
		p.bits[i] = ^uint64(0)
	}
	for i := n / 64 * 64; i < n; i++ {
		p.bits[i/64] |= 1 << (i % 64)
	}
}

func (p *positions) has(n int64) bool { return p.bits[n/64]&(1<<(n%64)) != 0 }

// stretches calls visit for each longest run of positions that are all in the
// set or all not, from the left; none crosses split.
func (p *positions) stretches(split int64, visit func(from, to int64, in bool) error) error {
	for from := int64(0); from < p.size; {
		in, to := p.has(from), from+1
		for to < p.size && to != split && p.has(to) == in {
			to++
		}
		if err := visit(from, to, in); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// nodes splits a stretch into the fewest whole subtrees.
func nodes(from, to int64) []CoverItem {
	var out []CoverItem
	for from < to {
		level := 62
		if from > 0 {
			level = bits.TrailingZeros64(uint64(from))
		}
		for from+1<<level > to || from+1<<level < 0 {
			level--
		}
		out = append(out, CoverItem{From: from, To: from + 1<<level, Node: true, Level: level})
		from += 1 << level
	}
	return out
}

// writeCover writes the whole ledger as stretches of entries and hashes of the
// subtrees between them, split where the assessment was made.
func writeCover(w io.Writer, have *positions, assessed int64, r tlog.HashReader) error {
	bw := bufio.NewWriter(w)
	fmt.Fprintf(bw, "%s\nsize %d\nassessed %d\n", coverFirst, have.size, assessed)
	err := have.stretches(assessed, func(from, to int64, in bool) error {
		if in {
			fmt.Fprintf(bw, "entries %d %d\n", from, to)
			return nil
		}
		items := nodes(from, to)
		indexes := make([]int64, len(items))
		for i, it := range items {
			indexes[i] = tlog.StoredHashIndex(it.Level, it.From>>it.Level)
		}
		hashes, err := r.ReadHashes(indexes)
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		for i, it := range items {
			fmt.Fprintf(bw, "node %d %d %s\n", it.Level, it.From>>it.Level, hex.EncodeToString(hashes[i][:]))
		}
		return nil
	})
	return errors.Join(err, bw.Flush())
}

// CoverReader reads ledger/cover.txt, one item after another, and refuses one
// that does not continue where the last ended.
type CoverReader struct {
	Size, Assessed int64
	sc             *bufio.Scanner
	at             int64
	line           int
}

// ReadCover reads the head of a cover.
func ReadCover(r io.Reader) (*CoverReader, error) {
	c := &CoverReader{sc: bufio.NewScanner(r)}
	c.sc.Buffer(make([]byte, 256), 256)
	if first, err := c.next(); err != nil || first != coverFirst {
		return nil, c.wrong("the line " + strconv.Quote(coverFirst))
	}
	for _, f := range []struct {
		name string
		to   *int64
	}{{"size", &c.Size}, {"assessed", &c.Assessed}} {
		line, err := c.next()
		n, ok := strings.CutPrefix(line, f.name+" ")
		if err != nil || !ok || !number(n, f.to) {
			return nil, c.wrong("a line with the " + f.name)
		}
	}
	if c.Assessed > c.Size {
		return nil, c.wrong("an assessed size of at most the size")
	}
	return c, nil
}

func (c *CoverReader) next() (string, error) {
	c.line++
	if !c.sc.Scan() {
		return "", errors.Join(io.EOF, c.sc.Err())
	}
	return c.sc.Text(), nil
}

func (c *CoverReader) wrong(want string) error {
	return fmt.Errorf("line %d: expected %s", c.line, want)
}

// Next returns the next item, or io.EOF when the whole ledger was covered.
func (c *CoverReader) Next() (CoverItem, error) {
	line, err := c.next()
	if err != nil {
		if c.at != c.Size {
			return CoverItem{}, c.wrong(fmt.Sprintf("what covers position %d", c.at))
		}
		return CoverItem{}, io.EOF
	}
	var it CoverItem
	f := strings.Split(line, " ")
	switch {
	case len(f) == 3 && f[0] == "entries" && number(f[1], &it.From) && number(f[2], &it.To):
	case len(f) == 4 && f[0] == "node":
		var level, index int64
		h, err := hex.DecodeString(f[3])
		if !number(f[1], &level) || !number(f[2], &index) || level > 62 || index >= 1<<(62-level) || err != nil || len(h) != tlog.HashSize ||
			hex.EncodeToString(h) != f[3] {
			return it, c.wrong("a node")
		}
		it = CoverItem{From: index << level, To: (index + 1) << level, Node: true, Level: int(level), Hash: tlog.Hash(h)}
	default:
		return it, c.wrong("entries or a node")
	}
	if it.From != c.at || it.To <= it.From || it.To > c.Size || it.From < c.Assessed && it.To > c.Assessed {
		return it, c.wrong(fmt.Sprintf("what covers position %d and goes not beyond %d", c.at, c.Size))
	}
	c.at = it.To
	return it, nil
}

// number reads a decimal number in its only form.
func number(s string, to *int64) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	*to = n
	return err == nil && n >= 0 && strconv.FormatInt(n, 10) == s
}

// Tree computes the root of a ledger from its pieces, left to right.
type Tree struct {
	size  int64
	stack []node
}

type node struct {
	level int
	hash  tlog.Hash
}

// Leaf adds an entry's line.
func (t *Tree) Leaf(line []byte) { t.push(0, tlog.RecordHash(line)) }

// Node adds a whole subtree.
func (t *Tree) Node(level int, h tlog.Hash) { t.push(level, h) }

func (t *Tree) push(level int, h tlog.Hash) {
	t.size += 1 << level
	for n := len(t.stack); n > 0 && t.stack[n-1].level == level; n = len(t.stack) {
		h = tlog.NodeHash(t.stack[n-1].hash, h)
		t.stack = t.stack[:n-1]
		level++
	}
	t.stack = append(t.stack, node{level, h})
}

// Size is how many positions were added.
func (t *Tree) Size() int64 { return t.size }

// Root is the root over what was added so far.
func (t *Tree) Root() (tlog.Hash, error) {
	if len(t.stack) == 0 {
		return tlog.TreeHash(0, nil)
	}
	h := t.stack[len(t.stack)-1].hash
	for i := len(t.stack) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.stack[i].hash, h)
	}
	return h, nil
}
