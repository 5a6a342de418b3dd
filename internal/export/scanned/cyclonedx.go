package scanned

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// CycloneDX writes a scan as a CycloneDX 1.7 bill of materials: vendors that
// are called as services, packages and frameworks as libraries, models and
// files of models as machine-learning models, each with the places that show it.
// Whether that is everything is unknown, and the file says so.
func CycloneDX(w io.Writer, s Scan) error {
	b := &bill{scan: &s, parts: map[string]bool{}}
	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_7
	bom.SerialNumber = "urn:uuid:" + s.identity("cyclonedx").String()
	bom.Metadata = &cdx.Metadata{
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "exhibit", Version: s.Version}}},
		Component: &cdx.Component{BOMRef: rootRef, Type: cdx.ComponentTypeApplication, Name: s.Repo, Version: s.Report.Commit},
	}
	for _, f := range s.Report.Sightings {
		b.sighting(f)
	}
	for _, sig := range b.loose() {
		b.model(sig, "")
	}
	bom.Components, bom.Services = &b.components, &b.services
	bom.Dependencies = &[]cdx.Dependency{{Ref: rootRef, Dependencies: &b.refs}}
	bom.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateUnknown, Dependencies: &[]cdx.BOMReference{rootRef}}}
	if err := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return fmt.Errorf("bill of materials: %w", err)
	}
	return nil
}

const rootRef = "repository"

// identity names a scan by what it found.
func (s *Scan) identity(format string) uuid.UUID {
	raw, err := json.Marshal(struct {
		Repo, Format string
		Report       aiscan.Report
		Verdicts     map[string]Verdict
	}{s.Repo, format, s.Report, s.Verdicts})
	if err != nil { // a report holds nothing that JSON cannot say
		raw = []byte(s.Repo + s.Report.Commit)
	}
	sum := sha256.Sum256(raw)
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("urn:exhibit:scan:sha256:"+hex.EncodeToString(sum[:])))
}

// bill gathers the parts of a bill of materials.
type bill struct {
	scan       *Scan
	components []cdx.Component
	services   []cdx.Service
	refs       []string
	parts      map[string]bool
}

func (b *bill) take(ref string) bool {
	if b.parts[ref] {
		return false
	}
	b.parts[ref] = true
	b.refs = append(b.refs, ref)
	return true
}

// called reports whether a product is a service that somebody else runs.
func called(f aiscan.Sighting) bool {
	switch f.Category {
	case aisign.Provider, aisign.CloudService, aisign.Gateway, aisign.AssistantSaaS, aisign.CodingAgent:
		return f.Egress != aisign.Local
	}
	return false
}

func (b *bill) sighting(f aiscan.Sighting) {
	ref := f.Provider + "@" + string(f.Scope)
	if !b.take(ref) {
		return
	}
	props := b.properties(f)
	if called(f) {
		outside := f.Egress == aisign.External
		sv := cdx.Service{BOMRef: ref, Name: f.Provider, Properties: &props}
		if outside {
			sv.CrossesTrustBoundary = &outside
		}
		if f.Vendor != "" && f.Vendor != "unspecified" {
			sv.Provider = &cdx.OrganizationalEntity{Name: f.Vendor}
		}
		if hosts := hostsOf(f); len(hosts) > 0 {
			sv.Endpoints = &hosts
		}
		b.services = append(b.services, sv)
	} else {
		c := cdx.Component{BOMRef: ref, Type: typeOf(f), Name: f.Provider, Scope: scopeOf(f), Evidence: occurrences(f.Signals), Properties: &props}
		if f.Vendor != "" && f.Vendor != "unspecified" {
			c.Supplier = &cdx.OrganizationalEntity{Name: f.Vendor}
		}
		b.components = append(b.components, c)
	}
	b.packages(f)
	for _, m := range b.scan.models(f.Provider) {
		b.model(m, f.Vendor)
	}
}

// packages adds the packages by which a product is used.
func (b *bill) packages(f aiscan.Sighting) {
	for _, sig := range f.Signals {
		if sig.Class != fact.Package {
			continue
		}
		name := strings.TrimSuffix(sig.Excerpt, " "+sig.Version)
		ref := "package:" + name + "@" + sig.Version + "@" + string(f.Scope)
		if !b.take(ref) {
			continue
		}
		b.components = append(b.components, cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: name, Version: sig.Version,
			Scope: scopeOf(f), Evidence: occurrences([]aiscan.Signal{sig}),
			Properties: &[]cdx.Property{{Name: "exhibit:provider", Value: f.Provider}, {Name: "exhibit:rule", Value: sig.Signature}}})
	}
}

func (b *bill) model(m aiscan.Model, vendor string) {
	ref := "model:" + m.Provider + ":" + m.Ref
	if !b.take(ref) {
		return
	}
	props := []cdx.Property{{Name: "exhibit:pin", Value: m.Pin}}
	if m.Provider != "" {
		props = append(props, cdx.Property{Name: "exhibit:provider", Value: m.Provider})
	}
	c := cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeMachineLearningModel, Name: m.Ref,
		Evidence: occurrences([]aiscan.Signal{{Path: m.Path, Line: m.Line}}), Properties: &props}
	if vendor != "" && vendor != "unspecified" {
		c.Supplier = &cdx.OrganizationalEntity{Name: vendor}
	}
	b.components = append(b.components, c)
}

// loose are models that no sighting's provider has.
func (b *bill) loose() []aiscan.Model {
	var out []aiscan.Model
	for _, m := range b.scan.Report.Models {
		if !b.parts["model:"+m.Provider+":"+m.Ref] {
			out = append(out, m)
		}
	}
	return out
}

func (b *bill) properties(f aiscan.Sighting) []cdx.Property {
	v := b.scan.Verdicts[f.ID]
	out := []cdx.Property{
		{Name: "exhibit:sighting", Value: f.ID}, {Name: "exhibit:category", Value: string(f.Category)}, {Name: "exhibit:scope", Value: string(f.Scope)},
		{Name: "exhibit:confidence", Value: string(f.Confidence)}, {Name: "exhibit:why", Value: f.Why},
		{Name: "exhibit:registered", Value: strconv.FormatBool(v.Registered)},
	}
	if v.System != "" {
		out = append(out, cdx.Property{Name: "exhibit:system", Value: v.System})
	}
	if called(f) { // a service has no place for them
		for _, sig := range f.Signals {
			out = append(out, cdx.Property{Name: "exhibit:seen-at", Value: fmt.Sprintf("%s:%d %s", sig.Path, sig.Line, sig.Signature)})
		}
	}
	return out
}

func typeOf(f aiscan.Sighting) cdx.ComponentType {
	switch f.Category {
	case aisign.Framework:
		return cdx.ComponentTypeFramework
	case aisign.MLLibrary, aisign.Evaluation, aisign.Observability, aisign.MCP:
		if f.Provider == "model-artifact" {
			return cdx.ComponentTypeMachineLearningModel
		}
		return cdx.ComponentTypeLibrary
	case aisign.Runtime:
		return cdx.ComponentTypePlatform
	}
	return cdx.ComponentTypeApplication
}

func scopeOf(f aiscan.Sighting) cdx.Scope {
	switch f.Scope {
	case aiscan.Supporting, aiscan.Development, aiscan.CI:
		return cdx.ScopeExcluded
	}
	return cdx.ScopeRequired
}

func hostsOf(f aiscan.Sighting) []string {
	var out []string
	seen := map[string]bool{}
	for _, sig := range f.Signals {
		if sig.Class == fact.Host && !seen[sig.Excerpt] {
			seen[sig.Excerpt] = true
			out = append(out, "https://"+sig.Excerpt)
		}
	}
	return out
}

func occurrences(signals []aiscan.Signal) *cdx.Evidence {
	var out []cdx.EvidenceOccurrence
	for _, sig := range signals {
		o := cdx.EvidenceOccurrence{Location: sig.Path, AdditionalContext: sig.Signature}
		if sig.Line > 0 {
			line := sig.Line
			o.Line = &line
		}
		out = append(out, o)
	}
	if out == nil {
		return nil
	}
	return &cdx.Evidence{Occurrences: &out}
}
