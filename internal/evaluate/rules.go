package evaluate

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Rules are the rules in force, as files.
type Rules struct {
	// Shipped holds catalog/, kinds/ and expectations/.
	Shipped fs.FS
	// Trusted says that Shipped is what comes with the product: see
	// assess.Options.
	Trusted bool
	// Prepared is Shipped, if it is trusted, in forms that are read sooner.
	Prepared Prepared
	// Own are the organisation's files, in the order in which they apply. Its
	// thresholds, if it set any, are the last of them.
	Own []RuleFile
}

// Prepared is what config has of the shipped rules beside the files; what is
// empty is made from the files.
type Prepared struct {
	Catalog      string // for catalog.Parse
	Expectations string // assess.Options.Parsed
	Conditions   string // assess.Options.Checked
}

// RuleFile is a file of the organisation's own rules.
type RuleFile struct {
	Name string // as messages give it
	Text []byte
}

// Compile makes the engine. The error lists what is wrong in all files.
func (r Rules) Compile() (*assess.Engine, error) {
	prepared := r.Prepared
	if !r.Trusted {
		prepared = Prepared{}
	}
	eng, err := r.compile(prepared)
	if err != nil && prepared.Expectations != "" { // once more from the files, which have lines to name
		prepared.Expectations = ""
		return r.compile(prepared)
	}
	return eng, err
}

func (r Rules) compile(p Prepared) (*assess.Engine, error) {
	cat, err := r.catalog(p)
	if err != nil {
		return nil, err
	}
	shipped, err := fs.Sub(r.Shipped, "expectations")
	if err != nil {
		return nil, err
	}
	o := assess.Options{Rules: shipped, Trusted: r.Trusted, Parsed: p.Expectations, Checked: p.Conditions}
	for _, own := range r.Own {
		f, err := yamlfile.Parse(own.Name, own.Text)
		if err != nil {
			return nil, err
		}
		o.Files = append(o.Files, f)
	}
	return assess.Compile(cat, o)
}

func (r Rules) catalog(p Prepared) (*catalog.Catalog, error) {
	if p.Catalog != "" {
		return catalog.Parse(p.Catalog)
	}
	return catalog.Load(r.Shipped)
}

// Thresholds brings the configuration's thresholds, by slug and name, into the
// form of a file of overrides. JSON is YAML.
func Thresholds(name string, params map[string]map[string]json.RawMessage) (RuleFile, error) {
	type override struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	overrides := map[string]override{}
	for slug, p := range params {
		overrides[slug] = override{p}
	}
	text, err := json.Marshal(map[string]any{"overrides": overrides})
	if err != nil {
		return RuleFile{}, fmt.Errorf("thresholds: %w", err)
	}
	return RuleFile{Name: name, Text: text}, nil
}
