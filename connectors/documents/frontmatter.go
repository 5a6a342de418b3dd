package documents

import (
	"bytes"
	"errors"
	"path"
	"regexp"
	"strings"
)

// splitFrontMatter separates the block between two lines of --- at the very
// start of a Markdown file from the rest. matter is nil if there is none.
func splitFrontMatter(b []byte) (matter, body []byte, err error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	first, rest, _ := bytes.Cut(b, []byte("\n"))
	if string(bytes.TrimRight(first, " \r")) != "---" {
		return nil, b, nil
	}
	for at := 0; at < len(rest); {
		line, _, found := bytes.Cut(rest[at:], []byte("\n"))
		if t := string(bytes.TrimRight(line, " \r")); t == "---" || t == "..." {
			end := min(at+len(line)+1, len(rest))
			return rest[:at], rest[end:], nil
		}
		if !found {
			break
		}
		at += len(line) + 1
	}
	return nil, b, errors.New("front matter: the closing --- is missing")
}

// frontMatter reads the front matter of a Markdown file; nil if it has none.
func frontMatter(b []byte) (fields map[string]any, body []byte, err error) {
	matter, body, err := splitFrontMatter(b)
	if err != nil || matter == nil {
		return nil, body, err
	}
	docs, err := decodeYAML(matter)
	if err != nil {
		return nil, body, errors.New("front matter: " + err.Error())
	}
	if len(docs) == 0 {
		return nil, body, nil
	}
	m, ok := docs[0].(map[string]any)
	if !ok || len(docs) > 1 {
		return nil, body, errors.New("front matter: want one list of fields")
	}
	return m, body, nil
}

// headings returns the headings of a Markdown text, top level first come.
// What a reader does not see as one is left out: code, and comments.
func headings(body []byte) []string {
	var out []string
	fence, prev, hidden := "", "", false
	for line := range strings.Lines(string(body)) {
		if fence == "" && (hidden || !opensCode(line)) {
			line, hidden = uncommented(line, hidden)
		}
		trimmed := strings.TrimSpace(line)
		if fence != "" {
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]) == "" {
				fence = ""
			}
			continue
		}
		switch {
		case indented(line):
			prev = ""
			continue
		case opensCode(line):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, trimmed[:1]))]
		case strings.HasPrefix(trimmed, "#"):
			text := strings.TrimLeft(trimmed, "#")
			if len(trimmed)-len(text) <= 6 && strings.HasPrefix(text, " ") {
				out = append(out, strings.TrimSpace(strings.TrimRight(text, "# ")))
			}
		case prev != "" && len(trimmed) >= 3 && (strings.Trim(trimmed, "=") == "" || strings.Trim(trimmed, "-") == ""):
			out = append(out, prev)
		}
		prev = trimmed
	}
	return out
}

// opensCode reports whether a line begins a block of code.
func opensCode(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "```") || strings.HasPrefix(line, "~~~")
}

// indented reports whether a line stands so far in that it is code, or goes on
// with a list: no heading either way.
func indented(line string) bool {
	return strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t")
}

// uncommented takes comments out of a line. hidden is whether it begins, and
// then whether it ends, within one.
func uncommented(line string, hidden bool) (string, bool) {
	var out strings.Builder
	for line != "" {
		if hidden {
			_, rest, closed := strings.Cut(line, "-->")
			if !closed {
				break
			}
			line, hidden = rest, false
			continue
		}
		before, rest, opened := strings.Cut(line, "<!--")
		out.WriteString(before)
		line, hidden = rest, opened
	}
	return out.String(), hidden
}

// sectionName brings a heading to the form in which it is compared: without a
// leading number, in lower case, and without spaces, which a PDF often leaves
// out.
func sectionName(numbering *regexp.Regexp, heading string) string {
	return strings.ToLower(strings.Join(strings.Fields(numbering.ReplaceAllString(heading, "")), ""))
}

// sectionsFound returns those of required that are among the headings.
func sectionsFound(required, headings []string) []string {
	numbering := regexp.MustCompile(`^\s*(\d+[.)]?)+\s*`)
	have := map[string]bool{}
	for _, h := range headings {
		have[sectionName(numbering, h)] = true
	}
	found := []string{}
	for _, r := range required {
		if have[sectionName(numbering, r)] {
			found = append(found, r)
		}
	}
	return found
}

// mimeType is by name alone: the content belongs to others and is not sniffed.
func mimeType(p string) string {
	switch strings.ToLower(path.Ext(p)) {
	case ".md", ".markdown":
		return "text/markdown"
	case ".txt", ".adoc", ".rst":
		return "text/plain"
	case ".html", ".htm":
		return "text/html"
	case ".yaml", ".yml":
		return "application/yaml"
	case ".json":
		return "application/json"
	case ".csv":
		return "text/csv"
	case ".pdf":
		return "application/pdf"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case ".odt":
		return "application/vnd.oasis.opendocument.text"
	}
	return "application/octet-stream"
}

// firstLine keeps a parser's message and drops the excerpt it shows.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return printable(line)
}
