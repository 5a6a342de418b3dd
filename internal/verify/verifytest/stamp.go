package verifytest

import (
	"context"
	"net/http/httptest"
	"os"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/attest/attesttest"
)

// newStamper makes a time-stamping authority, in a folder that is removed once
// its keys are made and a stamp of each note was given.
func newStamper() (func([]byte) (*attest.Timestamp, error), error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "exhibit-authority-*")
	if err != nil {
		return nil, err
	}
	a, err := attesttest.NewAuthority(ctx, dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	given := map[string]*attest.Timestamp{}
	return func(note []byte) (*attest.Timestamp, error) {
		if ts := given[string(note)]; ts != nil {
			return ts, nil
		}
		srv := httptest.NewServer(a)
		defer srv.Close()
		ts, _, err := attest.NewClient(time.Now, nil).Stamp(ctx, attest.Authority{URL: srv.URL}, note)
		if err == nil {
			given[string(note)] = ts
		}
		return ts, err
	}, nil
}
