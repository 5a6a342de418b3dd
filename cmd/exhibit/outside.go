package main

import (
	"os"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/outbound"
	"github.com/exhibit-aims/exhibit/internal/secrets"
)

// secretTimeout is how long one answer of a place of secrets may take.
const secretTimeout = 15 * time.Second

// wayOut is how the configuration reaches the world outside.
func wayOut(cfg *configfile.Config) (*outbound.Way, error) {
	way, err := outbound.New(cfg.Network)
	if err != nil {
		return nil, usageError{err, "see network in " + cfg.Path}
	}
	return way, nil
}

// secretsOf reads the secrets that the configuration names. What it reads is
// masked in logs from then on.
func (g *globals) secretsOf(cfg *configfile.Config) (*secrets.Resolver, error) {
	way, err := wayOut(cfg)
	if err != nil {
		return nil, err
	}
	return secrets.New(secrets.Options{Config: cfg.Secrets, Client: way.Client(secretTimeout), Getenv: os.Getenv, Mask: g.mask, Clock: time.Now}), nil
}
