package agent

import (
	"encoding/json"
	"fmt"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// rateSetting is the setting by which connectors are told their budget.
const rateSetting = "requests_per_second"

// limited returns the settings of a source with the run's part of a budget in
// them. What the settings say themselves holds if it is less. A connector that
// has no such setting cannot be held to a budget, which is told.
func (c *Collector) limited(src Source, d connector.Descriptor) (json.RawMessage, error) {
	if src.RequestsPerSecond <= 0 {
		return src.Config.Settings, nil
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(d.ConfigSchema, &schema); err != nil {
		return nil, fmt.Errorf("schema of connector %s: %w", d.Name, err)
	}
	if _, ok := schema.Properties[rateSetting]; !ok {
		c.Logger.Warn("the connector has no setting for requests per second: its budget only says when it may run", "source", src.Name, "connector", d.Name)
		return src.Config.Settings, nil
	}
	settings := map[string]json.RawMessage{}
	if len(src.Config.Settings) > 0 {
		if err := json.Unmarshal(src.Config.Settings, &settings); err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
	}
	var own float64
	if err := json.Unmarshal(settings[rateSetting], &own); err == nil && own > 0 && own <= src.RequestsPerSecond {
		return src.Config.Settings, nil
	}
	raw, err := json.Marshal(src.RequestsPerSecond)
	if err != nil {
		return nil, err
	}
	settings[rateSetting] = raw
	return json.Marshal(settings)
}
