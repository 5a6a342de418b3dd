package github

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

const (
	// maxPackages and maxPackageBytes are how much of a document a record
	// holds.
	maxPackages     = 6000
	maxPackageBytes = 700 << 10
)

type sbomPayload struct {
	Repo              string        `json:"repo"`
	RepoID            int64         `json:"repo_id"`
	Format            string        `json:"format"`
	DocumentSHA256    string        `json:"document_sha256"`
	Creators          []string      `json:"creators"`
	PackagesTotal     int           `json:"packages_total"`
	PackagesTruncated bool          `json:"packages_truncated"`
	Ecosystems        []string      `json:"ecosystems"`
	Packages          []sbomPackage `json:"packages"`
}

type sbomPackage struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
	License string `json:"license,omitempty"`
}

// spdxDocument is what is used of an SPDX document.
type spdxDocument struct {
	Version  string `json:"spdxVersion"`
	Creation struct {
		Creators []string `json:"creators"`
	} `json:"creationInfo"`
	Packages *[]struct {
		ID        string `json:"SPDXID"`
		Name      string `json:"name"`
		Version   string `json:"versionInfo"`
		Concluded string `json:"licenseConcluded"`
		Declared  string `json:"licenseDeclared"`
		Refs      []struct {
			Type    string `json:"referenceType"`
			Locator string `json:"referenceLocator"`
		} `json:"externalRefs"`
	} `json:"packages"`
	Relationships []struct {
		Type    string `json:"relationshipType"`
		Related string `json:"relatedSpdxElement"`
	} `json:"relationships"`
}

// readSBOM takes the packages out of an SPDX document. The document comes bare
// or in a field sbom.
func readSBOM(body []byte) (sbomPayload, error) {
	var wrap struct {
		SBOM json.RawMessage `json:"sbom"`
	}
	if json.Unmarshal(body, &wrap) == nil && len(wrap.SBOM) > 0 {
		body = wrap.SBOM
	}
	var doc spdxDocument
	if err := json.Unmarshal(body, &doc); err != nil {
		return sbomPayload{}, errors.New("the answer is not the SPDX document that is documented: " + decodeProblem(err))
	}
	if doc.Version == "" || doc.Packages == nil {
		return sbomPayload{}, errors.New("the answer is no SPDX document: it has no version or no list of packages")
	}
	digest, err := documentDigest(body)
	if err != nil {
		return sbomPayload{}, err
	}
	pay := sbomPayload{Format: line(doc.Version, 40), DocumentSHA256: digest, Creators: []string{}}
	for _, c := range doc.Creation.Creators[:min(len(doc.Creation.Creators), 20)] {
		pay.Creators = append(pay.Creators, line(c, 200))
	}
	slices.Sort(pay.Creators)
	root := map[string]bool{}
	for _, rel := range doc.Relationships {
		if rel.Type == "DESCRIBES" {
			root[rel.Related] = true // the repository itself, not what it uses
		}
	}
	list := make([]sbomPackage, 0, len(*doc.Packages))
	for _, p := range *doc.Packages {
		if root[p.ID] {
			continue
		}
		out := sbomPackage{Name: line(p.Name, 214), Version: line(p.Version, 100), License: license(p.Concluded, p.Declared)}
		for _, ref := range p.Refs {
			if ref.Type == "purl" {
				out.PURL = line(ref.Locator, 400)
			}
		}
		list = append(list, out)
	}
	pay.setPackages(list)
	return pay, nil
}

// setPackages keeps packages in order, once each, as many as a record holds.
func (p *sbomPayload) setPackages(list []sbomPackage) {
	slices.SortFunc(list, func(a, b sbomPackage) int {
		return slices.Compare([]string{a.PURL, a.Name, a.Version, a.License}, []string{b.PURL, b.Name, b.Version, b.License})
	})
	list = slices.Compact(list)
	p.PackagesTotal, p.Ecosystems = len(list), []string{}
	types, size, n := map[string]bool{}, 0, 0
	for _, pkg := range list {
		if rest, ok := strings.CutPrefix(pkg.PURL, "pkg:"); ok && len(types) < 100 {
			typ, _, _ := strings.Cut(rest, "/")
			types[line(typ, 40)] = true
		}
		size += len(pkg.Name) + len(pkg.Version) + len(pkg.PURL) + len(pkg.License) + 60
		if n < maxPackages && size <= maxPackageBytes {
			n++
		}
	}
	p.Ecosystems = append(p.Ecosystems, slices.Sorted(maps.Keys(types))...)
	p.Packages, p.PackagesTruncated = list[:n], n < len(list)
}

// license is what was found out, else what the package says of itself.
func license(concluded, declared string) string {
	for _, l := range []string{concluded, declared} {
		if l != "" && l != "NOASSERTION" {
			return line(l, 200)
		}
	}
	return ""
}

// documentDigest is the digest of a document without what is new in every copy
// of it: when it was made, its random name, the order of its lists.
func documentDigest(body []byte) (string, error) {
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return "", errors.New("the answer is no JSON object")
	}
	delete(doc, "documentNamespace")
	if made, ok := doc["creationInfo"].(map[string]any); ok {
		delete(made, "created")
		sortList(made, "creators")
	}
	sortList(doc, "packages")
	sortList(doc, "relationships")
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(doc); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// sortList puts a list into the order of its elements' text.
func sortList(in map[string]any, field string) {
	list, ok := in[field].([]any)
	if !ok {
		return
	}
	texts := make([]string, len(list))
	for i, e := range list {
		b, err := json.Marshal(e)
		if err != nil {
			return
		}
		texts[i] = string(b)
	}
	slices.Sort(texts)
	in[field] = texts
}
