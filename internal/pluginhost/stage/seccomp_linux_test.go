package stage

import (
	"slices"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
)

// Every system call that is named is one, on amd64 or arm64, and is in one list
// only; what Go needs to start is there on both.
func TestCallsAreKnown(t *testing.T) {
	var infos []*arch.Info
	for _, name := range []string{"amd64", "arm64"} {
		info, err := arch.GetInfo(name)
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info)
	}
	seen := map[string]bool{}
	for _, name := range slices.Concat(allowedCalls(), unknownCalls(), violations()) {
		if seen[name] {
			t.Errorf("%s is named twice", name)
		}
		seen[name] = true
		if !slices.ContainsFunc(infos, func(i *arch.Info) bool { _, ok := i.SyscallNames[name]; return ok }) {
			t.Errorf("no system call is called %s", name)
		}
	}
	allowed := allowedCalls()
	for _, r := range refusals(5, 4096) {
		if !slices.Contains(allowed, r.call) {
			t.Errorf("%s is narrowed down and not allowed", r.call)
		}
	}
	for _, name := range []string{"mmap", "munmap", "futex", "clone", "execveat", "openat", "read", "epoll_pwait", "rt_sigaction", "socket", "prctl", "getrandom"} {
		for _, info := range infos {
			if _, ok := info.SyscallNames[name]; !ok || !slices.Contains(allowed, name) {
				t.Errorf("%s is not allowed on %s", name, info.Name)
			}
		}
	}
}

// Each filter narrows one call, so that nothing is compared after a condition
// that did not hold; the last one denies what it does not know.
func TestOneCallAFilter(t *testing.T) {
	all, err := policies(5, 4096)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range all {
		if _, err := p.Assemble(); err != nil {
			t.Errorf("filter %d: %v", i, err)
		}
		names := map[string]bool{}
		for _, g := range p.Syscalls {
			for _, c := range g.NamesWithCondtions {
				names[c.Name] = true
			}
		}
		last := i == len(all)-1
		if last && (len(names) != 0 || p.DefaultAction != seccomp.ActionErrno) || !last && (len(names) != 1 || len(p.Syscalls) != 1) {
			t.Errorf("filter %d judges %v by their arguments", i, names)
		}
	}
}
