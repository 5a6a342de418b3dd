package sandbox

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed STORY.md
var storyText string

// Planted is one piece of the story: an expectation, a subject, and the status
// that the result must have.
type Planted struct {
	Expectation string // slug
	SubjectType string
	SubjectID   string
	Status      string // as in assess.Status
	Why         string
	// Shipped: among the expectations that this version ships. For these, every
	// other subject is satisfied.
	Shipped bool
}

// Story is what STORY.md says is planted, in its order. An error is a fault in
// that file.
func Story() ([]Planted, error) {
	var out []Planted
	section := ""
	lines := bufio.NewScanner(strings.NewReader(storyText))
	for lines.Scan() {
		line := lines.Text()
		if title, found := strings.CutPrefix(line, "## "); found {
			section = title
		}
		cells := strings.Split(strings.Trim(line, "| "), "|")
		if !strings.HasPrefix(section, "Planted") || len(cells) != 4 || strings.HasPrefix(cells[0], "-") {
			continue
		}
		p, err := plantedOf(cells)
		if err != nil {
			return nil, fmt.Errorf("STORY.md: %q: %w", line, err)
		}
		if p.Expectation == "expectation" { // the table's head
			continue
		}
		p.Shipped = strings.Contains(section, "shipped")
		out = append(out, p)
	}
	return out, lines.Err()
}

func plantedOf(cells []string) (Planted, error) {
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	p := Planted{Expectation: cells[0], Status: cells[2], Why: cells[3]}
	if p.Expectation == "expectation" {
		return p, nil
	}
	var found bool
	if p.SubjectType, p.SubjectID, found = strings.Cut(cells[1], "/"); !found {
		return p, errors.New("the subject is not type/id")
	}
	statuses := []string{"not_assessed", "satisfied", "failing", "missing", "stale", "pending_review", "due", "waived", "not_applicable"}
	if !slices.Contains(statuses, p.Status) {
		return p, fmt.Errorf("there is no status %q", p.Status)
	}
	return p, nil
}
