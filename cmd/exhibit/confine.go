package main

import (
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
)

// confinement is what the configuration holds connectors to.
func confinement(c configfile.Connectors) pluginhost.Confine {
	mode := pluginhost.ConfineMode(c.Confine)
	if c.Confine == "off" {
		mode = pluginhost.ConfineOff
	}
	return pluginhost.Confine{Mode: mode, Memory: c.Memory, CPU: c.CPU}
}
