package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// installers are the commands that install, by name.
var installers = map[string]func(i *installer, name string, args []shellWord){
	"pip": (*installer).python, "pipx": (*installer).python, "uv": (*installer).python, "uvx": (*installer).python,
	"poetry": (*installer).python, "pdm": (*installer).python, "pipenv": (*installer).python, "rye": (*installer).python,
	"easy_install": (*installer).python, "hatch": (*installer).python,
	"conda": (*installer).conda, "mamba": (*installer).conda, "micromamba": (*installer).conda, "pixi": (*installer).conda,
	"npm": (*installer).node, "yarn": (*installer).node, "pnpm": (*installer).node, "bun": (*installer).node, "npx": (*installer).node,
	"bunx": (*installer).node, "pnpx": (*installer).node, "deno": (*installer).node, "cnpm": (*installer).node, "jsr": (*installer).node,
	"go": (*installer).golang, "cargo": (*installer).cargo, "cargo-binstall": (*installer).cargo,
	"gem": (*installer).ruby, "bundle": (*installer).ruby, "dotnet": (*installer).dotnet, "nuget": (*installer).dotnet,
	"Install-Package": (*installer).dotnet, "composer": (*installer).php, "dart": (*installer).dart, "flutter": (*installer).dart,
	"luarocks": (*installer).simple, "cpanm": (*installer).simple, "cpan": (*installer).simple, "conan": (*installer).simple,
	"vcpkg": (*installer).simple,
}

const pipValued = "-r --requirement -c --constraint -i --index-url --extra-index-url -f --find-links -t --target --platform " +
	"--python-version --prefix --root --src --trusted-host --timeout --retries --cache-dir --log --proxy --progress-bar " +
	"--no-binary --only-binary --upgrade-strategy --implementation --abi -C --config-settings -e --editable --python -p " +
	"--index --default-index --extra --group -G --with --from --with-editable --spec --suffix --pip-args --project --directory " +
	"--optional --source --env-file --name -n --tag --branch --rev --with-requirements -o --output-file --allow-prereleases-for --dG -dG"

// python reads the installers of Python's packages.
func (i *installer) python(tool string, args []shellWord) {
	w := parse(args, pipValued)
	if tool == "uvx" {
		i.runTool(w)
		return
	}
	if tool == "easy_install" {
		i.requirements(w.names, fact.Direct)
		return
	}
	if len(w.names) == 0 {
		return
	}
	verb, rest := w.names[0].text, w.names[1:]
	st := fact.Direct
	if w.has("--dev", "-d", "-D", "-dG") {
		st = fact.Development
	}
	for _, g := range []string{"--group", "-G"} {
		if v, ok := w.options[g]; ok {
			st = weaker(st, groupStanding(v.text, fact.Direct))
		}
	}
	if w.has("--optional") {
		st = weaker(st, fact.Optional)
	}
	if tool == "uv" && len(rest) > 0 && (verb == "pip" || verb == "tool") {
		verb, rest = rest[0].text, rest[1:]
	}
	switch {
	case tool == "uv" && verb == "run":
		if with, ok := w.options["--with"]; ok {
			i.requirements(splitWord(with), st)
		}
		return
	case tool == "uv" && verb == "run-tool", tool == "pipx" && verb == "run", tool == "uv" && verb == "x":
		w.names = rest
		i.runTool(w)
		return
	case tool == "pipx" && verb == "inject" && len(rest) > 1:
		rest = rest[1:]
	case tool == "pip" && verb == "wheel" || tool == "pip" && verb == "download":
	case verb == "install" || verb == "add" || verb == "inject":
	default:
		return
	}
	if e, ok := w.options["-e"]; ok {
		rest = append(rest, e)
	}
	if e, ok := w.options["--editable"]; ok {
		rest = append(rest, e)
	}
	i.requirements(rest, st)
	if with, ok := w.options["--with"]; ok {
		i.requirements(splitWord(with), st)
	}
}

// runTool reads a command that fetches a tool and runs it: the first word, or what it is said to come from.
func (i *installer) runTool(w wants) {
	for _, o := range []string{"--from", "--spec"} {
		if from, ok := w.options[o]; ok {
			i.requirements([]shellWord{from}, fact.Direct)
			w.names = nil
		}
	}
	if with, ok := w.options["--with"]; ok {
		i.requirements(splitWord(with), fact.Direct)
	}
	if len(w.names) > 0 {
		first := w.names[0]
		first.text = strings.Replace(first.text, "@", "==", 1)
		first.text = strings.TrimSuffix(first.text, "==latest")
		i.requirements([]shellWord{first}, fact.Direct)
	}
}

func splitWord(w shellWord) []shellWord {
	var out []shellWord
	for _, s := range strings.Split(w.text, ",") {
		out = append(out, shellWord{s, w.line})
	}
	return out
}

func (i *installer) requirements(words []shellWord, st fact.Standing) {
	for _, w := range words {
		s := w.text
		if strings.HasSuffix(s, ".txt") || strings.HasSuffix(s, ".whl") && !strings.Contains(s, "://") || strings.HasSuffix(s, ".gz") && !strings.Contains(s, "://") {
			continue
		}
		if at := strings.IndexByte(s, '@'); at > 0 && !strings.Contains(s, "://") && !strings.Contains(s[:at], " ") { // poetry add name@^1
			s = s[:at] + " @ " + s[at+1:]
		}
		if r, ok := parseRequirement(s); ok {
			if r.marked {
				st = weaker(st, fact.Optional)
			}
			i.take(pypi, r.full(), r.version, w, st)
		}
	}
}

// conda reads conda, mamba and pixi.
func (i *installer) conda(tool string, args []shellWord) {
	w := parse(args, "-n --name -p --prefix -c --channel --file -f --solver --platform --subdir --feature --environment --manifest-path --repodata-fn --revision")
	if len(w.names) < 2 {
		return
	}
	verb := w.names[0].text
	if tool == "pixi" && verb == "add" && w.has("--pypi") {
		i.requirements(w.names[1:], fact.Direct)
		return
	}
	names := w.names[1:]
	if verb == "global" && len(names) > 0 {
		verb, names = names[0].text, names[1:]
	}
	if verb != "install" && verb != "create" && verb != "add" && verb != "update" {
		return
	}
	inner := &file{}
	for _, n := range names {
		inner.condaSpec(n.text, n.line, fact.Direct)
	}
	for _, p := range inner.facts {
		p.Standing = weaker(p.Standing, i.forced)
		i.add(p)
	}
}

const npmValued = "--registry --prefix --workspace -w --filter --cwd --tag --cache -C --dir --package -p --call -c --loglevel --userconfig --otp --backend"

// node reads the installers of npm's packages and those that run one at once.
func (i *installer) node(tool string, args []shellWord) {
	valued := npmValued
	if tool == "yarn" || tool == "bun" || tool == "pnpm" {
		valued = strings.Replace(valued, " -p ", " ", 1)
	}
	w := parse(args, valued)
	if tool == "npx" || tool == "bunx" || tool == "pnpx" {
		i.once(w)
		return
	}
	if len(w.names) == 0 {
		return
	}
	verb, names := w.names[0].text, w.names[1:]
	if (verb == "global" || verb == "workspace") && len(names) > 1 {
		if verb == "workspace" {
			names = names[1:]
		}
		verb, names = names[0].text, names[1:]
	}
	st := fact.Direct
	switch {
	case w.has("-D", "--save-dev", "--dev", "-d"):
		st = fact.Development
	case w.has("-O", "--save-optional", "--optional", "--save-peer", "--peer", "-P") && tool != "npm" || w.has("-O", "--save-optional", "--save-peer"):
		st = fact.Optional
	}
	switch verb {
	case "install", "i", "add", "in", "ins", "isntall":
		if tool == "yarn" && verb != "add" || tool == "deno" && verb == "i" {
			return
		}
		for _, n := range names {
			i.npmWord(n, st)
		}
	case "dlx", "x", "exec":
		w.names = names
		i.once(w)
	case "run", "serve":
		if tool == "deno" {
			for _, n := range names {
				inner := &file{}
				inner.specifier(n.text, n.line, fact.Direct)
				for _, p := range inner.facts {
					i.take(p.Group, p.Name, p.Version, n, p.Standing)
				}
			}
		}
	}
}

// once reads a command that fetches a package and runs it.
func (i *installer) once(w wants) {
	named := false
	for _, o := range []string{"-p", "--package"} {
		if p, ok := w.options[o]; ok && p.text != "" {
			i.npmWord(p, fact.Direct)
			named = true
		}
	}
	if !named && len(w.names) > 0 {
		i.npmWord(w.names[0], fact.Direct)
	}
}

func (i *installer) npmWord(w shellWord, st fact.Standing) {
	name, spec := cutSpec(w.text)
	if strings.HasPrefix(w.text, "npm:") || strings.HasPrefix(w.text, "jsr:") {
		name, spec = "", w.text
	}
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.Contains(name, "://") || strings.HasSuffix(name, ".tgz") ||
		strings.Contains(name, "/") && !strings.HasPrefix(name, "@") {
		return
	}
	if group, real, version, ok := npmTarget(name, spec); ok {
		i.take(group, real, version, w, st)
	} else if spec == "" && name != "" {
		i.take(npm, name, "", w, st)
	}
}

// golang reads go install, go get and go run of a module.
func (i *installer) golang(_ string, args []shellWord) {
	w := parse(args, "-tags -ldflags -o -mod -C -modfile -gcflags")
	if len(w.names) < 2 {
		return
	}
	verb := w.names[0].text
	for _, n := range w.names[1:] {
		p, version := splitVersion(n.text)
		if verb != "install" && verb != "get" && (verb != "run" || version == "") {
			return
		}
		p, _, _ = strings.Cut(p, "/cmd/")
		p = strings.TrimSuffix(strings.TrimSuffix(p, "/..."), "/cmd")
		if host, _, ok := strings.Cut(p, "/"); ok && strings.Contains(host, ".") && !strings.HasPrefix(host, ".") {
			i.take(golang, p, version, n, fact.Direct)
		}
		if verb == "run" {
			return
		}
	}
}

func (i *installer) cargo(tool string, args []shellWord) {
	w := parse(args, "--version --vers -F --features --git --branch --tag --rev --path --root --rename --target --manifest-path -p --package --registry --index -j --jobs --profile --bin")
	names := w.names
	verb := "install"
	if tool == "cargo" {
		if len(names) == 0 {
			return
		}
		verb, names = names[0].text, names[1:]
	}
	if verb != "add" && verb != "install" && verb != "binstall" || w.has("--path") {
		return
	}
	st := fact.Direct
	switch {
	case w.has("--dev", "--build"):
		st = fact.Development
	case w.has("--optional"):
		st = fact.Optional
	}
	for _, n := range names {
		name, version := splitVersion(n.text)
		if v, ok := w.options["--version"]; ok && version == "" {
			version = v.text
		}
		i.take(cargo, name, version, n, st)
	}
}

func (i *installer) ruby(tool string, args []shellWord) {
	w := parse(args, "-v --version --source -s --group -g --git --branch --platform -i --install-dir -n --bindir --path")
	if len(w.names) < 2 || tool == "gem" && w.names[0].text != "install" && w.names[0].text != "i" || tool == "bundle" && w.names[0].text != "add" || w.has("--path") {
		return
	}
	st := fact.Direct
	if g, ok := w.options["--group"]; ok {
		st = groupStanding(g.text, fact.Direct)
	}
	version := w.options["-v"].text + w.options["--version"].text
	for _, n := range w.names[1:] {
		name, v, _ := strings.Cut(n.text, ":")
		if !strings.HasSuffix(name, ".gem") {
			i.take(gem, name, version+v, n, st)
		}
	}
}

// dotnet reads dotnet add package, dotnet tool install and their like.
func (i *installer) dotnet(tool string, args []shellWord) {
	w := parse(args, "-v --version -s --source -f --framework --project --tool-path --tool-manifest -Version -Source -OutputDirectory -ProjectName -o --add-source")
	names := w.names
	at := -1
	for j, n := range names {
		switch {
		case n.text == "package" && j > 0 && j+1 < len(names), n.text == "install" && j+1 < len(names) && (tool == "nuget" || j > 0 && names[j-1].text == "tool"):
			at = j + 1
		case n.text == "add" && j > 0 && names[j-1].text == "package" && j+1 < len(names):
			at = j + 1
		}
	}
	if tool == "Install-Package" {
		at = 0
	}
	if at < 0 || at >= len(names) || len(names) > 0 && (names[0].text == "remove" || names[0].text == "list") {
		return
	}
	name, version := splitVersion(names[at].text)
	for _, o := range []string{"-v", "--version", "-Version"} {
		if v, ok := w.options[o]; ok && version == "" {
			version = v.text
		}
	}
	st := fact.Direct
	if at > 1 && names[at-2].text == "tool" {
		st = fact.Development
	}
	i.take(nuget, name, version, names[at], st)
}

func (i *installer) php(_ string, args []shellWord) {
	w := parse(args, "-d --working-dir")
	names := w.names
	if len(names) > 1 && names[0].text == "global" {
		names = names[1:]
	}
	if len(names) < 2 || names[0].text != "require" {
		return
	}
	st := fact.Direct
	if w.has("--dev") {
		st = fact.Development
	}
	for _, n := range names[1:] {
		name, version, _ := strings.Cut(n.text, ":")
		if strings.Contains(name, "/") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") {
			i.take(composer, strings.ToLower(name), version, n, st)
		}
	}
}

func (i *installer) dart(_ string, args []shellWord) {
	w := parse(args, "--git-url --git-ref --git-path --hosted-url --path --sdk -C --directory")
	if len(w.names) < 3 || w.names[0].text != "pub" || w.names[1].text != "add" || w.has("--path", "--sdk") {
		return
	}
	for _, n := range w.names[2:] {
		st := fact.Direct
		if w.has("--dev", "-d") {
			st = fact.Development
		}
		name, version, _ := strings.Cut(n.text, ":")
		if name == "dev" {
			st = fact.Development
			name, version, _ = strings.Cut(version, ":")
		}
		i.take(pub, name, version, n, st)
	}
}

// simple reads tools whose arguments are names.
func (i *installer) simple(tool string, args []shellWord) {
	w := parse(args, "--tree --server --requires --tool-requires -s -o -pr --build --profile --triplet --local-lib --mirror -l -L --from")
	names := w.names
	switch tool {
	case "conan":
		for o, st := range map[string]fact.Standing{"--requires": fact.Direct, "--tool-requires": fact.Development} {
			if r, ok := w.options[o]; ok {
				if m := conanRef.FindStringSubmatch(r.text); m != nil {
					i.take(conan, m[1], strings.Trim(m[2], "[]"), r, st)
				}
			}
		}
		return
	case "luarocks", "vcpkg":
		if len(names) == 0 || names[0].text != "install" {
			return
		}
		names = names[1:]
		if tool == "luarocks" {
			if len(names) > 0 {
				version := ""
				if len(names) > 1 {
					version = names[1].text
				}
				i.take(luarocks, names[0].text, version, names[0], fact.Direct)
			}
			return
		}
	}
	for _, n := range names {
		name, version := splitVersion(n.text)
		group := cpan
		if tool == "vcpkg" {
			group = vcpkg
			name, _, _ = strings.Cut(name, ":")
			name, _, _ = strings.Cut(name, "[")
		} else if strings.ContainsAny(name, "/~") || strings.HasPrefix(name, ".") {
			continue
		}
		i.take(group, name, version, n, fact.Direct)
	}
}
