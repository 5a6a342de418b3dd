// Command exhibit-connector-faulty does what a connector must not do, one
// thing for each mode, so that scripts can show what Exhibit makes of it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/serve"
)

const kind = "faulty.item"

type settings struct {
	Mode  string `json:"mode"`
	Count int    `json:"count"` // records, before anything goes wrong
	Delay int    `json:"delay"` // milliseconds between two records
	Mark  string `json:"mark"`  // file that gets a line for each run, and for each start of a process
}

const schema = `{"type":"object","additionalProperties":false,"required":["mode"],"properties":{
	"mode":{"type":"string"},"count":{"type":"integer"},"delay":{"type":"integer"},"mark":{"type":"string"}}}`

type faulty struct{}

func (faulty) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name: "faulty", Version: "1.0.0", Summary: "Does what a connector must not do.",
		ConfigSchema: json.RawMessage(schema),
		Secrets:      []connector.SecretSpec{{Name: "token", Summary: "anything"}},
		Kinds:        []connector.KindSpec{{Kind: kind, Major: 1, Summary: "an item"}},
		Permissions: []connector.Permission{{ID: "items:read", Kinds: []string{kind}, Why: "to list items",
			Grant: "ask the keeper of items for items:read"}},
	}
}

func (faulty) Check(_ context.Context, cfg connector.Config) (connector.CheckReport, error) {
	s, err := read(cfg)
	r := connector.CheckReport{Identity: "faulty", Scope: []string{"items"},
		Permissions: []connector.PermissionState{{Permission: "items:read", Grant: connector.Granted}}}
	switch s.Mode {
	case "expired":
		r = connector.CheckReport{Problem: "the credential is refused (401)", Remedy: "make a new token"}
	case "unpermitted":
		r.Permissions[0] = connector.PermissionState{Permission: "items:read", Grant: connector.Missing, Detail: "403"}
	case "crash-in-check":
		os.Exit(7)
	}
	return r, err
}

func (faulty) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	s, err := read(req.Config)
	if err != nil {
		return nil, err
	}
	if err := mark(s.Mark); err != nil {
		return nil, err
	}
	for i := range s.Count {
		if err := emit.Record(record(fmt.Sprintf("item-%05d", i), `{"ok":true}`)); err != nil {
			return nil, err
		}
		if s.Delay > 0 {
			time.Sleep(time.Duration(s.Delay) * time.Millisecond)
		}
	}
	complete := connector.KindCoverage{Status: connector.Complete, Enumerated: true, IndependentCount: -1}
	if err := misbehave(ctx, s, req.Config.Secrets["token"], emit, &complete); err != nil {
		return nil, err
	}
	return connector.Coverage{kind: complete}, nil
}

// misbehave does what the mode says, after the records.
func misbehave(ctx context.Context, s settings, token string, emit connector.Emitter, claim *connector.KindCoverage) error {
	switch s.Mode {
	case "good", "unpermitted":
	case "crash":
		time.Sleep(700 * time.Millisecond) // longer than a batch waits: what was sent is acknowledged
		os.Exit(7)
	case "panic":
		panic("the items are on fire")
	case "hang":
		select {} // a context is nothing to it
	case "flood":
		for i := 0; ; i++ {
			if err := emit.Record(record(fmt.Sprintf("flood-%d", i), `{"ok":true}`)); err != nil {
				return err
			}
		}
	case "big":
		return emit.Record(record("big", `{"text":"`+strings.Repeat("x", 2<<20)+`"}`))
	case "short": // another way of counting gives more
		claim.IndependentCount = int64(s.Count) + 3
	case "unchanged": // attests what it never sent
		return emit.Unchanged("items", 40)
	case "tomorrow":
		r := record("tomorrow", `{"ok":true}`)
		r.EventTime = time.Now().Add(24 * time.Hour)
		return emit.Record(r)
	case "undeclared":
		r := record("other", `{"ok":true}`)
		r.Kind = "faulty.other"
		return emit.Record(r)
	case "denied":
		claim.Status, claim.Enumerated = connector.Refused, false
		return emit.Gap(connector.Gap{Kinds: []string{kind}, Scope: "items/secret", Reason: connector.Denied,
			Permission: "items:read", Detail: "403 Forbidden"})
	case "blab": // tells its secret to everybody
		slog.Info("the token is "+token, "token", token)
		fmt.Fprintln(os.Stderr, "token", token)
		emit.Progress(connector.Progress{Message: "with " + token})
		gap := connector.Gap{Kinds: []string{kind}, Scope: "items", Reason: connector.Unavailable, Detail: "GET /?t=" + token}
		if err := emit.Gap(gap); err != nil {
			return err
		}
		return fmt.Errorf("GET https://items.example/?token=%s: 500", token)
	case "blab-record": // and to the ledger
		return emit.Record(record("blab", `{"header":"Bearer `+token+`"}`))
	case "escape": // steers terminals and spreadsheets
		if err := emit.Record(record("=cmd|' /C calc'!A0", `{"ok":true}`)); err != nil {
			return err
		}
		return fmt.Errorf("\x1b[2J\x1b]0;owned\x07 gone")
	default:
		return fmt.Errorf("%w: mode %q", connector.ErrRefused, s.Mode)
	}
	return ctx.Err()
}

func record(key, payload string) connector.Record {
	return connector.Record{Kind: kind, Key: key, Subject: connector.Subject{Type: "item", ID: key}, Payload: json.RawMessage(payload)}
}

func read(cfg connector.Config) (settings, error) {
	var s settings
	if err := json.Unmarshal(cfg.Settings, &s); err != nil {
		return s, fmt.Errorf("settings: %w", err)
	}
	return s, nil
}

// mark appends this process's id, arguments and environment to a file.
func mark(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "run pid=%d args=%q env=%q\n", os.Getpid(), os.Args, os.Environ())
	return err
}

func main() { serve.Connector(faulty{}) }
