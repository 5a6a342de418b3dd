package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (d *Dashboard) systemRoutes() []route {
	return []route{
		{pattern: "GET /systems", needs: access.Read, page: systems},
		{pattern: "GET /systems/{id}", needs: access.Read, page: system},
	}
}

// systemLine is an AI system with how what concerns it stands.
type systemLine struct {
	ask.System
	Counts    map[assess.Status]int
	Satisfied int
	Total     int // applicable
	Worst     assess.Status
	Open      int // findings
	Overdue   int
	Retired   bool
}

// systemsData is the list of AI systems.
type systemsData struct {
	List []systemLine
	Open int // uses of AI that no registered system accounts for
}

func systems(c *call) (*page, error) {
	lines := c.shown.systemLines()
	return &page{title: "AI systems", template: "systems", nav: "/systems", data: systemsData{List: lines, Open: c.view.Wholeness.Open}}, nil
}

// systemLines counts, for each system, the results and findings that concern it.
func (p *prepared) systemLines() []systemLine {
	return once(p, "systems", func(v *service.View) []systemLine {
		var lines []systemLine
		at := map[string]int{}
		for _, s := range v.Systems() {
			at[s.ID] = len(lines)
			lines = append(lines, systemLine{System: s, Counts: map[assess.Status]int{}, Worst: assess.StatusNotApplicable,
				Retired: !s.RetiredAt.IsZero() && !s.RetiredAt.After(v.Assessment.AsOf)})
		}
		for _, r := range v.Assessment.Results {
			for _, id := range r.Systems {
				if i, ok := at[id]; ok {
					lines[i].count(r.Status)
				}
			}
		}
		for i := range v.Findings {
			for _, id := range v.Findings[i].Systems {
				if n, ok := at[id]; ok && v.Findings[i].State.IsOpen() {
					lines[n].Open++
					if v.Findings[i].Overdue {
						lines[n].Overdue++
					}
				}
			}
		}
		slices.SortStableFunc(lines, func(x, y systemLine) int {
			if x.Retired != y.Retired {
				if x.Retired {
					return 1
				}
				return -1
			}
			return strings.Compare(x.ID, y.ID)
		})
		return lines
	})
}

func (l *systemLine) count(s assess.Status) {
	l.Counts[s]++
	if rank(s) < rank(l.Worst) {
		l.Worst = s
	}
	if s != assess.StatusNotApplicable {
		l.Total++
	}
	if s == assess.StatusSatisfied {
		l.Satisfied++
	}
}

// systemData is one AI system with its timeline.
type systemData struct {
	systemLine
	Chain  string
	Chains []string
	Stages []stage
	Years  []yearMark
	From   time.Time // of the timeline
	To     time.Time
	Gaps   int
	Rows   []service.FindingRow // open findings, the most urgent first
	More   int
}

// stage is a part of a system's life, with the places of what happened on the
// timeline.
type stage struct {
	ask.Stage
	Facts  int
	Dots   []dot
	Shown  []ask.Fact // the newest first
	Hidden int        // older ones that are not listed
	Short  int        // gaps
	More   int        // those that are not listed
}

// dot is something that happened, on a timeline 1,000 wide.
type dot struct {
	X    int
	Mark ask.Mark
}

type yearMark struct {
	X    int
	Text string
}

const (
	stageLines   = 12 // listed of a stage
	stageGaps    = 20 // listed of a stage, the worst first
	timelineWide = 1000
	dotWide      = 4 // what happened closer together than this is one dot
)

func system(c *call) (*page, error) {
	id := c.req.PathValue("id")
	s, err := c.view.System(id)
	if err != nil {
		return nil, err
	}
	data, err := c.timeline(id)
	if err != nil {
		return nil, err
	}
	data.only(c.Query("chain"))
	for _, l := range c.shown.systemLines() {
		if l.ID == s.ID {
			data.systemLine = l
		}
	}
	for i := range c.view.Findings {
		f := &c.view.Findings[i]
		if f.State.IsOpen() && slices.Contains(f.Systems, id) {
			if len(data.Rows) < listedToday {
				data.Rows = append(data.Rows, *f)
			} else {
				data.More++
			}
		}
	}
	title := s.Name
	if title == "" {
		title = s.ID
	}
	return &page{title: title, template: "system", nav: "/systems", data: data, crumbs: []crumb{{"AI systems", c.Link("/systems")}}}, nil
}

// only leaves the stages of one chain, or all.
func (d *systemData) only(chain string) {
	d.Chain, d.Chains = chain, ask.Chains()
	if chain != "" {
		d.Stages = slices.DeleteFunc(slices.Clone(d.Stages), func(s stage) bool { return s.Chain != chain })
	}
}

// lay puts what happened on the timeline.
func (d *systemData) lay(t ask.Trace) {
	d.To = t.AsOf
	for _, s := range t.Stages {
		for _, f := range s.Lines {
			if !f.At.IsZero() && (d.From.IsZero() || f.At.Before(d.From)) {
				d.From = f.At
			}
		}
	}
	for _, s := range t.Stages {
		d.Gaps += len(s.Gaps)
		st := stage{Stage: s, Facts: len(s.Lines), Shown: slices.Clone(s.Lines), Short: len(s.Gaps)}
		if st.More = len(s.Gaps) - stageGaps; st.More > 0 {
			st.Gaps = slices.Clone(s.Gaps[:stageGaps])
		}
		there := map[dot]bool{}
		for _, f := range s.Lines {
			if f.At.IsZero() {
				continue
			}
			x := d.x(f.At)
			if at := (dot{x - x%dotWide, f.Mark}); !there[at] {
				there[at] = true
				st.Dots = append(st.Dots, at)
			}
		}
		slices.Reverse(st.Shown)
		if n := len(st.Shown) - stageLines; n > 0 {
			st.Shown, st.Hidden = slices.Clone(st.Shown[:stageLines]), n
		}
		st.Dots, st.Lines = slices.Clip(st.Dots), nil
		d.Stages = append(d.Stages, st)
	}
	for y := d.From.Year() + 1; !d.From.IsZero() && y <= d.To.Year(); y++ {
		d.Years = append(d.Years, yearMark{d.x(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)), time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")})
	}
}

// x is the place of an instant on the timeline.
func (d *systemData) x(t time.Time) int {
	span := d.To.Sub(d.From)
	if span <= 0 {
		return timelineWide
	}
	return min(max(int(float64(t.Sub(d.From))/float64(span)*timelineWide), 0), timelineWide)
}

// Places of the timeline's drawing.
const (
	timelineLeft = 220
	timelineRow  = 26
)

// At is the place in the drawing of a place on the timeline.
func (d systemData) At(x int) int { return timelineLeft + x }

// Row is the height of a stage's line.
func (d systemData) Row(i int) int { return 16 + i*timelineRow }

// Foot is where the lines of years end, Height that of the drawing.
func (d systemData) Foot() int { return d.Row(len(d.Stages)-1) + 12 }

// Height is that of the drawing.
func (d systemData) Height() int { return d.Foot() + 20 }
