package configfile

import "github.com/exhibit-aims/exhibit/internal/yamlfile"

// Telemetry says what the agent tells machines of itself. Metrics, health and
// readiness are always there where something is served.
type Telemetry struct{ Traces Traces }

// Traces says where spans go. Without an endpoint, and without the standard
// variables (OTEL_EXPORTER_OTLP_ENDPOINT …), there are none.
type Traces struct {
	Endpoint string  // URL of a collector, OTLP over HTTP
	Sample   float64 // share of traces that are kept, up to 1; 0: as the standard variables say, else all
}

type telemetryYAML struct {
	Traces tracesYAML `yaml:"traces"`
}

type tracesYAML struct {
	Endpoint string  `yaml:"endpoint"`
	Sample   float64 `yaml:"sample"`
}

func (r reader) telemetry(y telemetryYAML) Telemetry {
	at := yamlfile.At("telemetry", "traces")
	r.webAddress(at.Then("endpoint"), y.Traces.Endpoint)
	if share := at.Then("sample"); r.f.Has(share) && !r.f.Faulty(share) && (y.Traces.Sample <= 0 || y.Traces.Sample > 1) {
		r.f.Problemf(share, "a share is greater than 0 and at most 1").Hint("0.1 keeps a tenth; leave out endpoint for no traces")
	}
	return Telemetry{Traces: Traces(y.Traces)}
}
