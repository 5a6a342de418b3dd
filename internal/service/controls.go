package service

import "github.com/exhibit-aims/exhibit/internal/assess"

// ControlRow is a clause or control without its results.
type ControlRow struct {
	ID         string                `json:"id"`
	Title      string                `json:"title"`
	Status     assess.Status         `json:"status"`
	Reason     string                `json:"reason"`
	Applicable bool                  `json:"applicable"`
	Satisfied  int                   `json:"satisfied" doc:"Results satisfied."`
	Total      int                   `json:"total" doc:"Results applicable."`
	Counts     map[assess.Status]int `json:"counts" doc:"Results by status."`
}

// ControlRowOf leaves the results out.
func ControlRowOf(c *assess.Control) ControlRow {
	return ControlRow{c.ID, c.Title, c.Status, c.Reason, c.Applicable, c.Satisfied, c.Total, c.Counts}
}
