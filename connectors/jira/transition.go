package jira

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// transitionPayload is the payload of jira.issue_transition.
type transitionPayload struct {
	IssueID    string `json:"issue_id"`
	IssueKey   string `json:"issue_key"`
	HistoryID  string `json:"history_id"`
	Field      string `json:"field"`
	From       string `json:"from"`
	To         string `json:"to"`
	FromID     string `json:"from_id,omitempty"`
	ToID       string `json:"to_id,omitempty"`
	Author     string `json:"author,omitempty"`
	AuthorType string `json:"author_type,omitempty"` // person, app, customer, anonymous, unknown
	Created    string `json:"created"`
	Shortened  bool   `json:"shortened,omitempty"` // from or to was longer than is kept
}

// transitions turns an issue's history into records, one for each field that a
// change touched.
func (is *issue) transitions(c *config) ([]connector.Record, error) {
	var out []connector.Record
	for _, h := range is.history {
		for i, item := range h.Items {
			const keep = 1000
			p := transitionPayload{
				IssueID: is.id, IssueKey: is.key, HistoryID: h.ID, Field: records.Line(item.Field, 200),
				From: records.Line(item.fromText(), keep), To: records.Line(item.toText(), keep),
				FromID: records.Line(deref(item.From), keep), ToID: records.Line(deref(item.To), keep),
				Author: h.Author.String(), AuthorType: h.Author.actor(), Created: h.at.Format(time.RFC3339Nano),
			}
			p.Shortened = len([]rune(item.fromText())) > keep || len([]rune(item.toText())) > keep
			b, err := json.Marshal(p)
			if err != nil {
				return nil, err
			}
			out = append(out, connector.Record{
				Kind: KindTransition, Major: 1, Subject: connector.Subject{Type: "record", ID: is.key},
				Key: fmt.Sprintf("%s.%d", h.ID, i), EventTime: h.at, URL: is.url(c), Payload: b,
			})
		}
	}
	return out, nil
}
