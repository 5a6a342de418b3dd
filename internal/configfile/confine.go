package configfile

import (
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Connectors says where the connectors are and what their processes are held to.
type Connectors struct {
	Dir     string        // empty: beside the running program
	Lock    string        // empty: connectors.lock in Dir
	Confine string        // one of ConfineModes; never empty
	Memory  int64         // bytes that a process may have; 0: the built-in default
	CPU     time.Duration // time of processors that a process may use; 0: the built-in default
}

// ConfineModes are the values of connectors.confine: as far as the system can,
// not at all without it, or never. The first is the default.
func ConfineModes() []string { return []string{"best-effort", "required", "off"} }

type connectorsYAML struct {
	Dir     string        `yaml:"dir"`
	Lock    string        `yaml:"lock"`
	Confine string        `yaml:"confine"`
	Memory  Size          `yaml:"memory"`
	CPU     time.Duration `yaml:"cpu"`
}

// Bounds of what a connector's process may be allowed.
const (
	leastMemory = 128 << 20 // below it no connector starts
	leastCPU    = time.Second
	mostCPU     = 30 * 24 * time.Hour
)

// connectors checks the section connectors.
func (r reader) connectors(y connectorsYAML) Connectors {
	at := func(key string) yamlfile.Path { return yamlfile.At("connectors", key) }
	modes := ConfineModes()
	if y.Confine == "" {
		y.Confine = modes[0]
	} else if !slices.Contains(modes, y.Confine) {
		r.f.Problemf(at("confine"), "%q is not a way to confine connectors", y.Confine).Hint("write %s", strings.Join(modes, ", "))
	}
	if r.f.Has(at("memory")) && !r.f.Faulty(at("memory")) && int64(y.Memory) < leastMemory {
		r.f.Problemf(at("memory"), "no connector starts with less than 128MiB").Hint("write 128MiB or more; left out: 1GiB")
	}
	if r.f.Has(at("cpu")) && !r.f.Faulty(at("cpu")) && (y.CPU < leastCPU || y.CPU > mostCPU) {
		r.f.Problemf(at("cpu"), "processor time is between 1s and 30d").Hint("write 30m or 2h; left out: 1h")
	}
	return Connectors{
		Dir: resolve(r.dir, y.Dir), Lock: resolve(r.dir, y.Lock), Confine: y.Confine, Memory: int64(y.Memory), CPU: y.CPU,
	}
}
