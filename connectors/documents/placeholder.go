package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// placeholder returns the first value in v, a decoded record, that is still
// the placeholder of a form, such as <who>; empty if there is none.
func placeholder(v any, field string) (at, text string) {
	switch v := v.(type) {
	case string:
		if t := strings.TrimSpace(v); len(t) > 2 && t[0] == '<' && t[len(t)-1] == '>' && !strings.ContainsAny(t[1:len(t)-1], "<>@") && !strings.Contains(t, "://") {
			return field, t
		}
	case []any:
		for i, e := range v {
			if at, text = placeholder(e, fmt.Sprintf("%s[%d]", field, i)); text != "" {
				return at, text
			}
		}
	case map[string]any:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if at, text = placeholder(name, field+"."+name); text != "" {
				return at, text
			}
			if at, text = placeholder(v[name], field+"."+name); text != "" {
				return at, text
			}
		}
	case json.Number, bool, nil:
	}
	return "", ""
}

// formError says that a file is a form that nobody has filled in.
type formError struct{ text string }

func (e *formError) Error() string { return e.text }

// isForm reports whether err says that a file is such a form.
func isForm(err error) bool {
	var f *formError
	return errors.As(err, &f)
}

// notFilledIn is the error for a record with a placeholder; nil if it has none.
func notFilledIn(m map[string]any) error {
	at, text := placeholder(m, "")
	if text == "" {
		return nil
	}
	return &formError{fmt.Sprintf("field %s still holds the placeholder %s; fill it in, or leave the field out",
		printable(strings.TrimPrefix(at, ".")), printable(text))}
}

// unfilled returns an error if a document's front matter or text still holds a
// placeholder, with its line.
func unfilled(fields map[string]any, body []byte) error {
	if err := notFilledIn(fields); err != nil {
		return fmt.Errorf("front matter: %w", err)
	}
	open, code := prosePlaceholder(), regexp.MustCompile("`[^`]*`")
	fence := ""
	for line := range bytes.Lines(body) {
		trimmed := strings.TrimSpace(string(line))
		if fence != "" {
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			continue
		}
		if strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~") {
			fence = trimmed[:3]
			continue
		}
		for _, m := range open.FindAllStringSubmatch(code.ReplaceAllString(trimmed, ""), -1) {
			if m[2] != "" || !htmlName(m[1]) {
				return &formError{"the text still holds the placeholder " + printable(m[0]) + "; fill it in"}
			}
		}
	}
	return nil
}

// prosePlaceholder matches words between angle brackets as they stand in a
// form. An address, a closing tag or a tag with attributes does not match.
func prosePlaceholder() *regexp.Regexp {
	return regexp.MustCompile(`<([a-z][a-z0-9-]*)((?:[ ,|'’/]+[A-Za-z0-9'’-]+)*)>`)
}

// htmlName reports whether a word is the name of an HTML element, which
// Markdown allows in a text.
func htmlName(s string) bool {
	return slices.Contains(strings.Fields(`a abbr address area article aside audio b base bdi bdo blockquote br button
		canvas caption center cite code col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset
		figcaption figure font footer form h1 h2 h3 h4 h5 h6 header hr i iframe img input ins kbd label legend li link
		main map mark meta nav noscript object ol optgroup option output p param picture pre q rp rt ruby s samp script
		section select small source span strike strong style sub summary sup svg table tbody td template textarea tfoot
		th thead time title tr track tt u ul var video wbr`), s)
}
