package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
	"github.com/exhibit-aims/exhibit/internal/gapreport"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/service"
)

var errNoName = errors.New("nothing of this sort is called so")

func (a *API) spanOperations() {
	get := func(path, id, summary string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "state", needs: access.Read, costly: true, summary: summary}
	}
	register(a, get("/v1/changes", "changes", "What changed between two instants"), a.changes)
	register(a, get("/v1/period", "period", "How each control stood across a span, day by day"), a.period)
	register(a, get("/v1/findings-report", "findings-report", "The gap report: open shortfalls by cause"), a.findingsReport)
	register(a, get("/v1/bodies", "bodies", "What is on record of each certification body that was asked; it ranks nothing"), a.bodies)
}

func (a *API) changes(ctx context.Context, in *struct {
	Since string `query:"since" required:"true" minLength:"1" maxLength:"40" format:"instant" doc:"The earlier instant: RFC 3339, or a date, which means its last second, UTC."`
	AsOf  string `query:"as_of" maxLength:"40" format:"instant" doc:"The later instant; left out: now."`
	About string `query:"about" maxLength:"8192" doc:"Only what concerns this control, AI system or subject."`
}) (*Answer[*service.Delta], error) {
	now := a.Clock()
	from, err := parseInstant("since", in.Since, now)
	if err != nil {
		return nil, err
	}
	to, err := a.instant(in.AsOf)
	if err != nil {
		return nil, err
	}
	d, err := a.Service.Since(ctx, from, to)
	if err == nil && in.About != "" {
		d.Only(in.About)
	}
	return answered(d, err)
}

// instant is the one that is asked for, or now.
func (a *API) instant(asOf string) (time.Time, error) {
	at, err := parseInstant("as_of", asOf, a.Clock())
	if at.IsZero() {
		at = a.Clock().UTC().Truncate(time.Second)
	}
	return at, err
}

func (a *API) period(ctx context.Context, in *struct {
	From string `query:"from" required:"true" minLength:"1" maxLength:"40" format:"instant" doc:"RFC 3339, or a date, which means its first second, UTC."`
	To   string `query:"to" required:"true" minLength:"1" maxLength:"40" format:"instant" doc:"RFC 3339, or a date, which means its last second, UTC."`
	Late string `query:"late_capture_after" maxLength:"20" doc:"Evidence that was first read this long after its event is a late capture: 72h." example:"72h"`
}) (*Answer[*period.Period], error) {
	o := period.Options{LateAfter: period.DefaultLateAfter}
	var err error
	if o.From, err = dayStart("from", in.From); err != nil {
		return nil, err
	}
	if o.To, err = parseInstant("to", in.To, a.Clock()); err != nil {
		return nil, err
	}
	if in.Late != "" {
		if o.LateAfter, err = time.ParseDuration(in.Late); err != nil {
			return nil, wrong("for example 72h", errors.New("late_capture_after is no length of time"))
		}
	}
	return answered(a.Service.Period(ctx, o))
}

func (a *API) findingsReport(ctx context.Context, in *struct {
	AsOf    string `query:"as_of" maxLength:"40" format:"instant"`
	Against string `query:"against" enum:"first,last" default:"first" doc:"Which of the reports that were frozen it is compared with."`
}) (*Answer[gapreport.Report], error) {
	v, _, err := a.view(ctx, Instant{AsOf: in.AsOf})
	if err != nil {
		return nil, err
	}
	return answered(a.Service.GapReport(ctx, v, in.Against))
}

func (a *API) bodies(ctx context.Context, in *struct {
	AsOf string `query:"as_of" maxLength:"40" format:"instant"`
}) (*Answer[readiness.Sheet], error) {
	v, _, err := a.view(ctx, Instant{AsOf: in.AsOf})
	if err != nil {
		return nil, err
	}
	return answered(a.Service.Bodies(ctx, v))
}
