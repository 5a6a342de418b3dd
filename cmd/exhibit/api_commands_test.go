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
