package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/scanned"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/onrecord"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// against is what the sightings of a scan are held against: the register.
type against struct {
	known    bool // there is a register
	register []evidence.Evidence
	signs    *aisign.Set
	now      time.Time
}

// scanAgainst reads the register: the file named, or that of the configuration.
func (g *globals) scanAgainst(_ context.Context, path string, signs *aisign.Set, now time.Time) (*against, error) {
	a := &against{signs: signs, now: now}
	if path == "" && g.noConfig() {
		return a, nil
	}
	if path == "" {
		cfg, err := g.loadConfig()
		if err != nil {
			return nil, err
		}
		if path = cfg.Register; path == "" {
			return a, nil
		}
	}
	reg, err := register.Load(path, register.Known{Now: now})
	if err != nil {
		return nil, usageError{err, "exhibit register check names every place; --register names another file"}
	}
	records, err := reg.Records(now)
	if err != nil {
		return nil, err
	}
	a.known = true
	for _, r := range records {
		a.register = append(a.register, sealedForNow(r, register.SourceName, now))
	}
	return a, nil
}

// noConfig reports whether there is no configuration, and so no register that it
// names: then the catalogue, by which one is read, need not be read either. It
// takes longer than the scan of a tree that has not changed.
func (g *globals) noConfig() bool {
	if g.config != "" || g.store != "" {
		return false
	}
	_, err := os.Lstat(configfile.DefaultName)
	return errors.Is(err, fs.ErrNotExist)
}

// sealedForNow is a record as evidence that is on no ledger: what it is held
// against lives as long as the command.
func sealedForNow(r evidence.Record, source string, now time.Time) evidence.Evidence {
	return evidence.Evidence{Kind: r.Kind, Major: r.Major, Subject: r.Subject, Key: r.Key, EventTime: r.EventTime, CollectedAt: now,
		Source: source, Revision: 1, PayloadSum: evidence.Sum(r.Payload), PayloadSize: len(r.Payload), Payload: r.Payload}
}

// verdicts holds each sighting against the register by itself, so that one
// vendor that nobody declared does not hide behind another that somebody did.
func (a *against) verdicts(rep aiscan.Report, repo string) (map[string]scanned.Verdict, error) {
	out := make(map[string]scanned.Verdict, len(rep.Sightings))
	for _, f := range rep.Sightings {
		v, err := a.verdict(rep, f, repo)
		if err != nil {
			return nil, err
		}
		out[f.ID] = v
	}
	return out, nil
}

func (a *against) verdict(rep aiscan.Report, f aiscan.Sighting, repo string) (scanned.Verdict, error) {
	one := aiscan.Report{Root: rep.Root, Commit: rep.Commit, Sightings: []aiscan.Sighting{f}, Rules: rep.Rules}
	for _, m := range rep.Models {
		at := slices.ContainsFunc(f.Signals, func(sig aiscan.Signal) bool { return sig.Path == m.Path })
		if m.Provider == f.Provider && at && f.Scope != aiscan.Supporting {
			one.Models = append(one.Models, m)
		}
	}
	seen, err := onrecord.Scan{Report: one, Repo: repo, StartedAt: a.now, FinishedAt: a.now}.Records()
	if err != nil {
		return scanned.Verdict{}, err
	}
	all := a.register
	for _, r := range seen {
		payload, err := evidence.CanonicalObject(r.Payload)
		if err != nil {
			return scanned.Verdict{}, err
		}
		all = append(all[:len(all):len(all)], sealedForNow(evidence.Record{Kind: r.Kind, Major: 1, Subject: evidence.Subject(r.Subject), Key: r.Key, EventTime: r.EventTime, Payload: payload}, "scan", a.now))
	}
	res, err := shadow.Reconcile(shadow.Input{Evidence: each(all), Signs: a.signs, Now: a.now})
	if err != nil {
		return scanned.Verdict{}, err
	}
	if len(res.Cases) == 0 {
		return scanned.Verdict{}, nil // it only supports
	}
	v := scanned.Verdict{Candidate: true, Registered: true}
	for _, c := range res.Cases {
		if c.Open() {
			return scanned.Verdict{Candidate: true, Why: c.Unexplained}, nil
		}
		v.System = c.System
	}
	return v, nil
}

func each(list []evidence.Evidence) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for _, e := range list {
			if !yield(e, nil) {
				return
			}
		}
	}
}
