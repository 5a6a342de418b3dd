package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

type healthOptions struct {
	ready   bool
	listen  string
	timeout time.Duration
}

func newAgentHealthCommand(g *globals) *cobra.Command {
	var o healthOptions
	c := &cobra.Command{
		Use:   "health",
		Short: "Ask the agent of this machine whether it is alive, or ready",
		Long: `Asks the agent that runs on this machine with the same configuration whether it answers;
with --ready, whether the store can be reached and its newest checkpoint verifies, and whether the
schedule goes on. It is for where there is no other program to ask with, such as the health check
of a container. Exit code 1 says that it is not, or that nobody answers.

An agent goes on with what it has read when a mistake gets into the file. Then the question goes to
--listen, or to the default address, and what is wrong with the file is told beside the answer.`,
		Example: `  exhibit agent health
  exhibit agent health --ready -o json
  exhibit agent health --listen 127.0.0.1:9000`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runHealth(c.Context(), g, o) },
	}
	c.Flags().BoolVar(&o.ready, "ready", false, "ask whether it is ready, not only whether it is alive")
	c.Flags().StringVar(&o.listen, "listen", "", "the `host:port` that the agent was started with, if not the configured one")
	c.Flags().DurationVar(&o.timeout, "timeout", 5*time.Second, "how `long` it has to answer")
	return c
}

func runHealth(ctx context.Context, g *globals, o healthOptions) error {
	server := configfile.Server{Listen: configfile.DefaultListen}
	cfg, refused := g.loadConfig()
	if refused == nil {
		server = cfg.Server
	}
	address := server.Listen
	if o.listen != "" {
		address = o.listen
	}
	if address == "" {
		return usageError{errors.New("the configuration serves nothing, so that nobody can be asked"), "see server.listen"}
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	ask := askHealth
	if refused != nil {
		ask = askUnknown
	}
	report, err := ask(ctx, server, address, o.ready)
	switch {
	case err != nil && refused != nil:
		return refused
	case err != nil:
		return hinted{err, "is exhibit agent running here, with this configuration?"}
	case refused != nil:
		fmt.Fprintf(g.std.err, "exhibit: asked at %s, for the configuration is refused: %s\n", clean(address), clean(refused.Error()))
	}
	return g.printHealth(report)
}

func (g *globals) printHealth(report telemetry.Report) error {
	switch g.output {
	case "table":
		fmt.Fprintln(g.std.out, clean(report.State))
		for _, c := range report.Checks {
			fmt.Fprintf(g.std.out, "  %-10s %s\n", clean(c.State), clean(c.Name))
		}
	case "json":
		if err := printJSON(g.std.out, "json", report); err != nil {
			return err
		}
	default:
		if err := printRows(g.std.out, g.output, report.Checks); err != nil {
			return err
		}
	}
	if !report.Ready() {
		return exitWith{exitError}
	}
	return nil
}

// askUnknown asks a listener of which it is not known whether it has a certificate,
// and which: nothing secret is said to it.
func askUnknown(ctx context.Context, _ configfile.Server, address string, ready bool) (telemetry.Report, error) {
	report, err := askAt(ctx, "http", nil, address, ready)
	if err == nil {
		return report, nil
	}
	return askAt(ctx, "https", &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, address, ready)
}

// askHealth asks the listener at address on this machine.
func askHealth(ctx context.Context, s configfile.Server, address string, ready bool) (telemetry.Report, error) {
	if s.TLS.Cert == "" {
		return askAt(ctx, "http", nil, address, ready)
	}
	own, err := onlyOwn(s.TLS)
	if err != nil {
		return telemetry.Report{}, err
	}
	return askAt(ctx, "https", own, address, ready)
}

func askAt(ctx context.Context, scheme string, trust *tls.Config, address string, ready bool) (telemetry.Report, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return telemetry.Report{}, usageError{fmt.Errorf("%q is no address: %w", address, err), "host:port"}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	path := "/healthz"
	transport := &http.Transport{TLSClientConfig: trust} // no proxy leads to this machine
	if ready {
		path = "/readyz"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return telemetry.Report{}, err
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return telemetry.Report{}, err
	}
	defer res.Body.Close()
	var report telemetry.Report
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&report); err != nil || report.State == "" {
		return report, fmt.Errorf("%s answers %s, which is no report of health", address, res.Status)
	}
	return report, nil
}

// onlyOwn trusts the certificate that the agent serves, whatever name is asked.
func onlyOwn(t configfile.TLS) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the agent: %w", err)
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the certificate itself is compared below
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 || !bytes.Equal(raw[0], own.Certificate[0]) {
				return errors.New("another certificate than the configured one is served")
			}
			return nil
		},
	}, nil
}
