package manifest

import (
	"path"
	"regexp"
	"strings"
)

// byName is the formats of files whose whole name tells them, in lower case.
var byName = map[string]*format{
	"pyproject.toml":          {name: "pyproject", read: pyproject},
	"setup.py":                {name: "setup.py", read: setupPy, code: true},
	"setup.cfg":               {name: "setup.cfg", read: setupCfg},
	"pipfile":                 {name: "pipfile", read: pipfile},
	"pipfile.lock":            {name: "pipfile-lock", read: pipfileLock},
	"poetry.lock":             {name: "poetry-lock", read: poetryLock},
	"uv.lock":                 {name: "uv-lock", read: uvLock},
	"pdm.lock":                {name: "pdm-lock", read: pdmLock},
	".pre-commit-config.yaml": {name: "pre-commit", read: preCommit},
	".pre-commit-config.yml":  {name: "pre-commit", read: preCommit},
	"tox.ini":                 {name: "tox", read: tox},
	"pylock.toml":             {name: "pylock", read: pylock},
	"meta.yaml":               {name: "conda-recipe", read: condaRecipe},
	"recipe.yaml":             {name: "conda-recipe", read: condaRecipe},
	"conda-lock.yml":          {name: "conda-lock", read: condaLock},
	"conda-lock.yaml":         {name: "conda-lock", read: condaLock},
	"pixi.toml":               {name: "pixi", read: pixiToml},
	"pixi.lock":               {name: "pixi-lock", read: pixiLock},

	"package.json":        {name: "package.json", read: packageJSON},
	"package-lock.json":   {name: "package-lock", read: packageLock},
	"npm-shrinkwrap.json": {name: "package-lock", read: packageLock},
	".package-lock.json":  {name: "package-lock", read: packageLock},
	"yarn.lock":           {name: "yarn-lock", read: yarnLock},
	".yarnrc.yml":         {name: "yarnrc", read: yarnrc},
	"pnpm-lock.yaml":      {name: "pnpm-lock", read: pnpmLock},
	"pnpm-workspace.yaml": {name: "pnpm-workspace", read: pnpmWorkspace},
	"bun.lock":            {name: "bun-lock", read: bunLock},
	"deno.json":           {name: "deno", read: denoJSON},
	"deno.jsonc":          {name: "deno", read: denoJSON},
	"jsr.json":            {name: "deno", read: denoJSON},
	"jsr.jsonc":           {name: "deno", read: denoJSON},
	"deno.lock":           {name: "deno-lock", read: denoLock},
	"import_map.json":     {name: "import-map", read: denoJSON},
	"importmap.json":      {name: "import-map", read: denoJSON},
	"import-map.json":     {name: "import-map", read: denoJSON},

	"go.mod":     {name: "go.mod", read: goMod},
	"go.work":    {name: "go.work", read: goWork},
	"go.sum":     {name: "go.sum", read: goSum},
	"gopkg.toml": {name: "gopkg", read: gopkgToml},
	"gopkg.lock": {name: "gopkg-lock", read: gopkgLock},
	"glide.yaml": {name: "glide", read: glide},

	"pom.xml":                     {name: "pom", read: pom},
	"ivy.xml":                     {name: "ivy", read: ivy},
	"gradle.lockfile":             {name: "gradle-lock", read: gradleLock},
	"buildscript-gradle.lockfile": {name: "gradle-lock", read: gradleLock},
	"settings-gradle.lockfile":    {name: "gradle-lock", read: gradleLock},
	"build.sc":                    {name: "mill", read: sbt, code: true},
	"build.mill":                  {name: "mill", read: sbt, code: true},
	"module.bazel":                {name: "bazel", read: bazel, code: true},
	"workspace":                   {name: "bazel", read: bazel, code: true},
	"workspace.bazel":             {name: "bazel", read: bazel, code: true},
	"build":                       {name: "bazel", read: bazel, code: true},
	"build.bazel":                 {name: "bazel", read: bazel, code: true},
	"maven_install.json":          {name: "maven-install", read: mavenInstall},
	"project.clj":                 {name: "leiningen", read: leiningen, code: true},
	"deps.edn":                    {name: "deps.edn", read: depsEdn, code: true},
	"packages.config":             {name: "packages.config", read: packagesConfig},
	"packages.lock.json":          {name: "nuget-lock", read: nugetLock},
	"project.assets.json":         {name: "nuget-assets", read: nugetAssets},
	"dotnet-tools.json":           {name: "dotnet-tools", read: dotnetTools},
	"paket.dependencies":          {name: "paket", read: paket},
	"paket.references":            {name: "paket", read: paket},
	"paket.lock":                  {name: "paket-lock", read: paketLock},
	"gemfile":                     {name: "gemfile", read: gemfile, code: true},
	"gems.rb":                     {name: "gemfile", read: gemfile, code: true},
	"gemfile.lock":                {name: "gemfile-lock", read: gemfileLock},
	"gems.locked":                 {name: "gemfile-lock", read: gemfileLock},
	"cargo.toml":                  {name: "cargo", read: cargoToml},
	"cargo.lock":                  {name: "cargo-lock", read: cargoLock},
	"composer.json":               {name: "composer", read: composerJSON},
	"composer.lock":               {name: "composer-lock", read: composerLock},
	"mix.exs":                     {name: "mix", read: mixExs, code: true},
	"mix.lock":                    {name: "mix-lock", read: mixLock, code: true},
	"gleam.toml":                  {name: "gleam", read: gleam},
	"pubspec.yaml":                {name: "pubspec", read: pubspec},
	"pubspec_overrides.yaml":      {name: "pubspec", read: pubspec},
	"pubspec.lock":                {name: "pubspec-lock", read: pubspecLock},
	"package.swift":               {name: "package.swift", read: packageSwift, code: true},
	"package.resolved":            {name: "package-resolved", read: packageResolved},
	"podfile":                     {name: "podfile", read: podfile, code: true},
	"podfile.lock":                {name: "podfile-lock", read: podfileLock},
	"cartfile":                    {name: "cartfile", read: cartfile},
	"cartfile.private":            {name: "cartfile", read: cartfile},
	"cartfile.resolved":           {name: "cartfile", read: cartfile},
	"description":                 {name: "r-description", read: rDescription},
	"renv.lock":                   {name: "renv-lock", read: renvLock},
	"packrat.lock":                {name: "packrat-lock", read: packratLock},
	"project.toml":                {name: "julia-project", read: juliaProject},
	"juliaproject.toml":           {name: "julia-project", read: juliaProject},
	"manifest.toml":               {name: "julia-manifest", read: juliaManifest},
	"juliamanifest.toml":          {name: "julia-manifest", read: juliaManifest},
	"package.yaml":                {name: "hpack", read: hpack},
	"stack.yaml":                  {name: "stack", read: stack},
	"stack.yaml.lock":             {name: "stack-lock", read: stackLock},
	"cabal.project.freeze":        {name: "cabal-freeze", read: cabalFreeze},
	"conanfile.txt":               {name: "conanfile.txt", read: conanTxt},
	"conanfile.py":                {name: "conanfile.py", read: conanPy, code: true},
	"conan.lock":                  {name: "conan-lock", read: conanLock},
	"vcpkg.json":                  {name: "vcpkg", read: vcpkgJSON},
	"cpanfile":                    {name: "cpanfile", read: cpanfile, code: true},
}

// byEnding is the formats of files whose name ends so, in lower case.
var byEnding = []struct {
	ending string
	format *format
}{
	{".versions.toml", &format{name: "version-catalog", read: versionCatalog}},
	{".gradle", &format{name: "gradle", read: gradle, code: true}},
	{".gradle.kts", &format{name: "gradle", read: gradle, code: true}},
	{".sbt", &format{name: "sbt", read: sbt, code: true}},
	{".csproj", &format{name: "msbuild", read: msbuild}},
	{".fsproj", &format{name: "msbuild", read: msbuild}},
	{".vbproj", &format{name: "msbuild", read: msbuild}},
	{".props", &format{name: "msbuild", read: msbuild}},
	{".targets", &format{name: "msbuild", read: msbuild}},
	{".nuspec", &format{name: "nuspec", read: nuspec}},
	{".gemspec", &format{name: "gemspec", read: gemspec, code: true}},
	{".podspec", &format{name: "podspec", read: podspec, code: true}},
	{".cabal", &format{name: "cabal", read: cabal}},
	{".rockspec", &format{name: "rockspec", read: rockspec, code: true}},
	{".importmap", &format{name: "import-map", read: denoJSON}},
	{"_maven_install.json", &format{name: "maven-install", read: mavenInstall}},
	{".pom", &format{name: "pom", read: pom}},
}

var (
	requirementsFormat = &format{name: "requirements", read: requirements}
	condaEnvFormat     = &format{name: "conda-environment", read: condaEnv}
	buildSrcFormat     = &format{name: "buildsrc", read: buildSrc, code: true}
	sbtFormat          = &format{name: "sbt", read: sbt, code: true}
	pylockFormat       = &format{name: "pylock", read: pylock}
	vendorFormat       = &format{name: "go-vendor", read: goVendor}
)

var (
	requirementsName = regexp.MustCompile(`^(?:.*[-_.])?(?:requirements?|constraints?|reqs)(?:[-_.].*)?\.(?:txt|in|pip)$|^(?:dev|test|docs|ci)[-_]?deps\.txt$`)
	requirementsDir  = regexp.MustCompile(`(?:^|/)(?:requirements|reqs|constraints)/(?:[^/]+/)?[^/]+\.(?:txt|in)$`)
	condaName        = regexp.MustCompile(`^(?:.*[-_.])?(?:environment|conda|conda[-_]?env|env)(?:[-_.].*)?\.ya?ml$`)
	pylockName       = regexp.MustCompile(`^pylock\..+\.toml$`)
)

// isTemplate reports whether a file is by its ending one that a template fills in.
func isTemplate(p string) bool {
	switch path.Ext(p) {
	case ".j2", ".jinja", ".jinja2", ".tmpl", ".tpl", ".template", ".erb", ".ejs", ".hbs", ".mustache", ".twig":
		return true
	}
	return false
}

// formatOf is the format of a file by its path; a template has that of what it makes.
func formatOf(p string) *format {
	if isTemplate(p) {
		p = strings.TrimSuffix(p, path.Ext(p))
	}
	base := strings.ToLower(path.Base(p))
	if f, ok := byName[base]; ok {
		return f
	}
	for _, e := range byEnding {
		if strings.HasSuffix(base, e.ending) {
			return e.format
		}
	}
	lower := strings.ToLower(p)
	switch path.Ext(base) {
	case ".txt", ".in", ".pip":
		if requirementsName.MatchString(base) || requirementsDir.MatchString(lower) {
			return requirementsFormat
		}
		if base == "modules.txt" && (strings.HasSuffix(lower, "/vendor/modules.txt") || lower == "vendor/modules.txt") {
			return vendorFormat
		}
	case ".yml", ".yaml":
		if condaName.MatchString(base) {
			return condaEnvFormat
		}
	case ".toml":
		if pylockName.MatchString(base) {
			return pylockFormat
		}
	case ".kt", ".java", ".groovy":
		if strings.Contains("/"+lower, "/buildsrc/") {
			return buildSrcFormat
		}
	case ".scala":
		if d := "/" + path.Dir(lower); strings.HasSuffix(d, "/project") {
			return sbtFormat
		}
	}
	return nil
}
