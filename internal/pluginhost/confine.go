package pluginhost

import (
	"fmt"
	"strings"
	"time"
)

// ConfineMode says whether connector processes are confined.
type ConfineMode string

// Modes of confinement. The zero value confines nothing.
const (
	ConfineOff        ConfineMode = ""
	ConfineBestEffort ConfineMode = "best-effort" // as far as this system can; the run says how far
	ConfineRequired   ConfineMode = "required"    // a connector that cannot be confined is not started
)

// Confine is what connector processes are held to.
type Confine struct {
	Mode   ConfineMode
	Memory int64         // bytes that a process may have; 0: 1 GiB
	CPU    time.Duration // time of processors that a process may use; 0: 1 h
}

// MinMemory is the least Confine.Memory: below it no Go program starts.
const MinMemory = 128 << 20

// withDefaults fills in zero fields.
func (c Confine) withDefaults() Confine {
	setDefault(&c.Memory, 1<<30)
	setDefault(&c.CPU, time.Hour)
	c.Memory = max(c.Memory, MinMemory)
	c.CPU = max(c.CPU.Round(time.Second), time.Second)
	return c
}

// Confinement is what held a connector's process, as the kernel confirmed it.
// The zero value says that nothing did.
type Confinement struct {
	Confined     bool          // whether anything below holds
	Why          string        // why not all of it does; empty if it does
	Landlock     int           // version of the kernel's interface that is in force; 0: none
	Seccomp      bool          // system calls are filtered
	NoNewPrivs   bool          // it cannot gain rights by starting another program
	Capabilities []string      // rights of the superuser that it keeps
	Memory       int64         // bytes; 0: no limit
	CPU          time.Duration // 0: no limit
	Reads        []string      // what its settings let it read
}

// Versions of Landlock from which on something is denied by it. Signals to
// others (6) are denied by seccomp too.
const (
	landlockFiles    = 1
	landlockTruncate = 3
	landlockTCP      = 4
	landlockUnix     = 9
	landlockUDP      = 10
)

// Denied lists what the process could not do, in words.
func (c Confinement) Denied() []string {
	var d []string
	if c.Landlock >= landlockFiles {
		d = append(d, "reading other files")
	}
	if c.Landlock >= landlockTruncate || c.Seccomp {
		d = append(d, "changing files")
	}
	if c.Landlock >= landlockFiles {
		d = append(d, "making and removing files")
	}
	if c.Seccomp {
		d = append(d, "starting programs", "watching or changing other processes", "changing the system")
	}
	if c.Landlock >= landlockTCP {
		d = append(d, "listening on TCP")
	}
	if c.Landlock >= landlockUDP {
		d = append(d, "listening on UDP")
	}
	if c.Landlock >= landlockUnix {
		d = append(d, "sockets of other programs")
	}
	return d
}

// Open lists what a full confinement denies and this one does not, in words.
func (c Confinement) Open() []string {
	var o []string
	if c.Landlock < landlockFiles {
		o = append(o, "reading other files", "making and removing files")
	}
	if c.Landlock < landlockTruncate && !c.Seccomp {
		o = append(o, "changing files")
	}
	if !c.Seccomp {
		o = append(o, "starting programs", "watching or changing other processes", "changing the system")
	}
	if c.Landlock < landlockTCP {
		o = append(o, "listening on TCP")
	}
	if c.Landlock < landlockUDP {
		o = append(o, "listening on UDP")
	}
	if c.Landlock < landlockUnix {
		o = append(o, "sockets of other programs")
	}
	return o
}

// String is the fact in one line, as a run records it; empty for the zero
// value, of which nothing is known.
func (c Confinement) String() string { return strings.Join(c.Parts(), "; ") }

// Parts are what String joins: what holds, what is denied, what is not, what
// may be read, and why not all of it holds.
func (c Confinement) Parts() []string {
	switch {
	case !c.Confined && c.Why == "":
		return nil
	case !c.Confined:
		return []string{"not confined: " + c.Why}
	}
	parts := []string{"confined by " + strings.Join(c.held(), ", ")}
	for _, list := range []struct {
		what  string
		items []string
	}{
		{"keeps ", c.Capabilities}, {"denied: ", c.Denied()}, {"not denied: ", c.Open()}, {"reads ", c.Reads},
	} {
		if len(list.items) > 0 {
			parts = append(parts, list.what+strings.Join(list.items, ", "))
		}
	}
	if c.Why != "" {
		parts = append(parts, c.Why)
	}
	return parts
}

// held names what is in force.
func (c Confinement) held() []string {
	var held []string
	if c.Landlock > 0 {
		held = append(held, fmt.Sprintf("Landlock %d", c.Landlock))
	}
	if c.Seccomp {
		held = append(held, "seccomp")
	}
	if c.NoNewPrivs {
		held = append(held, "no new privileges")
	}
	if c.Memory > 0 {
		held = append(held, "memory "+size(c.Memory))
	}
	if c.CPU > 0 {
		held = append(held, "processor time "+span(c.CPU))
	}
	return held
}

// span writes whole hours, minutes or seconds without what is zero.
func span(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// size writes a number of bytes with the largest unit that leaves it whole.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB"}
	i := 0
	for n%1024 == 0 && i < len(units)-1 {
		n, i = n/1024, i+1
	}
	return fmt.Sprintf("%d %s", n, units[i])
}
