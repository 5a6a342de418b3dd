package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

const (
	// roomEvery is how often an agent looks whether there is room on the disk.
	roomEvery = 5 * time.Second
	// roomNeeded is what it needs to start: SQLite's files beside a store.
	roomNeeded = 256 << 10
)

// noRoom reports whether an error is that of a full disk, here or of the database.
func noRoom(err error) bool {
	var remote *pgconn.PgError
	return sqlite.NoRoom(err) || errors.As(err, &remote) && remote.Code == "53100"
}

// waitForRoom returns when it is worth trying to start again after full, or when
// ctx is done. Meanwhile the agent answers whoever asks for its health: it lives,
// and is not ready.
func (g *globals) waitForRoom(ctx context.Context, o agentOptions, logger *slog.Logger, full error) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	logger.Error("there is no room on the disk: the agent starts when there is", "error", full)
	end, err := g.answerFull(ctx, cfg, o)
	if err != nil {
		logger.Warn("nobody can ask how the agent is", "error", err)
	}
	defer end()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(roomEvery):
		}
		if cfg.Store.IsURL() || !noRoom(tryRoom(filepath.Dir(cfg.Store.Reveal()))) {
			logger.Info("the agent is started again")
			return nil
		}
	}
}

// tryRoom writes what a start needs into a folder, and takes it away again.
func tryRoom(dir string) error {
	f, err := os.CreateTemp(dir, ".exhibit-room-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, roomNeeded))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// answerFull answers for an agent that waits for room, where it would listen. A
// listener with a certificate is not stood in for.
func (g *globals) answerFull(ctx context.Context, cfg *configfile.Config, o agentOptions) (end func(), err error) {
	address := cfg.Server.Listen
	if o.listen != "" {
		address = o.listen
	}
	if address == "" || address == listenNone || cfg.Server.TLS.Cert != "" {
		return func() {}, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return func() {}, err
	}
	full := telemetry.Check{Name: "room", Run: func(context.Context) (string, error) {
		return "", errors.New("the disk is full")
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", alive)
	mux.Handle("/readyz", ready(&telemetry.Health{Version: version, Clock: time.Now, Mask: g.mask.Text, Checks: []telemetry.Check{full}}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "The disk is full. The agent starts when there is room. Commands that only read work meanwhile, such as exhibit findings and exhibit status.")
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // until it is closed
	return func() { _ = s.Close() }, nil
}
