package zipform

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Methods of packing, as in the zip specification.
const (
	Stored   uint16 = 0
	Deflated uint16 = 8
)

// MaxName is the longest name of an entry, in bytes.
const MaxName = 240

// Sizes and marks of the records.
const (
	localLen    = 30
	centralLen  = 46
	endLen      = 22
	end64Len    = 56
	locator64   = 20
	markLocal   = 0x04034b50
	markCentral = 0x02014b50
	markEnd     = 0x06054b50
	markEnd64   = 0x06064b50
	markLoc64   = 0x07064b50
	extra64     = 0x0001
	dosDate1980 = 0x0021
	version20   = 20
	version45   = 45
)

// ErrForm: a file is not a zip archive in the form of this package. Ask for
// the file again: it was changed, or made by something else.
var ErrForm = errors.New("not in the form of an Exhibit archive")

// FormError says where a file leaves the form. It is an ErrForm.
type FormError struct {
	Entry  string // name of the entry concerned; empty for the archive itself
	Offset int64  // byte of the file
	Want   string
	Got    string
}

func (e *FormError) Error() string {
	where := "archive"
	if e.Entry != "" {
		where = fmt.Sprintf("entry %q", e.Entry)
	}
	return fmt.Sprintf("%s, byte %d: expected %s, found %s", where, e.Offset, e.Want, e.Got)
}

// Is makes errors.Is(err, ErrForm) hold.
func (e *FormError) Is(target error) bool { return target == ErrForm }

// header is what determines an entry's two headers.
type header struct {
	name   string
	method uint16
	crc    uint32
	packed uint64
	size   uint64
	offset uint64 // of the local header
}

// big reports whether the sizes need ZIP64.
func (h header) big() bool { return h.packed >= math.MaxUint32 || h.size >= math.MaxUint32 }

// appendLocal appends the local header.
func (h header) appendLocal(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, markLocal)
	b = h.appendCommon(b, h.big())
	extra := 0
	if h.big() {
		extra = 20
	}
	b = le.AppendUint16(b, uint16(len(h.name)))
	b = le.AppendUint16(b, uint16(extra))
	b = append(b, h.name...)
	if h.big() {
		b = le.AppendUint16(b, extra64)
		b = le.AppendUint16(b, 16)
		b = le.AppendUint64(b, h.size)
		b = le.AppendUint64(b, h.packed)
	}
	return b
}

// appendCommon appends the fields from "version needed" to "uncompressed size".
func (h header) appendCommon(b []byte, zip64 bool) []byte {
	le := binary.LittleEndian
	version, packed, size := uint16(version20), uint32(h.packed), uint32(h.size)
	if zip64 {
		version = version45
	}
	if h.big() {
		packed, size = math.MaxUint32, math.MaxUint32
	}
	b = le.AppendUint16(b, version)
	b = le.AppendUint16(b, 0) // flags
	b = le.AppendUint16(b, h.method)
	b = le.AppendUint16(b, 0) // time
	b = le.AppendUint16(b, dosDate1980)
	b = le.AppendUint32(b, h.crc)
	b = le.AppendUint32(b, packed)
	return le.AppendUint32(b, size)
}

// appendCentral appends the entry's record in the central directory.
func (h header) appendCentral(b []byte) []byte {
	le := binary.LittleEndian
	var extra []byte
	if h.big() {
		extra = le.AppendUint64(extra, h.size)
		extra = le.AppendUint64(extra, h.packed)
	}
	offset := uint32(h.offset)
	if h.offset >= math.MaxUint32 {
		offset = math.MaxUint32
		extra = le.AppendUint64(extra, h.offset)
	}
	b = le.AppendUint32(b, markCentral)
	b = le.AppendUint16(b, version20) // made by: MS-DOS, so attributes carry no mode
	b = h.appendCommon(b, len(extra) > 0)
	extraLen := 0
	if len(extra) > 0 {
		extraLen = 4 + len(extra)
	}
	b = le.AppendUint16(b, uint16(len(h.name)))
	b = le.AppendUint16(b, uint16(extraLen))
	b = append(b, make([]byte, 10)...) // comment length, disk, internal and external attributes
	b = le.AppendUint32(b, offset)
	b = append(b, h.name...)
	if len(extra) > 0 {
		b = le.AppendUint16(b, extra64)
		b = le.AppendUint16(b, uint16(len(extra)))
		b = append(b, extra...)
	}
	return b
}

// directory is what determines the records that end the file.
type directory struct {
	count  uint64
	offset uint64
	size   uint64
}

func (d directory) big() bool {
	return d.count >= math.MaxUint16 || d.offset >= math.MaxUint32 || d.size >= math.MaxUint32
}

// appendEnd appends the end records.
func (d directory) appendEnd(b []byte) []byte {
	le := binary.LittleEndian
	count, offset, size := uint16(d.count), uint32(d.offset), uint32(d.size)
	if d.big() {
		b = le.AppendUint32(b, markEnd64)
		b = le.AppendUint64(b, end64Len-12)
		b = le.AppendUint16(b, version45)
		b = le.AppendUint16(b, version45)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, d.count)
		b = le.AppendUint64(b, d.count)
		b = le.AppendUint64(b, d.size)
		b = le.AppendUint64(b, d.offset)
		b = le.AppendUint32(b, markLoc64)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, d.offset+d.size)
		b = le.AppendUint32(b, 1)
		count, offset, size = math.MaxUint16, math.MaxUint32, math.MaxUint32
	}
	b = le.AppendUint32(b, markEnd)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint16(b, count)
	b = le.AppendUint16(b, count)
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, offset)
	return le.AppendUint16(b, 0)
}

// CheckName returns an error unless name may name an entry.
func CheckName(name string) error {
	switch {
	case name == "" || len(name) > MaxName:
		return fmt.Errorf("entry name of %d bytes: want 1 to %d", len(name), MaxName)
	case name[0] == '/':
		return fmt.Errorf("entry name %q: must be relative", name)
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("entry name %q: no part may be empty, \".\" or \"..\"", name)
		}
	}
	for i := 0; i < len(name); i++ {
		if !nameByte(name[i]) {
			return fmt.Errorf("entry name %q: byte %#x is not allowed", name, name[i])
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("._-+[]/", c) >= 0
}
