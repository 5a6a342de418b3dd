package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

type verifyOptions struct {
	key     string
	since   string
	against []string
	explain bool
	quick   bool
	with    []string
}

func newVerifyCommand(g *globals) *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:   "verify [STORE|BUNDLE|WORKBOOK]",
		Short: "Check offline that nothing was changed, and name the first thing that was",
		Long: `Verifies a store, a bundle or a workbook, told apart by content. It trusts nothing
of what it verifies: hashes are computed again, every entry is held against the signed checkpoint, every
evidence file against its digest, every byte of a workbook against its seal. From a bundle of the whole ledger it
assesses anew, by the rules in the bundle, and writes the workbook anew; a cell that comes out differently is named.

Give the public key with --key: a file with one line, obtained from the organisation by
another way than the bundle. Without it the key found inside is used, and the report says
that identity was not established. A store is verified with the key beside it.

Whoever has the key can write the whole ledger anew. That is found only against something kept from
earlier: with --against, a bundle or checkpoint of last time, a bundle must be its continuation, and with --since
a store. What time-stamp authorities and witnesses said is in the bundle and held against its ledger.

--with runs rules of your own on the evidence of a bundle, after its own rules and as of the same instant: an expectation
that you add, or other thresholds. What comes out differently is listed. Nothing is written, and what is verified is the same.

--explain says of each check how it was made, what it shows and what it does not. Exit code 12 says that
something does not hold.`,
		Example: `  exhibit verify exhibit-bundle.zip --key exhibit.pub --explain
  exhibit verify exhibit-bundle.zip --key exhibit.pub --against last-audit.zip
  exhibit verify exhibit-bundle.zip --key exhibit.pub --with my-rules.yaml
  exhibit verify exhibit.db --since checkpoint-2026-11.txt`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runVerify(c.Context(), g, o, args) },
	}
	c.Flags().StringVar(&o.key, "key", "", "`file` with the public key (exhibit.pub)")
	c.Flags().StringVar(&o.since, "since", "", "`file` with a checkpoint that the store must continue")
	c.Flags().StringArrayVar(&o.against, "against", nil, "earlier bundle or checkpoint (`file`) that the bundle must continue; may be given again")
	c.Flags().StringArrayVar(&o.with, "with", nil, "`file` of expectations or overrides of your own to run on a bundle's evidence; may be given again")
	c.Flags().BoolVar(&o.explain, "explain", false, "say of each check how it was made, what it shows and what it does not")
	c.Flags().BoolVar(&o.quick, "no-recompute", false, "do not assess anew and write the workbook anew")
	return c
}

func runVerify(ctx context.Context, g *globals, o verifyOptions, args []string) error {
	var key verify.Key
	if o.key != "" {
		v, err := ledger.LoadVerifier(o.key)
		if err != nil {
			return usageError{fmt.Errorf("--key: %w", err), "the file holds one line: the public key, as in exhibit.pub"}
		}
		key = v
	}
	report, err := verifyTarget(ctx, g, o, key, args)
	if err != nil {
		return err
	}
	if o.explain {
		report = report.Explained()
	}
	if g.output != "table" {
		if err := printJSON(g.std.out, g.output, report); err != nil {
			return err
		}
	} else {
		printReport(g, report)
	}
	if !report.OK() {
		return changedError{report.What, report.First}
	}
	return nil
}

// changedError says that what was verified is not as it was sealed.
type changedError struct {
	what  string // store | bundle | workbook
	first *verify.Failure
}

func (e changedError) Error() string {
	return fmt.Sprintf("this %s is not as it was sealed: %s", e.what, e.first.Error())
}

// Unwrap gives the exit code.
func (e changedError) Unwrap() error { return store.ErrTampered }

// Hint says what the reader of each can do.
func (e changedError) Hint() string {
	if e.what == verify.WhatStore {
		return "keep this copy for an investigation and restore a backup"
	}
	return "do not rely on this copy: it was changed, or opened and saved again; ask for the original"
}

// verifyTarget verifies the file named, or the configured store.
func verifyTarget(ctx context.Context, g *globals, o verifyOptions, key verify.Key, args []string) (verify.Report, error) {
	if len(args) == 1 && !isURL(args[0]) {
		info, err := os.Stat(args[0])
		if errors.Is(err, fs.ErrNotExist) {
			return verify.Report{}, usageError{fmt.Errorf("%s is not there", args[0]), "name a store, a bundle or a workbook"}
		}
		if err == nil && !info.Mode().IsRegular() {
			return verify.Report{}, usageError{fmt.Errorf("%s is not a file", args[0]), "name a store, a bundle or a workbook"}
		}
		opt, err := bundleOptions(o, key)
		if err != nil {
			return verify.Report{}, err
		}
		report, err := verify.Path(ctx, args[0], opt)
		if !errors.Is(err, verify.ErrUnknown) {
			if errors.Is(err, verify.ErrWith) {
				return report, usageError{err, "check the files with exhibit catalog check; a bundle that is narrowed or hides payloads does not hold what rules ask"}
			}
			if err == nil && len(o.with) > 0 && report.What != verify.WhatBundle {
				return report, usageError{errors.New("--with is for bundles"), "a workbook holds no evidence; on a copy of the store name the file in exhibit.yaml under expectations"}
			}
			if err == nil && o.since != "" {
				return report, usageError{errors.New("--since is for stores"), "hold a bundle against an earlier one with --against"}
			}
			return report, err
		}
	}
	return verifyStore(ctx, g, o, key, args)
}

// bundleOptions says how a bundle is verified.
func bundleOptions(o verifyOptions, key verify.Key) (verify.Options, error) {
	opt := verify.Options{Key: key}
	if !o.quick {
		opt.Recompute = &verify.Recompute{Tool: "exhibit " + version, Shipped: config.FS, Prepared: service.Prepared()}
	}
	for _, path := range o.against {
		e, err := verify.ReadEarlier(path)
		if err != nil {
			return opt, usageError{fmt.Errorf("--against: %w", err), "give a bundle, or a checkpoint as exhibit ledger checkpoint prints it"}
		}
		opt.Against = append(opt.Against, e)
	}
	for _, path := range o.with {
		text, err := os.ReadFile(path)
		if err != nil {
			return opt, usageError{fmt.Errorf("--with: %w", err), "give a file of expectations or overrides: exhibit catalog explain shows the form"}
		}
		opt.With = append(opt.With, evaluate.RuleFile{Name: path, Text: text})
	}
	if len(opt.With) > 0 && opt.Recompute == nil {
		return opt, usageError{errors.New("--with needs what --no-recompute leaves out"), "leave out --no-recompute"}
	}
	return opt, nil
}

func isURL(s string) bool {
	loc, err := configfile.ParseLocation(".", s)
	return err == nil && loc.IsURL()
}

// verifyStore verifies a store with the key given, or the one beside it.
func verifyStore(ctx context.Context, g *globals, o verifyOptions, key verify.Key, args []string) (verify.Report, error) {
	local := *g
	if len(args) == 1 {
		local.store = args[0]
	}
	cfg, err := local.loadConfig()
	if err != nil {
		return verify.Report{}, err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return verify.Report{}, err
	}
	defer st.Close()
	if key == nil {
		k, err := ledger.LoadKey(cfg.Key)
		if err != nil {
			return verify.Report{}, usageError{fmt.Errorf("no key to verify %s with: %w", cfg.Store, err), "give the public key with --key"}
		}
		if key, err = ledger.ParseVerifier(k.Public()); err != nil {
			return verify.Report{}, err
		}
	}
	seen, err := keysFor(ctx, st, key, o.since)
	if err != nil {
		return verify.Report{}, err
	}
	since, err := readCheckpoint(o.since, seen)
	if err != nil {
		return verify.Report{}, err
	}
	raw, ok := st.(store.Verifiable)
	if !ok {
		return verify.Report{}, fmt.Errorf("store %s cannot be verified", cfg.Store)
	}
	p := newProgress(g, "verifying")
	defer p.end()
	return verify.Store(ctx, cfg.Store.String(), raw, store.VerifyOptions{Verifier: key, Since: since,
		Progress: func(phase string, n int64) { p.show(fmt.Sprintf("%s %d", phase, n)) }})
}

// keysFor gives the keys that a checkpoint kept from earlier may be signed by.
func keysFor(ctx context.Context, st store.Store, trusted verify.Key, path string) (verify.Key, error) {
	if path == "" {
		return trusted, nil
	}
	return store.Keys(ctx, st, trusted)
}

// readCheckpoint reads a checkpoint that was kept; nil if there is no path.
func readCheckpoint(path string, key verify.Key) (*ledger.Checkpoint, error) {
	if path == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("checkpoint: %w", err), "exhibit ledger checkpoint prints one to keep"}
	}
	cp, err := ledger.OpenCheckpoint(raw, key)
	if err != nil {
		return nil, hinted{fmt.Errorf("%w: checkpoint %s: %w", store.ErrTampered, path, err),
			"hold the store against another copy of the checkpoint, and the checkpoint against the ledger it is of"}
	}
	return &cp, nil
}

func printReport(g *globals, r verify.Report) {
	w := g.std.out
	for _, c := range r.Checked {
		fmt.Fprintf(w, "ok  %-72s %d\n", clean(c.Name), c.Count)
		if e := c.Explained; e != nil {
			fmt.Fprintf(w, "    how:            %s\n    shows:          %s\n    does not show:  %s\n", clean(e.How), clean(e.Shows), clean(e.ShowsNot))
		}
	}
	for _, a := range r.Attested {
		fmt.Fprintf(w, "attested: %s\n", clean(a))
	}
	if r.Recomputed != "" {
		fmt.Fprintf(w, "recomputed: %s\n", clean(r.Recomputed))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", clean(n))
	}
	if r.WithRules != nil {
		printOthers(g, r)
	}
	if !r.OK() {
		fmt.Fprintf(w, "DOES NOT HOLD: %s\n", clean(r.First.Error()))
		return
	}
	fmt.Fprintf(w, "The %s holds. Signed by %s\n", r.What, clean(r.Key))
}

// printOthers lists what comes out differently under rules of the reader's own.
func printOthers(g *globals, r verify.Report) {
	w := g.std.out
	for _, f := range r.WithRules {
		fmt.Fprintf(w, "\nwith your rules %s, sha256 %s:\n", clean(f.Name), f.SHA256)
	}
	if len(r.With) == 0 {
		fmt.Fprint(w, "nothing comes out differently\n\n")
		return
	}
	t := table{head: []string{"CONTROL", "EXPECTATION", "SUBJECT", "STATUS", "WAS", "REASON"}}
	for _, o := range r.With {
		t.add(o.Control, o.Expectation, short(o.Subject.Type+" "+o.Subject.ID, 40), string(o.Status), string(o.Was), short(o.Reason, 90))
	}
	t.print(w)
	fmt.Fprintln(w)
}
