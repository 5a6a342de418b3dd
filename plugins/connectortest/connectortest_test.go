package connectortest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestMain(m *testing.M) { connectortest.Main(m, acme{}) }

const secret = "a-long-and-odd-token"

func goodCase() connectortest.Case {
	return connectortest.Case{
		Config: connector.Config{
			Settings: json.RawMessage(`{"pages":3}`), Secrets: map[string]string{"token": secret},
		},
		Patience: 300 * time.Millisecond,
	}
}

func TestGoodConnectorPasses(t *testing.T) { connectortest.Run(t, acme{}, goodCase()) }

// acme is a connector that keeps every promise; flaw makes it break one.
type acme struct{ flaw string }

func (a acme) Describe() connector.Descriptor {
	d := connector.Descriptor{
		Name: "acme", Version: "1.0.0", Summary: "Reads Acme.",
		ConfigSchema: json.RawMessage(`{"type":"object","properties":{"pages":{"type":"integer"}}}`),
		Secrets:      []connector.SecretSpec{{Name: "token", Summary: "a token", Required: true}},
		Kinds:        []connector.KindSpec{{Kind: "acme.thing", Major: 1}, {Kind: "acme.note", Major: 1}},
		Permissions:  []connector.Permission{{ID: "read", Kinds: []string{"acme.thing"}, Why: "w", Grant: "g"}},
	}
	switch a.flaw {
	case "bad name":
		d.Name = "Acme!"
	case "changing descriptor":
		d.Summary = fmt.Sprint(time.Now().UnixNano())
	case "bad schema":
		d.ConfigSchema = json.RawMessage(`{"type":"nonsense"}`)
	}
	return d
}

func (a acme) Check(_ context.Context, cfg connector.Config) (connector.CheckReport, error) {
	r := connector.CheckReport{Identity: "robot", Permissions: []connector.PermissionState{{Permission: "read", Grant: connector.Granted}}}
	switch a.flaw {
	case "secret in report":
		r.Identity = "robot with " + cfg.Secrets["token"]
	case "forgotten permission":
		r.Permissions = nil
	case "no identity":
		r.Identity = ""
	case "check fails":
		return r, errors.New("no")
	}
	return r, nil
}

func (a acme) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	if err := ctx.Err(); err != nil && a.flaw != "deaf to its context" {
		return nil, err
	}
	coverage := connector.Coverage{}
	if req.Wants("acme.thing") {
		coverage["acme.thing"] = connector.KindCoverage{Status: connector.Complete, Enumerated: true, IndependentCount: -1}
	}
	if req.Wants("acme.note") || a.flaw == "unwanted kind" {
		coverage["acme.note"] = connector.KindCoverage{IndependentCount: -1}
	}
	if a.flaw == "unwanted kind" {
		if err := emit.Record(thing("acme.note", 0)); err != nil {
			return nil, err
		}
	}
	if req.Wants("acme.thing") {
		if err := a.things(ctx, req, emit); err != nil && a.flaw != "swallowed error" {
			return nil, err
		}
	}
	return a.spoil(req, emit, coverage)
}

func (a acme) things(ctx context.Context, req connector.Request, emit connector.Emitter) error {
	for page := range 3 {
		group := fmt.Sprintf("page-%d", page)
		if !req.Full && req.Validators[group].ETag == `"1"` {
			if a.flaw == "forgets a page" && page == 1 {
				continue
			}
			count := 10
			if a.flaw == "wrong count" {
				count = 11
			}
			if err := emit.Unchanged(group, count); err != nil {
				return err
			}
			continue
		}
		for i := range 10 {
			r := thing("acme.thing", page*10+i)
			r.Group = group
			if a.flaw == "moving content" {
				r.Payload = json.RawMessage(fmt.Sprintf(`{"at":"%d"}`, time.Now().UnixNano()))
			}
			if err := emit.Record(r); err != nil && a.flaw != "swallowed error" {
				return err
			}
			if a.flaw == "deaf to its context" && ctx.Err() != nil {
				time.Sleep(time.Second)
			}
		}
		if a.flaw == "moving content" {
			continue
		}
		if err := emit.Validator(group, connector.Validator{ETag: `"1"`}); err != nil {
			return err
		}
	}
	return nil
}

func thing(kind string, i int) connector.Record {
	return connector.Record{
		Kind: kind, Subject: connector.Subject{Type: "thing", ID: fmt.Sprint(i)}, Key: fmt.Sprint(i),
		EventTime: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i)),
	}
}

func (a acme) spoil(req connector.Request, emit connector.Emitter, coverage connector.Coverage) (connector.Coverage, error) {
	token := req.Config.Secrets["token"]
	r := thing("acme.thing", 1000)
	switch a.flaw {
	case "secret in a record":
		r.Payload = json.RawMessage(`{"url":"https://x/?token=` + token + `"}`)
		return coverage, emit.Record(r)
	case "secret in a gap":
		return coverage, emit.Gap(connector.Gap{Kinds: []string{"acme.note"}, Scope: "s", Reason: connector.Denied, Detail: token})
	case "secret in an error":
		return nil, errors.New("GET https://x/?token=" + token)
	case "secret in the log":
		slog.Info("asking", "token", token)
	case "undeclared kind":
		r.Kind = "acme.other"
		return coverage, emit.Record(r)
	case "invalid record":
		r.Payload = json.RawMessage(`[]`)
		return coverage, emit.Record(r)
	case "record of tomorrow":
		r.EventTime = time.Now().Add(24 * time.Hour)
		return coverage, emit.Record(r)
	case "missing coverage":
		delete(coverage, "acme.note")
	case "complete with a gap":
		return coverage, emit.Gap(connector.Gap{Kinds: []string{"acme.thing"}, Scope: "s", Reason: connector.Denied})
	case "enumerated but partial":
		coverage["acme.thing"] = connector.KindCoverage{Status: connector.Partial, Enumerated: true, IndependentCount: -1}
	case "early attestation":
		return coverage, emit.Unchanged("page-9", 1)
	case "same key twice":
		r.Key = "0"
		return coverage, emit.Record(r)
	}
	return coverage, nil
}

// Each flaw is found, by the check that looks for it.
func TestFlawsAreFound(t *testing.T) {
	tests := []struct{ flaw, check, text string }{
		{"bad name", "describe", `name "Acme!"`},
		{"changing descriptor", "describe", "different values"},
		{"bad schema", "describe", "config schema"},
		{"secret in report", "check", "secret token"},
		{"forgotten permission", "check", "permission read"},
		{"no identity", "check", "Identity"},
		{"check fails", "check", "Check failed"},
		{"secret in a record", "collect", "secret token"},
		{"secret in a gap", "collect", "secret token"},
		{"secret in an error", "collect", "secret token"},
		{"secret in the log", "collect", "the log of Collect holds"},
		{"undeclared kind", "collect", `"acme.other"`},
		{"invalid record", "collect", "not a JSON object"},
		{"record of tomorrow", "collect", "in the future"},
		{"missing coverage", "collect", `"acme.note"`},
		{"complete with a gap", "collect", "complete although"},
		{"enumerated but partial", "collect", "not complete"},
		{"early attestation", "collect", "unchanged in a first run"},
		{"same key twice", "collect", "different content"},
		{"moving content", "again", "other content"},
		{"wrong count", "again", "attests 11 records"},
		{"forgets a page", "again", "would count as gone"},
		{"unwanted kind", "kinds", "of kind acme.note"},
		{"deaf to its context", "cancel", "does not return within"},
		{"swallowed error", "emitter", "Collect returned"},
	}
	for _, tt := range tests {
		t.Run(tt.flaw, func(t *testing.T) {
			found := connectortest.Examine(t.Context(), acme{flaw: tt.flaw}, goodCase())
			if !slices.ContainsFunc(found, func(p connectortest.Problem) bool {
				return p.Check == tt.check && strings.Contains(p.Text, tt.text)
			}) {
				t.Errorf("want a problem of %s with %q, got %v", tt.check, tt.text, found)
			}
		})
	}
}

func TestCaseMustFit(t *testing.T) {
	cs := goodCase()
	cs.Config.Settings = json.RawMessage(`{"pages":"three"}`)
	cs.Config.Secrets = map[string]string{"pasword": secret}
	var texts []string
	for _, p := range connectortest.Examine(t.Context(), acme{}, cs) {
		texts = append(texts, p.Text)
	}
	all := strings.Join(texts, "\n")
	for _, want := range []string{"/pages", "lacks the secret token", "pasword"} {
		if !strings.Contains(all, want) {
			t.Errorf("want %q in the problems:\n%s", want, all)
		}
	}
}
