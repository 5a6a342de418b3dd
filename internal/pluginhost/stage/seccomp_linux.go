package stage

import (
	"fmt"
	"os"
	"runtime"
	"slices"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// allowedCalls are the system calls that a program needs which computes, reads
// files and talks to the network. Whatever is not here fails.
func allowedCalls() []string {
	return []string{
		// Waiting and threads.
		"futex", "futex_waitv", "futex_wait", "futex_wake", "futex_requeue", "epoll_pwait", "epoll_wait", "epoll_pwait2", "epoll_ctl",
		"epoll_create", "epoll_create1", "eventfd", "eventfd2", "poll", "ppoll", "select", "pselect6", "nanosleep", "clock_nanosleep", "pause",
		"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "set_robust_list", "get_robust_list", "set_tid_address",
		"rseq", "membarrier", "gettid", "getpid", "getppid", "getpgrp", "getpgid", "getsid", "exit", "exit_group", "restart_syscall",
		"arch_prctl", "getcpu", "timerfd_create", "timerfd_settime", "timerfd_gettime", "timer_create", "timer_settime", "timer_gettime",
		"timer_getoverrun", "timer_delete", "setitimer", "getitimer", "alarm",
		// Time, chance and what the machine is.
		"clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getrandom", "uname", "sysinfo", "getrusage", "getrlimit",
		"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "capget", "getpriority",
		// Signals to itself.
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "signalfd4",
		// Memory.
		"munmap", "mprotect", "mremap", "brk", "madvise", "mincore", "msync", "map_shadow_stack", "mseal", "pkey_alloc", "pkey_free", "pkey_mprotect",
		// Files that are open, and looking at others.
		"read", "pread64", "readv", "preadv", "preadv2", "write", "pwrite64", "writev", "pwritev", "pwritev2", "close", "close_range", "lseek",
		"fstat", "stat", "lstat", "newfstatat", "statx", "fstatfs", "statfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
		"getdents", "getdents64", "getcwd", "fcntl", "flock", "dup", "dup2", "dup3", "pipe", "pipe2", "fadvise64", "readahead", "ioctl",
		"sendfile", "splice", "tee", "copy_file_range", "getxattr", "lgetxattr", "fgetxattr", "umask",
		"unlink", "unlinkat", "rmdir", // its socket: what else, Landlock decides
		// The network.
		"connect", "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "setsockopt", "getsockopt", "sendto", "recvfrom",
		"sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
		// Those that refusals narrow down.
		"open", "openat", "clone", "execveat", "mmap", "kill", "tgkill", "prlimit64", "socket", "socketpair", "prctl",
	}
}

// violations are system calls that no connector makes by mistake: the process
// that makes one is ended.
func violations() []string {
	return []string{
		"execve", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
		"pidfd_open", "pidfd_getfd", "pidfd_send_signal", "setsid", "setpgid", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
		"open_tree", "move_mount", "fsopen", "fsmount", "mount_setattr", "init_module", "finit_module", "delete_module", "kexec_load",
		"kexec_file_load", "reboot", "swapon", "swapoff", "acct", "bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl",
		"open_by_handle_at", "settimeofday", "clock_settime", "adjtimex", "sethostname", "setdomainname", "iopl", "ioperm", "quotactl",
		"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset",
	}
}

// unknownCalls answer that this kernel does not have them: there is an older
// call that can be judged, and programs fall back to it.
func unknownCalls() []string { return []string{"clone3", "openat2", "io_uring_setup"} }

// namespaces are the flags of clone that make another world.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET

// writing are the flags of an open that could change a file.
const writing = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC

// refusal is a system call that is allowed but with some arguments.
type refusal struct {
	call   string
	action seccomp.Action
	with   []seccomp.ArgumentConditions // each: all of it holds
}

// refusals are for one process: fd is the file that it executes next, once, by
// an empty path at the address token that nobody else knows.
func refusals(fd int, token uintptr) []refusal {
	const refuse, end = seccomp.ActionErrno, seccomp.ActionKillProcess
	pid := uint64(os.Getpid()) // the connector's too
	opens := func(flags uint32) []seccomp.ArgumentConditions {
		// No file that is there is changed. A new one stays empty: the limit of its size is 0.
		return []seccomp.ArgumentConditions{
			{some(flags, writing), none(flags, unix.O_CREAT)}, {some(flags, writing), none(flags, unix.O_EXCL)},
		}
	}
	return []refusal{
		{"execveat", end, []seccomp.ArgumentConditions{{other(0, uint64(fd))}, {other(1, uint64(token))}, {other(4, unix.AT_EMPTY_PATH)}}},
		{"clone", end, []seccomp.ArgumentConditions{{none(0, unix.CLONE_THREAD)}, {some(0, namespaces)}}},
		{"open", refuse, opens(1)},
		{"openat", refuse, opens(2)},
		// Memory that the limit does not count.
		{"mmap", refuse, []seccomp.ArgumentConditions{
			{some(3, unix.MAP_SHARED), some(3, unix.MAP_ANONYMOUS)}, {some(3, unix.MAP_SHARED), some(2, unix.PROT_WRITE)},
		}},
		// Signals to others, limits of others.
		{"kill", refuse, []seccomp.ArgumentConditions{{other(0, pid), other(0, 0)}}},
		{"tgkill", refuse, []seccomp.ArgumentConditions{{other(0, pid)}}},
		{"prlimit64", refuse, []seccomp.ArgumentConditions{{other(0, 0)}}},
		// All but TCP and UDP, sockets of this machine, and the table of addresses.
		{"socket", refuse, []seccomp.ArgumentConditions{
			{other(0, unix.AF_INET), other(0, unix.AF_INET6), other(0, unix.AF_UNIX), other(0, unix.AF_NETLINK)},
			{other(2, 0), other(2, unix.IPPROTO_TCP), other(2, unix.IPPROTO_UDP)},
			{is(0, unix.AF_NETLINK), other(2, unix.NETLINK_ROUTE)},
		}},
		{"socketpair", refuse, []seccomp.ArgumentConditions{{other(0, unix.AF_UNIX)}}},
		{"prctl", refuse, []seccomp.ArgumentConditions{{
			other(0, unix.PR_SET_PDEATHSIG), other(0, unix.PR_GET_PDEATHSIG), other(0, unix.PR_SET_NAME), other(0, unix.PR_GET_NAME),
			other(0, unix.PR_GET_DUMPABLE), other(0, unix.PR_CAPBSET_READ), other(0, unix.PR_GET_NO_NEW_PRIVS),
			other(0, unix.PR_SET_VMA), other(0, unix.PR_GET_SECCOMP),
		}}},
	}
}

func is(arg uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.Equal, Value: value}
}

func other(arg uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.NotEqual, Value: value}
}

func none(arg uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsNotSet, Value: bits}
}

func some(arg uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsSet, Value: bits}
}

// policies are the filters for one process, in the order in which they are put
// in force. The kernel asks all and obeys the strictest. There is one for each
// call with conditions, because the library compares what comes after a
// condition that did not hold with an argument in the place of the call's
// number. The last one forbids to add more.
func policies(fd int, token uintptr) ([]seccomp.Policy, error) {
	info, err := arch.GetInfo(runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	known := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { _, ok := info.SyscallNames[name]; return !ok })
	}
	var all []seccomp.Policy
	for _, r := range refusals(fd, token) {
		if _, ok := info.SyscallNames[r.call]; !ok {
			continue
		}
		group := seccomp.SyscallGroup{Action: r.action}
		for _, with := range r.with {
			group.NamesWithCondtions = append(group.NamesWithCondtions, seccomp.NameWithConditions{Name: r.call, Conditions: with})
		}
		all = append(all, seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{group}})
	}
	return append(all, seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: known(allowedCalls())},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: known(unknownCalls())},
			{Action: seccomp.ActionKillProcess, Names: known(violations())},
		},
	}), nil
}

// filterCalls puts the filters in force for this thread and what it executes.
func filterCalls(fd int, token uintptr) error {
	all, err := policies(fd, token)
	if err != nil {
		return fmt.Errorf("system calls: %w", err)
	}
	for _, policy := range all {
		if err := seccomp.LoadFilter(seccomp.Filter{Policy: policy}); err != nil {
			return err
		}
	}
	return nil
}
