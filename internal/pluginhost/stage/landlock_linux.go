package stage

import (
	"errors"
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// restrictFiles puts Landlock in force for this thread and what it executes,
// and returns the version of the kernel's interface. no_new_privs is set already.
func restrictFiles(p Plan) (int, error) {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil || abi <= 0 {
		return 0, errors.New("this kernel does not have it, or not switched on")
	}
	all := landlock.V11
	want := landlock.Config{
		HandledAccessFS: all.HandledAccessFS, HandledAccessNet: ll.AccessNetBindTCP | ll.AccessNetBindUDP, Scoped: all.Scoped,
	}
	fd, flags, err := want.BestEffort().EnableLoggingForSubprocesses().NewRulesetFD(rules(p)...)
	if err != nil {
		return 0, err
	}
	if fd < 0 {
		return 0, errors.New("nothing of it can be used")
	}
	defer unix.Close(fd)
	if err := ll.LandlockRestrictSelf(fd, flags); err != nil {
		return 0, fmt.Errorf("landlock_restrict_self: %w", err)
	}
	return min(abi, landlockKnown), nil
}

// landlockKnown is the newest version whose rules are used here.
const landlockKnown = 11

// rules are what a connector may do with files, and the ports that it may take:
// none that can be named.
func rules(p Plan) []landlock.Rule {
	const file, list, run = ll.AccessFSReadFile, ll.AccessFSReadDir, ll.AccessFSExecute
	return []landlock.Rule{
		landlock.PathAccess(file, p.Files...).IgnoreIfMissing(),
		landlock.PathAccess(file|list, p.Trees...).IgnoreIfMissing(),
		landlock.PathAccess(list, p.Lists...).IgnoreIfMissing(),
		landlock.PathAccess(file|run, fmt.Sprintf("/proc/self/fd/%d", programFD)),
		landlock.PathAccess(file|list|run, p.Programs...).IgnoreIfMissing(),
		// go-plugin tries a socket's name with an empty file, which it removes.
		landlock.PathAccess(file|list|ll.AccessFSWriteFile|ll.AccessFSMakeReg|ll.AccessFSMakeSock|ll.AccessFSRemoveFile, p.Socket),
		landlock.PathAccess(ll.AccessFSRemoveDir, p.Base), // the folder of the socket, at the end
		landlock.BindUDP(0), // what the kernel chooses for an answer
	}
}
