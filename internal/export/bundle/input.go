package bundle

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// Input is what goes into a bundle beside the snapshot. Its zero value is a
// whole bundle without rules, that hides nothing.
type Input struct {
	Scope      string // Whole (or empty) or Used
	Rules      []Rule // in force, in ascending order of their paths
	Request    Request
	Holder     string // of the signing key, in words; empty: FileKey
	Redaction  redact.Profile
	Withheld   int             // texts of the assessment that were withheld
	Unredacted evidence.Digest // of the assessment before that; zero: nothing was

	Attestations []Attestation // in ledger order
}

// Rule is a file of the rules in force.
type Rule struct {
	Path string // below rules/: catalog/iso42001.yaml
	Text []byte
}

// Request is what an export was asked for: what its workbook needs beside the
// ledger and the rules.
type Request struct {
	Organisation string          `json:"organisation"`
	AsOf         string          `json:"as_of"`
	Period       string          `json:"period"`
	GeneratedBy  string          `json:"generated_by"`
	Tool         string          `json:"tool"`
	Inputs       json.RawMessage `json:"inputs,omitempty"` // of gathering, in a form of the program's own
}

// Attestation is what somebody else said about a checkpoint of the ledger.
type Attestation struct {
	Attested
	Body  []byte // of the ledger's entry, canonical
	Note  []byte // the signed checkpoint, with a cosignature's line added
	Token []byte // of rfc3161: DER
}

var rulePath = regexp.MustCompile(`^(catalog|kinds|expectations|crosswalk|own)/[0-9A-Za-z_-][0-9A-Za-z._-]{0,91}\.yaml$`)

// RulePath reports whether a path below rules/ is one that a bundle can have.
func RulePath(path string) bool { return rulePath.MatchString(path) }

// OwnRule is the path of the nth of the organisation's own files of rules,
// which apply in this order. Its name is kept as far as paths allow.
func OwnRule(n int, name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")
	safe := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, name)
	return fmt.Sprintf("own/%04d-%.60s.yaml", n, safe)
}

func (in *Input) check() error {
	if in.Scope == "" {
		in.Scope = Whole
	}
	if in.Scope != Whole && in.Scope != Used {
		return fmt.Errorf("scope %q: want %s or %s", in.Scope, Whole, Used)
	}
	if in.Redaction.Name == "" {
		in.Redaction.Name = redact.None
	}
	for _, list := range []*[]string{&in.Redaction.Hide, &in.Redaction.Keep, &in.Redaction.Sheets} {
		if *list == nil {
			*list = []string{}
		}
	}
	if err := in.Redaction.Check(); err != nil {
		return err
	}
	for i, r := range in.Rules {
		if !RulePath(r.Path) {
			return fmt.Errorf("rules file %q: no path of rules", r.Path)
		}
		if i > 0 && r.Path <= in.Rules[i-1].Path {
			return fmt.Errorf("rules file %q comes after %q", r.Path, in.Rules[i-1].Path)
		}
	}
	return nil
}

// SortRules brings rules into the order of a bundle.
func SortRules(rules []Rule) {
	slices.SortFunc(rules, func(a, b Rule) int { return strings.Compare(a.Path, b.Path) })
}

var runName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)

// RunFile is the path of a run's manifest.
func RunFile(id string) string {
	if !runName.MatchString(id) {
		id = evidence.Sum([]byte(id)).String()
	}
	return RunsDir + id + ".json"
}
