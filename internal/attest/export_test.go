package attest

import (
	"context"
	"time"
)

// Impatient makes a client that waits for nothing, gives each exchange a time
// and counts how often it would have waited.
func Impatient(now func() time.Time, timeout time.Duration, waits *[]time.Duration) *Client {
	c := NewClient(now, nil)
	c.http.Timeout = timeout
	c.wait = func(_ context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return nil
	}
	return c
}

// OriginPath is originPath.
func OriginPath(origin string) (string, error) { return originPath(origin) }

// TokenOf is tokenOf.
func TokenOf(der []byte) ([]byte, error) { return tokenOf(der) }
