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
	if now.Sub(time.Unix(st.Ctim.Unix())) < settled {
		return ""
	}
	var b [48]byte
	for i, v := range []int64{int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano(), int64(st.Mode)} {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v))
	}
	return statPrefix + hex.EncodeToString(b[:])
}
