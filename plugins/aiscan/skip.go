package aiscan

import "strings"

// skipped says why a folder is not walked into, empty if it is. These are copies
// of others' packages, which the manifests name, and what tools make of the
// tree: they tell nothing of its own.
func skipped(folder string) string {
	switch folder {
	case "node_modules", "bower_components", "jspm_packages", ".pnpm", ".yarn":
		return "copies of others' packages (" + folder + "): the manifests name them"
	case ".venv", "site-packages", ".tox", ".nox", "__pypackages__":
		return "an environment of Python (" + folder + "): the manifests name what is in it"
	case "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".gradle", ".terraform", ".next", ".nuxt", ".svelte-kit", ".turbo", ".parcel-cache", ".dart_tool":
		return "made by tools (" + folder + ")"
	case ".git", ".hg", ".svn":
		return "objects of the repository"
	}
	if strings.HasSuffix(folder, ".egg-info") {
		return "made by tools (" + folder + ")"
	}
	return ""
}
