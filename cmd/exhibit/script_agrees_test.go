package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// agrees holds the last command's output against what an agent answers at a path:
// the same names at every level, and the same values but for those that tell when
// it was asked. URL and TOKEN are files with the agent's address and a token. A
// list of the command is items there; FIELD names another. WITHOUT is a field that
// only the command prints.
func agrees(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 3 {
		ts.Fatalf("usage: agrees PATH [FIELD [WITHOUT]]")
	}
	printed, err := decodeLines(ts.ReadFile("stdout"))
	ts.Check(err)
	answered := fetched(ts, args[0])
	page, _ := answered.(map[string]any)
	_, isList := printed.([]any)
	switch {
	case len(args) > 1:
		answered = page[args[1]]
	case isList:
		answered = page["items"]
	}
	if len(args) == 3 {
		for _, row := range printed.([]any) {
			delete(row.(map[string]any), args[2])
		}
	}
	if diff := cmp.Diff(lasting(printed), lasting(answered)); diff != "" {
		ts.Fatalf("the command printed -, %s answers +:\n%s", args[0], diff)
	}
	if isList && len(printed.([]any)) == 0 {
		ts.Fatalf("nothing was compared: the list is empty")
	}
}

// settled waits until an agent that has just started has read what was due: its
// newest runs stay the same for three seconds.
func settled(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: settled")
	}
	before := fetched(ts, "/v1/runs")
	for range 20 {
		time.Sleep(3 * time.Second)
		now := fetched(ts, "/v1/runs")
		if cmp.Equal(before, now) {
			return
		}
		before = now
	}
	ts.Fatalf("the agent makes one run after the other")
}

func fetched(ts *testscript.TestScript, path string) any {
	req, err := http.NewRequestWithContext(contextOf(ts), http.MethodGet, strings.TrimSpace(ts.ReadFile("url.txt"))+path, http.NoBody)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile("token.txt")))
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ts.Check(err)
	if res.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s: %s", path, res.Status, text)
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	ts.Check(dec.Decode(&v))
	return v
}

// passing are names whose values tell when it was asked, and of which state.
var passing = []string{"as_of", "at", "checkpoint", "made_at", "to", "opened_at", "due_at", "recorded", "opened"}

// runID is in the words of a reason: the newest run that looked.
var runID = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// lasting is a value with a word for whatever passes.
func lasting(v any) any {
	switch v := v.(type) {
	case string:
		return runID.ReplaceAllString(v, "(a run)")
	case map[string]any:
		out := map[string]any{}
		for name, e := range v {
			if out[name] = lasting(e); slices.Contains(passing, name) {
				out[name] = fmt.Sprintf("%T", e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = lasting(e)
		}
		return out
	}
	return v
}
