package service

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// surveillance is the stage that looks at what is different since the last audit.
const surveillance = "surveillance"

// Readiness lists what an auditor expects at a stage, and what of it is there as
// of a view. since is when the last audit was; zero: a year before.
func (s *Service) Readiness(ctx context.Context, stage string, v *View, since time.Time) (readiness.Pack, error) {
	book, wanted, err := s.stage(stage, since)
	if err != nil {
		return readiness.Pack{}, err
	}
	shared := context.WithoutCancel(ctx)
	return madeOnce(v, stage+since.UTC().Format(time.RFC3339Nano), func() (readiness.Pack, error) {
		return s.prepare(shared, book, wanted, v, since)
	})
}

func (s *Service) prepare(ctx context.Context, book *readiness.Book, wanted readiness.Stage, v *View, since time.Time) (readiness.Pack, error) {
	p, err := s.programme(ctx, v, book.Kinds())
	if err != nil {
		return readiness.Pack{}, err
	}
	w := readiness.World{Assessment: v.Assessment, Records: p.records, Reads: p.reads(), Operates: p.shows}
	if wanted.ID == surveillance {
		err := s.onState(ctx, func(st *assess.State, _ assess.Checkpoint) error { return sinceLastAudit(st, since, &w) })
		if err != nil {
			return readiness.Pack{}, err
		}
	}
	return book.Prepare(wanted, w), nil
}

// KnownStage refuses what Readiness would refuse without looking at any evidence.
func (s *Service) KnownStage(stage string, since time.Time) error {
	_, _, err := s.stage(stage, since)
	return err
}

func (s *Service) stage(stage string, since time.Time) (*readiness.Book, readiness.Stage, error) {
	e, err := s.rules()
	if err != nil {
		return nil, readiness.Stage{}, err
	}
	cat := e.Engine().Catalog()
	book, err := readiness.Load(config.FS, readiness.Known{Kinds: cat.KindIDs(), Controls: cat.ControlIDs(), Expectations: slugsOf(e)})
	if err != nil {
		return nil, readiness.Stage{}, err
	}
	wanted, err := stageOf(book, stage, since)
	return book, wanted, err
}

func stageOf(book *readiness.Book, id string, since time.Time) (readiness.Stage, error) {
	stage, ok := book.Stage(id)
	switch {
	case !ok:
		hint := "one of " + strings.Join(book.StageIDs(), ", ")
		if near := yamlfile.Nearest(id, book.StageIDs()); near != "" {
			hint = "did you mean " + near + "?"
		}
		return stage, mistake(hint, "there is no stage %q", id)
	case !since.IsZero() && id != surveillance:
		return stage, mistake("leave it out", "since is for surveillance")
	}
	return stage, nil
}

// sinceLastAudit fills in since when, and what is different.
func sinceLastAudit(st *assess.State, since time.Time, w *readiness.World) error {
	to := w.Assessment.AsOf
	w.Since, w.SinceFrom = to.AddDate(-1, 0, 0), "a year before: no other time was given"
	if !since.IsZero() {
		if !since.Before(to) {
			return mistake("give the earlier instant", "since %s is not before %s", since.Format(time.RFC3339), to.Format(time.RFC3339))
		}
		w.Since, w.SinceFrom = since, "as given"
	}
	after, err := st.Moment(to, w.Assessment.Checkpoint)
	if err != nil {
		return err
	}
	before, err := st.Moment(w.Since, w.Assessment.Checkpoint)
	if err != nil {
		return err
	}
	w.Delta = differences(assess.Compare(before, after))
	return nil
}

// differences counts what is different, and names what is few.
func differences(d *assess.Delta) []readiness.Difference {
	var controls, records, waivers, applies, rules []string
	for _, c := range d.Controls {
		controls = append(controls, fmt.Sprintf("%s %s→%s", c.ID, cmp.Or(string(c.Before.Status), "none"), cmp.Or(string(c.After.Status), "none")))
	}
	for _, r := range d.Records {
		records = append(records, r.Kind+" "+r.Key)
	}
	for _, x := range d.Waivers {
		waivers = append(waivers, x.ID)
	}
	for _, c := range d.Applicability {
		applies = append(applies, c.ID)
	}
	for _, e := range d.Expectations {
		rules = append(rules, e.Slug)
	}
	out := []readiness.Difference{
		{What: "controls with another status", Count: len(controls), Detail: controls},
		{What: "results with another status", Count: len(d.Results)},
		{What: "systems, vendors, waivers and scope on record", Count: len(records), Detail: records},
		{What: "waivers that became or ceased to be valid", Count: len(waivers), Detail: waivers},
		{What: "controls whose applicability changed", Count: len(applies), Detail: applies},
		{What: "expectations or thresholds", Count: len(rules), Detail: rules},
		{What: "populations with other members", Count: len(d.Populations)},
	}
	for i := range out {
		out[i].Detail = append([]string{}, out[i].Detail...)
	}
	if d.SoA.Before != d.SoA.After {
		out = append(out, readiness.Difference{What: "version of the statement of applicability", Count: 1, Detail: []string{orNone(d.SoA.Before) + "→" + orNone(d.SoA.After)}})
	}
	return out
}

func orNone(s string) string { return cmp.Or(s, "none") }

// Bodies lays out what is on record as of a view of each certification body that
// was asked.
func (s *Service) Bodies(ctx context.Context, v *View) (readiness.Sheet, error) {
	shared := context.WithoutCancel(ctx)
	return madeOnce(v, "", func() (readiness.Sheet, error) {
		records, err := recordsAt(shared, s.store, readiness.BodyKinds, v.Assessment.AsOf)
		if err != nil {
			return readiness.Sheet{}, err
		}
		return readiness.Worksheet(v.Assessment, records), nil
	})
}
