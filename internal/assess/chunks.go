package assess

// chunks is a list that grows without moving what it holds, so that a large
// one never needs its memory twice.
type chunks[T any] struct {
	parts [][]T
	n     int
}

const (
	partBits = 12
	partSize = 1 << partBits
)

// add appends v and returns its place.
func (c *chunks[T]) add(v T) int {
	last := c.n >> partBits
	if last == len(c.parts) {
		var part []T
		if last > 0 { // a long list: whole parts at once
			part = make([]T, 0, partSize)
		}
		c.parts = append(c.parts, part)
	}
	c.parts[last] = append(c.parts[last], v)
	c.n++
	return c.n - 1
}

func (c *chunks[T]) at(i int) *T { return &c.parts[i>>partBits][i&(partSize-1)] }

// multimap finds slots by hash. Two hashes may share a bucket and, rarely,
// look alike; whoever reads it compares again.
type multimap struct {
	heads []uint32 // place of the first link + 1; a power of two long
	links chunks[link]
}

// link is one entry of a bucket.
type link struct {
	mark uint32 // the hash's upper half
	slot uint32
	next uint32 // place of the next link + 1
}

// put enters slot under hash.
func (m *multimap) put(hash uint64, slot uint32) {
	if m.links.n >= 2*len(m.heads) {
		m.grow()
	}
	mark := markOf(hash)
	b := bucketOf(mark, len(m.heads))
	m.heads[b] = uint32(m.links.add(link{mark: mark, slot: slot, next: m.heads[b]})) + 1
}

// grow doubles the buckets.
func (m *multimap) grow() {
	m.heads = make([]uint32, max(16, 2*len(m.heads)))
	for i := range m.links.n {
		l := m.links.at(i)
		b := bucketOf(l.mark, len(m.heads))
		l.next, m.heads[b] = m.heads[b], uint32(i)+1
	}
}

// markOf is the upper half of a hash, never 0.
func markOf(hash uint64) uint32 { return max(uint32(hash>>32), 1) }

func bucketOf(mark uint32, n int) uint32 { return mark & uint32(n-1) }

// each calls f for every slot entered under hash, and perhaps others.
func (m *multimap) each(hash uint64, f func(slot uint32)) {
	if len(m.heads) == 0 {
		return
	}
	mark := markOf(hash)
	for i := m.heads[bucketOf(mark, len(m.heads))]; i != 0; {
		l := m.links.at(int(i - 1))
		if l.mark == mark {
			f(l.slot)
		}
		i = l.next
	}
}
