package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/api"
)

// described are the commands that operations of the API do the same as, each with
// the operations.
func described(t *testing.T) map[string][]string {
	t.Helper()
	a, err := api.New(api.Options{Version: version, Clock: time.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(a.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for path, item := range doc.Paths {
		for method, raw := range item {
			op := map[string]any{}
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			commands, _ := op[api.CommandsKey].([]any)
			for _, c := range commands {
				out[c.(string)] = append(out[c.(string)], strings.ToUpper(method)+" "+path)
			}
		}
	}
	return out
}

var exception = regexp.MustCompile("(?m)^\\| ((?:`[a-z -]+`(?:, )?)+) \\| (.+) \\|$")

// TestEveryCommandIsAnOperationOrSaysWhyNot: a command that a program cannot ask
// for over the network is in the README of the API, with the reason.
func TestEveryCommandIsAnOperationOrSaysWhyNot(t *testing.T) {
	text, err := os.ReadFile("../../internal/api/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| command | why it has no operation |")
	if !found {
		t.Fatal("the README has no table of the commands without an operation")
	}
	why := map[string]string{}
	for _, row := range exception.FindAllStringSubmatch(table, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			why[strings.Trim(name, "`")] = row[2]
		}
	}
	same := described(t)
	everyCommand(newTree(), func(c *cobra.Command) {
		name := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "exhibit"), " ")
		root, _, _ := strings.Cut(name, " ")
		_, holds := c.Annotations[isGroup]
		if name == "" || root == "help" || root == "completion" || holds {
			return
		}
		ops, reason := same[name], why[name]
		delete(same, name)
		delete(why, name)
		switch {
		case len(ops) == 0 && reason == "":
			t.Errorf("exhibit %s is no operation of the API, and internal/api/README.md does not say why", name)
		case len(ops) > 0 && reason != "":
			t.Errorf("exhibit %s is %v, and internal/api/README.md says that it is none", name, ops)
		}
	})
	for name, ops := range same {
		t.Errorf("%v say that exhibit %s does the same: there is no such command", ops, name)
	}
	for name := range why {
		t.Errorf("internal/api/README.md names exhibit %s: there is no such command", name)
	}
}

// notCompared are reads that apisame.txtar does not hold against a command, and why.
var notCompared = map[string]string{
	"GET /v1/assessment":          "in numbers what exhibit assess prints in full: its lists are compared where they are answered",
	"GET /v1/controls/{id}":       "exhibit status CONTROL prints its results, which /v1/results answers and are compared",
	"GET /v1/systems":             "as the evidence has them: exhibit register show prints what the register says, which /v1/register answers and is compared",
	"GET /v1/register/check":      "there is nothing wrong to be listed here",
	"GET /v1/templates/{name}":    "exhibit template writes a file",
	"GET /v1/statement-template":  "exhibit applicability template prints YAML to be filled in",
	"GET /v1/reviews/{id}/file":   "a file, which exhibit review show writes",
	"GET /v1/auditors-notes":      "needs a workbook that came back",
	"GET /v1/ledger/attestations": "needs a witness or an authority, which is none of this machine",
	"GET /v1/notifications":       "the agent sends meanwhile: what waits changes between the two",
	"GET /v1/tickets":             "needs a tracker, which is none of this machine",
}

var agreed = regexp.MustCompile(`(?m)^agrees (/v1/[^ ?\n]+)`)

// TestEveryReadIsCompared: what a command prints and an operation answers is held
// against each other, or it says here why not.
func TestEveryReadIsCompared(t *testing.T) {
	script, err := os.ReadFile("../../testdata/scripts/apisame.txtar")
	if err != nil {
		t.Fatal(err)
	}
	compared := map[string]bool{}
	for _, m := range agreed.FindAllStringSubmatch(string(script), -1) {
		compared[m[1]] = false
	}
	reads := map[string]bool{}
	for _, ops := range described(t) {
		for _, op := range ops {
			reads[op] = strings.HasPrefix(op, "GET ")
		}
	}
	part := regexp.MustCompile(`\\\{[a-z]+\\\}`)
	for op, read := range reads {
		if !read {
			continue
		}
		form := regexp.MustCompile("^" + part.ReplaceAllString(regexp.QuoteMeta(strings.TrimPrefix(op, "GET ")), "[^/]+") + "$")
		found := false
		for path := range compared {
			if form.MatchString(path) {
				found, compared[path] = true, true
			}
		}
		if reason := notCompared[op]; found == (reason != "") {
			t.Errorf("%s: compared: %v, and the reason not to: %q", op, found, reason)
		}
	}
	for op := range notCompared {
		if !reads[op] {
			t.Errorf("%s is no read that a command has", op)
		}
	}
	for path, ok := range compared {
		if !ok {
			t.Errorf("apisame.txtar compares %s, which is no read that a command has", path)
		}
	}
}
