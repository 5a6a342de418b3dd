package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options say how the organisation is started.
type Options struct {
	// Now is the instant that all times are relative to. Zero is refused: the
	// same Now gives the same data.
	Now time.Time
	// Dir, if not empty, gets the files of WriteFiles at once.
	Dir string
	// Logger takes what the servers have to say. Nil drops it.
	Logger *slog.Logger
}

// Org is a running organisation. Its servers are simulated.
type Org struct {
	// GitHubURL, JiraURL and AWSURL are the servers' base URLs, without a
	// slash at the end. AWSURL speaks SageMaker and STS.
	GitHubURL, JiraURL, AWSURL string
	// GitHubOrg is the organisation's login.
	GitHubOrg string
	// GitHubToken is the token that the simulated GitHub takes.
	GitHubToken string
	// GitHubWeakToken may list repositories and read nothing else: what is below
	// a repository answers 403, branch protection 404.
	GitHubWeakToken string
	// JiraEmail and JiraToken are the account that the simulated Jira takes.
	JiraEmail, JiraToken string
	// AWSRegion, AWSAccount, AWSAccessKeyID and AWSSecretAccessKey are what the
	// simulated AWS takes. The signature is not checked, the key id is.
	AWSRegion, AWSAccount, AWSAccessKeyID, AWSSecretAccessKey string
	// Now is the instant that all data are relative to.
	Now time.Time

	world   *world
	servers []*http.Server
}

// Credentials of the simulated servers. They open nothing else.
const (
	gitHubToken  = "simulated-github-token"
	weakToken    = "simulated-github-token-without-rights"
	jiraToken    = "simulated-jira-token"
	awsKeyID     = "AKIASIMULATED0000000"
	awsSecretKey = "simulated-aws-secret-key"
)

// Start loads the data and starts the servers on 127.0.0.1. They run until
// Close, or until ctx ends. An error is a fault in the embedded data, or a
// machine without a free port.
func Start(ctx context.Context, opts Options) (*Org, error) {
	if opts.Now.IsZero() {
		return nil, errors.New("sandbox: Options.Now is zero; say when it is")
	}
	w, err := loadWorld(opts.Now)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	o := &Org{
		world: w, Now: w.now, GitHubOrg: w.hub.owner, GitHubToken: gitHubToken, GitHubWeakToken: weakToken,
		JiraEmail: "exhibit-reader@" + w.company.Organization.Domain, JiraToken: jiraToken,
		AWSRegion: w.sage.Region, AWSAccount: w.sage.Account, AWSAccessKeyID: awsKeyID, AWSSecretAccessKey: awsSecretKey,
	}
	for _, s := range []struct {
		name    string
		url     *string
		handler http.Handler
	}{
		{"github", &o.GitHubURL, newHubServer(w, gitHubToken, weakToken)},
		{"jira", &o.JiraURL, newJiraServer(w, o.JiraEmail, jiraToken)},
		{"aws", &o.AWSURL, newSageServer(w, awsKeyID)},
	} {
		if *s.url, err = o.serve(ctx, log.With("server", s.name), s.handler); err != nil {
			return nil, errors.Join(fmt.Errorf("sandbox: simulated %s: %w", s.name, err), o.Close())
		}
	}
	if opts.Dir != "" {
		if err := o.WriteFiles(opts.Dir); err != nil {
			return nil, errors.Join(err, o.Close())
		}
	}
	return o, nil
}

// serve starts one server and returns its address.
func (o *Org) serve(ctx context.Context, log *slog.Logger, h http.Handler) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	o.servers = append(o.servers, srv)
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			log.Error("simulated server stopped", "error", err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// Close stops the servers. It may be called more than once.
func (o *Org) Close() error {
	var errs []error
	for _, s := range o.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
