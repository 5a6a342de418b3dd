// Package scanned writes what a scan of code found for other tools: SARIF for
// code scanning, and the AI that the code uses as a bill of materials, in
// CycloneDX and in SPDX 3 with its AI profile.
//
// It may import plugins/aiscan, plugins/aisign, the CycloneDX library and
// google/uuid. It promises that a file says no more than the scan saw (what it does
// not know is left out, or said to be unknown where a format insists), that it
// holds no credential, and that the same scan gives the same bytes.
package scanned

import (
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// Verdict is what the register has for a sighting.
type Verdict struct {
	Registered bool   // a registered system accounts for it, or somebody decided on it
	System     string // that system, if any
	Why        string // why none accounts for it; empty if one does
	Candidate  bool   // it is use that has to be accounted for; what only supports is not
}

// Scan is a report, and what the register has for it.
type Scan struct {
	Report   aiscan.Report
	Repo     string // owner/name, or the folder's name
	Version  string // of Exhibit
	At       time.Time
	Verdicts map[string]Verdict // by id of the sighting
}

// unregistered reports whether a sighting is use that nobody accounts for.
func (s *Scan) unregistered(id string) bool {
	v := s.Verdicts[id]
	return v.Candidate && !v.Registered
}

// title says in one line what a sighting is.
func (s *Scan) title(f aiscan.Sighting) string {
	v := s.Verdicts[f.ID]
	text := fmt.Sprintf("%s (%s) is used: %s, %s", name(f), strings.ReplaceAll(string(f.Category), "_", " "), scopeWords(f.Scope), f.Confidence)
	switch {
	case v.Registered && v.System != "":
		return text + ". The registered system " + v.System + " accounts for it."
	case v.Registered:
		return text + ". It was decided on."
	case !v.Candidate:
		return text + ". It supports the work and needs no entry in the register."
	}
	return text + ". No registered system accounts for it: " + v.Why + "."
}

func name(f aiscan.Sighting) string {
	if f.Vendor == "" || f.Vendor == "unspecified" || strings.EqualFold(f.Vendor, f.Provider) {
		return f.Provider
	}
	return f.Vendor + " " + f.Provider
}

func scopeWords(s aiscan.Scope) string {
	switch s {
	case aiscan.Product:
		return "in what runs for users"
	case aiscan.Infrastructure:
		return "in infrastructure"
	case aiscan.CI:
		return "in a pipeline"
	case aiscan.Development:
		return "to write code"
	case aiscan.AgentInterface:
		return "as a tool offered to agents"
	}
	return "in tests, documentation or examples"
}
