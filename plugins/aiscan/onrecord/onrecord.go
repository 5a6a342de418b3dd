// Package onrecord turns the report of a scan into the records that a
// connector emits for it: code.scan_run, code.ai_usage, code.model_reference,
// code.prompt_asset and code.ai_secret.
//
// It may import the standard library, plugins/aiscan, plugins/aisign,
// plugins/connector and plugins/records. It promises that a record's key and
// payload depend on what the repository holds, never on the time or the place
// of the scan (but for the record of the scan itself), that lines which move
// change no key, and that the same report gives the same records.
package onrecord

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version of the scanner, as code.scan_run states it.
const Version = "1"

// maxSkipped is how many files that were not read one record names; the rest
// is counted in the last of them.
const maxSkipped = 200

// Kinds are the kinds of the records, sorted.
func Kinds() []string {
	return []string{records.KindCodeSecret, records.KindCodeUsage, records.KindModelReference, records.KindPromptAsset, records.KindCodeScan}
}

// Scan is a report and what it does not know itself.
type Scan struct {
	Report     aiscan.Report
	Repo       string // owner/name
	URL        string // of the repository, where a person can see it; may be empty
	StartedAt  time.Time
	FinishedAt time.Time
}

// Records returns the records of a scan, in a fixed order: the scan itself
// last, so that whoever reads it knows that the others are there.
func (s Scan) Records() ([]connector.Record, error) {
	var out []connector.Record
	put := func(kind, key string, event time.Time, payload any) error {
		raw, err := json.Marshal(payload)
		if err != nil {
			return fmt.Errorf("%s %s: %w", kind, key, err)
		}
		out = append(out, connector.Record{Kind: kind, Subject: connector.Subject{Type: "repository", ID: s.Repo}, Key: clip(key),
			EventTime: event, URL: s.URL, Payload: raw})
		return nil
	}
	steps := []func(put putter) error{s.usage, s.models, s.assets, s.secrets, s.run}
	for _, step := range steps {
		if err := step(put); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type putter func(kind, key string, event time.Time, payload any) error

// usage emits one record for each place that shows a product. It names no
// commit: one that changes other files would make every place new.
func (s Scan) usage(put putter) error {
	seen := map[string]bool{}
	for _, found := range s.Report.Sightings {
		for _, sig := range found.Signals {
			hash := shortHash(sig.Excerpt)
			key := strings.Join([]string{s.Repo, sig.Path, sig.Signature, hash}, "|")
			if seen[key] {
				continue
			}
			seen[key] = true
			u := records.CodeUsage{
				Repo: s.Repo, Path: sig.Path, Line: int64(sig.Line), RuleID: sig.Signature,
				Category: category(found.Category, sig.Class), Provider: found.Provider, Version: sig.Version, SnippetHash: hash,
				Confidence: string(found.Confidence), Scope: string(found.Scope), IntroducedAt: sig.Introduced,
			}
			if sig.Class == fact.Package {
				u.Package = strings.TrimSuffix(sig.Excerpt, " "+sig.Version)
			}
			if err := put(records.KindCodeUsage, key, time.Time{}, u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Scan) models(put putter) error {
	seen := map[string]bool{}
	for _, m := range s.Report.Models {
		key := strings.Join([]string{s.Repo, m.Path, m.Ref}, "|")
		if seen[key] {
			continue
		}
		seen[key] = true
		if err := put(records.KindModelReference, key, time.Time{}, records.ModelReference{
			Repo: s.Repo, Path: m.Path, ModelRef: m.Ref, Provider: m.Provider, PinType: m.Pin,
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s Scan) assets(put putter) error {
	for _, a := range s.Report.Assets {
		if err := put(records.KindPromptAsset, s.Repo+"|"+a.Path, time.Time{}, records.PromptAsset{
			Repo: s.Repo, Path: a.Path, SHA256: a.SHA256, Kind: a.Kind,
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s Scan) secrets(put putter) error {
	seen := map[string]bool{}
	for _, c := range s.Report.Secrets {
		key := strings.Join([]string{s.Repo, c.Path, shortHash(c.Hint)}, "|")
		if seen[key] {
			continue
		}
		seen[key] = true
		if err := put(records.KindCodeSecret, key, time.Time{}, records.CodeSecret{
			Repo: s.Repo, Path: c.Path, Provider: c.Provider, RedactedHint: c.Hint, State: "open",
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s Scan) run(put putter) error {
	skipped := make([]records.SkippedFile, 0, min(len(s.Report.Unread), maxSkipped))
	for i, u := range s.Report.Unread {
		if i == maxSkipped-1 && len(s.Report.Unread) > maxSkipped {
			skipped = append(skipped, records.SkippedFile{Path: "…", Reason: fmt.Sprintf("%d more", len(s.Report.Unread)-i)})
			break
		}
		skipped = append(skipped, records.SkippedFile{Path: u.Path, Reason: u.Reason})
	}
	return put(records.KindCodeScan, strings.Join([]string{s.Repo, s.Report.Commit, s.Report.Rules}, "|"), s.FinishedAt, records.CodeScan{
		Repo: s.Repo, ScannerVersion: Version, RulesDigest: s.Report.Rules, CommitSHA: s.Report.Commit, FilesScanned: int64(s.Report.Files),
		FilesSkipped: skipped, Bytes: s.Report.Bytes, StartedAt: stamp(s.StartedAt), FinishedAt: stamp(s.FinishedAt),
	})
}

// category is how code.ai_usage groups what was seen.
func category(of aisign.Category, class fact.Class) string {
	switch class {
	case fact.Host, fact.ARN, fact.Port, fact.Resource, fact.IAM, fact.Action, fact.Image, fact.Chart, fact.Workload:
		return "endpoint"
	case fact.Model:
		return "model_id"
	case fact.Weights:
		return "weights"
	case fact.Env, fact.Key, fact.Setting:
		return "env_key"
	case fact.MCPServer:
		return "mcp"
	}
	switch of {
	case aisign.MCP:
		return "mcp"
	case aisign.Framework, aisign.Runtime:
		return "agent_framework"
	case aisign.AssistantSaaS, aisign.CodingAgent:
		return "saas_widget"
	}
	return "sdk"
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// maxKey is the longest key that a host takes, in bytes.
const maxKey = 1000

// clip shortens a key that is too long, and keeps it apart from others.
func clip(key string) string {
	if len(key) <= maxKey {
		return key
	}
	return strings.ToValidUTF8(key[:maxKey-20], "") + "|" + shortHash(key)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}
