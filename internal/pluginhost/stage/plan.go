package stage

import "time"

// Name is the name under which a host starts its own program as the stage.
const Name = "exhibit: confine a connector"

// Plan is what the host tells the stage.
type Plan struct {
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

// Report is what the stage tells the host before it becomes the connector.
type Report struct {
	Landlock     int      `json:"landlock"`
	Seccomp      bool     `json:"seccomp"`
	NoNewPrivs   bool     `json:"noNewPrivs"`
	Limits       bool     `json:"limits"`
	Capabilities []string `json:"capabilities"`
	Problems     []string `json:"problems"` // why something is not in force
	Failed       string   `json:"failed"`   // why the connector was not started
}
