package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// npmSpec takes a package by the name a project gives it and what it says it is:
// a range, another package, an address. What comes from the tree itself is none.
func (f *file) npmSpec(name, spec string, line int, st fact.Standing) {
	group, name, version, ok := npmTarget(name, spec)
	if ok {
		f.pkg(group, name, version, line, st)
	}
}

func npmTarget(name, spec string) (group, real, version string, ok bool) {
	spec = strings.TrimSpace(spec)
	scheme, rest, has := strings.Cut(spec, ":")
	if has {
		switch scheme {
		case "workspace", "file", "link", "portal", "root", "exec":
			return "", "", "", false
		case "npm", "jsr":
			group = npm
			if scheme == "jsr" {
				group = jsr
			}
			base, v := splitVersion(rest)
			if base != "" && !isRange(base) {
				return group, base, v, true
			}
			return group, name, rest, name != ""
		case "patch":
			base, v := splitVersion(strings.Split(rest, "#")[0])
			return npm, base, strings.TrimPrefix(v, "npm%3A"), base != ""
		case "catalog":
			return npm, name, "", name != ""
		}
	}
	if strings.HasPrefix(spec, ".") || strings.HasPrefix(spec, "/") || strings.HasPrefix(spec, "~/") || name == "" {
		return "", "", "", false
	}
	if strings.Contains(spec, "/") && !strings.Contains(spec, "://") { // owner/name of a forge
		spec = "github:" + spec
	}
	return npm, name, spec, true
}

var rangeRE = regexp.MustCompile(`^[\d^~<>=*vx|]|^latest$|^next$`)

// isRange reports whether a text can only be a range of versions.
func isRange(s string) bool {
	return rangeRE.MatchString(s) && !strings.HasPrefix(s, "@") && !isNameLike(s)
}

// isNameLike is for the few names that begin with a digit or a letter of ranges.
func isNameLike(s string) bool {
	return len(s) > 1 && (s[0] == 'v' || s[0] == 'x') && (s[1] < '0' || s[1] > '9') && s[1] != '.'
}

// splitVersion cuts name@version; a scope's sign does not count.
func splitVersion(s string) (name, version string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

var npmSections = []section{
	{"dependencies", fact.Direct},
	{"devDependencies", fact.Development},
	{"peerDependencies", fact.Optional},
	{"optionalDependencies", fact.Optional},
}

// packageJSON reads package.json.
func packageJSON(f *file) {
	root := f.json()
	f.npmTables(root)
	named := map[string]bool{}
	for _, s := range npmSections {
		root.get(s.name).each(func(name string, _ *node) { named[name] = true })
	}
	for _, key := range []string{"bundledDependencies", "bundleDependencies"} {
		for _, b := range root.get(key).items() {
			if b.isStr() && !named[b.text] {
				f.npmSpec(b.text, "", b.line, fact.Direct)
			}
		}
	}
	f.npmOverrides(root.get("overrides"), 0)
	f.npmOverrides(root.get("resolutions"), 0)
	f.npmOverrides(root.get("pnpm", "overrides"), 0)
	for _, where := range []*node{root, root.get("workspaces")} {
		f.sharedVersions(where)
	}
}

func (f *file) npmTables(root *node) {
	for _, s := range npmSections {
		root.get(s.name).each(func(name string, v *node) {
			if v.kind == str || v.kind == none {
				f.npmSpec(name, v.text, v.line, s.st)
			}
		})
	}
}

// npmOverrides reads what is to be taken in the place of another version:
// name, name@range, parent>name, parent/name, tables of tables.
func (f *file) npmOverrides(t *node, depth int) {
	if depth > 20 {
		return
	}
	t.each(func(key string, v *node) {
		if v.isTable() {
			if own := v.get("."); own != nil {
				f.npmSpec(overridden(key), own.str(), v.line, fact.Central)
			}
			f.npmOverrides(v, depth+1)
			return
		}
		if key != "." && v.isStr() && v.text != "-" {
			spec := v.text
			if strings.HasPrefix(spec, "$") {
				spec = ""
			}
			f.npmSpec(overridden(key), spec, v.line, fact.Central)
		}
	})
}

func overridden(key string) string {
	if i := strings.LastIndexByte(key, '>'); i > 0 && i+1 < len(key) && key[i+1] != '=' {
		key = key[i+1:]
	}
	key, _ = splitVersion(key)
	parts := strings.Split(key, "/")
	if n := len(parts); n > 1 && strings.HasPrefix(parts[n-2], "@") {
		return parts[n-2] + "/" + parts[n-1]
	}
	return parts[len(parts)-1]
}

// catalogsKey is the key under which workspaces keep versions by name.
const catalogsKey = "catalogs" //nolint:misspell // so it is spelt in the files

// sharedVersions reads versions that members of a workspace refer to.
func (f *file) sharedVersions(root *node) {
	take := func(t *node) {
		t.each(func(name string, v *node) {
			if v.kind == str || v.kind == scalar {
				f.npmSpec(name, v.text, v.line, fact.Central)
			}
		})
	}
	take(root.get("catalog"))
	root.get(catalogsKey).each(func(_ string, t *node) { take(t) })
}

// pnpmWorkspace reads pnpm-workspace.yaml.
func pnpmWorkspace(f *file) {
	root := f.yaml()
	f.sharedVersions(root)
	f.npmOverrides(root.get("overrides"), 0)
}

// yarnrc reads the shared versions of .yarnrc.yml.
func yarnrc(f *file) {
	root := f.yaml()
	f.sharedVersions(root)
}
