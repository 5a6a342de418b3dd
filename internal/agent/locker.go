package agent

import (
	"context"
	"errors"
)

// ErrLockLost: the lock of a source is gone, because the connection that held
// it is. The run stops: another node may read the source.
var ErrLockLost = errors.New("the source's lock is lost: the connection that held it ended")

// Locker gives locks by name, one holder at a time among all that share it. The
// system gives them back when their holder's process ends, however it ends.
// Locks are files of one machine; SessionLocks are PostgreSQL's, for a fleet.
type Locker interface {
	// Acquire takes the lock called name, or returns store.ErrLocked at once.
	Acquire(name string) (release func(), err error)
}

// holder is a Locker whose locks can be lost while they are held.
type holder interface {
	// Hold is Acquire with a context that ends with ErrLockLost as its cause.
	Hold(ctx context.Context, name string) (held context.Context, release func(), err error)
}

var (
	_ Locker = Locks{}
	_ Locker = (*SessionLocks)(nil)
	_ holder = (*SessionLocks)(nil)
)

// Hold takes the lock called name for what is done with the context it returns.
func Hold(ctx context.Context, l Locker, name string) (held context.Context, release func(), err error) {
	if h, ok := l.(holder); ok {
		return h.Hold(ctx, name)
	}
	release, err = l.Acquire(name)
	return ctx, release, err
}
