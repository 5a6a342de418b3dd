package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// HandedIn is evidence that somebody handed in, and how its review stands.
type HandedIn struct {
	ID         string    `json:"id"`
	What       string    `json:"what"`
	Subject    string    `json:"subject,omitempty"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	State      string    `json:"state"` // pending | accepted | rejected
	Reviewer   string    `json:"reviewer,omitempty"`
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
	SHA256     string    `json:"sha256"`
	ImportedBy string    `json:"imported_by,omitempty"` // of what a file brought

	Upload *people.Upload `json:"-"`
	run    evidence.Provenance
	at     recordKey
}

// Pile collects what was handed in: uploads, and records of runs of the method
// upload that no upload speaks of. Of an upload that a file brought, the review
// that people put on record counts.
func (s *Service) Pile(ctx context.Context) ([]HandedIn, error) {
	runs := map[string]evidence.Provenance{}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		runs[run.ID] = run.Provenance
	}
	uploads, err := OnRecord(ctx, s.store, people.KindUpload, func(ev evidence.Evidence) (HandedIn, error) {
		u, err := people.ParseUpload(ev)
		h := handedInUpload(&u, runs[ev.Run])
		h.at = keyOf(ev)
		return h, err
	})
	if err != nil {
		return nil, err
	}
	type name struct{ id, sum string }
	ours := map[name]bool{}
	for _, h := range uploads {
		if h.Upload.Source == people.Source {
			ours[name{h.ID, h.SHA256}] = true
		}
	}
	var out []HandedIn
	spoken := map[string]bool{}
	for _, h := range uploads {
		spoken[h.SHA256] = true
		if h.Upload.Source == people.Source || !ours[name{h.ID, h.SHA256}] {
			out = append(out, h)
		}
	}
	rest, err := s.unspoken(ctx, spoken, runs)
	return append(out, rest...), err
}

func handedInUpload(u *people.Upload, run evidence.Provenance) HandedIn {
	h := HandedIn{ID: u.ID, What: u.Title, By: u.Uploader, At: u.UploadedAt.Time, State: "pending", Reviewer: u.Reviewer,
		ReviewedAt: u.ReviewedAt.Time, SHA256: u.SHA256, ImportedBy: run.ImportedBy, Upload: u, run: run}
	if h.What == "" {
		h.What = u.Filename
	}
	if u.About != nil {
		h.Subject = u.About.Type + "/" + u.About.ID
	}
	if u.Decision != "" {
		h.State = u.Decision
	}
	return h
}

func (s *Service) unspoken(ctx context.Context, spoken map[string]bool, runs map[string]evidence.Provenance) ([]HandedIn, error) {
	uploadRuns := map[string]evidence.Provenance{}
	for id, run := range runs {
		if run.Method == agent.MethodUpload {
			uploadRuns[id] = run
		}
	}
	if len(uploadRuns) == 0 {
		return nil, nil
	}
	var out []HandedIn
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Latest: true}) {
		if err != nil {
			return nil, err
		}
		from, byHand := uploadRuns[ev.Run]
		if !byHand || ev.Kind == people.KindUpload || spoken[ev.Digest.String()] || spoken[ev.PayloadSum.String()] {
			continue
		}
		by, _ := people.SplitIdentity(from.Identity)
		if by == "" {
			by = from.Source
		}
		out = append(out, HandedIn{ID: ev.Digest.String()[:12], What: ev.Kind + " " + ev.Key, Subject: ev.Subject.Type + "/" + ev.Subject.ID,
			By: by, At: ev.CollectedAt, State: "pending", SHA256: ev.Digest.String(), ImportedBy: from.ImportedBy, run: from, at: keyOf(ev)})
	}
	return out, nil
}

// Vouched is the record that comes with what was handed in, which whoever
// accepts it accepts.
type Vouched struct {
	Kind    string           `json:"kind"`
	Subject evidence.Subject `json:"subject"`
	Key     string           `json:"key"`
	Payload json.RawMessage  `json:"payload"`
}

func (s *Service) VouchedFor(ctx context.Context, h HandedIn) (*Vouched, error) {
	if h.Upload != nil && (h.Upload.FileSHA256 == h.SHA256 || h.SHA256 == "") {
		return nil, nil
	}
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{}) {
		if err != nil {
			return nil, err
		}
		if ev.Digest.String() != h.SHA256 && ev.PayloadSum.String() != h.SHA256 {
			continue
		}
		payload, err := s.store.Payload(ctx, ev.PayloadSum)
		if errors.Is(err, store.ErrErased) {
			payload = json.RawMessage("null")
		} else if err != nil {
			return nil, err
		}
		return &Vouched{ev.Kind, ev.Subject, ev.Key, payload}, nil
	}
	return nil, nil
}

// Shown is what was handed in, in full.
type Shown struct {
	HandedIn
	UploadDetail
	Record *Vouched `json:"record,omitempty" doc:"The record that comes with it."`
}

// UploadDetail is what whoever handed a file in said of it; empty of a record
// that came with an import.
type UploadDetail struct{ people.Upload }

// Shown adds to what was handed in what is known of it.
func (s *Service) Shown(ctx context.Context, h HandedIn) (Shown, error) {
	out := Shown{HandedIn: h}
	if h.Upload != nil {
		out.UploadDetail.Upload = *h.Upload
	}
	var err error
	out.Record, err = s.VouchedFor(ctx, h)
	return out, err
}

// FindHandedIn finds what was handed in by its id, or the beginning of its
// digest: what still waits before what was decided on.
func (s *Service) FindHandedIn(ctx context.Context, id string) (HandedIn, error) {
	list, err := s.Pile(ctx)
	if err != nil {
		return HandedIn{}, err
	}
	var ids []string
	var found []HandedIn
	for _, h := range list {
		if h.ID == id || len(id) >= 12 && strings.HasPrefix(h.SHA256, id) {
			found = append(found, h)
		}
		ids = append(ids, h.ID)
	}
	slices.SortStableFunc(found, func(a, b HandedIn) int { return cmp.Compare(waits(b), waits(a)) })
	switch {
	case len(found) == 0:
		return HandedIn{}, notFound(id, ids, "exhibit review list --all shows them", "nothing with the id %q was handed in", id)
	case len(found) > 1 && waits(found[1]) == 1 && found[0].SHA256 != found[1].SHA256:
		return HandedIn{}, mistake("name it by its digest: exhibit review list -o json shows sha256", "more than one thing was handed in as %q", id)
	}
	return found[0], nil
}

func waits(h HandedIn) int {
	if h.State == "pending" {
		return 1
	}
	return 0
}

// reviewed is the upload that a review decides on, with everybody who had a part
// in it.
func (s *Service) reviewed(ctx context.Context, h HandedIn) (people.Upload, error) {
	u := people.Upload{ID: "UP-" + h.ID, SHA256: h.SHA256, Title: h.What, Uploader: h.By}
	if h.Upload != nil {
		u = *h.Upload
	}
	if u.Decision != "" {
		return u, nil
	}
	if h.Upload == nil || u.Source != people.Source {
		if err := s.idIsFree(ctx, h, u); err != nil {
			return u, err
		}
	}
	var err error
	u.Hands, err = s.handsOnReview(ctx, h, u)
	return u, err
}

// idIsFree refuses to review under an id that another upload has, whose place
// the review would take.
func (s *Service) idIsFree(ctx context.Context, h HandedIn, u people.Upload) error {
	before := map[string]bool{}
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindUpload}, Source: h.at.source, Payloads: true}) {
		if err != nil {
			return err
		}
		if keyOf(ev) == h.at && ev.Payload != nil {
			was, err := people.ParseUpload(ev)
			if err != nil {
				return err
			}
			before[was.SHA256] = true
		}
	}
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindUpload}, Source: people.Source, Latest: true, Payloads: true}) {
		if err != nil {
			return err
		}
		if ev.Key != u.ID || ev.Payload == nil {
			continue
		}
		other, err := people.ParseUpload(ev)
		if err != nil {
			return err
		}
		if !before[other.SHA256] {
			return mistake("hand it in under an id of its own", "another upload is on record as %s", u.ID)
		}
	}
	return nil
}

// Reviewed says what became of something that was handed in.
type Reviewed struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Reviewer string `json:"reviewer"`
}

// Review accepts or rejects what somebody else handed in.
func (d *Desk) Review(ctx context.Context, id, decision, note string) (Reviewed, error) {
	h, err := d.s.FindHandedIn(ctx, id)
	if err != nil {
		return Reviewed{}, err
	}
	u, err := d.s.reviewed(ctx, h)
	if err != nil {
		return Reviewed{}, err
	}
	rec, err := d.Policy.Review(d.Who, u, decision, note, d.Now)
	if err != nil {
		if u.Decision != "" {
			return Reviewed{}, err
		}
		return Reviewed{}, d.whoElse(err, "hand the same in anew, by one person alone and under a key of its own", func(p people.Person) error {
			_, err := d.Policy.Review(p, u, people.Accepted, "", d.Now)
			return err
		})
	}
	return Reviewed{id, decision, d.Who.ID}, d.byCommand(ctx, rec)
}

// Submission is evidence that somebody hands in: a file, what it shows and where
// it comes from, and the record that it supports, if it supports one.
type Submission struct {
	Upload people.Upload
	Times  people.Times
	File   File
	Record *evidence.Record
}

// Submit keeps a file in the ledger and puts on record who handed it in.
func (d *Desk) Submit(ctx context.Context, in Submission) (people.Upload, error) {
	u := in.Upload
	if u.Expectation != "" {
		if err := d.s.KnownExpectation(u.Expectation); err != nil {
			return u, err
		}
	}
	file, sum, err := people.File(in.File.Name, in.File.MediaType, in.File.Content)
	if err != nil {
		return u, err
	}
	u.Filename, u.SHA256, u.FileSHA256 = in.File.Name, sum, sum
	if in.Record != nil {
		u.About = &in.Record.Subject
	}
	all, err := EverOnRecord(ctx, d.s.store, people.KindUpload, people.ParseUpload,
		func(id string) people.Upload { return people.Upload{ID: id} })
	if err != nil {
		return u, err
	}
	made, rec, err := d.Policy.Submit(d.Who, u, in.Times, all, d.Now)
	if err != nil {
		return u, err
	}
	if in.Record != nil {
		// What is accepted later is this record as it is sealed, of this kind and
		// about this subject: the same words about another one are another record.
		if u.SHA256, err = d.sealRecord(ctx, *in.Record); err != nil {
			return u, err
		}
		if made, rec, err = d.Policy.Submit(d.Who, u, in.Times, all, d.Now); err != nil {
			return u, err
		}
	}
	return made, d.byCommand(ctx, file, rec)
}

// sealRecord appends a record that a file supports and returns its digest.
func (d *Desk) sealRecord(ctx context.Context, typed evidence.Record) (string, error) {
	if err := d.Record(ctx, agent.MethodUpload, typed); err != nil {
		return "", err
	}
	q := store.EvidenceQuery{Kinds: []string{typed.Kind}, Source: people.Source, Latest: true}
	for ev, err := range d.s.store.Evidence(ctx, q) {
		if err != nil {
			return "", err
		}
		if ev.Key == typed.Key {
			return ev.Digest.String(), nil
		}
	}
	return "", fmt.Errorf("%s %s: %w", typed.Kind, typed.Key, store.ErrNotFound)
}
