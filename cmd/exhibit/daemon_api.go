package main

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/api"
)

// api is what answers programs.
func (d *daemon) api() (*api.API, error) {
	return api.New(api.Options{Service: d.w.svc, Payload: d.server.Journal(), Logger: d.w.logger, Clock: time.Now, Version: version})
}
