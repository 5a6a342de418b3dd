package configfile

import "reflect"

// NeedsStart names the parts of the file that are different in now from what an
// agent started with, and that it takes up at its next start only.
func NeedsStart(started, now *Config) []string {
	var parts []string
	for _, p := range []struct {
		name string
		same bool
	}{
		{"store", started.Store == now.Store},
		{"key", started.Key == now.Key},
		{"server", reflect.DeepEqual(started.Server, now.Server)},
		{"network", reflect.DeepEqual(started.Network, now.Network)},
		{"telemetry", started.Telemetry == now.Telemetry},
	} {
		if !p.same {
			parts = append(parts, p.name)
		}
	}
	return parts
}
