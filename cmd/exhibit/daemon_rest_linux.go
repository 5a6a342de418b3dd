package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropProgram tells the kernel that the pages of the program's file need not
// stay with this process: most were needed once, when it started. With cached
// they need not stay in the system's cache of the file either, as far as no
// other process has them. What is needed again is read again, and no more than that,
// however much the system would read around it (128 KiB, but 8 MiB of some disks: in a
// group with little memory that drives out what was read before, again and again).
// A kernel that has a file in large pieces hands out each as a whole.
func dropProgram(cached bool) error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	raw, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	for _, m := range cleanParts(raw, exe) {
		for _, advice := range []uintptr{unix.MADV_RANDOM, unix.MADV_DONTNEED} {
			if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, advice); errno != 0 {
				err = errors.Join(err, fmt.Errorf("madvise: %w", errno))
			}
		}
	}
	if err != nil || !cached {
		return err
	}
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// part is a range of the address space.
type part struct{ from, to uintptr }

// cleanParts reads /proc/self/smaps for the parts that show the file at path as
// it is: they cannot be written, and no page of them was ever changed. A page
// that was changed is in memory only, and would be lost.
func cleanParts(smaps []byte, path string) []part {
	var out []part
	var now part
	for lines := bufio.NewScanner(bytes.NewReader(smaps)); lines.Scan(); {
		line := lines.Text()
		var p part
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &p.from, &p.to, &mode); n == 3 {
			now = part{}
			if strings.HasSuffix(line, " "+path) && (mode == "r-xp" || mode == "r--p") {
				now = p
			}
			continue
		}
		if now.to != 0 && strings.HasPrefix(line, "Anonymous:") {
			if f := strings.Fields(line); len(f) == 3 && f[1] == "0" {
				out = append(out, now)
			}
			now = part{}
		}
	}
	return out
}
