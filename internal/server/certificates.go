package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificates reads certificate and key anew when their files change. One that
// cannot be read leaves the last one in use: a renewal is two files, and
// somebody may connect between them.
type certificates struct {
	cert, key string
	now       func() time.Time
	logger    *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time // of the files that pair was read from
	looked  time.Time
}

// lookEvery is how often the files are looked at.
const lookEvery = 5 * time.Second

func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked).Abs() >= lookEvery {
		c.looked = now
		if err := c.read(); err != nil {
			c.logger.Warn("the certificate in use stays: the new one cannot be read", "error", err)
		}
	}
	return c.pair, nil
}

func (c *certificates) load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = c.now()
	return c.read()
}

func (c *certificates) read() error {
	var changed [2]time.Time
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		changed[i] = info.ModTime()
	}
	if c.pair != nil && changed == c.changed {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate %s and key %s: %w", c.cert, c.key, err)
	}
	c.pair, c.changed = &pair, changed
	return nil
}
