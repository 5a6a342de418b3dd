package pluginhost

import "time"

// stageName is the name under which a host starts its own program as the stage
// that confines itself and then becomes the connector.
const stageName = "exhibit: confine a connector"

// plan is what the host tells the stage.
type plan struct {
	Name     string        `json:"name"` // the connector's own path, for its argument list
	Required bool          `json:"required"`
	Without  string        `json:"without,omitempty"` // a part that is left out as if it could not be had
	Files    []string      `json:"files"`             // may be read
	Trees    []string      `json:"trees"`             // may be read and listed, with all that is in them
	Lists    []string      `json:"lists"`             // may be listed, with the folders in them
	Programs []string      `json:"programs"`
	Base     string        `json:"base"`   // the run's own folder; what is in it may be removed
	Socket   string        `json:"socket"` // in Base: where the connector's socket is made
	Memory   int64         `json:"memory"`
	CPU      time.Duration `json:"cpu"`
	Script   bool          `json:"script"`   // the program is read by an interpreter, which opens it again
	KeepRead bool          `json:"keepRead"` // a superuser reads what its settings name, whoever owns it
}

// report is what the stage tells the host before it becomes the connector.
type report struct {
	Landlock     int      `json:"landlock"`
	Seccomp      bool     `json:"seccomp"`
	NoNewPrivs   bool     `json:"noNewPrivs"`
	Limits       bool     `json:"limits"`
	Capabilities []string `json:"capabilities"`
	Problems     []string `json:"problems"` // why something is not in force
	Failed       string   `json:"failed"`   // why the connector was not started
}

// confinement is the fact that follows from a report.
func (r report) confinement(p plan, reads []string) Confinement {
	c := Confinement{
		Landlock: r.Landlock, Seccomp: r.Seccomp, NoNewPrivs: r.NoNewPrivs, Capabilities: r.Capabilities, Reads: reads,
	}
	if r.Limits {
		c.Memory, c.CPU = p.Memory, p.CPU
	}
	c.Confined = r.Landlock > 0 || r.Seccomp || r.Limits
	for i, problem := range r.Problems {
		if i > 0 {
			c.Why += "; "
		}
		c.Why += problem
	}
	return c
}
