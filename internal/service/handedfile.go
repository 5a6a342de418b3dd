package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// File is what somebody hands over with what they put on record.
type File struct {
	Name, MediaType string
	Content         []byte
}

// OneRecord reads the record that a file supports, as import would. text is one
// line; where says what it is, in a refusal.
func (d *Desk) OneRecord(text io.Reader, where string) (*evidence.Record, error) {
	var found []evidence.Record
	for item, err := range importfile.Read(text, importfile.Options{Source: people.Source, Catalog: d.s.Catalog, Now: d.Now}) {
		if err != nil {
			return nil, Mistake{fmt.Errorf("%s: %w", where, err), "one line as exhibit import reads it"}
		}
		if item.Header != nil {
			return nil, mistake("leave only the record", "%s: a run header has no place here", where)
		}
		found = append(found, item.Record)
	}
	if len(found) != 1 {
		return nil, mistake("hand in one at a time", "%s holds %d records", where, len(found))
	}
	if how, ok := people.MadeBy(found[0].Kind); ok {
		return nil, mistake(how, "%s is made by its own command", found[0].Kind)
	}
	return &found[0], nil
}

var errNoFile = errors.New("no file came with it")

// HandedInFile returns the file that came with something that was handed in, and
// the payload of the ledger that holds it.
func (s *Service) HandedInFile(ctx context.Context, h HandedIn) (content []byte, payload evidence.Digest, err error) {
	if h.Upload == nil || h.Upload.FileSHA256 == "" {
		return nil, payload, NotFound{Mistake{Err: errNoFile}}
	}
	sum := h.Upload.FileSHA256
	subject := evidence.Subject{Type: "record", ID: sum}
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindFile}, Subject: &subject, Payloads: true}) {
		if err != nil {
			return nil, payload, err
		}
		var b struct {
			Content []byte `json:"content_base64"`
		}
		if err := json.Unmarshal(ev.Payload, &b); err != nil {
			return nil, payload, fmt.Errorf("file %s: %w", sum, err)
		}
		if evidence.Sum(b.Content).String() != sum {
			return nil, payload, fmt.Errorf("file %s: %w", sum, store.ErrTampered)
		}
		return b.Content, ev.PayloadSum, nil
	}
	return nil, payload, fmt.Errorf("file %s: %w", sum, store.ErrNotFound)
}
