package main

import (
	"context"
	"fmt"
	"os"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// fingerprint is what an agent says of how it is set up: the digest of the
// configuration's text, and of each installed connector.
func (w *workplace) fingerprint(ctx context.Context) (config string, connectors map[string]string, err error) {
	text, err := os.ReadFile(w.cfg.Path)
	if err != nil {
		return "", nil, fmt.Errorf("configuration: %w", err)
	}
	installed, err := w.host.List(ctx)
	if err != nil {
		return "", nil, err
	}
	connectors = map[string]string{}
	for _, c := range installed {
		connectors[c.Name] = c.Digest.String()
	}
	return evidence.Sum(text).String(), connectors, nil
}
