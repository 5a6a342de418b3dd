package source

import (
	"bytes"
	"path"
	"strings"
)

// Language is how a language is written, as far as that is looked at.
type Language struct {
	Name     string // group of its facts: py js go java cs rb rs php …
	line     []string
	block    [][2]string
	nested   bool // block comments stand in one another
	quotes   []quote
	imports  func(*text)
	regexps  bool // has literals between slashes
	shell    bool // words are values
	settings bool // keys and values, no program
	hash     bool // a comment's # begins a word
}

// quote is one way to write a string. Longer beginnings stand first.
type quote struct {
	open, shut string
	escape     byte // 0: none
	lines      bool // goes over several lines
}

var (
	doubleQuote = quote{`"`, `"`, '\\', false}
	singleQuote = quote{`'`, `'`, '\\', false}
	backtick    = quote{"`", "`", '\\', true}
	rawBacktick = quote{"`", "`", 0, true}
	tripleQuote = quote{`"""`, `"""`, '\\', true}
	tripleTick  = quote{`'''`, `'''`, '\\', true}
	wideDouble  = quote{`"`, `"`, '\\', true}
	wideSingle  = quote{`'`, `'`, '\\', true}
)

var (
	slashes   = []string{"//"}
	hashes    = []string{"#"}
	starred   = [][2]string{{"/*", "*/"}}
	ccomments = func(l Language) *Language { l.line, l.block = slashes, starred; return &l }
)

// The languages. They are values that nobody changes.
var (
	python = &Language{Name: "py", line: hashes, quotes: []quote{tripleQuote, tripleTick, doubleQuote, singleQuote}, imports: importsPython}
	script = ccomments(Language{Name: "js", quotes: []quote{backtick, doubleQuote, singleQuote}, imports: importsScript, regexps: true})
	markup = ccomments(Language{Name: "js", quotes: []quote{backtick, doubleQuote, singleQuote}, imports: importsScript, regexps: true})
	golang = ccomments(Language{Name: "go", quotes: []quote{rawBacktick, doubleQuote, singleQuote}, imports: importsGo})
	java   = ccomments(Language{Name: "java", quotes: []quote{tripleQuote, doubleQuote, singleQuote}, imports: importsDotted("import")})
	groovy = ccomments(Language{Name: "java", quotes: []quote{tripleQuote, tripleTick, doubleQuote, singleQuote}, imports: importsDotted("import")})
	csharp = ccomments(Language{Name: "cs", quotes: []quote{tripleQuote, {`@"`, `"`, 0, true}, {`$@"`, `"`, 0, true}, doubleQuote, singleQuote}, imports: importsDotted("using", "open")})
	fsharp = &Language{Name: "cs", line: slashes, block: [][2]string{{"(*", "*)"}}, quotes: []quote{tripleQuote, doubleQuote}, imports: importsDotted("open")}
	vbnet  = &Language{Name: "cs", line: []string{"'"}, quotes: []quote{{`"`, `"`, 0, false}}, imports: importsDotted("Imports")}
	ruby   = &Language{Name: "rb", line: hashes, block: [][2]string{{"\n=begin", "\n=end"}}, quotes: []quote{wideDouble, wideSingle}, imports: importsRuby, hash: true, regexps: true}
	eruby  = &Language{Name: "rb", line: hashes, quotes: []quote{wideDouble, wideSingle}, imports: importsRuby, hash: true}
	rust   = ccomments(Language{Name: "rs", nested: true, quotes: []quote{{`r##"`, `"##`, 0, true}, {`r#"`, `"#`, 0, true}, {`r"`, `"`, 0, true}, wideDouble}, imports: importsRust})
	php    = &Language{Name: "php", line: []string{"//", "#"}, block: starred, quotes: []quote{wideDouble, wideSingle}, imports: importsPHP}
	swift  = ccomments(Language{Name: "swift", nested: true, quotes: []quote{tripleQuote, doubleQuote}, imports: importsDotted("import")})
	dart   = ccomments(Language{Name: "dart", nested: true, quotes: []quote{tripleQuote, tripleTick, doubleQuote, singleQuote}, imports: importsDart})
	elixir = &Language{Name: "ex", line: hashes, quotes: []quote{tripleQuote, tripleTick, doubleQuote, singleQuote}, imports: importsDotted("alias", "import", "use", "require")}
	rlang  = &Language{Name: "r", line: hashes, quotes: []quote{wideDouble, wideSingle}, imports: importsR}
	julia  = &Language{Name: "jl", line: hashes, block: [][2]string{{"#=", "=#"}}, quotes: []quote{tripleQuote, doubleQuote}, imports: importsDotted("using", "import")}
	clang  = ccomments(Language{Name: "cpp", quotes: []quote{doubleQuote, singleQuote}, imports: importsC})
	shell  = &Language{Name: "sh", line: hashes, quotes: []quote{wideDouble, {`'`, `'`, 0, true}}, shell: true, hash: true}
	power  = &Language{Name: "ps1", line: hashes, block: [][2]string{{"<#", "#>"}}, quotes: []quote{{`"`, `"`, '`', true}, {`'`, `'`, 0, true}}, shell: true, hash: true}
	lua    = &Language{Name: "lua", line: []string{"--"}, block: [][2]string{{"--[[", "]]"}}, quotes: []quote{doubleQuote, singleQuote, {"[[", "]]", 0, true}}, imports: importsLua}
	perl   = &Language{Name: "pl", line: hashes, block: [][2]string{{"\n=pod", "\n=cut"}, {"\n=head", "\n=cut"}}, quotes: []quote{wideDouble, wideSingle}, imports: importsPerl, hash: true, regexps: true}
	sql    = &Language{Name: "sql", line: []string{"--"}, block: starred, quotes: []quote{{`'`, `'`, 0, true}, {`"`, `"`, 0, true}, {"$$", "$$", 0, true}}}
	haskel = &Language{Name: "hs", line: []string{"--"}, block: [][2]string{{"{-", "-}"}}, quotes: []quote{doubleQuote}, imports: importsDotted("import")}
	clojur = &Language{Name: "clj", line: []string{";"}, quotes: []quote{wideDouble}, imports: importsClojure}
	erlang = &Language{Name: "erl", line: []string{"%"}, quotes: []quote{wideDouble}}

	hashed = &Language{Name: "conf", line: []string{"#", ";"}, settings: true, hash: true}
	jsonic = &Language{Name: "json", line: slashes, block: starred, settings: true, quotes: []quote{doubleQuote}}
	tagged = &Language{Name: "xml", block: [][2]string{{"<!--", "-->"}}, settings: true}
)

var byExtension = map[string]*Language{
	".py": python, ".pyi": python, ".pyw": python, ".pyx": python, ".bzl": python, ".star": python,
	".js": script, ".jsx": script, ".mjs": script, ".cjs": script, ".ts": script, ".tsx": script, ".mts": script, ".cts": script,
	".vue": markup, ".svelte": markup, ".astro": markup, ".html": markup, ".htm": markup, ".ejs": markup, ".hbs": markup, ".jsp": markup, ".jspx": markup, ".aspx": markup, ".gs": script,
	".go": golang, ".java": java, ".kt": java, ".kts": java, ".scala": java, ".sc": java, ".groovy": groovy, ".gvy": groovy,
	".cs": csharp, ".cshtml": csharp, ".razor": csharp, ".csx": csharp, ".fs": fsharp, ".fsx": fsharp, ".vb": vbnet,
	".rb": ruby, ".rake": ruby, ".erb": eruby, ".rs": rust, ".php": php, ".phtml": php, ".swift": swift, ".dart": dart,
	".ex": elixir, ".exs": elixir, ".heex": elixir, ".r": rlang, ".rmd": rlang, ".qmd": rlang, ".jl": julia,
	".c": clang, ".h": clang, ".cc": clang, ".cpp": clang, ".cxx": clang, ".hpp": clang, ".hh": clang, ".m": clang, ".mm": clang, ".cu": clang,
	".sh": shell, ".bash": shell, ".zsh": shell, ".ksh": shell, ".fish": shell, ".ps1": power, ".psm1": power, ".bat": shell, ".cmd": shell,
	".lua": lua, ".pl": perl, ".pm": perl, ".sql": sql, ".hs": haskel, ".clj": clojur, ".cljs": clojur, ".cljc": clojur, ".edn": clojur, ".erl": erlang, ".hrl": erlang,
	".yaml": hashed, ".yml": hashed, ".toml": hashed, ".ini": hashed, ".cfg": hashed, ".conf": hashed, ".properties": hashed, ".env": hashed, ".hcl": hashed,
	".json": jsonic, ".jsonc": jsonic, ".json5": jsonic, ".xml": tagged, ".config": tagged, ".plist": tagged,
}

var byInterpreter = map[string]*Language{
	"python": python, "node": script, "deno": script, "bun": script, "ruby": ruby, "php": php, "perl": perl, "lua": lua, "Rscript": rlang, "julia": julia,
	"sh": shell, "bash": shell, "zsh": shell, "dash": shell, "ksh": shell, "fish": shell, "pwsh": power, "elixir": elixir, "groovy": groovy, "swift": swift, "ts-node": script, "tsx": script,
}

// For returns the language of a file by its name, nil if it has none that is
// read: prose, data, something binary.
func For(name string) *Language {
	base := path.Base(name)
	ext := strings.ToLower(path.Ext(base))
	if l := byExtension[ext]; l != nil {
		return l
	}
	switch base {
	case "Rakefile", "Gemfile", "Podfile", "Fastfile", "Vagrantfile":
		return ruby
	case "Jenkinsfile":
		return groovy
	case "Makefile", "makefile", "GNUmakefile", "justfile", "Justfile":
		return shell
	case "SConstruct", "SConscript", "BUILD", "WORKSPACE", "Tiltfile", "wscript":
		return python
	}
	return nil
}

// ByGroup returns the language whose facts are of a group, nil if there is none.
func ByGroup(group string) *Language {
	switch group {
	case "py":
		return python
	case "js", "ts":
		return script
	case "go":
		return golang
	case "java", "kt", "scala", "kotlin":
		return java
	case "cs":
		return csharp
	case "fs":
		return fsharp
	case "rb":
		return ruby
	case "rs":
		return rust
	case "php":
		return php
	case "r":
		return rlang
	case "jl", "julia":
		return julia
	case "sh":
		return shell
	case "ps1":
		return power
	case "sql":
		return sql
	case "ex":
		return elixir
	case "cpp", "c":
		return clang
	case "lua":
		return lua
	default:
		return nil
	}
}

// Settings reports whether the language is one of keys and values.
func (l *Language) Settings() bool { return l.settings }

// Shell reports whether the language gives commands.
func (l *Language) Shell() bool { return l.shell }

// ByShebang returns the language that the first line of a program without an
// extension names, nil if it names none.
func ByShebang(head []byte) *Language {
	line, _, _ := bytes.Cut(head[:min(len(head), 200)], []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	if !ok {
		return nil
	}
	for _, word := range strings.Fields(string(rest)) {
		name := path.Base(word)
		if name == "env" || strings.HasPrefix(name, "-") {
			continue
		}
		if l := byInterpreter[name]; l != nil {
			return l
		}
		return byInterpreter[strings.TrimRight(name, "0123456789.")]
	}
	return nil
}
