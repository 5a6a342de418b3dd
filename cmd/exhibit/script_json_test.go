package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

// jsonValue compares one value of the last command's output, named by a path
// such as controls.0.status; # is a length. Several lines are one array.
func jsonValue(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH WANT")
	}
	v, err := decodeLines(ts.ReadFile("stdout"))
	ts.Check(err)
	for _, step := range pathForm.FindAllString(args[0], -1) {
		v, err = child(v, step)
		if err != nil {
			ts.Fatalf("%s: %v", args[0], err)
		}
	}
	got := fmt.Sprint(v)
	if raw, ok := v.(json.Number); ok {
		got = raw.String()
	}
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %q, want it to be %q: %v", args[0], got, args[1], !neg)
	}
}

func decodeLines(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	all := []any{}
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// pathForm is one step of a path.
var pathForm = regexp.MustCompile(`\[[^\]]*\]|[^.\[]+`)

// child descends one step. [name=value] finds the first element like that.
func child(v any, step string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if step == "#" {
			return json.Number(strconv.Itoa(len(v))), nil
		}
		out, ok := v[step]
		if !ok {
			return nil, fmt.Errorf("there is no %q", step)
		}
		return out, nil
	case []any:
		if step == "#" {
			return json.Number(strconv.Itoa(len(v))), nil
		}
		if name, want, ok := strings.Cut(strings.Trim(step, "[]"), "="); ok {
			i := slices.IndexFunc(v, func(e any) bool {
				m, ok := e.(map[string]any)
				return ok && fmt.Sprint(m[name]) == want
			})
			if i < 0 {
				return nil, fmt.Errorf("nothing with %s %s", name, want)
			}
			return v[i], nil
		}
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(v) {
			return nil, fmt.Errorf("no element %q of %d", step, len(v))
		}
		return v[i], nil
	}
	return nil, fmt.Errorf("nothing below a %T", v)
}

// story holds the output of assess -o json against what the sandbox says is
// planted: what was planted is found with its status, and every other subject
// of the same expectation is satisfied.
func story(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: story")
	}
	told, err := sandbox.Story()
	ts.Check(err)
	want, rules := map[string]string{}, map[string]bool{}
	for _, p := range told {
		if p.Shipped {
			want[p.Expectation+" "+p.SubjectType+"/"+p.SubjectID] = p.Status
			rules[p.Expectation] = true
		}
	}
	var got struct {
		Results []struct {
			Expectation, Status, Reason string
			Subject                     struct{ Type, ID string }
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &got))
	var wrong []string
	for _, r := range got.Results {
		key := r.Expectation + " " + r.Subject.Type + "/" + r.Subject.ID
		status, planted := want[key]
		if !planted {
			status = "satisfied"
		}
		delete(want, key)
		if rules[r.Expectation] && r.Status != status {
			wrong = append(wrong, fmt.Sprintf("%s is %s (%s), want %s", key, r.Status, r.Reason, status))
		}
	}
	for key, status := range want {
		wrong = append(wrong, fmt.Sprintf("%s is not there, want it to be %s", key, status))
	}
	if len(wrong) > 0 {
		ts.Fatalf("not as STORY.md tells it:\n%s", strings.Join(wrong, "\n"))
	}
}

// same compares the statuses of two outputs of assess -o json.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: same FILE")
	}
	type result struct {
		Expectation, Status, Reason string
		Subject                     struct{ Type, ID string }
		Evidence                    []string
	}
	var got, want struct{ Results []result }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &got))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &want))
	if diff := cmp.Diff(want.Results, got.Results); diff != "" || len(want.Results) == 0 {
		ts.Fatalf("%d results are not as in %s:\n%s", len(want.Results), args[0], diff)
	}
}

// shape is the form of a JSON value: a type's name, a list of one shape, or
// the fields of an object. A field with a question mark may be left out.
type shape any

type object map[string]shape

type list struct{ of shape }

type mapOf struct{ of shape }

var instantForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)

var digestForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

var statusForm = regexp.MustCompile(`^(not_assessed|satisfied|failing|missing|stale|pending_review|due|waived|not_applicable)$`)

// contracts are the fields that the command line promises, and their types.
func contracts() map[string]shape {
	gap := object{"kinds": list{"string"}, "scope": "string", "reason": "string", "permission?": "string", "detail?": "string"}
	subject := object{"type": "string", "id": "string"}
	result := object{
		"expectation": "string", "control": "string", "subject": subject, "status": "status", "reason": "string",
		"underlying?": "status", "waiver?": "string", "due_at?": "time", "answered_at?": "time", "event_time?": "time", "collected_at?": "time",
		"evidence": list{"digest"}, "late_capture?": "bool", "severity": "string", "systems?": list{"string"},
		"tier?": "string", "owner?": "string", "remedy?": "string",
	}
	control := object{"id": "string", "title": "string", "status": "status", "reason": "string", "applicable": "bool",
		"satisfied": "number", "total": "number", "counts": mapOf{"number"}, "results": list{result}}
	reading := object{"kind": "string", "source": "string", "run?": "string", "at?": "time", "identity?": "string", "query?": "string",
		"enumerated": "bool", "records": "number", "independent_count?": "number", "difference?": "number", "explained?": "string",
		"canary": object{"names?": list{"string"}, "result": "string", "detail?": "string"}, "permissions_missing": list{"string"},
		"not_covered": list{"string"}}
	inForce := object{"slug": "string", "control": "string", "version": "number", "title": "string", "statement": "string", "severity": "string",
		"strength": "string", "automation": "string", "cause": "string", "per": "string", "mode": "string", "params?": mapOf{nil},
		"event_max_age?": "string", "lookback?": "string", "collection_max_age": "string", "kinds": list{"string"}, "optional?": list{"string"},
		"sampling?": "string", "request?": "string", "remedy": "string", "own?": "bool", "changed?": list{"string"}, "off?": "string"}
	judged := object{"grade": "string", "because": "string", "by": "string", "at": "time"}
	facts := object{"control": "string", "status": "status", "underlying?": "status", "waiver?": "string", "stale?": "string", "severity": "string",
		"systems?": list{"string"}, "owner?": "string", "owner_from?": "string", "due_at?": "time", "duty_at?": "time",
		"suggested_grade?": "string", "extent?": "string", "grade_reason?": "string"}
	run := object{"source": "string", "run": "string", "status": "string", "error?": "string", "seen": "number", "new": "number",
		"revised": "number", "gone": "number", "gaps": list{gap}, "requests": "number", "not_modified": "number", "finished_at": "time"}
	return map[string]shape{
		"assess": object{
			"as_of": "time", "checkpoint": object{"size": "number", "root": "string"},
			"catalog":  object{"id": "string", "version": "string", "digest": "digest"},
			"controls": list{control}, "results": list{result},
			"runs": list{object{"source": "string", "run": "string", "status": "string", "finished_at": "time", "gaps": list{gap}}},
			"populations": list{object{"expectation": "string", "subject_type": "string", "count": "number",
				"ids_digest": "digest", "complete": "bool", "statement": "string", "readings": list{reading},
				"exclusions": list{object{"kind": "string", "reason": "string", "count": "number"}}, "not_covered": list{"string"}}},
			"expectations": list{inForce},
		},
		"status":  list{control},
		"results": list{result},
		"collect": list{run},
		"gaps": list{object{"source": "string", "run": "string", "status": "string", "finished_at": "time",
			"kinds": list{"string"}, "scope": "string", "reason": "string", "permission?": "string", "detail?": "string"}},
		"findings": list{object{"id": "string", "control": "string", "expectation": "string", "subject": subject, "systems?": list{"string"},
			"state": "string", "status": "status", "underlying?": "status", "waiver?": "string", "reason": "string", "severity": "string",
			"opened_at?": "time", "reopened_at?": list{"time"}, "acknowledged_at?": "time", "acknowledged_by?": "string", "resolved_at?": "time",
			"age_days": "number", "due_at?": "time", "overdue": "bool", "duty_at?": "time", "owner": "string", "owner_from?": "string",
			"suggested_grade?": "string", "extent?": "string", "grade_reason": "string", "judged?": judged, "next_step": "string",
			"evidence": list{"digest"}, "recorded": "bool"}},
		"finding": object{"id": "string", "expectation": "string", "subject": subject, "state": "string",
			"control": "string", "status": "status", "underlying?": "status", "waiver?": "string", "stale?": "string", "severity": "string",
			"systems?": list{"string"}, "owner?": "string", "owner_from?": "string", "due_at?": "time", "duty_at?": "time",
			"suggested_grade?": "string", "extent?": "string", "grade_reason?": "string",
			"opened_at": "time", "reopened_at?": list{"time"}, "acknowledged_at?": "time", "acknowledged_by?": "string", "resolved_at?": "time",
			"assigned?": "string", "judged?": judged, "short_at": "time", "checkpoint": object{"size": "number", "root": "string"},
			"history": list{object{"finding": "string", "type": "string", "at": "time", "by?": "string", "account?": "string", "cause": "string",
				"status": "status", "checkpoint": object{"size": "number", "root": "string"}, "expectation?": "string", "subject?": subject,
				"facts?": facts, "owner?": "string", "grade?": "string"}}},
		"doctor":     list{object{"area": "string", "ok": "bool", "detail": "string", "remedy?": "string"}},
		"connectors": list{object{"name": "string", "path": "string", "sha256": "digest", "locked": "bool"}},
		"register": list{object{"id": "string", "name": "string", "tier": "string", "stage": "string", "owner": "string",
			"deputy?": "string", "repositories": list{"string"}}},
		"verify": object{"what": "string", "path?": "string", "key?": "string", "identity_established": "bool", "as_of?": "time",
			"scope?": "string", "made_by?": "string", "recomputed?": "string", "attested?": list{"string"},
			"checked": list{object{"name": "string", "count": "number",
				"explained?": object{"how": "string", "shows": "string", "does_not_show": "string"}}}, "notes?": list{"string"},
			"first_failure?": object{"file": "string", "place": "string", "expected": "string", "found": "string"},
			"with_rules?":    list{object{"name": "string", "sha256": "digest"}},
			"with?": list{object{"control": "string", "expectation": "string", "subject": subject, "status": "string", "reason": "string", "was": "string",
				"evidence": list{"digest"}}}},
		"attestations": list{object{"seq": "number", "recorded_at": "time", "kind": "string", "size": "number", "root": "string", "who": "string",
			"time?": "time", "holds": "bool", "unchecked": "string", "problem": "string", "commit?": "string", "status?": "number",
			"checkpoint": "string", "token?": "string", "cosignature?": "string"}},
		"prove": object{"seq": "number", "digest": "digest", "line": "string", "path": list{"string"}, "checkpoint": "string"},
	}
}

// contract holds the last command's output against what is promised: no field
// more, none less, each of its type.
func contract(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: contract NAME")
	}
	want, ok := contracts()[args[0]]
	if !ok {
		ts.Fatalf("there is no contract %q", args[0])
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(ts.ReadFile("stdout"))))
	dec.UseNumber()
	var got any
	ts.Check(dec.Decode(&got))
	if dec.More() {
		ts.Fatalf("more than one value on standard output")
	}
	if err := fits(got, want); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
}

func fits(v any, want shape) error {
	switch want := want.(type) {
	case nil: // anything
		return nil
	case object:
		return fitsObject(v, want)
	case list:
		all, ok := v.([]any)
		if !ok {
			return fmt.Errorf("is %T, want a list", v)
		}
		for i, e := range all {
			if err := fits(e, want.of); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	case mapOf:
		all, ok := v.(map[string]any)
		if !ok {
			return fmt.Errorf("is %T, want an object", v)
		}
		for k, e := range all {
			if err := fits(e, want.of); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
		}
		return nil
	}
	return fitsScalar(v, want.(string))
}

func fitsObject(v any, want object) error {
	all, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("is %T, want an object", v)
	}
	left := len(all)
	for name, of := range want {
		name, optional := strings.CutSuffix(name, "?")
		e, there := all[name]
		if !there && !optional {
			return fmt.Errorf("%s is missing", name)
		}
		if !there {
			continue
		}
		left--
		if err := fits(e, of); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if left > 0 {
		for name := range all {
			if _, ok := want[name]; !ok && want[name+"?"] == nil {
				return fmt.Errorf("%s is not in the contract", name)
			}
		}
	}
	return nil
}

func fitsScalar(v any, want string) error {
	s, isString := v.(string)
	ok := false
	switch want {
	case "string":
		ok = isString
	case "number":
		_, ok = v.(json.Number)
	case "bool":
		_, ok = v.(bool)
	case "time":
		ok = instantForm.MatchString(s)
	case "digest":
		ok = digestForm.MatchString(s)
	case "status":
		ok = statusForm.MatchString(s)
	}
	if !ok {
		return fmt.Errorf("is %v, want a %s", v, want)
	}
	return nil
}
