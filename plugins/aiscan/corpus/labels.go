package corpus

import (
	"bufio"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Labels say what is true of a repository.
type Labels struct {
	About   string
	Kind    string // ai, clean, mixed (AI that is no use of the repository's own)
	Eco     []string
	Set     string // first; second, third and real were written after the scanner had been changed by what the ones before had shown
	Use     []Use  // what must be found, in a scope that is not supporting
	Aside   []Use  // what may be found in the supporting scope only, and should
	May     []May  // neither asked for nor wrong
	Not     []Not  // what must not be reported, with the reason
	Commits []string
}

// Use is one product in one or several scopes, any of which is right.
type Use struct {
	Providers  []string // any of them is right
	Confidence string   // the only one that is right, if not empty
	Scopes     []aiscan.Scope
	Reason     string
	Lines      []Line
}

// Line is a place that shows the use.
type Line struct {
	Classes []fact.Class // any of them is right
	Path    string
	Text    string // on the line; * for any line
	Number  int    // 0 for any
}

// May is something arguable: it is right to report it and right not to.
type May struct {
	Provider   string
	Confidence string // the only one that is right, if not empty
	Reason     string
}

// Not is something that would be wrong to report.
type Not struct {
	Provider string
	Aside    bool // also in the supporting scope
	Reason   string
}

// parseLabels reads a file of labels. Its lines are described in README.md.
func parseLabels(text string) (*Labels, error) {
	l := &Labels{Set: "first"}
	var lines *[]Line
	sc := bufio.NewScanner(strings.NewReader(text))
	for n := 1; sc.Scan(); n++ {
		s := sc.Text()
		if strings.TrimSpace(s) == "" {
			continue
		}
		var err error
		if strings.HasPrefix(s, "  ") {
			err = l.line(lines, s)
		} else {
			lines, err = l.head(s)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if l.About == "" || !slices.Contains([]string{"ai", "clean", "mixed"}, l.Kind) || len(l.Eco) == 0 {
		return nil, fmt.Errorf("about, kind and eco must be given")
	}
	if (l.Kind == "ai") != (len(l.Use) > 0) {
		return nil, fmt.Errorf("kind %s with %d uses", l.Kind, len(l.Use))
	}
	return l, sc.Err()
}

// head reads a line that is not indented and returns where the lines below it go.
func (l *Labels) head(s string) (*[]Line, error) {
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "about:":
		l.About = rest
	case "kind:":
		l.Kind = rest
	case "eco:":
		l.Eco = strings.Fields(rest)
	case "set:":
		l.Set = rest
	case "commit:":
		l.Commits = append(l.Commits, strings.ReplaceAll(rest, `\n`, "\n"))
	case "use":
		what, scopes, ok := strings.Cut(rest, " ")
		if !ok {
			return nil, fmt.Errorf("use without a scope")
		}
		u := Use{}
		for one := range strings.SplitSeq(what, "|") {
			name, confidence, _ := strings.Cut(one, "~")
			u.Providers = append(u.Providers, name)
			if confidence != "" {
				u.Confidence = confidence
			}
		}
		for one := range strings.SplitSeq(scopes, "|") {
			u.Scopes = append(u.Scopes, aiscan.Scope(one))
		}
		l.Use = append(l.Use, u)
		return &l.Use[len(l.Use)-1].Lines, nil
	case "supporting", "may", "not", "never":
		return l.reasoned(word, rest)
	default:
		return nil, fmt.Errorf("unknown word %q", word)
	}
	return nil, nil
}

// reasoned reads what follows the words that need a reason.
func (l *Labels) reasoned(word, rest string) (*[]Line, error) {
	what, reason, ok := strings.Cut(rest, ": ")
	if !ok {
		return nil, fmt.Errorf("%s without a reason", word)
	}
	name, confidence, _ := strings.Cut(what, "~")
	switch word {
	case "may":
		l.May = append(l.May, May{Provider: name, Confidence: confidence, Reason: reason})
	case "supporting":
		l.Aside = append(l.Aside, Use{Providers: []string{name}, Scopes: []aiscan.Scope{aiscan.Supporting}, Reason: reason})
		return &l.Aside[len(l.Aside)-1].Lines, nil
	default:
		l.Not = append(l.Not, Not{Provider: name, Aside: word == "never", Reason: reason})
	}
	return nil, nil
}

func (l *Labels) line(to *[]Line, s string) error {
	if to == nil {
		return fmt.Errorf("a place that belongs to nothing")
	}
	place, text, ok := strings.Cut(strings.TrimSpace(s), ": ")
	classes, path, ok2 := strings.Cut(place, " ")
	if !ok || !ok2 && classes != string(fact.Trailer) {
		return fmt.Errorf("a place is CLASS PATH: TEXT")
	}
	ln := Line{Path: path, Text: text}
	for c := range strings.SplitSeq(classes, "|") {
		ln.Classes = append(ln.Classes, fact.Class(c))
	}
	*to = append(*to, ln)
	return nil
}
