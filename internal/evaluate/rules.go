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
	// Checked holds the conditions of Shipped, if it is trusted, parsed and
	// type-checked: see assess.Options.
	Checked string
	// Own are the organisation's files, in the order in which they apply. Its
	// thresholds, if it set any, are the last of them.
	Own []RuleFile
}

// RuleFile is a file of the organisation's own rules.
type RuleFile struct {
	Name string // as messages give it
	Text []byte
}

// Compile makes the engine. The error lists what is wrong in all files.
func (r Rules) Compile() (*assess.Engine, error) {
	cat, err := catalog.Load(r.Shipped)
	if err != nil {
		return nil, err
	}
	shipped, err := fs.Sub(r.Shipped, "expectations")
	if err != nil {
		return nil, err
	}
	o := assess.Options{Rules: shipped, Trusted: r.Trusted, Checked: r.Checked}
	for _, own := range r.Own {
		f, err := yamlfile.Parse(own.Name, own.Text)
		if err != nil {
			return nil, err
		}
		o.Files = append(o.Files, f)
	}
	return assess.Compile(cat, o)
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
