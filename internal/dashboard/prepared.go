package dashboard

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// prepared is what pages need of a view beside what it holds: made when it is
// first asked for, and then kept with the view, so that no request costs more
// for a larger organisation.
type prepared struct {
	view *service.View
	once sync.Map // a *sync.Once by name
	kept sync.Map // what was made, by name

	waitsM sync.Mutex
	waits  *waits
}

// prepare gives what is kept of a view.
func (d *Dashboard) prepare(v *service.View) *prepared {
	return v.Beside(d, func() any { return &prepared{view: v} }).(*prepared)
}

// once makes something of a view the first time that it is asked for.
func once[T any](p *prepared, name string, build func(*service.View) T) T {
	o, _ := p.once.LoadOrStore(name, new(sync.Once))
	o.(*sync.Once).Do(func() { p.kept.Store(name, build(p.view)) })
	made, _ := p.kept.Load(name)
	return made.(T)
}

// tally counts results by status, of each expectation.
func (p *prepared) tally() map[string]map[assess.Status]int {
	return once(p, "tally", func(v *service.View) map[string]map[assess.Status]int {
		out := map[string]map[assess.Status]int{}
		for _, r := range v.Assessment.Results {
			if out[r.Expectation] == nil {
				out[r.Expectation] = map[assess.Status]int{}
			}
			out[r.Expectation][r.Status]++
		}
		return out
	})
}

// rank is how bad a status is: 0 is the worst.
func rank(s assess.Status) int {
	if i := slices.Index(statuses, s); i >= 0 {
		return i
	}
	return rank(assess.StatusNotAssessed)
}

// worstFirst are the results of an expectation, the worst first.
func (p *prepared) worstFirst(slug string) []*assess.Result {
	return once(p, "worst "+slug, func(v *service.View) []*assess.Result {
		_, all, err := v.Expectation(slug)
		if err != nil {
			return nil
		}
		sorted := slices.Clone(all)
		slices.SortStableFunc(sorted, func(x, y *assess.Result) int { return rank(x.Status) - rank(y.Status) })
		return sorted
	})
}

// waits is what waits for a second person, of the view of now.
type waits struct {
	List   []service.Waiting
	Ending []service.EndingWaiver
}

// waivedSoon is how long before its end a waiver is shown as ending.
const waivedSoon = 30 * 24 * time.Hour

// waits reads what waits. What is asked of the past cannot be told: what waited
// then has been decided since.
func (d *Dashboard) waits(ctx context.Context, p *prepared) (waits, error) {
	if p.view.Past {
		return waits{}, nil
	}
	p.waitsM.Lock()
	defer p.waitsM.Unlock()
	if p.waits != nil {
		return *p.waits, nil
	}
	ctx = context.WithoutCancel(ctx) // kept for others
	list, err := d.Service.AwaitsSecond(ctx)
	if err != nil {
		return waits{}, err
	}
	ending, err := d.Service.WaiversEnding(ctx, waivedSoon)
	if err != nil {
		return waits{}, err
	}
	p.waits = &waits{list, ending}
	return *p.waits, nil
}

// KeepWarm makes what pages need of each new view before anybody asks for one,
// until ctx is done. every says how often it looks for a new view.
func (d *Dashboard) KeepWarm(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	d.Service.TraceAhead(true)
	defer d.Service.TraceAhead(false)
	d.Service.BeforeShown(d.warm)
	defer d.Service.BeforeShown(nil)
	for {
		if v := d.Service.Latest(); v != nil {
			err := d.warm(ctx, v)
			if err == nil {
				err = d.warmTimelines(ctx, v)
			}
			if err != nil && ctx.Err() == nil {
				d.Logger.Warn("what pages need was not made", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// warm makes what most pages need of a view. What was made before costs nothing.
func (d *Dashboard) warm(ctx context.Context, v *service.View) error {
	p := d.prepare(v)
	p.tally()
	p.trend()
	p.findingTexts()
	p.undecided()
	v.Index()
	p.daySums()
	p.systemLines()
	d.partsOf(p)
	d.organisationOf(p)
	if _, err := d.waits(ctx, p); err != nil {
		return err
	}
	if err := d.vendorsOf(ctx, p).err; err != nil {
		return err
	}
	return d.planOf(ctx, p).err
}

// warmTimelines makes the timelines of a view if somebody looked at one lately.
func (d *Dashboard) warmTimelines(ctx context.Context, v *service.View) error {
	if err := d.Service.TraceAsked(ctx, v); err != nil || !d.Service.HasTraces(v) {
		return err
	}
	return d.timelines(ctx, d.prepare(v)).err
}

// explained is how the expectations in force are judged, as long as they are.
type explained struct {
	sync.Mutex
	rules evidence.Digest
	by    map[string]assess.Explanation
}

// explain says how an expectation is judged, by the rules with a digest.
func (d *Dashboard) explain(slug string, rules evidence.Digest) (assess.Explanation, error) {
	d.explained.Lock()
	defer d.explained.Unlock()
	if d.explained.by == nil || d.explained.rules != rules {
		by, err := d.Service.Explanations()
		if err != nil {
			return assess.Explanation{}, err
		}
		d.explained.by, d.explained.rules = by, rules
	}
	return d.explained.by[slug], nil
}
