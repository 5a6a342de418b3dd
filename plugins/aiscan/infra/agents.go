package infra

import (
	"bytes"
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// agentFormat knows the files that tell a coding agent what to do, and the
// settings of agents and editors.
func agentFormat(n name, head []byte) (format, bool) {
	switch {
	case isMCPFile(n):
		return format{name: "mcp", read: readMCP}, true
	case n.base == "settings.json" && (n.in(".vscode") || n.in(".zed") || n.in("zed") || n.in("code/user") || n.in("cursor/user")), n.ext == ".code-workspace":
		return format{name: "editor", read: readEditor}, true
	case isInstruction(n):
		return format{name: "agent-instructions", read: readInstruction}, true
	case isAgentSettings(n):
		return format{name: "agent-settings", read: readAgentSettings}, true
	}
	return format{}, false
}

// isMCPFile reports whether a file is a list of tool servers.
func isMCPFile(n name) bool {
	switch n.base {
	case ".mcp.json", "mcp.json", "mcp_config.json", "mcp-config.json", "mcp_settings.json", "cline_mcp_settings.json", "claude_desktop_config.json", "mcp-servers.json", "mcp_servers.json", "mcpservers.json":
		return true
	}
	return strings.HasSuffix(n.base, ".mcp.json")
}

// isAgentSettings reports whether a file holds settings of an agent.
func isAgentSettings(n name) bool {
	switch n.base {
	case "settings.json", "settings.local.json":
		return n.in(".claude") || n.in(".gemini") || n.in(".qwen") || n.in(".junie") || n.in(".kiro") || n.in(".factory")
	case "config.toml", "config.json", "config.yaml", "config.yml", "config.ts":
		return n.ext != ".ts" && (n.in(".codex") || n.in(".continue") || n.in(".goose") || n.in("goose") || n.in(".opencode") || n.in(".plandex") || n.in(".mods"))
	case ".claude.json", "opencode.json", "opencode.jsonc", ".opencode.json", ".continuerc.json", ".aider.conf.yml", ".aider.conf.yaml", ".crush.json", "crush.json",
		".pr_agent.toml", ".coderabbit.yaml", ".coderabbit.yml", "librechat.yaml", "librechat.yml", ".aider.model.settings.yml", "sweep.yaml", ".aidigestignore":
		return n.base != ".aidigestignore"
	}
	ext := n.ext == ".json" || n.ext == ".yaml" || n.ext == ".yml" || n.ext == ".toml"
	return ext && (n.under(".continue") || n.under(".amazonq") || n.under(".kiro/agents") || n.under(".q/agents"))
}

// isInstruction reports whether a file is text that an agent is given.
func isInstruction(n name) bool {
	// In capitals: agents.md in a folder of documents is a page on agents.
	switch path.Base(n.path) {
	case "AGENTS.md", "AGENT.md", "CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", "WARP.md", "JULES.md", "QWEN.md", "CRUSH.md":
		return true
	}
	switch n.base {
	case ".cursorrules", ".windsurfrules", ".clinerules", ".roorules", ".goosehints":
		return true
	case "copilot-instructions.md":
		return n.in(".github")
	case "skill.md":
		return n.under("skills")
	}
	text := n.ext == ".md" || n.ext == ".mdc" || n.ext == ".txt"
	if !text {
		return false
	}
	for _, folder := range [...]string{".claude", ".cursor/rules", ".windsurf/rules", ".clinerules", ".roo", ".continue", ".amazonq/rules", ".kiro/steering", ".junie", ".gemini", ".codex", ".opencode", ".agents", ".augment", ".trae/rules"} {
		if n.under(folder) {
			return true
		}
	}
	if n.under(".github") {
		return strings.HasSuffix(n.base, ".instructions.md") || strings.HasSuffix(n.base, ".agent.md") || strings.HasSuffix(n.base, ".chatmode.md") || strings.HasSuffix(n.base, ".prompt.md")
	}
	return false
}

// readInstruction keeps the file, unless it is empty, and the model that its
// head asks for. What its text mentions is prose.
func readInstruction(o *out, data []byte) error {
	if len(bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))) == 0 {
		return nil
	}
	o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
	front, before := frontMatter(data)
	if front == nil {
		return nil
	}
	doc, err := parseYAML(front, before)
	if err != nil {
		// Agents read these heads line by line, and people write them so: a text
		// with colons, a pattern that begins with a star.
		for i, text := range lines(front) {
			if m, ok := strings.CutPrefix(text, "model:"); ok {
				o.agentModel(unquote(strings.TrimSpace(m)), i+1+before)
			}
		}
		return nil
	}
	if m := doc.get("model"); m != nil {
		o.agentModel(m.text, m.line)
	}
	o.toolServers(doc)
	return nil
}

// agentModel keeps the model that an agent asks for, unless it is whichever its
// user has chosen.
func (o *out) agentModel(id string, line int) {
	if id != "inherit" && id != "default" && id != "auto" {
		o.model(id, line)
	}
}

// frontMatter returns the head of a document between two lines of dashes, and
// how many lines stand before it.
func frontMatter(data []byte) ([]byte, int) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok || string(bytes.TrimRight(first, "\r \t")) != "---" {
		return nil, 0
	}
	for at := 0; at < len(rest) && at < 1<<16; {
		end := bytes.IndexByte(rest[at:], '\n')
		if end < 0 {
			end = len(rest) - at
		}
		if string(bytes.TrimRight(rest[at:at+end], "\r \t")) == "---" {
			return rest[:at], 1
		}
		at += end + 1
	}
	return nil, 0
}

// readAgentSettings keeps the file, unless it sets nothing, with the models,
// tool servers, addresses and variables in it.
func readAgentSettings(o *out, data []byte) error {
	read := func(doc *node) {
		if doc == nil || len(doc.items) == 0 {
			return
		}
		o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
		o.toolServers(doc)
		doc.get("projects").each(func(_ string, _ int, p *node) { o.toolServers(p) })
		o.modelSettings(doc)
		doc.get("env").each(func(key string, line int, v *node) { o.variable(key, scalarText(v), line) })
	}
	switch nameOf(o.path).ext {
	case ".toml":
		doc, err := parseTOML(data)
		read(doc)
		return err
	}
	return parse(data, read)
}

// modelSettings reads models, addresses and variables anywhere below n, as
// settings of agents and gateways have them.
func (o *out) modelSettings(n *node) {
	n.walk(func(path, key string, v *node) {
		for _, top := range [...]string{"mcpServers", "mcp_servers", "mcp", "context_servers"} {
			if strings.HasPrefix(path, top+".") {
				return // read with the server
			}
		}
		if rest, ok := strings.CutPrefix(v.text, "os.environ/"); ok {
			o.variable(rest, "", v.line)
			return
		}
		switch {
		case key == "env_key" || key == "envKey" || key == "apiKeyEnvVar" || key == "api_key_env":
			o.variable(v.text, "", v.line)
		case key == "$schema":
		case isConstant(key):
			o.variable(key, v.text, v.line)
		default:
			o.value(key, v.text, v.line)
			o.references(v.text, v.line)
		}
	})
}

// readEditor reads the settings of an editor: keys, tool servers, models.
func readEditor(o *out, data []byte) error {
	doc, err := parseJSON(data)
	for _, at := range [...]*node{doc, doc.get("settings")} {
		at.each(func(key string, line int, v *node) {
			if !strings.Contains(key, ".") && key != "agent" && key != "assistant" && key != "language_models" && key != "context_servers" {
				return
			}
			standing := fact.Direct
			if star := v.get("*"); star != nil && len(v.items) == 1 {
				v = star
			}
			if v.kind == scalar && (v.text == "false" || v.text == "off" || v.text == "") {
				standing = fact.Excluded
			}
			o.with(standing, func() { o.add(fact.Fact{Class: fact.Setting, Name: key, Line: line, Group: "editor"}) })
		})
		o.toolServers(at)
		for _, key := range [...]string{"agent", "assistant", "language_models"} {
			o.modelSettings(at.get(key))
		}
	}
	o.recommended(doc.get("extensions"))
	return err
}
