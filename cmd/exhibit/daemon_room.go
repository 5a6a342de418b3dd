package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/dashboard"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/server"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/unfinished"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

const (
	// roomEvery is how often an agent looks whether there is room on the disk, and
	// roomSeldom how often where it could not start though there was.
	roomEvery, roomSeldom = 5 * time.Second, 5 * time.Minute
	// roomNeeded is what it needs to start and to note a run, and roomMost what it
	// asks for where that was not enough.
	roomNeeded, roomMost = 1 << 20, 16 << 20
	// ranWell is how long an agent runs that had started.
	ranWell = time.Minute
)

// lack is the room that an agent waits for, and how often it looks for it.
type lack struct {
	bytes int
	every time.Duration
}

// again is what to wait for after a start that found no room. One that had as much
// as it waited for, and did not get far, asks for more, and less often.
func (l lack) again(ran time.Duration) lack {
	if l.bytes == 0 || ran >= ranWell {
		return lack{roomNeeded, roomEvery}
	}
	return lack{min(2*l.bytes, roomMost), min(2*l.every, roomSeldom)}
}

// noRoom reports whether an error is that of a full disk, here or of the database.
func noRoom(err error) bool {
	var remote *pgconn.PgError
	return sqlite.NoRoom(err) || errors.As(err, &remote) && remote.Code == "53100"
}

// waitForRoom returns when it is worth trying to start again after full, or when
// ctx is done. Meanwhile the agent answers whoever asks for its health: it lives,
// and is not ready.
func (g *globals) waitForRoom(ctx context.Context, o agentOptions, logger *slog.Logger, full error, l lack) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	where, dir := "the database's", filepath.Dir(cfg.Store.Reveal())
	if !cfg.Store.IsURL() {
		where = dir
	}
	logger.Error("there is no room on the disk: the agent starts when there is", "error", full,
		"disk", where, "needs", fmt.Sprintf("%d MiB", l.bytes>>20), "looks_every", l.every)
	end, err := g.answerFull(ctx, cfg, o, logger)
	if err != nil {
		logger.Warn("nobody can ask how the agent is", "error", err)
	}
	defer end()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(l.every):
		}
		sweepStore(cfg, logger)
		if cfg.Store.IsURL() || !noRoom(tryRoom(dir, l.bytes)) {
			logger.Info("the agent is started again")
			return nil
		}
	}
}

// sweepStore removes what processes that were killed left beside the store: unfinished
// backups, and what was written to see whether there is room.
func sweepStore(cfg *configfile.Config, logger *slog.Logger) {
	if cfg.Store.IsURL() {
		return
	}
	dir := filepath.Dir(cfg.Store.Reveal())
	n, err := unfinished.Sweep(dir)
	if err != nil {
		logger.Warn("what others left beside the store stays", "error", err)
	}
	if n > 0 {
		logger.Info("what processes that were killed left beside the store is removed", "folder", dir, "processes", n)
	}
}

// tryRoom writes so many bytes into a folder, and takes them away again. They are
// none that a disk could make smaller.
func tryRoom(dir string, n int) (err error) {
	p, err := unfinished.Begin(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.End()) }()
	f, err := os.OpenFile(p.Path("room"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, int64(n))
	return errors.Join(err, f.Sync(), f.Close())
}

// fullDisk is what an agent that waits says to whoever asks.
const fullDisk = "The disk is full. The agent starts when there is room."

// answerFull answers for an agent that waits for room, where it would listen: with
// the dashboard where the store can be read, and else with a sentence.
func (g *globals) answerFull(ctx context.Context, cfg *configfile.Config, o agentOptions, logger *slog.Logger) (end func(), err error) {
	if o.listen != "" {
		cfg.Server.Listen = o.listen
	}
	if cfg.Server.Listen == "" || cfg.Server.Listen == listenNone {
		return func() {}, nil
	}
	full := telemetry.Check{Name: "room", Run: func(context.Context) (string, error) {
		return "", errors.New("the disk is full")
	}}
	health := &telemetry.Health{Version: version, Clock: time.Now, Mask: g.mask.Text, Checks: []telemetry.Check{full}}
	end, err = g.readMeanwhile(ctx, cfg, health, logger)
	if err == nil {
		return end, nil
	}
	logger.Warn("the dashboard cannot be read until there is room", "error", err)
	return sayFull(ctx, cfg.Server, health)
}

// sayFull answers with a sentence. A listener with a certificate is not stood in for.
func sayFull(ctx context.Context, server configfile.Server, health *telemetry.Health) (end func(), err error) {
	if server.TLS.Cert != "" {
		return func() {}, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", server.Listen)
	if err != nil {
		return func() {}, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", alive)
	mux.Handle("/readyz", ready(health))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, fullDisk+" Commands that only read work meanwhile where the store was closed cleanly, such as exhibit findings and exhibit status.")
	})
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // until it is closed
	return func() { _ = s.Close() }, nil
}

// readMeanwhile serves a dashboard on which nothing can be put on record, of a
// store that is read as it lies on the full disk. Who is logged in is kept in
// memory, so that nobody's token is known.
func (g *globals) readMeanwhile(ctx context.Context, cfg *configfile.Config, health *telemetry.Health, logger *slog.Logger) (end func(), err error) {
	if cfg.Store.IsURL() {
		return nil, errors.New("the full disk is the database's")
	}
	svc, done, err := g.reading(ctx)
	if err != nil {
		return nil, err
	}
	pages, err := dashboard.New(dashboard.Options{Service: svc, Logger: logger, Clock: time.Now, Version: version, //nolint:contextcheck // each request brings its own
		Logout: "/logout", RequestID: server.RequestID, Notice: fullDisk + " Until then nothing is read from sources and nothing can be put on record."})
	if err != nil {
		done()
		return nil, err
	}
	db, err := opsdb.OpenMemory(ctx)
	if err != nil {
		done()
		return nil, err
	}
	s, link, err := memoryServer(ctx, cfg, db, svc, logger)
	if err != nil {
		done()
		return nil, errors.Join(err, db.Close())
	}
	fmt.Fprintf(g.std.out, "Dashboard, for reading only: %s\n", link)
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- s.Run(ctx, server.Handlers{Dashboard: pages, Health: http.HandlerFunc(alive), Ready: ready(health)})
	}()
	return func() {
		stop()
		if err := errors.Join(<-ended, db.Close()); err != nil {
			logger.Warn("the dashboard for reading only", "error", err)
		}
		done()
	}, nil
}

// notForPrograms has programs try again later: that their token is not known must not
// make them give it up.
func notForPrograms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range []string{"/v1/", "/mcp/", "/metrics/"} {
			if strings.HasPrefix(r.URL.Path+"/", path) {
				w.Header().Set("Retry-After", "60")
				http.Error(w, fullDisk, http.StatusServiceUnavailable)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// memoryServer listens with sessions that are kept in memory, and gives the
// address by which one logs in.
func memoryServer(ctx context.Context, cfg *configfile.Config, db *opsdb.DB, svc *service.Service, logger *slog.Logger) (*server.Server, string, error) {
	way, err := wayOut(cfg)
	if err != nil {
		return nil, "", err
	}
	s, err := server.New(ctx, server.Options{
		Client: way.Client(providerWithin), Config: cfg.Server, DB: db, Account: account(), Logger: logger, Now: time.Now,
		Append:   func(context.Context, ...store.NewEntry) error { return service.ErrReadOnly },
		Register: registerNow(svc, logger), Around: notForPrograms,
		Notice: fullDisk + " Until then no API token is known, and nobody who was logged in: they are again afterwards. " +
			"On this machine, open the address that the agent printed since (Dashboard, for reading only).",
	})
	if err != nil {
		return nil, "", err
	}
	link, err := s.Link(ctx, "")
	if err != nil {
		return nil, "", errors.Join(err, s.Close())
	}
	if link == "" {
		link = s.URL()
	}
	return s, link, nil
}
