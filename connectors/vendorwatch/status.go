package vendorwatch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// incident is what Statuspage gives of one. incident.io imitates it with less:
// components without ids, no impact, no updates.
type incident struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Status     string      `json:"status"`
	Impact     string      `json:"impact"`
	CreatedAt  string      `json:"created_at"`
	StartedAt  string      `json:"started_at"`
	ResolvedAt string      `json:"resolved_at"`
	Scheduled  string      `json:"scheduled_for"`
	Shortlink  string      `json:"shortlink"`
	Components []component `json:"components"`
	Updates    []update    `json:"incident_updates"`
}

type component struct {
	Name string `json:"name"`
}

type update struct {
	Status     string      `json:"status"`
	Body       string      `json:"body"`
	CreatedAt  string      `json:"created_at"`
	DisplayAt  string      `json:"display_at"`
	Components []component `json:"affected_components"`
}

// statusNote is kept of a listing that did not change.
type statusNote struct {
	IDs    []string  `json:"ids"`
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	Count  int       `json:"count"`
}

// fullPage is how many incidents Statuspage lists, newest first: with fewer
// the list is whole.
const fullPage = 50

// status reads a status page. What is open now must be among what is listed,
// and what is listed must reach back to the last reading.
func (r *run) status(ctx context.Context, v *vendor) error {
	root := strings.TrimRight(v.Status, "/") + "/api/v2/"
	listed, err := r.incidents(ctx, v, listing{address: root + "incidents.json", field: "incidents"})
	if err != nil {
		return err
	}
	if err := r.reaches(v, listed); err != nil {
		return err
	}
	open, err := r.incidents(ctx, v, listing{address: root + "incidents/unresolved.json", field: "incidents", but: listed.IDs})
	switch {
	case rest.StatusOf(err) == 404: // an imitation without it
		r.book.Query("no list of open incidents at "+v.Status+" to compare with", records.KindVendorIncident)
	case err != nil:
		return err
	default:
		if missing := without(open.IDs, listed.IDs); len(missing) > 0 {
			return r.hidden(v, fmt.Sprintf("%d open incidents are not among those listed: %s", len(missing), strings.Join(missing, ", ")))
		}
	}
	_, err = r.incidents(ctx, v, listing{address: root + "scheduled-maintenances.json", field: "scheduled_maintenances", maintenance: true})
	if rest.StatusOf(err) == 404 {
		r.book.Query("maintenances were not read: none are listed at "+v.Status, records.KindVendorIncident)
		return nil
	}
	return err
}

func (r *run) hidden(v *vendor, detail string) error {
	return r.book.Gap(connector.Gap{
		Kinds: []string{records.KindVendorIncident}, Scope: "vendor " + v.ID + ", " + v.Status, Reason: connector.Hidden, Detail: detail,
	})
}

// reaches says whether the list touches what the last run saw, and how far
// back the history goes.
func (r *run) reaches(v *vendor, listed statusNote) error {
	name := coverage.Memory("status", v.ID, v.Status)
	var last statusNote
	before := r.book.Position(name, &last)
	whole := listed.Count < fullPage
	// Imitations list fewer than a full page, so only a list that touches the
	// last one is known to have no hole before it.
	if before && listed.Count > 0 && (!whole || !last.Newest.IsZero()) && listed.Oldest.After(last.Newest) {
		err := r.book.Gap(connector.Gap{
			Kinds: []string{records.KindVendorIncident}, Scope: "vendor " + v.ID + ", " + v.Status, Reason: connector.Truncated,
			Detail: fmt.Sprintf("the page lists %d incidents since %s; those between %s and then were not seen: read it more often",
				listed.Count, listed.Oldest.Format(time.DateOnly), last.Newest.Format(time.DateOnly)),
		})
		if err != nil {
			return err
		}
	}
	if before && listed.Count == 0 && !last.Newest.IsZero() {
		if err := r.hidden(v, "the page listed incidents before, the last of "+last.Newest.Format(time.DateOnly)+", and now lists none"); err != nil {
			return err
		}
	}
	since := listed.Oldest
	if before && !last.Oldest.IsZero() {
		since = last.Oldest
	}
	if !whole || !since.IsZero() {
		r.book.Since(since, records.KindVendorIncident)
	}
	if listed.Newest.Before(last.Newest) {
		listed.Newest = last.Newest
	}
	return r.book.Cursor(name, statusNote{Oldest: since, Newest: listed.Newest})
}

// listing is one list of a status page.
type listing struct {
	address, field string
	maintenance    bool
	but            []string // ids that another list has told already
}

// incidents reads one listing and emits what is in it.
func (r *run) incidents(ctx context.Context, v *vendor, l listing) (statusNote, error) {
	address := l.address
	a, err := r.web.get(ctx, address, "application/json", rest.NoteFits(func(statusNote) bool { return true }))
	if err != nil {
		return statusNote{}, err
	}
	var note statusNote
	if a.NotModified {
		return note, json.Unmarshal(a.Memo, &note)
	}
	var body map[string]json.RawMessage
	var list []incident
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return note, &rest.MalformedError{Path: address, Why: "the answer is no JSON object; is this a status page by Statuspage or incident.io?"}
	}
	if raw := body[l.field]; len(raw) == 0 || raw[0] != '[' {
		return note, &rest.MalformedError{Path: address, Why: "the answer holds no list of " + l.field}
	} else if err := json.Unmarshal(raw, &list); err != nil {
		return note, &rest.MalformedError{Path: address, Why: "an entry has another form"}
	}
	bad := 0
	told := map[string]bool{}
	for _, id := range l.but {
		told[id] = true
	}
	for _, in := range list {
		rec, payload, err := in.record(v, l.maintenance)
		if err != nil {
			bad++
			note.Count++ // it is listed, whatever it is
			if err := r.unfit(v, address, in.ID, err); err != nil {
				return note, err
			}
			continue
		}
		note.add(in.ID, rec.EventTime)
		if told[in.ID] || l.maintenance && rec.EventTime.After(r.now) {
			continue // told already, or planned for later
		}
		if err := r.book.Record(rec, payload); err != nil {
			return note, err
		}
	}
	if bad > 0 {
		return note, nil // read in full next time
	}
	return note, r.keep(a, note)
}

func (n *statusNote) add(id string, at time.Time) {
	n.Count++
	n.IDs = append(n.IDs, id)
	if n.Oldest.IsZero() || at.Before(n.Oldest) {
		n.Oldest = at
	}
	if at.After(n.Newest) {
		n.Newest = at
	}
}

func (r *run) unfit(v *vendor, address, what string, err error) error {
	return r.book.Gap(connector.Gap{
		Kinds: []string{records.KindVendorIncident}, Scope: "vendor " + v.ID + ", " + address + ", " + what, Reason: connector.Malformed, Detail: err.Error(),
	})
}

// record makes an incident's record.
func (in incident) record(v *vendor, maintenance bool) (connector.Record, records.VendorIncident, error) {
	rec := connector.Record{
		Kind: records.KindVendorIncident, Subject: connector.Subject{Type: "vendor", ID: v.ID}, Key: v.ID + "|" + in.ID, URL: in.Shortlink,
	}
	began, err := first(in.Scheduled, in.StartedAt, in.CreatedAt)
	if in.ID == "" || err != nil || began.IsZero() {
		return rec, records.VendorIncident{}, fmt.Errorf("it has no id or no time at which it began")
	}
	resolved, err := first(in.ResolvedAt)
	if err != nil {
		return rec, records.VendorIncident{}, err
	}
	rec.EventTime = began
	p := records.VendorIncident{
		Vendor: v.ID, IncidentID: records.Line(in.ID, 200), Name: records.Line(in.Name, 500), Components: in.affected(),
		Impact: records.Line(in.Impact, 40), Status: records.Line(in.Status, 40), StartedAt: records.Stamp(began), ResolvedAt: records.Stamp(resolved),
		Updates: []records.IncidentUpdate{}, URL: records.Link(in.Shortlink),
	}
	if maintenance {
		p.Impact = "maintenance"
	}
	for _, u := range in.Updates {
		at, err := first(u.DisplayAt, u.CreatedAt)
		if err != nil {
			return rec, p, err
		}
		p.Updates = append(p.Updates, records.IncidentUpdate{At: records.Stamp(at), Status: records.Line(u.Status, 40), Text: records.Line(u.Body, 2000)})
	}
	slices.SortStableFunc(p.Updates, func(a, b records.IncidentUpdate) int { return cmp.Compare(a.At, b.At) })
	return rec, p, nil
}

// affected are the names of the components, of the incident or of its updates.
func (in incident) affected() []string {
	names := []string{}
	add := func(list []component) {
		for _, c := range list {
			if n := records.Line(c.Name, 200); n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	add(in.Components)
	for _, u := range in.Updates {
		add(u.Components)
	}
	slices.Sort(names)
	return names
}

// first reads the first of some times that is there.
func first(texts ...string) (time.Time, error) {
	for _, s := range texts {
		if s != "" {
			at, _, err := records.ParseTime(s)
			return at, err
		}
	}
	return time.Time{}, nil
}

func without(list, others []string) []string {
	there := map[string]bool{}
	for _, s := range others {
		there[s] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return there[s] })
}
