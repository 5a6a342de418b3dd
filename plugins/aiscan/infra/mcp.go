package infra

import (
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Sides of a tool server: who has it in its configuration, and who offers it.
const (
	sideClient = "client"
	sideServer = "server"
)

// readMCP reads the tool servers that an agent is told to use.
func readMCP(o *out, data []byte) error {
	doc, err := parseJSON(data)
	o.toolServers(doc)
	return err
}

// toolServers reads the servers of a configuration, under the keys that agents
// and editors have for them.
func (o *out) toolServers(doc *node) {
	for _, at := range [...]*node{
		doc.get("mcpServers"), doc.get("mcp_servers"), doc.get("servers"), doc.get("context_servers"),
		doc.get("mcp", "servers"), doc.get("mcp"), doc.get("amp.mcpServers"), doc.get("extensions"),
		doc.get("experimental", "modelContextProtocolServers"),
	} {
		if at == nil {
			continue
		}
		at.each(func(name string, line int, s *node) { o.toolServer(name, line, s) })
		if at.kind == sequence {
			for _, s := range at.items {
				if n := s.get("name"); n != nil {
					o.toolServer(n.text, n.line, s)
				} else if t := s.get("transport"); t != nil {
					o.toolServer("", s.line, t)
				}
			}
		}
	}
}

// toolServer reads one server: the command that starts it, or its address, and
// the names of the variables it is given.
func (o *out) toolServer(name string, line int, s *node) {
	if s.kind != mapping {
		return
	}
	command, address := s.get("command"), firstOf(s, "url", "serverUrl", "httpUrl", "uri", "endpoint")
	if command.get("path") != nil { // Zed
		s, command = command, command.get("path")
	}
	if command == nil && address == nil && s.get("cmd") == nil {
		return
	}
	if command == nil {
		command = s.get("cmd")
	}
	standing := fact.Direct
	if s.str("disabled") == "true" || s.str("enabled") == "false" {
		standing = fact.Excluded
	}
	o.with(standing, func() {
		attrs := map[string]string{"side": sideClient}
		if command != nil {
			words := append(append([]*node{}, command.list()...), s.get("args").list()...)
			if len(words) > 0 {
				attrs["command"] = path.Base(words[0].text)
			}
			o.args(words)
		}
		if address != nil {
			if h := hostOf(address.text); h != "" {
				attrs["host"] = h
				o.add(fact.Fact{Class: fact.Host, Name: h, Line: address.line})
			}
		}
		if name == "" {
			name = attrs["host"] + attrs["command"]
		}
		o.add(fact.Fact{Class: fact.MCPServer, Name: name, Line: line, Attrs: attrs})
		for _, key := range [...]string{"env", "environment", "envs"} {
			o.environment(s.get(key))
		}
		if v := s.get("envFile"); v != nil {
			o.references(v.text, v.line)
		}
		s.get("headers").each(func(_ string, _ int, v *node) { o.references(v.text, v.line) })
		for _, key := range [...]string{"bearer_token_env_var", "env_key"} {
			if v := s.get(key); v != nil {
				o.variable(v.text, "", v.line)
			}
		}
	})
}

func firstOf(n *node, keys ...string) *node {
	for _, k := range keys {
		if v := n.get(k); v != nil {
			return v
		}
	}
	return nil
}

// serverFormat knows files by which a repository offers a tool server or an
// agent to others.
func serverFormat(n name, head []byte) (format, bool) {
	h := string(head)
	switch n.base {
	case "server.json":
		if strings.Contains(h, "modelcontextprotocol") || strings.Contains(h, `"registryType"`) || strings.Contains(h, `"registry_type"`) || strings.Contains(h, `"registry_name"`) {
			return format{name: "mcp-server", read: readServer}, true
		}
	case "manifest.json":
		if strings.Contains(h, `"dxt_version"`) || strings.Contains(h, `"mcpb_version"`) || strings.Contains(h, `"mcp_config"`) {
			return format{name: "mcp-bundle", read: readBundle}, true
		}
	case "smithery.yaml", "smithery.yml":
		return format{name: "smithery", read: readSmithery}, true
	case "agent.json", "agent-card.json", "agent_card.json", "agentcard.json":
		if n.under(".well-known") || n.base != "agent.json" || strings.Contains(h, `"protocolVersion"`) {
			return format{name: "a2a", read: readCard}, true
		}
	}
	return format{}, false
}

// offered keeps a server that the repository offers.
func (o *out) offered(name string, line int, protocol string) {
	o.add(fact.Fact{Class: fact.MCPServer, Name: name, Line: line, Attrs: map[string]string{"side": sideServer, "protocol": protocol}})
}

// readServer reads the entry of a server in the registry of MCP.
func readServer(o *out, data []byte) error {
	doc, err := parseJSON(data)
	n := doc.get("name")
	if n == nil || doc.get("packages") == nil && doc.get("remotes") == nil {
		return err
	}
	o.offered(n.text, n.line, "mcp")
	for _, p := range doc.get("packages").list() {
		for _, key := range [...]string{"environmentVariables", "environment_variables"} {
			for _, v := range p.get(key).list() {
				o.namedVariable(v)
			}
		}
	}
	return err
}

// readBundle reads the manifest of a packed server.
func readBundle(o *out, data []byte) error {
	doc, err := parseJSON(data)
	n, server := doc.get("name"), doc.get("server")
	if n == nil || server == nil {
		return err
	}
	o.offered(n.text, n.line, "mcp")
	o.environment(server.get("mcp_config", "env"))
	return err
}

// readSmithery reads how a server is started when others host it.
func readSmithery(o *out, data []byte) error {
	return eachYAML(data, func(doc *node) {
		offered := false
		doc.each(func(key string, line int, _ *node) {
			if !offered && (key == "startCommand" || key == "runtime" || key == "build") {
				o.offered("smithery", line, "mcp")
				offered = true
			}
		})
	})
}

// readCard reads the card by which an agent offers itself to other agents.
func readCard(o *out, data []byte) error {
	doc, err := parseJSON(data)
	n := doc.get("name")
	if n == nil || doc.get("skills") == nil && doc.get("capabilities") == nil && doc.get("url") == nil {
		return err
	}
	o.add(fact.Fact{Class: fact.File, Name: o.path, Line: 1})
	o.offered(n.text, n.line, "a2a")
	return err
}
