package serve

import (
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// parentPoll is how often a connector looks whether its host still lives. On
// Linux the kernel tells it at once; the poll is for everywhere else.
const parentPoll = 500 * time.Millisecond

// watchHost ends the process, and removes its socket, when the host is gone or
// asks for it with SIGTERM. The returned function stops watching.
func watchHost() (stop func()) {
	host, err := strconv.Atoi(os.Getenv(wire.HostPIDKey))
	if err != nil {
		host = os.Getppid()
	}
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	dieWithParent()
	quit := make(chan struct{})
	go func() {
		tick := time.NewTicker(parentPoll)
		defer tick.Stop()
		for os.Getppid() == host {
			select {
			case <-quit:
				return
			case <-term:
				end()
			case <-tick.C:
			}
		}
		end()
	}()
	return func() {
		signal.Stop(term)
		close(quit)
	}
}

// end is the way out when there is nobody left to talk to.
func end() {
	removeSocket()
	endGroup()
	os.Exit(1)
}

// removeSocket removes the connector's socket, and the directory that the host
// made for it if nothing else is in there.
func removeSocket() {
	dir := os.Getenv(wire.SocketDirKey)
	if dir == "" {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // gone already: the host has cleaned up
	}
	for _, entry := range entries {
		if entry.Type()&os.ModeSocket != 0 {
			_ = os.Remove(filepath.Join(dir, entry.Name())) // nobody is left to tell
		}
	}
	_ = os.Remove(dir) // fails if something else is in it, and then stays
}
