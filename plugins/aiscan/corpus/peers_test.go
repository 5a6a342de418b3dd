//go:build peers

package corpus

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

//go:embed peers/run
var runScript string

//go:embed peers/mapping.json
var mappingJSON []byte

// said is one thing a scanner said: of whom, and in what words.
type said struct{ provider, detail string }

// readers take what counts as a statement of use from what a scanner prints.
// Advice, risks and capabilities are left out.
var readers = map[string]func([]byte) ([]said, error){
	"aibom-scanner": func(b []byte) ([]said, error) {
		var d struct {
			Detections   []struct{ Provider, SDK string }
			Dependencies []struct{ Provider, Package string }
			DevTools     []struct{ Provider, Name string } `json:"dev_tools"`
			MCP          []struct{ Name string }           `json:"mcp_servers"`
		}
		err := json.Unmarshal(b, &d)
		var out []said
		for _, x := range d.Detections {
			out = append(out, said{x.Provider, x.SDK})
		}
		for _, x := range d.Dependencies {
			out = append(out, said{x.Provider, x.Package})
		}
		for _, x := range d.DevTools {
			out = append(out, said{x.Provider, x.Name})
		}
		for range d.MCP {
			out = append(out, said{"mcp", ""})
		}
		return out, err
	},
	"ai-bom": func(b []byte) ([]said, error) {
		var d struct {
			Components []struct {
				Name       string
				Properties []struct{ Name, Value string }
			}
		}
		err := json.Unmarshal(b, &d)
		var out []said
		for _, c := range d.Components {
			s := said{detail: c.Name}
			for _, p := range c.Properties {
				if p.Name == "trusera:provider" {
					s.provider = p.Value
				}
			}
			out = append(out, s)
		}
		return out, err
	},
	"scanllm": func(b []byte) ([]said, error) {
		var d struct {
			Findings []struct {
				Provider, Framework string
				Pattern             string `json:"pattern_name"`
			}
		}
		err := json.Unmarshal(b, &d)
		var out []said
		for _, f := range d.Findings {
			out = append(out, said{f.Provider, f.Framework + " " + f.Pattern})
		}
		return out, err
	},
	"scopesafe-aibom": func(b []byte) ([]said, error) {
		var d struct {
			Agents []struct{ Framework string }
			Models []struct{ Provider, Framework string }
			MCP    []struct{ Name string } `json:"mcp_servers"`
		}
		err := json.Unmarshal(b, &d)
		var out []said
		for _, a := range d.Agents {
			out = append(out, said{a.Framework, ""})
		}
		for _, m := range d.Models {
			out = append(out, said{m.Provider, ""})
			if m.Framework != "direct-sdk" && m.Framework != "gateway" {
				out = append(out, said{m.Framework, ""})
			}
		}
		for range d.MCP {
			out = append(out, said{"mcp", ""})
		}
		return out, err
	},
}

// TestPeerScanners reads what peers/run made others' scanners print, puts it in
// the words of our signatures and keeps it in peers/results.json.
func TestPeerScanners(t *testing.T) {
	raw := os.Getenv("EXHIBIT_PEER_RAW")
	if raw == "" {
		t.Fatal("EXHIBIT_PEER_RAW names no folder; use peers/run")
	}
	repos, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	meaning := mapping(t)
	results := map[string]Peer{}
	for name, read := range readers {
		version := regexp.MustCompile(`\[` + regexp.QuoteMeta(name) + `\]=([0-9.]+)`).FindStringSubmatch(runScript)
		if version == nil {
			t.Fatalf("peers/run has no version of %s", name)
		}
		p := Peer{Version: version[1], Date: time.Now().UTC().Format(time.DateOnly), Found: map[string][]string{}}
		for _, r := range repos {
			b, err := os.ReadFile(filepath.Join(raw, name, r.Name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			i := bytes.IndexByte(b, '{')
			if i < 0 {
				p.Failed = append(p.Failed, r.Name)
				continue
			}
			all, err := read(b[i:])
			if err != nil {
				p.Failed = append(p.Failed, r.Name)
				continue
			}
			ids := []string{}
			for _, s := range all {
				means, err := meaning(s)
				if err != nil {
					t.Errorf("%s: %s: %v", name, r.Name, err)
				}
				ids = append(ids, means...)
			}
			slices.Sort(ids)
			p.Found[r.Name] = slices.Compact(ids)
		}
		results[name] = p
	}
	b, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("peers/results.json", append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", PeerTable(repos, measure(t), results))
	for name, p := range results {
		if len(p.Failed) > 0 {
			t.Logf("%s printed nothing of use for %v", name, p.Failed)
		}
	}
}

func mapping(t *testing.T) func(said) ([]string, error) {
	t.Helper()
	var rules []struct {
		Says  string
		Means []string
	}
	if err := json.Unmarshal(mappingJSON, &rules); err != nil {
		t.Fatal(err)
	}
	return func(s said) ([]string, error) {
		key := strings.ToLower(s.provider + "|" + s.detail)
		for _, r := range rules {
			if regexp.MustCompile(r.Says).MatchString(key) {
				return r.Means, nil
			}
		}
		return nil, fmt.Errorf("no rule of peers/mapping.json for %q", key)
	}
}
