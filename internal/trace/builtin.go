package trace

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Forms is the name under which the forms of config/templates stand: what
// people fill in and the documents connector reads.
const Forms = "forms"

// BuiltIn returns what the product itself delivers: the register, what people
// put on record by command, and the forms. templates holds
// templates/index.yaml.
func BuiltIn(templates fs.FS) (Delivers, error) {
	f, err := yamlfile.ReadFS(templates, "templates/index.yaml")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	var index struct {
		Templates []struct {
			File     string   `yaml:"file,required"`
			Kind     string   `yaml:"kind,required"`
			Document string   `yaml:"document"`
			Title    string   `yaml:"title"`
			Controls []string `yaml:"controls"`
		} `yaml:"templates,required"`
	}
	f.Decode(&index)
	if err := f.Err(); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	out := Delivers{
		register.SourceName: register.Kinds,
		agent.SelfSource:    {agent.KindRun, agent.KindProbe, agent.KindPopulation},
		agent.ShadowSource:  {agent.KindShadowCase, agent.KindShadowScan},
		people.Source:       {people.KindWaiver, people.KindStatement, people.KindUpload, people.KindCaseDecision},
	}
	for _, t := range index.Templates {
		if !slices.Contains(out[Forms], t.Kind) {
			out[Forms] = append(out[Forms], t.Kind)
		}
	}
	return out, nil
}
