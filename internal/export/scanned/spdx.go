package scanned

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// spdxContext is what the short names of an SPDX 3.0.1 document mean.
const spdxContext = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"

// noAssertion says that nothing is claimed where a value must stand.
const noAssertion = "https://spdx.org/rdf/3.0.1/terms/Core/NoAssertionElement"

type node map[string]any

// SPDX writes a scan as an SPDX 3.0.1 document with elements of its AI profile:
// a package for the repository, one for each product that is not a model, an AI
// package for each model and file of a model, and who supplies them. Of what the
// profile wants of a model, code shows only the name, so the document does not
// claim to conform to that profile: it claims the core and the software profile.
func SPDX(w io.Writer, s Scan) error {
	d := &spdx{scan: &s, base: "urn:uuid:" + s.identity("spdx").String(), has: map[string]bool{}}
	d.build()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(node{"@context": spdxContext, "@graph": d.graph}); err != nil {
		return fmt.Errorf("SPDX: %w", err)
	}
	return nil
}

// spdx gathers the elements of a document.
type spdx struct {
	scan  *Scan
	base  string
	graph []node
	has   map[string]bool
	uses  []string // ids of what the repository depends on
	n     int
}

const creation = "_:creation"

func (d *spdx) id(what string) string { return d.base + "#" + what }

// next gives an id that depends on the order alone, which is fixed.
func (d *spdx) next(what string) string {
	d.n++
	return d.id(fmt.Sprintf("%s-%d", what, d.n))
}

func (d *spdx) add(n node) {
	n["creationInfo"] = creation
	d.graph = append(d.graph, n)
}

func (d *spdx) build() {
	tool, repo, sbom := d.id("exhibit"), d.id("repository"), d.id("sbom")
	d.graph = append(d.graph, node{"type": "CreationInfo", "@id": creation, "specVersion": "3.0.1", "created": d.scan.At.UTC().Truncate(time.Second).Format(time.RFC3339),
		"createdBy": []string{tool}})
	d.add(node{"type": "SoftwareAgent", "spdxId": tool, "name": "exhibit " + d.scan.Version})
	p := node{"type": "software_Package", "spdxId": repo, "name": d.scan.Repo, "software_primaryPurpose": "source"}
	if d.scan.Report.Commit != "" {
		p["software_packageVersion"] = d.scan.Report.Commit
	}
	d.add(p)
	for _, f := range d.scan.Report.Sightings {
		d.sighting(f)
	}
	for _, m := range d.scan.Report.Models {
		d.model(m, "")
	}
	if len(d.uses) > 0 {
		d.add(node{"type": "Relationship", "spdxId": d.id("uses"), "from": repo, "to": d.uses, "relationshipType": "dependsOn", "completeness": "noAssertion"})
	}
	profiles := []string{"core", "software"}
	d.add(node{"type": "software_Sbom", "spdxId": sbom, "rootElement": []string{repo}, "software_sbomType": []string{"analyzed", "source"}, "profileConformance": profiles})
	d.add(node{"type": "SpdxDocument", "spdxId": d.id("document"), "name": "AI in " + d.scan.Repo, "rootElement": []string{sbom}, "profileConformance": profiles,
		"comment": "What a scan of the code saw. Whether the list is whole is not known."})
}

// supplier gives the id of a vendor, or says that none is known.
func (d *spdx) supplier(vendor string) string {
	if vendor == "" || vendor == "unspecified" {
		return noAssertion
	}
	id := d.id("supplier-" + token(vendor))
	if !d.has[id] {
		d.has[id] = true
		d.add(node{"type": "Organization", "spdxId": id, "name": vendor})
	}
	return id
}

func (d *spdx) sighting(f aiscan.Sighting) {
	id, supplier := d.next("product"), d.supplier(f.Vendor)
	kind, purpose := "software_Package", "library"
	if called(f) {
		purpose = "other"
	}
	if f.Provider == "model-artifact" {
		kind, purpose = "ai_AIPackage", "model"
	}
	d.add(node{"type": kind, "spdxId": id, "name": f.Provider, "suppliedBy": supplier, "software_primaryPurpose": purpose,
		"summary": d.scan.title(f), "description": f.Why, "comment": places(f)})
	d.uses = append(d.uses, id)
	for _, m := range d.scan.models(f.Provider) {
		d.model(m, f.Vendor)
	}
}

func (d *spdx) model(m aiscan.Model, vendor string) {
	key := m.Provider + "\x00" + m.Ref
	if d.has[key] {
		return
	}
	d.has[key] = true
	id := d.next("model")
	d.add(node{"type": "ai_AIPackage", "spdxId": id, "name": m.Ref, "suppliedBy": d.supplier(vendor), "software_primaryPurpose": "model",
		"comment": fmt.Sprintf("named at %s:%d; reference: %s", m.Path, m.Line, m.Pin)})
	d.uses = append(d.uses, id)
}

// places says where a product was seen.
func places(f aiscan.Sighting) string {
	out := ""
	for i, sig := range f.Signals {
		if i == maxRelated {
			return out + fmt.Sprintf("; %d more", len(f.Signals)-i)
		}
		if i > 0 {
			out += "; "
		}
		out += fmt.Sprintf("%s:%d %s", sig.Path, sig.Line, sig.Signature)
	}
	return out
}

// token makes a name part of an id.
func token(s string) string {
	out := []byte{}
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c >= 'A' && c <= 'Z':
			out = append(out, c)
		default:
			out = append(out, fmt.Sprintf("-%02x", c)...)
		}
	}
	return string(out)
}
