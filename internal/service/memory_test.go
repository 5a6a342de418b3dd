package service

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// TestLimitMemory: the limit of an assessment is never below what lives already,
// and ends with it.
func TestLimitMemory(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	limitMemory(1)
	if got := debug.SetMemoryLimit(-1); got != assess.MemoryFor(1) {
		t.Errorf("with nothing else: %d bytes, want %d", got, assess.MemoryFor(1))
	}
	held := make([]byte, 2*assess.MemoryFor(1)) // never written, so it takes no memory
	runtime.GC()
	limitMemory(1)
	if got := debug.SetMemoryLimit(-1); got <= int64(len(held)) {
		t.Errorf("beside %d bytes: a limit of %d", len(held), got)
	}
	runtime.KeepAlive(held)
	var s Service
	s.assessed()
	if got := debug.SetMemoryLimit(-1); got == math.MaxInt64 {
		t.Error("a command that only assesses has no limit any more")
	}
	s.viewing.Store(true)
	s.assessed()
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("with views there is a limit of %d", got)
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	debug.SetMemoryLimit(7 << 30)
	limitMemory(1)
	unlimitMemory()
	if got := debug.SetMemoryLimit(-1); got != 7<<30 {
		t.Errorf("the limit of the environment became %d", got)
	}
}
