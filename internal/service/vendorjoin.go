package service

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// usedLately is how long after a model was served last it counts as in use.
const usedLately = 90 * 24 * time.Hour

// changed keeps a change; the oldest make room.
func (d *vendorDraft) changed(c VendorChange) {
	d.Changes = append(d.Changes, c)
	if len(d.Changes) >= 2*KeptChanges {
		d.trim()
	}
}

func (d *vendorDraft) trim() {
	slices.SortFunc(d.Changes, func(x, y VendorChange) int {
		return cmp.Or(y.At.Compare(x.At), strings.Compare(x.What, y.What), strings.Compare(x.Digest.String(), y.Digest.String()))
	})
	if n := len(d.Changes) - KeptChanges; n > 0 {
		d.Older += n
		d.Changes = d.Changes[:KeptChanges]
	}
}

// record takes the newest record of the vendor; the systems of all count.
func (d *vendorDraft) record(ev *evidence.Evidence, f *vendorFields) {
	d.Systems = append(d.Systems, f.Systems...)
	if !d.Digest.IsZero() && !ev.EventTime.After(d.event) {
		return
	}
	d.event, d.Digest = ev.EventTime, ev.Digest
	d.Name, d.Services, d.Criticality, d.Owner = f.Name, f.Services, f.Criticality, f.Owner
	if f.Control != "" {
		d.Control, d.DecidedBy, d.DecidedAt = f.Control, f.DecidedBy, f.DecidedAt.Time
	}
}

func (d *vendorDraft) assessment(ev *evidence.Evidence, f *vendorFields) {
	at := f.ApprovedAt.Time
	d.changed(VendorChange{At: at, What: "assessment", Text: sentences("assessed", f.Result, f.ApprovedBy), URL: ev.URL, Digest: ev.Digest})
	if d.Assessed != nil && !at.After(d.Assessed.At) {
		return
	}
	a := &VendorAssessment{At: at, NextDue: f.NextDue.Time, By: f.ApprovedBy, Result: f.Result, Digest: ev.Digest}
	for _, t := range VendorTopics() {
		if v := strings.TrimSpace(string(f.Topics[t])); v == "" || v == "null" || v == `""` || v == "{}" {
			a.Left = append(a.Left, t)
		} else {
			a.Topics = append(a.Topics, t)
		}
	}
	d.Assessed = a
}

func (d *vendorDraft) terms(ev *evidence.Evidence, f *vendorFields, asOf time.Time) {
	at := f.Effective.Time
	d.changed(VendorChange{At: at, What: "terms", Text: sentences("terms agreed", f.Version), URL: ev.URL, Digest: ev.Digest})
	if at.After(asOf) || d.Terms != nil && !at.After(d.Terms.Effective) {
		return
	}
	d.Terms = &VendorTerms{Document: f.Document, Version: f.Version, Effective: at, Digest: ev.Digest}
}

func (d *vendorDraft) lifecycle(ev *evidence.Evidence, f *vendorFields) {
	if f.Model == "" {
		return
	}
	m, at := d.model(f.Model), f.Announced.Time
	if m.Digest.IsZero() || at.After(m.Announced) {
		m.Status, m.Announced, m.Shutdown, m.NotBefore = f.Status, at, f.Shutdown.Time, f.NotBefore.Time
		m.Replacement, m.Region, m.Digest = f.Replacement, f.Region, ev.Digest
	}
	if f.Status == "" || f.Status == "active" && f.Shutdown.IsZero() {
		return
	}
	text := f.Status
	if f.Region != "" {
		text += " in " + f.Region
	}
	if !f.Shutdown.IsZero() {
		text += ", shut down " + f.Shutdown.Format(time.DateOnly)
	}
	d.changed(VendorChange{At: at, What: "lifecycle", Model: f.Model, Text: text, URL: cmp.Or(f.SourceURL, ev.URL), Digest: ev.Digest})
}

// observation counts what was served. The same is seen again every day.
func (d *vendorDraft) observation(ev *evidence.Evidence, f *vendorFields) {
	if f.Served == "" {
		return
	}
	key, at := [3]string{f.System, f.Requested, f.Served}, f.Observed.Time
	switch x := d.served[key]; {
	case x == nil:
		d.served[key] = &ServedModel{Name: f.Served, System: f.System, First: at, Last: at, Digest: ev.Digest}
	case at.Before(x.First):
		x.First, x.Digest = at, ev.Digest
	case at.After(x.Last):
		x.Last = at
	}
}

func (d *vendorDraft) incident(ev *evidence.Evidence, f *vendorFields) {
	text := sentences(strings.TrimSpace("incident "+f.Incident), f.Title)
	if f.Impact != "" {
		text += " (" + f.Impact + ")"
	}
	if f.Resolved.IsZero() {
		d.Open++
		text += ", " + cmp.Or(f.Status, "open")
	} else {
		text += ", resolved " + f.Resolved.Format(time.DateOnly)
	}
	d.changed(VendorChange{At: f.Started.Time, What: "incident", Text: text, URL: cmp.Or(f.URL, ev.URL), Digest: ev.Digest})
}

// vendors joins all that was read.
func (b *vendorBook) vendors() Vendors {
	for _, u := range b.systems {
		for _, id := range u.Vendors {
			d := b.of(id)
			d.Systems = append(d.Systems, u.ID)
		}
	}
	b.join()
	var out Vendors
	for _, id := range slices.Sorted(maps.Keys(b.by)) {
		out.List = append(out.List, b.by[id].vendor(b))
	}
	for _, name := range slices.Sorted(maps.Keys(b.unplaced)) {
		m := b.unplaced[name]
		m.Systems, m.Uses = inOrder(m.Systems), inOrder(m.Uses)
		out.Unplaced = append(out.Unplaced, *m)
	}
	return out
}

// join says of models who uses them.
func (b *vendorBook) join() {
	for _, d := range b.by {
		for key, x := range d.served {
			m := d.model(cmp.Or(key[1], x.Name))
			m.Served = append(m.Served, *x)
			if x.System != "" {
				m.Systems = append(m.Systems, x.System)
			}
			if b.asOf.Sub(x.Last) <= usedLately {
				m.Uses = append(m.Uses, "served until "+x.Last.Format(time.DateOnly))
			}
		}
	}
	for _, c := range b.code {
		d := b.by[c.Provider]
		if d == nil {
			continue // not a vendor that a record speaks of
		}
		m := d.model(c.Model)
		m.Uses = append(m.Uses, "code asks for it")
		if c.Pin == "immutable" || c.Pin == "revision_sha" {
			m.Pinned = true
		} else {
			m.Moving = true
		}
	}
	for _, u := range b.systems {
		for _, name := range u.Models {
			for _, m := range b.named(name, u.Vendors) {
				m.Systems, m.Uses = append(m.Systems, u.ID), append(m.Uses, "the register names it")
			}
		}
	}
}

// named are the models of a name that the register gives to a system. One that
// nothing else speaks of is of the system's vendor, if it has one alone.
func (b *vendorBook) named(name string, vendors []string) []*VendorModel {
	var out []*VendorModel
	for _, d := range b.by {
		if m := d.models[name]; m != nil {
			out = append(out, m)
		}
	}
	switch {
	case len(out) > 0:
	case len(vendors) == 1:
		out = append(out, b.of(vendors[0]).model(name))
	default:
		if b.unplaced[name] == nil {
			b.unplaced[name] = &VendorModel{Name: name}
		}
		out = append(out, b.unplaced[name])
	}
	return out
}

// vendor is what became of a draft.
func (d *vendorDraft) vendor(b *vendorBook) Vendor {
	d.swaps()
	d.trim()
	v := d.Vendor
	v.Systems = inOrder(v.Systems)
	for _, m := range d.models {
		m.Systems, m.Uses = inOrder(m.Systems), inOrder(m.Uses)
		slices.SortFunc(m.Served, func(x, y ServedModel) int {
			return cmp.Or(y.Last.Compare(x.Last), strings.Compare(x.Name, y.Name), strings.Compare(x.System, y.System))
		})
		m.Pinned = m.Pinned && !m.Moving
		m.Migration = cmp.Or(b.plans[d.ID+"/"+m.Name], b.plans[m.Name])
		v.Models = append(v.Models, *m)
	}
	slices.SortFunc(v.Models, func(x, y VendorModel) int {
		if x.InUse() != y.InUse() {
			if x.InUse() {
				return -1
			}
			return 1
		}
		return strings.Compare(x.Name, y.Name)
	})
	return v
}

// swaps are changes of the model that answered: another one than was asked for,
// or another one than before.
func (d *vendorDraft) swaps() {
	keys := slices.SortedFunc(maps.Keys(d.served), func(x, y [3]string) int {
		return cmp.Or(d.served[x].First.Compare(d.served[y].First), strings.Compare(x[2], y[2]), strings.Compare(x[0], y[0]), strings.Compare(x[1], y[1]))
	})
	before := map[string]map[string]bool{} // served, by system
	for _, k := range keys {
		system, asked, x := k[0], k[1], d.served[k]
		c := VendorChange{At: x.First, What: "model", Model: cmp.Or(asked, x.Name), Digest: x.Digest}
		switch {
		case asked != "" && asked != x.Name:
			c.Text = "asked for " + asked + ", got " + x.Name
		case len(before[system]) > 0 && !before[system][x.Name]:
			c.Text = "another model than before: " + x.Name
		}
		if system != "" && c.Text != "" {
			c.Text += ", by " + system
		}
		if before[system] == nil {
			before[system] = map[string]bool{}
		}
		before[system][x.Name] = true
		if c.Text != "" {
			d.changed(c)
		}
	}
}

// inOrder sorts texts and leaves out what is there twice or empty.
func inOrder(list []string) []string {
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
}
