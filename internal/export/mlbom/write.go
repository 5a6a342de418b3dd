package mlbom

import (
	"context"
	"fmt"
	"io"
	"strconv"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// inventoryRef is the ref of what the bill is of.
const inventoryRef = "inventory"

// Write writes the bill of materials of s, whose records src gives.
func Write(ctx context.Context, w io.Writer, s *export.Snapshot, src Source) error {
	bom, err := build(ctx, s, src)
	if err != nil {
		return err
	}
	if err := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom); err != nil {
		return fmt.Errorf("bill of materials: %w", err)
	}
	return nil
}

func build(ctx context.Context, s *export.Snapshot, src Source) (*cdx.BOM, error) {
	d, err := s.Digests()
	if err != nil {
		return nil, err
	}
	rec, err := read(ctx, src, s.Redaction.Hidden)
	if err != nil {
		return nil, err
	}
	v := newInventory(rec, s.AsOf)
	v.build()
	components, services := v.components()

	bom := cdx.NewBOM()
	name := "urn:exhibit:snapshot:sha256:" + d.Snapshot.String()
	if s.Redaction != nil {
		name += ":" + s.Redaction.Profile // it is another file
	}
	bom.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
	bom.Metadata = metadata(s)
	bom.Components, bom.Services = pointer(components), pointer(services)
	graph := append(v.dependencies(), root(v)...)
	bom.Dependencies = pointer(graph)
	// Records list what somebody declared or saw: whether that is all, none of
	// them can say.
	var whole []cdx.BOMReference
	for _, d := range graph {
		whole = append(whole, cdx.BOMReference(d.Ref))
	}
	if whole != nil {
		bom.Compositions = &[]cdx.Composition{{Aggregate: cdx.CompositionAggregateUnknown, Dependencies: &whole}}
	}
	bom.Properties = about(s, rec, d)
	return bom, nil
}

// metadata says when, by what and of whom the bill was made.
func metadata(s *export.Snapshot) *cdx.Metadata {
	name := s.Organisation
	m := &cdx.Metadata{
		Timestamp: export.Time(s.AsOf),
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "exhibit", Version: s.ToolVersion}}},
		Component: &cdx.Component{BOMRef: inventoryRef, Type: cdx.ComponentTypeApplication, Name: "AI systems of " + name, Description: s.Scope},
	}
	if name == "" {
		m.Component.Name = "AI systems"
		return m
	}
	m.Manufacturer = &cdx.OrganizationalEntity{Name: name}
	return m
}

// root depends on every system.
func root(v *inventory) []cdx.Dependency {
	all := set{}
	for _, r := range list[systemRecord](v.rec, "inventory.ai_system") {
		all.add(ref("system", r.Payload.ID))
	}
	if len(all) == 0 {
		return nil
	}
	systems := all.sorted()
	return []cdx.Dependency{{Ref: inventoryRef, Dependencies: &systems}}
}

// about says which snapshot the bill is of, and which evidence it could not
// use.
func about(s *export.Snapshot, rec *records, d export.Digests) *[]cdx.Property {
	a := s.Assessment
	out := []cdx.Property{
		{Name: "exhibit:as-of", Value: export.Time(s.AsOf)},
		{Name: "exhibit:snapshot", Value: "sha256:" + d.Snapshot.String()},
		{Name: "exhibit:assessment", Value: "sha256:" + d.Assessment.String()},
		{Name: "exhibit:ledger-size", Value: strconv.FormatInt(a.Checkpoint.Size, 10)},
		{Name: "exhibit:ledger-root", Value: a.Checkpoint.Root},
	}
	if s.Scope == "" {
		out = append(out, cdx.Property{Name: propUnknown, Value: "scope"})
	}
	list := func(name string, digests []evidence.Digest) {
		all := set{}
		for _, d := range digests {
			all.add(d.String())
		}
		for _, d := range all.sorted() {
			out = append(out, cdx.Property{Name: name, Value: "sha256:" + d})
		}
	}
	if r := s.Redaction; r != nil {
		out = append(out, cdx.Property{Name: "exhibit:redaction", Value: r.Profile})
	}
	list("exhibit:evidence-without-payload", rec.hidden)
	list("exhibit:evidence-unreadable", rec.broken)
	return &out
}
