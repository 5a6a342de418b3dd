package aiscan

import (
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"syscall"
	"time"
)

// statID names the content of a file by what the file system says of it: any
// change of the content changes the time of change. Empty if the last change is
// so recent that another one could have the same time.
func statID(info fs.FileInfo, now time.Time) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	b, ok := told(nil, st, now)
	if !ok {
		return ""
	}
	return statPrefix + hex.EncodeToString(b)
}

// told adds to b what statID says.
func told(b []byte, st *syscall.Stat_t, now time.Time) ([]byte, bool) {
	if now.Sub(time.Unix(st.Ctim.Unix())) < settled {
		return b, false
	}
	for _, v := range [...]int64{int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano(), int64(st.Mode)} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return b, true
}
