package pluginhost

import (
	"fmt"
	"os"
	"runtime"

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
	}
}

// violations are system calls that no connector makes by mistake: the process
// that makes one is ended.
func violations() []string {
	return []string{
		"execve", "execveat", "fork", "vfork", "clone", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
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

// filter is the policy for one process: fd is the file that it executes next,
// once, by an empty path at the address token that nobody else knows.
func filter(fd int, token uintptr) (seccomp.Policy, error) {
	info, err := arch.GetInfo(runtime.GOARCH)
	if err != nil {
		return seccomp.Policy{}, err
	}
	known := func(names ...string) []string {
		var here []string
		for _, name := range names {
			if _, ok := info.SyscallNames[name]; ok {
				here = append(here, name)
			}
		}
		return here
	}
	var conditions []seccomp.NameWithConditions
	for _, c := range append(conditional(), once(fd, token)) {
		if len(known(c.Name)) > 0 {
			conditions = append(conditions, c)
		}
	}
	return seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: known(allowedCalls()...)},
			{Action: seccomp.ActionAllow, NamesWithCondtions: conditions},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: known(unknownCalls()...)},
			{Action: seccomp.ActionKillProcess, Names: known(violations()...)},
		},
	}, nil
}

func when(name string, all ...seccomp.Condition) seccomp.NameWithConditions {
	return seccomp.NameWithConditions{Name: name, Conditions: all}
}

func is(arg uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.Equal, Value: value}
}

func hasNone(arg uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsNotSet, Value: bits}
}

func hasAny(arg uint32, bits uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsSet, Value: bits}
}

// once allows the one execution that turns the stage into the connector.
func once(fd int, token uintptr) seccomp.NameWithConditions {
	return when("execveat", is(0, uint64(fd)), is(1, uint64(token)), is(4, unix.AT_EMPTY_PATH))
}

// conditional are the calls that are allowed with some arguments only.
func conditional() []seccomp.NameWithConditions {
	pid := uint64(os.Getpid()) // the connector's too
	calls := []seccomp.NameWithConditions{
		// No file that is there is changed. A new one stays empty: the limit of its size is 0.
		when("open", hasNone(1, writing)), when("open", hasAny(1, unix.O_CREAT), hasAny(1, unix.O_EXCL)),
		when("openat", hasNone(2, writing)), when("openat", hasAny(2, unix.O_CREAT), hasAny(2, unix.O_EXCL)),
		// Threads, not processes.
		when("clone", hasAny(0, unix.CLONE_THREAD), hasNone(0, namespaces)),
		// Memory that the limit counts: not what is shared without a file.
		when("mmap", hasNone(3, unix.MAP_SHARED)),
		when("mmap", hasAny(3, unix.MAP_SHARED), hasNone(3, unix.MAP_ANONYMOUS), hasNone(2, unix.PROT_WRITE)),
		// Signals to itself and its group, limits of itself.
		when("kill", is(0, pid)), when("kill", is(0, 0)),
		when("tgkill", is(0, pid)),
		when("prlimit64", is(0, 0)),
		// The internet, sockets of this machine, and the table of addresses.
		when("socketpair", is(0, unix.AF_UNIX)),
	}
	for _, family := range []uint64{unix.AF_INET, unix.AF_INET6, unix.AF_UNIX} {
		for _, protocol := range []uint64{0, unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			calls = append(calls, when("socket", is(0, family), is(2, protocol)))
		}
	}
	calls = append(calls, when("socket", is(0, unix.AF_NETLINK), is(2, unix.NETLINK_ROUTE)))
	for _, option := range []uint64{
		unix.PR_SET_PDEATHSIG, unix.PR_GET_PDEATHSIG, unix.PR_SET_NAME, unix.PR_GET_NAME, unix.PR_GET_DUMPABLE, unix.PR_CAPBSET_READ,
		unix.PR_GET_NO_NEW_PRIVS, unix.PR_SET_VMA, unix.PR_GET_SECCOMP,
	} {
		calls = append(calls, when("prctl", is(0, option)))
	}
	return calls
}

// filterCalls puts the filter in force for this thread and what it executes.
func filterCalls(fd int, token uintptr) error {
	policy, err := filter(fd, token)
	if err != nil {
		return fmt.Errorf("system calls: %w", err)
	}
	return seccomp.LoadFilter(seccomp.Filter{Policy: policy})
}
