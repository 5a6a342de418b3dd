package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Classes of failure. Test for them with errors.Is.
var (
	ErrNotInstalled = errors.New("not installed")
	ErrNotLocked    = errors.New("not in the lock file")
	ErrChecksum     = errors.New("binary differs from the lock file")
	ErrUnsafe       = errors.New("binary can be changed by anybody")
	ErrStart        = errors.New("could not be started")
	ErrDescriptor   = errors.New("describes itself wrongly")
	ErrConfig       = errors.New("configuration is not valid")
	ErrPermission   = errors.New("credential refused")
	ErrUnreachable  = errors.New("source unreachable")
	ErrFailed       = errors.New("gave up")
	ErrCrashed      = errors.New("crashed")
	ErrHung         = errors.New("stopped answering")
	ErrTimeout      = errors.New("took too long")
	ErrFlood        = errors.New("sent more than is allowed")
	ErrBadRecord    = errors.New("sent something that is not allowed")
	ErrLied         = errors.New("claims something else than it sent")
	ErrForbidden    = errors.New("tried what no connector may")
	ErrResources    = errors.New("used more than it may")
	ErrUnconfined   = errors.New("cannot be confined here")
)

// Error is a failure of one connector. Its text holds no secret and is safe to
// print.
type Error struct {
	Connector string
	Class     error  // one of the errors above
	Detail    string // what exactly, and where
	Hint      string // what a person can do
	cause     error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("connector %s: %v", e.Connector, e.Class)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the class, and what caused the failure if that is known.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.cause}
}

// hint returns the advice for a class that needs no more than the connector's name.
func hint(class error, name string) string {
	is := func(classes ...error) bool {
		return slices.ContainsFunc(classes, func(c error) bool { return errors.Is(class, c) })
	}
	switch {
	case is(context.Canceled):
		return ""
	case is(ErrNotInstalled):
		return "put exhibit-connector-" + name + " beside exhibit, or run `exhibit connectors` to see what is there"
	case is(ErrNotLocked):
		return "if you trust the binary, run `exhibit connectors lock`"
	case is(ErrChecksum):
		return "if you replaced the connector, run `exhibit connectors lock`; if you did not, find out who did"
	case is(ErrUnsafe):
		return "take the right to write from everybody else: chmod o-w"
	case is(ErrStart):
		return "rebuild the connector for this machine and this version of exhibit"
	case is(ErrDescriptor, ErrBadRecord, ErrLied):
		return "this is a fault of the connector: update it, or report it to its author with this message"
	case is(ErrConfig):
		return "run `exhibit connectors describe " + name + "` to see what it takes"
	case is(ErrPermission):
		return "renew the credential, then run `exhibit doctor`"
	case is(ErrUnreachable):
		return "check the address, the network and the proxy settings"
	case is(ErrCrashed, ErrHung):
		return "what was read before is kept; run again, and report it to the connector's author if it repeats"
	case is(ErrTimeout):
		return "what was read before is kept and the next run goes on from there; allow more time if it repeats"
	case is(ErrForbidden):
		return "what was read before is kept; if you did not expect it, keep the binary for whoever looks into it, and take it out of connectors.lock"
	case is(ErrResources):
		return "what was read before is kept; narrow the source's scope, or raise connectors.memory or connectors.cpu if the amount is right"
	case is(ErrUnconfined):
		return "take a kernel with Landlock and seccomp, or set connectors.confine to best-effort"
	case is(ErrFlood):
		return "narrow the source's scope, or raise the limit if the amount is right"
	}
	return "what was read before is kept; see the connector's log"
}
