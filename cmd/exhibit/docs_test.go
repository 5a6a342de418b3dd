package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// everyCommand calls f for each command of the tree.
func everyCommand(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, f)
	}
}

func newTree() *cobra.Command {
	root := newRootCommand(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// TestHelpShowsEveryFlag: what works is in the help, and what is in the help
// says what it is for.
func TestHelpShowsEveryFlag(t *testing.T) {
	seen := 0
	everyCommand(newTree(), func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		if len(path) > 0 && (path[0] == "help" || path[0] == "completion") {
			return
		}
		seen++
		t.Run(c.CommandPath(), func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(append(path, "--help"), streams{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK || errs.Len() > 0 {
				t.Fatalf("exit code %d, standard error %q", code, &errs)
			}
			if c.Short == "" || (c.Long == "" && c.HasSubCommands()) {
				t.Error("does not say what it is for")
			}
			if !strings.Contains(out.String(), c.UseLine()) && c.Runnable() {
				t.Errorf("its help does not show its use, %q", c.UseLine())
			}
			check := func(f *pflag.Flag) {
				if f.Hidden || f.Usage == "" || !strings.Contains(out.String(), "--"+f.Name) {
					t.Errorf("--%s is not in its help", f.Name)
				}
			}
			c.LocalFlags().VisitAll(check)
			c.InheritedFlags().VisitAll(check)
			for _, line := range strings.Split(continued(c.Example), "\n") {
				tryLine(t, strings.TrimSpace(line), true)
			}
		})
	})
	if seen < 20 {
		t.Errorf("%d commands, want at least 20", seen)
	}
}

var (
	fence     = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	span      = regexp.MustCompile("`([^`\n]+)`")
	formats   = regexp.MustCompile(`^exhibit [\w ]+ v\d$`) // the first line of a signed file, no command
	htmlNote  = regexp.MustCompile(`(?s)<!--.*?-->`)
	elsewhere = []string{"node_modules", "testdata", ".git", "bin", ".peers"}
)

// TestDocsNameCommandsThatExist: whatever the documentation tells people to
// type is understood by the program, or by make.
func TestDocsNameCommandsThatExist(t *testing.T) {
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(elsewhere, d.Name()) {
			return fs.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Run(filepath.ToSlash(path), func(t *testing.T) {
			for _, line := range commandsIn(string(text)) {
				found++
				tryLine(t, line, false)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 30 {
		t.Errorf("%d commands in the documentation, want at least 30", found)
	}
}

// commandsIn returns the lines of code blocks, and the code spans, that begin
// with exhibit or make.
func commandsIn(text string) []string {
	var out []string
	take := func(s string) {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(s), "$ "), "bin/")
		if formats.MatchString(s) {
			return
		}
		if strings.HasPrefix(s, "exhibit ") || strings.HasPrefix(s, "make ") {
			out = append(out, s)
		}
	}
	text = continued(htmlNote.ReplaceAllString(text, ""))
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		for _, line := range strings.Split(block[1], "\n") {
			for _, part := range strings.Split(line, "&&") {
				take(part)
			}
		}
	}
	for _, s := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		take(s[1])
	}
	return out
}

// continued joins lines that end with a backslash with the next.
func continued(text string) string { return strings.ReplaceAll(text, "\\\n", " ") }

// shellWords splits a line as a shell does, as far as documentation goes: what
// stands in double quotes is one word. Brackets round what is optional go.
func shellWords(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		for _, w := range strings.Fields(part) {
			if strings.HasPrefix(w, "[--") || strings.HasSuffix(w, "]") && !strings.Contains(w, "[") {
				w = strings.Trim(w, "[]")
			}
			out = append(out, w)
		}
	}
	return out
}

// tryLine fails unless a line names a command with flags and arguments that it
// takes. An example is whole; elsewhere a command may only be mentioned.
func tryLine(t *testing.T, line string, whole bool) {
	t.Helper()
	var words []string
	for _, w := range shellWords(line) {
		if w == "&&" || strings.HasPrefix(w, "#") || strings.ContainsAny(w, "|>") && !strings.ContainsAny(w, "[<") {
			break
		}
		words = append(words, w)
	}
	if len(words) < 2 {
		return
	}
	if words[0] == "make" {
		tryMake(t, words[1:])
		return
	}
	c, rest, err := newTree().Find(words[1:])
	if err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	if c.Run == nil && c.RunE == nil {
		return // exhibit help, exhibit --help
	}
	err = c.ParseFlags(rest)
	var bare *pflag.ValueRequiredError // a flag that is only mentioned need not carry its value
	if err != nil && !errors.Is(err, pflag.ErrHelp) && (whole || !errors.As(err, &bare)) {
		t.Errorf("%s: %v", line, err)
		return
	}
	args := c.Flags().Args()
	if err := c.ValidateArgs(args); err != nil && (whole || len(args) > 0) {
		t.Errorf("%s: %v", line, err)
	}
}

func tryMake(t *testing.T, targets []string) {
	t.Helper()
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if strings.Contains(target, "=") {
			continue
		}
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
			t.Errorf("make %s: there is no such target", target)
		}
	}
}
