package dashboard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Sources is the schedule of the agents. agent.Schedule is one.
type Sources interface {
	Status(ctx context.Context) ([]agent.SourceStatus, error)
	Nodes(ctx context.Context) ([]agent.NodeStatus, error)
	Pause(ctx context.Context, source, by, because string) error
	Resume(ctx context.Context, source, by string) error
	RunNow(ctx context.Context, source, by string) (waiting bool, err error)
}

func (d *Dashboard) sourceRoutes() []route {
	return []route{
		{pattern: "GET /sources", needs: access.Read, page: sources},
		{pattern: "GET /sources/{name}", needs: access.Read, page: source},
		{pattern: "POST /sources/{name}/run", needs: access.RunSources, page: source, act: runSource},
		{pattern: "POST /sources/{name}/pause", needs: access.RunSources, page: source, act: pauseSource},
		{pattern: "POST /sources/{name}/resume", needs: access.RunSources, page: source, act: resumeSource},
	}
}

// sourceLine is a source with its newest run in the ledger and its schedule.
type sourceLine struct {
	Name      string
	Connector string
	Run       *assess.RunSummary
	Schedule  *agent.SourceStatus
	Late      bool // its time has come and nothing began
}

// sourcesData is every source, with the agents that read them.
type sourcesData struct {
	List  []sourceLine
	Nodes []nodeLine
	Gaps  []gapLine
	More  int // gaps that are not listed
}

type nodeLine struct {
	agent.NodeStatus
	Silent bool
}

// gapLine is a part of the scope that a source's newest run could not see.
type gapLine struct {
	Source string
	evidence.Gap
}

const (
	gapsShown   = 100
	nodeSilence = time.Minute
	lateAfter   = 10 * time.Minute
)

func sources(c *call) (*page, error) {
	lines, err := c.sourceLines()
	if err != nil {
		return nil, err
	}
	d := sourcesData{List: lines}
	for _, l := range lines {
		if l.Run == nil {
			continue
		}
		for _, g := range l.Run.Gaps {
			if len(d.Gaps) == gapsShown {
				d.More++
				continue
			}
			d.Gaps = append(d.Gaps, gapLine{l.Name, g})
		}
	}
	if c.d.Sources != nil {
		nodes, err := c.d.Sources.Nodes(c.ctx())
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			d.Nodes = append(d.Nodes, nodeLine{n, c.d.Clock().Sub(n.Seen) > nodeSilence})
		}
	}
	return &page{title: "Sources and runs", template: "sources", nav: "/sources", data: d}, nil
}

// sourceLines joins what the ledger says of sources with their schedules.
func (c *call) sourceLines() ([]sourceLine, error) {
	by := map[string]*sourceLine{}
	of := func(name string) *sourceLine {
		if by[name] == nil {
			by[name] = &sourceLine{Name: name}
		}
		return by[name]
	}
	for i := range c.view.Assessment.Runs {
		r := &c.view.Assessment.Runs[i]
		of(r.Source).Run = r
	}
	for _, s := range c.d.Service.Config().Sources {
		of(s.Name).Connector = s.Connector
	}
	if c.d.Sources != nil && !c.view.Past {
		list, err := c.d.Sources.Status(c.ctx())
		if err != nil {
			return nil, err
		}
		for i := range list {
			l := of(list[i].Source)
			l.Schedule = &list[i]
			l.Late = list[i].Paused == nil && list[i].Running == nil && !list[i].NextAt.IsZero() && c.d.Clock().Sub(list[i].NextAt) > lateAfter
		}
	}
	out := make([]sourceLine, 0, len(by))
	for _, l := range by {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(x, y sourceLine) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

// sourceData is one source with its runs.
type sourceData struct {
	sourceLine
	Runs   []evidence.Run // the newest first
	Newest bool           // these are
	Older  string         // address of the next page
}

// runsShown bounds the runs on one page of a source.
const runsShown = 50

func source(c *call) (*page, error) {
	name := c.req.PathValue("name")
	lines, err := c.sourceLines()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(lines, func(l sourceLine) bool { return l.Name == name })
	if i < 0 {
		return nil, service.NotFound{Mistake: service.Mistake{Err: errNoSource, Remedy: "the sources are those of the configuration, and those that were imported"}}
	}
	d := sourceData{sourceLine: lines[i]}
	before := c.Query("before")
	p, err := c.d.Service.Runs(c.ctx(), store.RunQuery{Source: name, Before: before, Limit: runsShown})
	if err != nil {
		return nil, err
	}
	d.Runs, d.Newest = p.Runs, before == ""
	if p.More {
		d.Older = c.With("before", p.Runs[len(p.Runs)-1].ID)
	}
	return &page{title: "Source " + name, template: "source", nav: "/sources", data: d, crumbs: []crumb{{"Sources and runs", c.Link("/sources")}}}, nil
}

func (c *call) onSource(said string, do func(ctx context.Context, name, by string) error) (done, error) {
	name := c.req.PathValue("name")
	if c.d.Sources == nil {
		return done{}, service.Mistake{Err: errNoSchedule, Remedy: "start exhibit agent"}
	}
	by := c.Who.Person
	if by == "" {
		by = c.Who.Account
	}
	return done{"/sources/" + name, said}, scheduleMistake(do(c.ctx(), name, by))
}

// scheduleMistake tells what whoever asks the schedule can do better from what
// went wrong here.
func scheduleMistake(err error) error {
	for known, remedy := range map[error]string{
		agent.ErrUnknownSource: "only a source of the configuration of an agent is read, paused or taken up again",
		agent.ErrPaused:        "load the page again",
		agent.ErrNotPaused:     "load the page again",
		agent.ErrReason:        "say why it pauses",
	} {
		if errors.Is(err, known) {
			return service.Mistake{Err: err, Remedy: remedy}
		}
	}
	return err
}

func runSource(c *call) (done, error) {
	return c.onSource("asked", func(ctx context.Context, name, by string) error {
		_, err := c.d.Sources.RunNow(ctx, name, by)
		return err
	})
}

func pauseSource(c *call) (done, error) {
	return c.onSource("paused", func(ctx context.Context, name, by string) error {
		return c.d.Sources.Pause(ctx, name, by, c.Field("because"))
	})
}

func resumeSource(c *call) (done, error) {
	return c.onSource("resumed", func(ctx context.Context, name, by string) error { return c.d.Sources.Resume(ctx, name, by) })
}
