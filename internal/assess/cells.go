package assess

import "encoding/binary"

// cells keeps the fields of a table's rows, each in as many bytes as its form
// needs. Read, a cell has 64 bits whatever its form.
type cells struct {
	forms   []cellForm
	offsets []int // of the fields in a row
	stride  int   // bytes a row
	parts   [][]byte
	n       int
	room    []uint64 // of the row that is being made
}

// What stands for no value in a form of 4 bytes and in one of 1 byte. A text
// is always less: the interner is full before.
const (
	absentText = 1<<32 - 2
	absentBool = 2
)

func newCells(k *kindInfo) cells {
	c := cells{room: make([]uint64, len(k.fields))}
	for _, f := range k.fields {
		c.forms, c.offsets = append(c.forms, f.form), append(c.offsets, c.stride)
		c.stride += cellSize(f.form)
	}
	return c
}

func cellSize(f cellForm) int {
	switch f {
	case formText, formRaw:
		return 4
	case formBool:
		return 1
	}
	return 8
}

// at reads a cell.
func (c *cells) at(row int32, field int) uint64 {
	b := c.parts[row>>partBits][int(row&(partSize-1))*c.stride+c.offsets[field]:]
	switch c.forms[field] {
	case formText, formRaw:
		if v := binary.LittleEndian.Uint32(b); v < absentText {
			return uint64(v)
		} else {
			return absentCell + uint64(v-absentText)
		}
	case formBool:
		if b[0] < absentBool {
			return uint64(b[0])
		}
		return absentCell + uint64(b[0]-absentBool)
	}
	return binary.LittleEndian.Uint64(b)
}

// next gives the cells of a row that is to be added, all absent.
func (c *cells) next() []uint64 {
	for i := range c.room {
		c.room[i] = absentCell
	}
	return c.room
}

// add adds the row that next gave.
func (c *cells) add() {
	part := c.n >> partBits
	if part == len(c.parts) {
		var room []byte
		if part > 0 {
			room = make([]byte, 0, partSize*c.stride)
		}
		c.parts = append(c.parts, room)
	}
	b := c.parts[part]
	for i, v := range c.room {
		switch c.forms[i] {
		case formText, formRaw:
			if v >= absentCell {
				v = v - absentCell + absentText
			}
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		case formBool:
			if v >= absentCell {
				v = v - absentCell + absentBool
			}
			b = append(b, byte(v))
		default:
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	c.parts[part] = b
	c.n++
}
