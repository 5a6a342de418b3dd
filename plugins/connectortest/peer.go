package connectortest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// PeersFile holds, in a connector's folder, which kinds were read from which
// server that others wrote: {"moto_server 5.2.1": ["cloud.guardrail", …]}.
const PeersFile = "testdata/peers.json"

// Peer holds the kinds that a test read from a server that others wrote
// against what PeersFile says of it. With EXHIBIT_UPDATE=1 in the environment
// it writes them. server names the program and its version.
func Peer(t *testing.T, server string, kinds []string) {
	t.Helper()
	known, err := Peers(".")
	if err != nil {
		t.Fatal(err)
	}
	kinds = slices.Sorted(slices.Values(kinds))
	if !updating() {
		if d := cmp.Diff(kinds, known[server]); d != "" {
			t.Errorf("what was read from %s is not what %s says (-read +file); run it with %s=1:\n%s", server, PeersFile, updateVar, d)
		}
		return
	}
	known[server] = kinds
	raw, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(PeersFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(PeersFile, append(raw, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Peers reads the PeersFile of a connector's folder; empty if there is none.
func Peers(dir string) (map[string][]string, error) {
	known := map[string][]string{}
	raw, err := os.ReadFile(filepath.Join(dir, PeersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	return known, json.Unmarshal(raw, &known)
}
