package aiscan

import (
	"path"
	"strings"
)

// assetKind is the kind of an asset, as code.prompt_asset has it, by its path:
// empty if it is none.
func assetKind(name string) string {
	low := strings.ToLower(name)
	dir, base := path.Split(low)
	ext := path.Ext(base)
	folder := path.Base(dir)
	switch {
	case strings.Contains(base, ".prompt.") || ext == ".prompt" || ext == ".prompty":
		return "template"
	case strings.HasPrefix(base, "system_prompt") || strings.HasPrefix(base, "system-prompt"):
		return "system_prompt"
	case (folder == "prompts" || folder == "prompt" || folder == "prompt_templates") && assetText(ext):
		return "template"
	default:
		return ""
	}
}

func assetText(ext string) bool {
	switch ext {
	case ".md", ".txt", ".yaml", ".yml", ".json", ".j2", ".jinja", ".jinja2", ".hbs", ".mustache", ".tmpl", ".toml", ".liquid", ".xml":
		return true
	default:
		return false
	}
}
