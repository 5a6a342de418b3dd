package main

import (
	"archive/zip"
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/defenseunicorns/go-oscal/src/pkg/validation"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
)

// oscalFolder holds every file of a folder against NIST's schema, and what the
// results say against the output of assess -o json.
func oscalFolder(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: oscal DIR, after assess -o json")
	}
	var a assess.Assessment
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &a))
	for _, model := range oscal.Models() {
		validOSCAL(ts, filepath.Join(args[0], model.File()))
	}
	var doc oscalResults
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(filepath.Join(args[0], oscal.AssessmentResults.File()))), &doc))
	got := doc.Results.Results[0]
	observed := map[string]int{}
	for _, o := range got.Observations {
		observed[o.prop("exhibit-status")]++
	}
	want := map[string]int{}
	for _, r := range a.Results {
		want[string(r.Status)]++
	}
	for status, n := range want {
		if observed[status] != n {
			ts.Fatalf("%d observations are %s, want %d", observed[status], status, n)
		}
	}
	if len(got.Findings) == 0 {
		ts.Fatalf("no findings: nothing is compared")
	}
	for _, f := range got.Findings {
		sameFinding(ts, &a, f)
	}
}

func validOSCAL(ts *testscript.TestScript, path string) {
	v, err := validation.NewValidator([]byte(ts.ReadFile(path)))
	ts.Check(err)
	if err := v.Validate(); err != nil {
		ts.Fatalf("%s: %v", path, err)
	}
	if v.GetSchemaVersion() != oscal.Version {
		ts.Fatalf("%s: version %s", path, v.GetSchemaVersion())
	}
}

// sameFinding holds a finding against the assessment: what it says was
// established, and nothing that nobody knows was made a verdict.
func sameFinding(ts *testscript.TestScript, a *assess.Assessment, f oscalFinding) {
	var of []assess.Status
	switch f.Target.Type {
	case "statement-id":
		for _, c := range a.Controls {
			if c.ID == f.prop("exhibit-control") {
				of = append(of, c.Status)
			}
		}
	case "objective-id":
		for _, r := range a.Results {
			if r.Expectation == f.prop("exhibit-expectation") && r.Status != assess.StatusNotApplicable {
				of = append(of, r.Status)
			}
		}
	}
	if len(of) == 0 {
		ts.Fatalf("finding on %s: nothing is there", f.Target.ID)
	}
	short := slices.ContainsFunc(of, func(s assess.Status) bool {
		return s == assess.StatusFailing || s == assess.StatusMissing || s == assess.StatusStale
	})
	all := !slices.ContainsFunc(of, func(s assess.Status) bool { return s != assess.StatusSatisfied })
	switch f.Target.Status.State {
	case "satisfied":
		if !all {
			ts.Fatalf("%s is satisfied; results are %v", f.Target.ID, of)
		}
	case "not-satisfied":
		if !short {
			ts.Fatalf("%s is not-satisfied; results are %v", f.Target.ID, of)
		}
	default:
		ts.Fatalf("%s is %q", f.Target.ID, f.Target.Status.State)
	}
}

// oscalResults is what the scripts read of a document.
type oscalResults struct {
	Results struct {
		Results []struct {
			Observations []withProps    `json:"observations"`
			Findings     []oscalFinding `json:"findings"`
		} `json:"results"`
	} `json:"assessment-results"`
}

type oscalFinding struct {
	withProps
	Target struct {
		Type   string `json:"type"`
		ID     string `json:"target-id"`
		Status struct {
			State string `json:"state"`
		} `json:"status"`
	} `json:"target"`
}

type withProps struct {
	Props []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"props"`
}

func (p withProps) prop(name string) string {
	for _, x := range p.Props {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// evidenceOf expects a bundle to hold every file that assessment results name.
func evidenceOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: evidence BUNDLE ASSESSMENT-RESULTS")
	}
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	defer z.Close()
	there := map[string]bool{}
	for _, f := range z.File {
		there[f.Name] = true
	}
	named := evidenceFile.FindAllString(ts.ReadFile(args[1]), -1)
	if len(named) == 0 {
		ts.Fatalf("%s names no evidence", args[1])
	}
	for _, name := range named {
		if !there[name] {
			ts.Fatalf("%s is not in %s", name, args[0])
		}
	}
}

var evidenceFile = regexp.MustCompile(`evidence/[0-9a-f]{64}\.json`)
