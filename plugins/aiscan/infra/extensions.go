package infra

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// extensionFormat knows lists of extensions, containers in which software is
// written, policies of browsers and manifests of extensions.
func extensionFormat(n name, head []byte) (format, bool) {
	h := string(head)
	switch {
	case n.base == "extensions.json" && (n.in(".vscode") || n.in(".cursor") || n.in(".devcontainer")):
		return format{name: "extensions", read: readRecommended}, true
	case n.base == "devcontainer.json", n.base == ".devcontainer.json", n.base == "devcontainer-feature.json":
		return format{name: "devcontainer", read: readDevcontainer}, true
	case strings.HasSuffix(n.base, ".extensions.txt"), n.base == "extensions.txt", n.base == "vscode-extensions.txt":
		return format{name: "extension-list", read: readExtensionList}, true
	case n.base == "externaldependencies.xml" && n.in(".idea"):
		return format{name: "jetbrains", read: readJetBrains}, true
	case n.base == "manifest.json" && strings.Contains(h, `"manifest_version"`) && !strings.Contains(h, `"mcp_config"`) && !strings.Contains(h, `"dxt_version"`):
		return format{name: "browser-extension", read: readBrowserExtension}, true
	case n.ext == ".json" && (strings.Contains(h, `"ExtensionInstall`) || strings.Contains(h, `"ExtensionSettings"`) || n.base == "policies.json" && strings.Contains(h, `"policies"`)):
		return format{name: "browser-policy", read: readBrowserPolicy}, true
	}
	return format{}, false
}

func readRecommended(o *out, data []byte) error {
	doc, err := parseJSON(data)
	o.recommended(doc)
	return err
}

// recommended reads the extensions that a workspace recommends, and those that
// it advises against.
func (o *out) recommended(n *node) {
	for _, e := range n.get("recommendations").list() {
		o.extension(e.text, e.line)
	}
	for _, e := range n.get("unwantedRecommendations").list() {
		o.with(fact.Excluded, func() { o.extension(e.text, e.line) })
	}
}

// readDevcontainer reads the container in which software is written: image,
// features, extensions, variables, commands.
func readDevcontainer(o *out, data []byte) error {
	doc, err := parseJSON(data)
	if i := doc.get("image"); i != nil {
		o.image(i.text, i.line)
	}
	o.environment(doc.get("build", "args"))
	doc.get("features").each(func(ref string, line int, _ *node) {
		if !strings.HasPrefix(ref, ".") && hostOf(ref) == "" {
			o.image(ref, line)
		}
	})
	for _, list := range [...]*node{doc.get("extensions"), doc.get("customizations", "vscode", "extensions"), doc.get("customizations", "cursor", "extensions"), doc.get("customizations", "jetbrains", "plugins")} {
		for _, e := range list.list() {
			if id, ok := strings.CutPrefix(e.text, "-"); ok {
				o.with(fact.Excluded, func() { o.extension(id, e.line) })
				continue
			}
			o.extension(e.text, e.line)
		}
	}
	o.toolServers(doc.get("customizations", "vscode"))
	for _, key := range [...]string{"containerEnv", "remoteEnv"} {
		o.environment(doc.get(key))
	}
	doc.get("secrets").each(func(name string, line int, _ *node) { o.variable(name, "", line) })
	for _, key := range [...]string{"initializeCommand", "onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand", "postAttachCommand"} {
		c := doc.get(key)
		o.commandOf(c)
		c.each(func(_ string, _ int, v *node) { o.commandOf(v) })
	}
	for _, p := range doc.get("forwardPorts").list() {
		o.port(p.text, p.line)
	}
	return err
}

// readExtensionList reads what an editor prints when it lists its extensions:
// publisher.name or publisher.name@version, one a line.
func readExtensionList(o *out, data []byte) error {
	for i, text := range lines(data) {
		text = strings.TrimSpace(text)
		id, _, _ := strings.Cut(text, "@")
		if text == "" || text[0] == '#' || strings.ContainsAny(text, " \t") || !strings.Contains(strings.Trim(id, "."), ".") {
			continue
		}
		o.extension(text, i+1)
	}
	return nil
}

// readJetBrains reads the plugins that a project asks for.
func readJetBrains(o *out, data []byte) error {
	for i, text := range lines(data) {
		if strings.Contains(text, "<plugin ") && len(text) < 1<<12 {
			o.extension(attribute(text, "id"), i+1)
		}
	}
	return nil
}

// readBrowserExtension reads which sites an extension of a browser may reach.
func readBrowserExtension(o *out, data []byte) error {
	doc, err := parseJSON(data)
	if doc.get("manifest_version") == nil {
		return err
	}
	for _, key := range [...]string{"host_permissions", "permissions"} {
		o.patterns(doc.get(key))
	}
	for _, key := range [...]string{"optional_host_permissions", "optional_permissions"} {
		o.with(fact.Optional, func() { o.patterns(doc.get(key)) })
	}
	for _, s := range doc.get("content_scripts").list() {
		o.patterns(s.get("matches"))
	}
	for _, s := range doc.get("externally_connectable", "matches").list() {
		o.pattern(s)
	}
	csp := doc.get("content_security_policy")
	for _, s := range append(csp.values(), csp) {
		if s != nil && s.kind == scalar {
			o.hostsIn(s.text, s.line)
		}
	}
	return err
}

func (o *out) patterns(n *node) {
	for _, p := range n.list() {
		o.pattern(p)
	}
}

// pattern keeps the host of a pattern of addresses: https://*.example.com/*.
func (o *out) pattern(p *node) {
	_, rest, ok := strings.Cut(p.text, "://")
	if !ok {
		return
	}
	host, _, _ := strings.Cut(rest, "/")
	host = strings.TrimPrefix(host, "*.")
	if host != "*" && strings.Contains(host, ".") && isHost(host) {
		o.add(fact.Fact{Class: fact.Host, Name: strings.ToLower(host), Line: p.line})
	}
}

// readBrowserPolicy reads which extensions an organisation installs in
// browsers, allows in them or keeps out.
func readBrowserPolicy(o *out, data []byte) error {
	doc, err := parseJSON(data)
	o.browserPolicy(doc, 0)
	return err
}

func (o *out) browserPolicy(n *node, depth int) {
	if n == nil || depth > 6 {
		return
	}
	if n.kind == sequence {
		for _, v := range n.items {
			o.browserPolicy(v, depth+1)
		}
		return
	}
	n.each(func(key string, _ int, v *node) {
		switch key {
		case "ExtensionInstallForcelist", "ExtensionInstallForceList":
			o.extensionIDs(v, fact.Direct)
		case "ExtensionInstallAllowlist", "ExtensionInstallWhitelist":
			o.extensionIDs(v, fact.Optional)
		case "ExtensionInstallBlocklist", "ExtensionInstallBlacklist":
			o.extensionIDs(v, fact.Excluded)
		case "ExtensionSettings":
			v.each(func(id string, line int, s *node) { o.extensionSetting(id, line, s.str("installation_mode")) })
		case "Extensions":
			o.extensionIDs(v.get("Install"), fact.Direct)
			o.extensionIDs(v.get("Locked"), fact.Direct)
			o.extensionIDs(v.get("Uninstall"), fact.Excluded)
		default:
			if v.kind != scalar {
				o.browserPolicy(v, depth+1)
			}
		}
	})
}

// extensionIDs reads a list of ids, each perhaps with an address of updates.
func (o *out) extensionIDs(n *node, s fact.Standing) {
	if n != nil && n.kind == mapping { // as exports of a registry number them
		n = &node{kind: sequence, items: n.items}
	}
	o.with(s, func() {
		for _, v := range n.list() {
			if v.kind == mapping {
				v = v.get("value")
			}
			if v == nil {
				continue
			}
			id, _, _ := strings.Cut(scalarText(v), ";")
			if id = strings.TrimSpace(id); id != "" && id != "*" && hostOf(id) == "" {
				o.extension(id, v.line)
			}
		}
	})
}

func (o *out) extensionSetting(id string, line int, mode string) {
	standing := fact.Direct
	switch mode {
	case "blocked", "removed":
		standing = fact.Excluded
	case "allowed", "":
		standing = fact.Optional
	}
	if id != "*" && !strings.Contains(id, ":") {
		o.with(standing, func() { o.extension(strings.Trim(id, "{}"), line) })
	}
}
