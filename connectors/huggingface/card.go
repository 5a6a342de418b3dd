package huggingface

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// meta is what stands in front of a card, as far as it is a fact to keep.
type meta struct {
	Licence    string
	BaseModels []string
	Datasets   []string
	Library    string
}

// maxMatter bounds the front matter that is read, in bytes.
const maxMatter = 256 << 10

// metaOf reads what the hub made of a card's front matter. People write it, so
// a field of another type says nothing rather than spoiling the rest.
func metaOf(raw json.RawMessage) meta {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return meta{}
	}
	return newMeta(func(name string) []string {
		var one string
		var many []any
		switch {
		case json.Unmarshal(fields[name], &one) == nil:
			return []string{one}
		case json.Unmarshal(fields[name], &many) == nil:
			var out []string
			for _, v := range many {
				if s, ok := v.(string); ok {
					out = append(out, s)
				}
			}
			return out
		}
		return nil
	})
}

// frontMatter reads a card's own front matter. Aliases are not followed:
// nothing needs them, and they make small files mean large ones.
func frontMatter(matter []byte) meta {
	var doc yaml.Node
	if len(matter) > maxMatter || yaml.Unmarshal(matter, &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return meta{}
	}
	pairs := doc.Content[0].Content
	return newMeta(func(name string) []string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i].Value != name {
				continue
			}
			return scalars(pairs[i+1])
		}
		return nil
	})
}

func scalars(n *yaml.Node) []string {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.ShortTag() != "!!null" {
			return []string{n.Value}
		}
	case yaml.SequenceNode:
		var out []string
		for _, e := range n.Content {
			if e.Kind == yaml.ScalarNode && e.ShortTag() != "!!null" {
				out = append(out, e.Value)
			}
		}
		return out
	}
	return nil
}

func newMeta(field func(string) []string) meta {
	m := meta{
		Licence: strings.Join(clean(field("license")), ", "), BaseModels: clean(field("base_model")), Datasets: clean(field("datasets")),
		Library: strings.Join(clean(field("library_name")), ", "),
	}
	slices.Sort(m.Datasets)
	m.Datasets = slices.Compact(m.Datasets)
	if name := append(clean(field("license_name")), clean(field("license_link"))...); len(name) > 0 && m.Licence != "" {
		m.Licence += " (" + strings.Join(name, ", ") + ")"
	}
	m.Licence = records.Line(m.Licence, 500)
	return m
}

// clean makes texts fit to print, at most 50 of them.
func clean(list []string) []string {
	var out []string
	for _, s := range list {
		if s = records.Line(s, 300); s != "" && len(out) < 50 {
			out = append(out, s)
		}
	}
	return out
}

// splitCard separates the block between two lines of --- at the start of a card
// from the rest. A block that is not closed is text.
func splitCard(b []byte) (matter, body []byte) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	if string(bytes.TrimRight(first, " \t\r")) != "---" {
		return nil, b
	}
	for at := 0; at < len(rest); {
		line, _, found := bytes.Cut(rest[at:], []byte("\n"))
		if string(bytes.TrimRight(line, " \t\r")) == "---" {
			return rest[:at], rest[min(at+len(line)+1, len(rest)):]
		}
		if !found {
			break
		}
		at += len(line) + 1
	}
	return nil, b
}

// section is a heading with what stands below it.
type section struct {
	level int
	title string
	own   string // up to the next heading
	whole string // up to the next heading of this level or above
}

// Bounds of what is kept of a card.
const (
	maxSections = 100
	maxSection  = 2000 // characters
)

// sections cuts a card at its headings. Headings in code are text.
func sections(body []byte) []section {
	var out []section
	var texts []strings.Builder
	fence, hidden := "", false
	for line := range strings.Lines(strings.ToValidUTF8(string(body), "\uFFFD")) {
		if fence == "" && (hidden || !strings.HasPrefix(strings.TrimSpace(line), "```")) {
			line, hidden = seenOf(line, hidden)
		}
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		default:
			if level, title := heading(trimmed); level > 0 && len(out) < maxSections {
				out, texts = append(out, section{level: level, title: title}), append(texts, strings.Builder{})
				continue
			}
		}
		if n := len(texts); n > 0 {
			texts[n-1].WriteString(line)
		}
	}
	for i := range out {
		out[i].own = said(texts[i].String())
	}
	for i := range out {
		out[i].whole = whole(out[i:])
	}
	return out
}

// whole joins a section, the first of list, with those below it.
func whole(list []section) string {
	text := list[0].own
	for _, s := range list[1:] {
		if s.level <= list[0].level || len(text) > 4*maxSection {
			break
		}
		if s.own != "" {
			text += "\n" + s.title + ":\n" + s.own
		}
	}
	return short(strings.TrimSpace(text))
}

// heading reads a line such as "## Uses"; level 0 if it is none.
func heading(line string) (level int, title string) {
	rest := strings.TrimLeft(line, "#")
	level = len(line) - len(rest)
	if level == 0 || level > 6 || !strings.HasPrefix(rest, " ") && !strings.HasPrefix(rest, "\t") {
		return 0, ""
	}
	title = records.Line(strings.TrimSpace(strings.TrimRight(strings.TrimSpace(rest), "#")), 120)
	if title == "" {
		return 0, ""
	}
	return level, title
}

// said is what of a text is not a template's: its comments and the words that
// it leaves to be filled in are taken out. Lines of text stay lines.
func said(text string) string {
	text = uncommented(text)
	for _, stub := range []string{"[More Information Needed]", "[more information needed]", "[Needs More Information]", "[needs-more-information]", "[optional]:", "[optional]"} {
		text = strings.ReplaceAll(text, stub, "")
	}
	var lines []string
	for line := range strings.Lines(text) {
		if line = records.Line(line, maxSection); onlyLabel(line) {
			continue
		}
		lines = append(lines, line)
	}
	return short(strings.Join(lines, "\n"))
}

// seenOf takes comments out of a line. hidden is whether it begins, and then
// whether it ends, within one: a heading in there is none.
func seenOf(line string, hidden bool) (string, bool) {
	var out strings.Builder
	for line != "" {
		if hidden {
			_, rest, closed := strings.Cut(line, "-->")
			line, hidden = rest, !closed
			continue
		}
		before, rest, opened := strings.Cut(line, "<!--")
		out.WriteString(before)
		line, hidden = rest, opened
	}
	return out.String(), hidden
}

// uncommented takes comments out, in one pass: a card may hold a million.
func uncommented(text string) string {
	var out strings.Builder
	for text != "" {
		before, rest, _ := strings.Cut(text, "<!--")
		out.WriteString(before)
		_, text, _ = strings.Cut(rest, "-->") // one that is not closed goes on to the end
	}
	return out.String()
}

func short(text string) string {
	if r := []rune(text); len(r) > maxSection {
		return string(r[:maxSection]) + "…"
	}
	return text
}

// onlyLabel reports whether a line says nothing: it is empty, or a label of the
// template, such as "- **Developed by:**", with nothing behind it.
func onlyLabel(line string) bool {
	t := strings.TrimSpace(strings.TrimLeft(line, "-*+ "))
	return t == "" || strings.HasPrefix(strings.TrimLeft(line, "-+ "), "**") && (strings.HasSuffix(t, ":**") || strings.HasSuffix(t, "**:"))
}

// sectionMap is a card as records have it: what stands below each heading. Of
// two with one title the later is numbered.
func sectionMap(list []section) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, s := range list {
		if s.own == "" {
			continue
		}
		title := s.title
		for n := '2'; out[title] != nil && n <= '9'; n++ {
			title = s.title + " (" + string(n) + ")"
		}
		if raw, err := json.Marshal(s.own); err == nil && out[title] == nil {
			out[title] = raw
		}
	}
	return out
}

// sheet is what a data set's card says of what a datasheet asks for.
type sheet struct {
	ID                 string `json:"dataset_id"`
	Version            string `json:"version"`
	Motivation         string `json:"motivation,omitempty"`
	Composition        string `json:"composition,omitempty"`
	Collection         string `json:"collection,omitempty"`
	Representativeness string `json:"representativeness,omitempty"`
	Limits             string `json:"limits,omitempty"`
	Privacy            string `json:"privacy,omitempty"`
}

// fill finds the sections by what their titles say. It reports whether any was
// found with something in it.
func (s *sheet) fill(list []section) bool {
	found := false
	for _, f := range []struct {
		field  *string
		titles []string
	}{
		{&s.Motivation, []string{"curation rationale", "motivation"}},
		{&s.Composition, []string{"dataset structure", "composition"}},
		{&s.Collection, []string{"data collection", "source data", "collection process"}},
		{&s.Representativeness, []string{"representativ"}},
		{&s.Limits, []string{"limitation"}},
		{&s.Privacy, []string{"sensitive information", "privacy"}},
	} {
		*f.field = firstOf(list, f.titles)
		found = found || *f.field != ""
	}
	return found
}

func firstOf(list []section, titles []string) string {
	for _, t := range titles {
		for _, s := range list {
			if strings.Contains(strings.ToLower(s.title), t) && s.whole != "" {
				return s.whole
			}
		}
	}
	return ""
}
