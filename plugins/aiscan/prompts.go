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
	case strings.HasPrefix(base, "promptfoo") && assetText(ext), folder == "evals" && assetText(ext), strings.HasSuffix(base, ".eval.yaml"), strings.HasSuffix(base, ".eval.yml"), strings.HasSuffix(base, ".eval.json"):
		return "evaluation"
	case (folder == "guardrails" || folder == "rails") && assetText(ext), strings.HasPrefix(base, "guardrails.") && assetText(ext), ext == ".co" && strings.Contains(dir, "rails"):
		return "guardrail_config"
	case (folder == "tools" || folder == "functions" || folder == "tool_schemas") && ext == ".json" && strings.Contains(dir, "agent"), strings.HasSuffix(base, ".tool.json"), strings.HasSuffix(base, "tool_schema.json"), strings.HasSuffix(base, "tools_schema.json"):
		return "tool_schema"
	case strings.HasPrefix(base, "rag.") && assetText(ext), strings.HasPrefix(base, "rag_config."), strings.HasPrefix(base, "retrieval."):
		return "rag_config"
	case base == "litellm_config.yaml", base == "litellm.yaml", base == "model_config.json", base == "model_config.yaml", base == "generation_config.json", base == "modelfile", strings.HasPrefix(base, "model-config."):
		return "model_config"
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
