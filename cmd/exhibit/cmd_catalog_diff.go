package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// maxRules bounds a file of expectations that was kept.
const maxRules = 64 << 20

func newCatalogDiffCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "diff FILE",
		Short: "What is expected otherwise than when FILE was kept",
		Long: `Compares the expectations in force with those in a file: the output of exhibit catalog explain -o json, or an
assessment (exhibit assess -o json, assessment.json of a bundle). It names what was added and removed, and for each that
changed the fields, with thresholds, version and whose rule it is.`,
		Example: "  exhibit catalog explain -o json > rules-2026.json\n  exhibit catalog diff rules-2026.json",
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return runCatalogDiff(g, args[0]) },
	}
}

// ruleChange is a difference between two sets of expectations.
type ruleChange struct {
	Expectation string `json:"expectation"`
	Change      string `json:"change"` // added | removed | changed
	Field       string `json:"field,omitempty"`
	From        string `json:"from,omitempty"`
	To          string `json:"to,omitempty"`
}

func runCatalogDiff(g *globals, path string) error {
	before, err := keptRules(path)
	if err != nil {
		return err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	eng, err := service.EngineOf(cfg)
	if err != nil {
		return err
	}
	rows, err := ruleChanges(before, eng.InForce())
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printRows(g.std.out, g.output, rows)
	}
	t := table{head: []string{"EXPECTATION", "CHANGE", "FIELD", "FROM", "TO"}}
	for _, r := range rows {
		t.add(r.Expectation, r.Change, r.Field, short(r.From, 60), short(r.To, 60))
	}
	t.print(g.std.out)
	if len(rows) == 0 {
		fmt.Fprintln(g.std.out, "Nothing: the same is expected.")
	}
	return nil
}

// keptRules reads expectations from a list of them or from an assessment.
func keptRules(path string) ([]assess.InForce, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err, "keep one with: exhibit catalog explain -o json > rules.json"}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxRules))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var list []assess.InForce
	if strings.HasPrefix(strings.TrimSpace(string(raw)), "[") {
		err = json.Unmarshal(raw, &list)
	} else {
		var a struct {
			Expectations []assess.InForce `json:"expectations"`
		}
		err = json.Unmarshal(raw, &a)
		list = a.Expectations
	}
	if err == nil && len(list) == 0 {
		err = errors.New("it holds no expectations")
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", path, err), "keep one with: exhibit catalog explain -o json > rules.json"}
	}
	return list, nil
}

func ruleChanges(before, after []assess.InForce) ([]ruleChange, error) {
	old := map[string]assess.InForce{}
	for _, e := range before {
		old[e.Slug] = e
	}
	rows := []ruleChange{}
	for _, e := range after {
		was, there := old[e.Slug]
		delete(old, e.Slug)
		if !there {
			rows = append(rows, ruleChange{Expectation: e.Slug, Change: "added", To: e.Title})
			continue
		}
		changed, err := fieldChanges(was, e)
		if err != nil {
			return nil, err
		}
		rows = append(rows, changed...)
	}
	for _, e := range before {
		if _, gone := old[e.Slug]; gone {
			rows = append(rows, ruleChange{Expectation: e.Slug, Change: "removed", From: e.Title})
		}
	}
	return rows, nil
}

// fieldChanges compares two expectations field by field in their JSON form, so
// that numbers read from a file equal those in force.
func fieldChanges(was, is assess.InForce) ([]ruleChange, error) {
	var rows []ruleChange
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for i := range a.NumField() {
		from, err := json.Marshal(a.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		to, err := json.Marshal(b.Field(i).Interface())
		if err != nil {
			return nil, err
		}
		if string(from) != string(to) {
			name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
			rows = append(rows, ruleChange{Expectation: is.Slug, Change: "changed", Field: name, From: string(from), To: string(to)})
		}
	}
	return rows, nil
}
