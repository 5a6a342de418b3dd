package scanned

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// The parts of SARIF 2.1.0 that code scanning reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Automation  sarifAutomation   `json:"automationDetails"`
		Columns     string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
		Invocations []sarifInvocation `json:"invocations"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string            `json:"id"`
		Name          string            `json:"name"`
		Short         sarifText         `json:"shortDescription"`
		Full          sarifText         `json:"fullDescription"`
		Help          sarifText         `json:"help"`
		Configuration map[string]string `json:"defaultConfiguration"`
		Properties    map[string]any    `json:"properties"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifAutomation struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Kind         string            `json:"kind,omitempty"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   map[string]any    `json:"properties"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
		Message  *sarifText    `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact map[string]string `json:"artifactLocation"`
		Region   *sarifRegion      `json:"region,omitempty"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
)

// The rules. One result stands for one use, not for one line.
const (
	ruleUnregistered = iota
	ruleRegistered
	ruleSupporting
	ruleCredential
)

func sarifRules() []sarifRule {
	rule := func(id, name, short, full, help, level string) sarifRule {
		return sarifRule{ID: id, Name: name, Short: sarifText{short}, Full: sarifText{full}, Help: sarifText{help},
			Configuration: map[string]string{"level": level}, Properties: map[string]any{"tags": []string{"ai", "inventory"}, "precision": "high"}}
	}
	return []sarifRule{
		rule("ai/unregistered", "UnregisteredAI", "AI that no registered system accounts for",
			"The code uses AI, and no system in the register of AI systems accounts for this use.",
			"Enter the system in the register, or name the repository and the vendor in the entry that it belongs to. exhibit shadow draft writes a draft of the entry. Being registered is not being approved.", "warning"),
		rule("ai/registered", "RegisteredAI", "AI that a registered system accounts for",
			"The code uses AI, and a registered system accounts for it.", "Nothing is to be done.", "none"),
		rule("ai/supporting", "SupportingAI", "AI in tests, documentation or examples",
			"AI is named where nothing runs for users.", "Nothing is to be done.", "none"),
		rule("ai/open-credential", "OpenCredential", "A credential of an AI vendor lies open",
			"A text of the form of a vendor's credential stands in a file. The credential itself is not in this report.",
			"Revoke the credential at the vendor, then take it out of the file and of the history.", "error"),
	}
}

// maxRelated is how many further places one result names.
const maxRelated = 20

// SARIF writes scans as SARIF 2.1.0, one run each.
func SARIF(w io.Writer, scans []Scan) error {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{}}
	for i := range scans {
		log.Runs = append(log.Runs, scans[i].sarif())
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(log); err != nil {
		return fmt.Errorf("SARIF: %w", err)
	}
	return nil
}

func (s *Scan) sarif() sarifRun {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "exhibit", Version: s.Version, Rules: sarifRules()}},
		Automation: sarifAutomation{"exhibit/shadow/" + s.Repo}, Columns: "utf16CodeUnits", Results: []sarifResult{},
		Invocations: []sarifInvocation{{Successful: true, Notifications: []sarifNotification{}}},
	}
	rules := sarifRules()
	for _, f := range s.Report.Sightings {
		rule := ruleSupporting
		switch v := s.Verdicts[f.ID]; {
		case s.unregistered(f.ID):
			rule = ruleUnregistered
		case v.Candidate:
			rule = ruleRegistered
		}
		r := sarifResult{RuleID: rules[rule].ID, RuleIndex: rule, Level: rules[rule].Configuration["level"], Message: sarifText{s.title(f)},
			Locations: []sarifLocation{}, Fingerprints: map[string]string{"exhibitSighting/v1": f.ID},
			Properties: map[string]any{"provider": f.Provider, "scope": f.Scope, "confidence": f.Confidence, "why": f.Why, "signals": f.Count}}
		if rule != ruleUnregistered {
			r.Kind = "informational"
		}
		for i, sig := range f.Signals {
			switch {
			case i == 0:
				r.Locations = append(r.Locations, place(sig.Path, sig.Line))
			case i <= maxRelated:
				at := place(sig.Path, sig.Line)
				at.ID, at.Message = i, &sarifText{sig.Signature + ": " + sig.Excerpt}
				r.Related = append(r.Related, at)
			}
		}
		run.Results = append(run.Results, r)
	}
	for _, c := range s.Report.Secrets {
		run.Results = append(run.Results, sarifResult{RuleID: rules[ruleCredential].ID, RuleIndex: ruleCredential, Level: "error",
			Message:   sarifText{fmt.Sprintf("A credential of %s lies open: %s", c.Provider, c.Hint)},
			Locations: []sarifLocation{place(c.Path, c.Line)}, Fingerprints: map[string]string{"exhibitCredential/v1": c.Path + "|" + c.Hint},
			Properties: map[string]any{"provider": c.Provider}})
	}
	for _, u := range s.Report.Unread {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications,
			sarifNotification{Level: "note", Message: sarifText{"not scanned: " + u.Reason}, Locations: []sarifLocation{place(u.Path, 0)}})
	}
	return run
}

// place is a place in the repository. Paths are written as URI references.
func place(path string, line int) sarifLocation {
	segments := strings.Split(path, "/")
	for i, seg := range segments {
		segments[i] = url.PathEscape(seg)
	}
	uri := strings.Join(segments, "/")
	if strings.Contains(segments[0], ":") { // not a scheme
		uri = "./" + uri
	}
	at := sarifLocation{Physical: sarifPhysical{Artifact: map[string]string{"uri": uri, "uriBaseId": "%SRCROOT%"}}}
	if line > 0 {
		at.Physical.Region = &sarifRegion{line}
	}
	return at
}

// models are the models that a provider's sightings name, sorted and once each.
func (s *Scan) models(provider string) []aiscan.Model {
	var out []aiscan.Model
	for _, m := range s.Report.Models {
		if m.Provider == provider && !slices.ContainsFunc(out, func(have aiscan.Model) bool { return have.Ref == m.Ref }) {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b aiscan.Model) int { return strings.Compare(a.Ref, b.Ref) })
	return out
}
