//go:build !linux

package aiscan

import (
	"fmt"
	"io/fs"
	"time"
)

// statID names the content of a file by its size and time: where the file
// system says no more, a content that was put back to an old time is not told
// from the old one.
func statID(info fs.FileInfo, now time.Time) string {
	if now.Sub(info.ModTime()) < settled {
		return ""
	}
	return fmt.Sprintf("stat:%d:%d", info.Size(), info.ModTime().UnixNano())
}
