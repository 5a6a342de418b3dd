package dashboard

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// exportRoutes are there where something makes exports.
func (d *Dashboard) exportRoutes() []route {
	if d.Exports == nil {
		return nil
	}
	return []route{
		{pattern: "GET /exports", needs: access.Export, page: exports},
		{pattern: "POST /exports", needs: access.Export, page: exports, act: orderExport},
		{pattern: "GET /exports/{id}/file", needs: access.Export, send: sendExport},
		{pattern: "POST /exports/{id}/remove", needs: access.Export, page: exports, act: removeExport},
	}
}

// exportsData is what can be ordered, and what was.
type exportsData struct {
	Kinds    []exportjob.Kind
	Profiles []redact.Profile
	Jobs     []exportjob.Job
	Busy     bool // one has not ended
}

func exports(c *call) (*page, error) {
	d := exportsData{Kinds: exportjob.Kinds(), Profiles: append(service.OwnProfiles(c.d.Service.Config()), redact.BuiltIn()...),
		Jobs: c.d.Exports.Jobs(account(c.Who))}
	for _, j := range d.Jobs {
		d.Busy = d.Busy || !j.State.Ended()
	}
	return &page{title: "Exports", template: "exports", nav: "/exports", data: d}, nil
}

// ExportTitle is an export in words.
func (c *call) ExportTitle(what string) string {
	k, _ := exportjob.KindOf(what)
	return k.Title
}

// account is who orders exports, and by which name they call whoever made them.
func account(who access.Principal) exportjob.Account {
	name := who.Person
	if name == "" {
		name = who.Name
	}
	return exportjob.Account{ID: who.Account, Name: name}
}

// orderExport orders an export, for the account that asks.
func orderExport(c *call) (done, error) {
	o := exportjob.Order{What: c.Field("what"), Redact: c.Field("redact"), Used: c.Field("used") != ""}
	now := c.d.Clock()
	for field, to := range map[string]*time.Time{"as_of": &o.AsOf, "since": &o.Since} {
		if s := c.Field(field); s != "" {
			at, err := parseInstant(s, now)
			if err != nil {
				return done{}, err
			}
			*to = at
		}
	}
	if c.Field("from") != "" || c.Field("to") != "" {
		from, err := time.Parse(time.DateOnly, c.Field("from"))
		if err != nil {
			return done{}, service.Mistake{Err: errNoPeriod, Remedy: "name both days of the period, or neither"}
		}
		to, err := time.Parse(time.DateOnly, c.Field("to"))
		if err != nil {
			return done{}, service.Mistake{Err: errNoPeriod, Remedy: "name both days of the period, or neither"}
		}
		o.Period = &evidence.Period{From: from, To: to.Add(24*time.Hour - time.Second)}
	}
	_, err := c.d.Exports.Start(account(c.Who), o)
	return done{"/exports", "ordered"}, err
}

func removeExport(c *call) (done, error) {
	return done{"/exports", "removed"}, c.d.Exports.Remove(account(c.Who), c.req.PathValue("id"))
}

// filePart is sent at a time, filePatience how long a browser may take for it.
const (
	filePart     = 1 << 20
	filePatience = time.Minute
)

// sendExport sends the file of an export to whoever ordered it.
func sendExport(c *call, w http.ResponseWriter) error {
	f, job, err := c.d.Exports.Fetch(account(c.Who), c.req.PathValue("id"))
	if err != nil {
		return err
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", job.MediaType)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": job.File}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Length", strconv.FormatInt(job.Bytes, 10))
	control := http.NewResponseController(w)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(filePatience)) // a writer without deadlines has none
		if _, err := io.CopyN(w, f, filePart); err != nil {
			return nil // the end, or whoever asked has left
		}
	}
}

// size writes a number of bytes as people read it.
func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return plural(n, "byte", "bytes")
}
