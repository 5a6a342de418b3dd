package main

import "github.com/exhibit-aims/exhibit/internal/service"

// gradeWord is the grade that counts; a person's carries a mark.
func gradeWord(r service.FindingRow) string {
	if r.Judged != nil {
		return r.Judged.Grade + "*"
	}
	return orDash(r.Grade)
}

func dueWord(r service.FindingRow) string {
	if r.Overdue {
		return dayOf(r.DueAt) + " overdue"
	}
	return orDash(dayOf(r.DueAt))
}
