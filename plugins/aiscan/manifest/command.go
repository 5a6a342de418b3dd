package manifest

import (
	"path"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// command implements Command.
func command(shell string, line int) []fact.Fact {
	f := &file{format: "command"}
	f.script(shell, line, 0)
	facts, _ := f.result() // only a bound could be passed, and the script has one
	return facts
}

func (f *file) script(shell string, line, depth int) {
	for _, c := range shellCommands(shell, line) {
		i := &installer{file: f, depth: depth}
		if c.remark {
			i.forced = fact.Commented
		}
		i.run(c.words)
	}
}

// installer reads one command.
type installer struct {
	*file
	forced fact.Standing // of whatever is found, if not direct
	depth  int
}

// take takes a package that a command names.
func (i *installer) take(group, name, version string, w shellWord, st fact.Standing) {
	i.pkg(group, name, version, w.line, weaker(st, i.forced))
}

// wrappers are words before a command that do not change it.
var wrappers = map[string]bool{"sudo": true, "env": true, "time": true, "exec": true, "command": true, "then": true, "do": true,
	"else": true, "if": true, "while": true, "until": true, "run": true, "RUN": true, "CMD": true, "ENTRYPOINT": true, "nice": true,
	"nohup": true, "xargs": true, "!": true, "{": true, "$": true, ">": true, "-": true, "call": true, "corepack": true, "winpty": true, "timeout": true, "eatmydata": true}

var assignment = regexp.MustCompile(`^[A-Za-z_]\w*=`)
var python = regexp.MustCompile(`^(?:python|py|pypy)[\d.]*(?:\.exe)?$`)
var pip = regexp.MustCompile(`^(?:pip|pip[\d.]+)(?:\.exe)?$`)

// unwrap takes off what stands before a command.
func unwrap(words []shellWord) []shellWord {
	wrapped := false
	for len(words) > 0 {
		if wrapped && strings.HasPrefix(words[0].text, "-") { // an option of what stands before
			words = words[1:]
			continue
		}
		w := strings.TrimLeft(words[0].text, "!%@-+")
		switch {
		case w == "":
			words = words[1:]
		case wrappers[w] || assignment.MatchString(w) || strings.HasPrefix(words[0].text, "--"):
			words, wrapped = words[1:], true
		case w == string(blank):
			words = words[1:]
		case w[0] >= '0' && w[0] <= '9' && strings.Trim(w, "0123456789smh") == "": // of timeout
			words = words[1:]
		default:
			out := append([]shellWord{{w, words[0].line}}, words[1:]...)
			return out
		}
	}
	return nil
}

func (i *installer) run(words []shellWord) {
	words = unwrap(words)
	if len(words) < 2 {
		return
	}
	name := path.Base(strings.ReplaceAll(words[0].text, `\`, "/"))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".exe"), ".cmd")
	args := words[1:]
	switch {
	case python.MatchString(name):
		if j := indexWord(args, "-m"); j >= 0 && j+1 < len(args) {
			i.run(args[j+1:])
		}
	case pip.MatchString(name):
		i.python("pip", args)
	case name == "sh" || name == "bash" || name == "zsh" || name == "ash" || name == "dash" || name == "powershell" || name == "pwsh":
		i.shell(args)
	case name == "Rscript" || name == "R" || name == "julia":
		i.expression(args)
	default:
		if read, ok := installers[name]; ok {
			read(i, name, args)
		}
	}
}

func indexWord(words []shellWord, s string) int {
	for j, w := range words {
		if w.text == s {
			return j
		}
	}
	return -1
}

// shell reads bash -c "command".
func (i *installer) shell(args []shellWord) {
	for j, a := range args {
		if strings.HasPrefix(a.text, "-") && (strings.HasSuffix(a.text, "c") || strings.EqualFold(a.text, "-command")) && j+1 < len(args) && i.depth < 3 {
			inner := &file{format: i.format}
			inner.script(args[j+1].text, args[j+1].line, i.depth+1)
			for _, p := range inner.facts {
				p.Standing = weaker(p.Standing, i.forced)
				i.add(p)
			}
			return
		}
	}
}

var rInstall = regexp.MustCompile(`(?:install\.packages|pak::pkg_install|pak::pak|renv::install|p_load|install_version|install_cran)\(([^;]*)`)
var juliaAdd = regexp.MustCompile(`Pkg\.add\(([^;]*?)\)`)
var quotedName = regexp.MustCompile(`["']([A-Za-z][A-Za-z0-9.]*)["']`)

// expression reads what is given to an interpreter on its command line.
func (i *installer) expression(args []shellWord) {
	for _, a := range args {
		for _, m := range rInstall.FindAllStringSubmatch(a.text, 20) {
			inside, _, _ := strings.Cut(m[1], "repos")
			for _, q := range quotedName.FindAllStringSubmatch(inside, 200) {
				i.take(cran, q[1], "", a, fact.Direct)
			}
		}
		for _, m := range juliaAdd.FindAllStringSubmatch(a.text, 20) {
			for _, q := range quotedName.FindAllStringSubmatch(m[1], 200) {
				i.take(julia, q[1], "", a, fact.Direct)
			}
		}
	}
}

// wants is what a command line asks for: words that are no options.
type wants struct {
	names   []shellWord
	options map[string]shellWord // by name, with their values
}

// has reports whether an option of any of the names was given.
func (w wants) has(names ...string) bool {
	for _, n := range names {
		if _, ok := w.options[n]; ok {
			return true
		}
	}
	return false
}

// parse splits arguments. valued names the options that take the next word.
func parse(args []shellWord, valued string) wants {
	w := wants{options: map[string]shellWord{}}
	takes := " " + valued + " "
	for j := 0; j < len(args); j++ {
		a := args[j]
		if !strings.HasPrefix(a.text, "-") || a.text == "-" {
			w.names = append(w.names, a)
			continue
		}
		if a.text == "--" {
			w.names = append(w.names, args[j+1:]...)
			break
		}
		name, value, ok := strings.Cut(a.text, "=")
		switch {
		case ok:
			w.options[name] = shellWord{value, a.line}
		case strings.Contains(takes, " "+name+" ") && j+1 < len(args):
			j++
			w.options[name] = args[j]
		default:
			w.options[name] = shellWord{"", a.line}
		}
	}
	return w
}
