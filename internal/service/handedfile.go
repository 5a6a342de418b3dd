package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

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
