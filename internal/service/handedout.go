package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// HandedOut is what the ledger says of something that was handed out.
type HandedOut struct {
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	File      string    `json:"file"`
	SHA256    string    `json:"sha256"`
	Bytes     int64     `json:"bytes"`
	AsOf      time.Time `json:"as_of"`
	Period    string    `json:"period,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Redaction string    `json:"redaction,omitempty"`
	By        string    `json:"by"`
	Tool      string    `json:"tool,omitempty"`
	Snapshot  string    `json:"snapshot,omitempty"` // none was recorded by early versions
	Assessed  int64     `json:"assessed_size"`
	Seq       int64     `json:"seq"`
}

// HandedOut returns what was handed out, oldest first.
func (s *Service) HandedOut(ctx context.Context) ([]HandedOut, error) {
	var out []HandedOut
	err := entriesOf(ctx, s.store, func(e evidence.Entry) error {
		var h HandedOut
		if err := json.Unmarshal(e.Body, &h); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		h.At, h.Seq = e.At.UTC(), e.Seq
		out = append(out, h)
		return nil
	}, evidence.EntryExport)
	return out, err
}
