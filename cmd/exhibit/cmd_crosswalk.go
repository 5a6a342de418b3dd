package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/crosswalk"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

type crosswalkOptions struct {
	framework, item, group, evidence string
	basis                            string
}

func newCrosswalkCommand(g *globals) *cobra.Command {
	var o crosswalkOptions
	c := &cobra.Command{
		Use:   "crosswalk [CONTROL]",
		Short: "What the evidence may serve beside ISO/IEC 42001: NIST AI RMF, EU AI Act, ISO/IEC 27001",
		Long: `Relates controls to items of other frameworks, many to many, with the status of the control where there
is a store. A pair says that evidence of one may serve the other once somebody has looked at it. It never
says that one covers the other, and evidence of ISO/IEC 42001 gives no presumption of conformity with a
law. Each pair names its basis: published by a body, published by an author, or PROPOSED by us.
A twin is a clause that management system standards share: reuse the evidence, check what it says of AI.

--evidence shows everything that one piece of evidence may serve.`,
		Example: `  exhibit crosswalk A.10.3
  exhibit crosswalk --framework nist-ai-rmf --group MAP
  exhibit crosswalk --framework eu-ai-act --item "Art. 14"
  exhibit crosswalk --evidence 3f2a9c01d4e5`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runCrosswalk(c.Context(), g, o, strings.Join(args, ""))
		},
	}
	f := c.Flags()
	f.StringVar(&o.framework, "framework", "", "only this `framework`: nist-ai-rmf, eu-ai-act, iso27001")
	f.StringVar(&o.item, "item", "", "only pairs with this `item` of a framework")
	f.StringVar(&o.group, "group", "", "only items of this `group`, for example GOVERN")
	f.StringVar(&o.basis, "basis", "", "only pairs on this `basis`: published_institutional, published_community, proposed")
	f.StringVar(&o.evidence, "evidence", "", "only controls whose results rest on the evidence with this `digest` (12 digits are enough)")
	return c
}

// crossRow is one pair as it is printed.
type crossRow struct {
	Framework   string          `json:"framework"`
	Version     string          `json:"version"`
	Item        string          `json:"item"`
	ItemTitle   string          `json:"item_title,omitempty"`
	AppliesFrom time.Time       `json:"applies_from,omitzero"`
	Control     string          `json:"control"`
	Title       string          `json:"control_title"`
	Status      assess.Status   `json:"control_status,omitempty"` // empty where there is no store
	Satisfied   int             `json:"satisfied"`
	Total       int             `json:"total"`
	Basis       crosswalk.Basis `json:"basis"`
	Sources     []string        `json:"sources"`
	Twin        bool            `json:"twin,omitempty"`
	Note        string          `json:"note,omitempty"`
}

func runCrosswalk(ctx context.Context, g *globals, o crosswalkOptions, control string) error {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return err
	}
	list, err := crosswalk.Load(config.FS, cat)
	if err != nil {
		return err
	}
	if err := o.check(cat, list, control); err != nil {
		return err
	}
	a, err := g.assessIfThere(ctx)
	if err != nil {
		return err
	}
	only, err := o.controls(a, control)
	if err != nil {
		return err
	}
	var rows []crossRow
	for _, fw := range list {
		if o.framework == "" || fw.ID == o.framework {
			rows = append(rows, o.rows(fw, cat, a, only)...)
		}
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	printCrosswalk(g, list, rows)
	return nil
}

func (o crosswalkOptions) check(cat *catalog.Catalog, list []crosswalk.Framework, control string) error {
	refuse := func(what, value string, known []string) error {
		hint := "one of " + strings.Join(known[:min(len(known), 12)], ", ")
		if near := yamlfile.Nearest(value, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return usageError{fmt.Errorf("there is no %s %q", what, value), hint}
	}
	if _, ok := cat.Control(control); control != "" && !ok {
		return refuse("control", control, cat.ControlIDs())
	}
	var ids, items, groups []string
	for _, fw := range list {
		ids = append(ids, fw.ID)
		if o.framework != "" && fw.ID != o.framework {
			continue
		}
		for _, it := range fw.Items {
			items = append(items, it.ID)
			if !slices.Contains(groups, it.Group) && it.Group != "" {
				groups = append(groups, it.Group)
			}
		}
	}
	folded := func(list []string, s string) bool {
		return slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, s) })
	}
	bases := []string{string(crosswalk.Institutional), string(crosswalk.Community), string(crosswalk.Proposed)}
	switch {
	case o.framework != "" && !slices.Contains(ids, o.framework):
		return refuse("framework", o.framework, ids)
	case o.item != "" && !folded(items, o.item):
		return refuse("item", o.item, items)
	case o.group != "" && !folded(groups, o.group):
		return refuse("group", o.group, groups)
	case o.basis != "" && !slices.Contains(bases, o.basis):
		return refuse("basis", o.basis, bases)
	}
	return nil
}

// assessIfThere assesses as of now; without a store it returns nil.
func (g *globals) assessIfThere(ctx context.Context) (*assess.Assessment, error) {
	a, err := g.assessAsOf(ctx, "")
	if errors.Is(err, store.ErrNoStore) {
		return nil, nil
	}
	return a, err
}

// controls returns the controls asked for: one named, or those that rest on a
// piece of evidence; nil means all.
func (o crosswalkOptions) controls(a *assess.Assessment, control string) (map[string]bool, error) {
	if o.evidence == "" {
		if control == "" {
			return nil, nil
		}
		return map[string]bool{control: true}, nil
	}
	if a == nil {
		return nil, store.ErrNoStore
	}
	out := map[string]bool{}
	for _, r := range a.Results {
		for _, d := range r.Evidence {
			if len(o.evidence) >= 8 && strings.HasPrefix(d.String(), strings.ToLower(o.evidence)) && (control == "" || control == r.Control) {
				out[r.Control] = true
			}
		}
	}
	if len(out) == 0 {
		return nil, usageError{fmt.Errorf("no result rests on evidence %q", o.evidence), "give 8 digits of a digest or more; exhibit status CONTROL shows them"}
	}
	return out, nil
}

func (o crosswalkOptions) rows(fw crosswalk.Framework, cat *catalog.Catalog, a *assess.Assessment, only map[string]bool) []crossRow {
	var out []crossRow
	for _, ctl := range cat.Controls {
		if only != nil && !only[ctl.ID] {
			continue
		}
		for _, p := range fw.Of(ctl.ID) {
			item, _ := fw.Item(p.Item)
			if o.item != "" && !strings.EqualFold(o.item, p.Item) || o.group != "" && !strings.EqualFold(o.group, item.Group) ||
				o.basis != "" && o.basis != string(p.Basis) {
				continue
			}
			r := crossRow{Framework: fw.ID, Version: fw.Version, Item: p.Item, ItemTitle: item.Title, AppliesFrom: item.AppliesFrom,
				Control: ctl.ID, Title: ctl.Title, Basis: p.Basis, Sources: p.Sources, Twin: p.Twin, Note: p.Note}
			if a != nil {
				i := slices.IndexFunc(a.Controls, func(c assess.Control) bool { return c.ID == ctl.ID })
				r.Status, r.Satisfied, r.Total = a.Controls[i].Status, a.Controls[i].Satisfied, a.Controls[i].Total
			}
			if r.Sources == nil {
				r.Sources = []string{}
			}
			out = append(out, r)
		}
	}
	return out
}

func printCrosswalk(g *globals, list []crosswalk.Framework, rows []crossRow) {
	t := table{head: []string{"FRAMEWORK", "ITEM", "CONTROL", "STATUS", "SATISFIED", "BASIS", "SOURCES", "NOTE"}}
	shown := map[string]bool{}
	for _, r := range rows {
		shown[r.Framework] = true
		status, satisfied := string(r.Status), fmt.Sprintf("%d / %d", r.Satisfied, r.Total)
		if r.Status == "" {
			status, satisfied = "–", "–"
		}
		item := r.Item
		if r.ItemTitle != "" {
			item += " " + r.ItemTitle
		}
		note := r.Note
		if r.Twin {
			note = strings.TrimSpace("twin: reuse, AI content to check " + note)
		}
		if r.AppliesFrom.After(time.Now()) {
			note = strings.TrimSpace("applies from " + r.AppliesFrom.Format(time.DateOnly) + " " + note)
		}
		t.add(r.Framework, short(item, 50), r.Control, status, satisfied, r.Basis.Words(), strings.Join(r.Sources, ", "), short(note, 70))
	}
	t.print(g.std.out)
	for _, fw := range list {
		if shown[fw.ID] {
			fmt.Fprintf(g.std.out, "\n%s, %s (%s). As of %s.\n", clean(fw.Title), clean(fw.Version), fw.Date.Format(time.DateOnly), fw.AsOf.Format(time.DateOnly))
			for _, line := range wrap(fw.Note, 100) {
				fmt.Fprintln(g.std.out, line)
			}
		}
	}
}
