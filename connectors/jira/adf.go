package jira

import "strings"

// plainText returns the text of an Atlassian document (what API v3 gives for a
// text field of several lines); false if v is none.
func plainText(v any) (string, bool) {
	m, ok := v.(map[string]any)
	if !ok || m["type"] != "doc" {
		return "", false
	}
	var b strings.Builder
	writeText(&b, m, 0)
	return strings.TrimSpace(b.String()), true
}

// writeText goes through a node. Blocks end with a line break; what is deeper
// than any real document is left out.
func writeText(b *strings.Builder, node map[string]any, depth int) {
	if depth > 50 {
		return
	}
	switch node["type"] {
	case "text":
		s, _ := node["text"].(string)
		b.WriteString(s)
	case "hardBreak":
		b.WriteByte('\n')
	case "mention", "emoji", "status", "date", "inlineCard":
		attrs, _ := node["attrs"].(map[string]any)
		for _, name := range []string{"text", "shortName", "timestamp", "url"} {
			if s, ok := attrs[name].(string); ok {
				b.WriteString(s)
				break
			}
		}
	}
	children, _ := node["content"].([]any)
	for _, c := range children {
		if m, ok := c.(map[string]any); ok {
			writeText(b, m, depth+1)
		}
	}
	switch node["type"] {
	case "paragraph", "heading", "codeBlock", "listItem", "tableRow":
		b.WriteByte('\n')
	}
}
