package agent

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// proxy is a way to the server that can be cut: what is sent then goes nowhere,
// and nobody is told.
type proxy struct {
	dir  string
	mu   sync.Mutex
	cond *sync.Cond
	down bool
}

func newProxy(t *testing.T, serverDir string) *proxy {
	t.Helper()
	p := &proxy{dir: t.TempDir()}
	p.cond = sync.NewCond(&p.mu)
	const name = ".s.PGSQL.5432"
	ln, err := net.Listen("unix", filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.mend(); ln.Close() })
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			go p.carry(in, filepath.Join(serverDir, name))
		}
	}()
	return p
}

func (p *proxy) carry(in net.Conn, target string) {
	defer in.Close()
	p.pass()
	out, err := net.Dial("unix", target)
	if err != nil {
		return
	}
	defer out.Close()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		go func() {
			defer func() { done <- struct{}{} }()
			buf := make([]byte, 32<<10)
			for {
				n, err := way[0].Read(buf)
				p.pass()
				if _, werr := way[1].Write(buf[:n]); werr != nil || err != nil {
					return
				}
			}
		}()
	}
	<-done
}

// pass waits while the way is cut.
func (p *proxy) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.down {
		p.cond.Wait()
	}
}

func (p *proxy) cut() { p.mu.Lock(); defer p.mu.Unlock(); p.down = true }

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
	p.cond.Broadcast()
}
