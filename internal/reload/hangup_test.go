//go:build unix

package reload

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"
)

// SIGHUP reads anew.
func TestHangup(t *testing.T) {
	f := newFixture(t)
	asked, stop := OnHangup()
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.Run(ctx, asked); close(ended) }()
	f.write(t, head+"sources: [{name: code, connector: github}]\n")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(f.Current().Sources) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing was read")
		}
	}
	cancel()
	<-ended
}
