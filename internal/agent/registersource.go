package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// RegisterSource is the name of the built-in source that reads the register.
const RegisterSource = register.SourceName

// Cursors of the register: the digest of the one that was last kept whole, and
// the kinds that any of them ever declared, joined by blanks.
const (
	registerDigest = "digest"
	registerKinds  = "kinds"
)

// CollectRegister reads the register at path as a source: its declarations
// become records, and the file itself an entry when it changed. A register
// that is not valid is refused before a run is opened; the error is then a
// yamlfile.Problems with every place.
func (c *Collector) CollectRegister(ctx context.Context, path string) (evidence.Run, error) {
	now := c.Now()
	reg, err := register.Load(path, register.Known{Now: now, Controls: c.Catalog.ControlIDs()})
	if err != nil {
		return evidence.Run{}, err
	}
	if err := c.attest(ctx, reg); err != nil {
		return evidence.Run{}, err
	}
	records, err := reg.Records(now)
	if err != nil {
		return evidence.Run{}, err
	}
	if err := c.closeDangling(ctx, RegisterSource); err != nil {
		return evidence.Run{}, err
	}
	rec := newRecorder(c, evidence.Provenance{
		Agent: "exhibit/" + c.Version, Source: RegisterSource, Connector: RegisterSource, ConnectorVersion: c.Version,
		Identity: "file " + filepath.Base(path), Method: "file", Reliability: "manual",
	}, nil)
	if err := rec.open(ctx); err != nil {
		return evidence.Run{}, err
	}
	if err := rec.append(ctx, store.Batch{Run: rec.run.ID, Records: records}); err != nil {
		return evidence.Run{}, err
	}
	claims, err := c.keepRegister(ctx, rec.run.ID, reg)
	if err != nil {
		return evidence.Run{}, err
	}
	for _, kind := range claims {
		rec.run.Kinds[kind] = evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1,
			Query: "register file, SHA-256 " + reg.Digest().String()}
	}
	rec.run.FinishedAt, rec.run.Status = c.Now(), evidence.RunComplete
	return rec.end(ctx)
}

// attest brings confirmations that people made by command into the register.
func (c *Collector) attest(ctx context.Context, reg *register.Register) error {
	q := store.EvidenceQuery{Kinds: []string{people.KindAttestation}, Source: people.Source, Payloads: true}
	for ev, err := range c.Store.Evidence(ctx, q) {
		if err != nil {
			return err
		}
		if len(ev.Payload) == 0 { // erased: its proof stays, what it said is gone
			continue
		}
		a, err := people.ParseAttestation(ev)
		if err != nil {
			return err
		}
		reg.Confirm(a.System, a.By, a.At.Time)
	}
	return nil
}

// keepRegister appends the whole register if it is not the one kept last, and
// returns the kinds that the run claims to have seen whole: those that the file
// declares and, because what is withdrawn is gone, those that an earlier one did.
// A section that was never there claims nothing.
func (c *Collector) keepRegister(ctx context.Context, run string, reg *register.Register) ([]string, error) {
	state, err := c.Store.State(ctx, RegisterSource)
	if err != nil {
		return nil, err
	}
	claims := append(strings.Fields(state.Cursors[registerKinds]), reg.Declares()...)
	slices.Sort(claims)
	claims = slices.Compact(claims)
	digest := reg.Digest().String()
	if state.Cursors[registerDigest] == digest {
		return claims, nil
	}
	body, err := json.Marshal(map[string]string{"run": run, "sha256": digest, "text": string(reg.Text())})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	_, err = c.append(ctx, store.Batch{
		Run: run,
		State: []store.StateChange{{Cursor: true, Key: registerDigest, Value: mustJSON(digest)},
			{Cursor: true, Key: registerKinds, Value: mustJSON(strings.Join(claims, " "))}},
		Entries: []store.NewEntry{{Type: evidence.EntryRegister, At: c.Now(), Body: body}},
	})
	return claims, err
}
