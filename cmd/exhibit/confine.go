package main

import (
	"context"
	"strings"

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

// confinement says what holds the connector's process, and what it may read.
func (d *doctor) confinement(ctx context.Context, area string, s configfile.Source, c pluginhost.Confinement) {
	reads, err := d.host.Reads(ctx, s.Connector, s.Settings)
	if err != nil {
		d.fail(area, err)
		return
	}
	c.Reads = reads
	d.good(area, strings.Join(c.Parts(), "\n"))
}
