package aiscan

import (
	"bytes"
	"errors"
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/infra"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/manifest"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/source"
)

// worker reads files, one after the other, with a buffer of its own.
type worker struct {
	scan *scan
	buf  []byte
	dir  string // of the file before
	near bool   // whether one of its folders may have a signature
}

// content is what was found in one content, whatever its path: what a Cache
// keeps.
type content struct {
	Size    int64    `json:"n,omitempty"`
	Hits    []hit    `json:"h,omitempty"`
	Secrets []Secret `json:"s,omitempty"`
	Models  []Model  `json:"m,omitempty"`
	Asset   *Asset   `json:"a,omitempty"`
	Unread  []string `json:"u,omitempty"` // why parts of it were not read
}

// hit is a fact that belongs to a signature.
type hit struct {
	Fact  fact.Fact `json:"f"`
	ID    string    `json:"i,omitempty"` // of the signature
	Field string    `json:"l"`           // of its list
	Weak  bool      `json:"w,omitempty"`
}

// file reads one entry and adds what it holds to a part of the report.
func (w *worker) file(p *part, j job) {
	p.files++
	w.name(p, j.Entry)
	w.own(p, j.Entry)
	var how reading
	cache, key := w.scan.options.Cache, ""
	byStat := strings.HasPrefix(j.ID, statPrefix)
	if !byStat {
		how = readingOf(j.Path)
	}
	if cache != nil && j.ID != "" {
		if byStat { // with the path in the key, how it is read need not be found out
			key = w.scan.rules.prefix + "\x00" + j.Path + "\x00" + j.ID
		} else {
			key = w.scan.rules.key(how, j.Path, j.ID)
		}
		if b, ok := cache.Get(key); ok {
			var c content
			if c.decode(b) == nil {
				p.bytes += c.Size
				p.reused++
				p.take(j.Entry, &c)
				return
			}
		}
	}
	if byStat {
		how = readingOf(j.Path)
	}
	c, err := w.read(how, j)
	if err != nil {
		p.files--
		p.leave(Entry{Path: j.Path, Unread: reason(err), failed: !errors.Is(err, errTooLarge)})
		return
	}
	c.concealed(w.scan.rules.set)
	p.bytes += c.Size
	if key != "" {
		cache.Put(key, c.encode())
	}
	p.take(j.Entry, c)
}

// name asks whose a file is by its path alone.
func (w *worker) name(p *part, e Entry) {
	dir, base := path.Split(e.Path)
	if dir != w.dir || dir == "" {
		w.dir, w.near = dir, w.scan.rules.names.mayBelow(dir)
	}
	if !w.near && !w.scan.rules.names.mayName(base) {
		return
	}
	for _, m := range w.scan.rules.set.File(e.Path) {
		if m.Weak || ambiguous(m.Entry) {
			continue
		}
		f := fact.Fact{Class: fact.File, Name: e.Path}
		p.hits = append(p.hits, found{hit{Fact: f, ID: m.ID, Field: m.Field, Weak: m.IsWeak()}, e.Path, introduced(e)})
	}
}

// ambiguous reports whether an ending is that of other files too, so that only
// the first bytes tell. A notebook is a container of code, which is read.
func ambiguous(entry string) bool {
	switch entry {
	case "*.pkl", "*.h5", "*.pt", "*.pth", "*.joblib", "*.engine", "*.bin", "*.ipynb", "*.keras":
		return true
	}
	return false
}

// look finds what one window of a content holds. line is that before its first.
func (w *worker) look(c *content, how reading, b []byte, line int) {
	if !w.scan.rules.any(b) && !w.scan.rules.begins(b) {
		return
	}
	at := len(c.Hits)
	secrets := len(c.Secrets)
	models := len(c.Models)
	w.scan.rules.secrets(c, b)
	if how.language != nil && how.infra == nil {
		facts := how.language.Read(b, w.scan.rules.hints)
		if how.denies {
			exclude(facts)
		}
		w.scan.rules.match(c, facts)
		c.Hits = append(c.Hits[:at:at], withoutTables(c.Hits[at:])...)
	}
	for i := range c.Hits[at:] {
		c.Hits[at+i].Fact.Line += line
	}
	for i := range c.Secrets[secrets:] {
		c.Secrets[secrets+i].Line += line
	}
	for i := range c.Models[models:] {
		c.Models[models+i].Line += line
	}
}

// whole finds what only the whole of a content tells.
func (w *worker) whole(c *content, how reading, name string, b []byte) {
	if pointer(b) {
		c.Unread = append(c.Unread, elsewhere)
		return
	}
	if how.manifest != nil {
		w.facts(c, name, b, how.manifest)
	}
	if how.infra != nil && w.scan.rules.declared(how.infra.Name(), b) {
		w.facts(c, name, b, how.infra)
	}
	if how.language != nil && !how.language.Settings() {
		facts, err := manifest.Script(name, b)
		w.scan.rules.match(c, facts)
		w.partly(c, err)
	}
	if how.infra == nil && how.language != nil && how.language.Shell() && commands(b) {
		w.scan.rules.match(c, infra.Script(string(b), 1))
	}
	w.chunks(c, name, b)
	if kind := assetKind(name); kind != "" {
		c.Asset = &Asset{SHA256: digest(b), Kind: kind}
	}
}

// commands reports whether a script may install packages, fetch models or start
// what others made.
func commands(b []byte) bool {
	for _, word := range []string{
		"install", " add ", "npx ", "uvx ", "pnpx ", "pipx ", "bunx ", "dlx ", " x ", " exec ", "uv run", "tool run", "go run", "go get", "inject ", "create ", "require ",
		"ollama", "docker ", "podman ", "nerdctl ", "helm ", "hf ", "huggingface-cli", "vllm", "sglang", "lms ", "mlx_lm", "--extension", "aws ", "gcloud ", "az ", "--model", "--image",
	} {
		if bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
}

type reader interface {
	Read(path string, data []byte) ([]fact.Fact, error)
}

func (w *worker) facts(c *content, name string, b []byte, r reader) {
	facts, err := r.Read(name, b)
	w.scan.rules.match(c, facts)
	w.partly(c, err)
}

func (w *worker) partly(c *content, err error) {
	if err != nil {
		c.Unread = append(c.Unread, "read in part: "+reason(err))
	}
}

// chunks reads the code inside a file of another format.
func (w *worker) chunks(c *content, name string, b []byte) {
	chunks, err := infra.Code(name, b)
	w.partly(c, err)
	for _, chunk := range chunks {
		l := source.ByGroup(chunk.Language)
		if l == nil || !w.scan.rules.any([]byte(chunk.Text)) {
			continue
		}
		facts := l.Read([]byte(chunk.Text), w.scan.rules.hints)
		for i := range facts {
			facts[i].Line = chunk.At(facts[i].Line)
		}
		w.scan.rules.match(c, facts)
	}
}

// elsewhere is why the file that a pointer stands for was not read.
const elsewhere = "a pointer to a large file that is kept elsewhere (Git LFS)"

// pointer reports whether a content only says where a large file is.
func pointer(b []byte) bool {
	return len(b) < 1024 && bytes.HasPrefix(b, []byte("version https://git-lfs.github.com/spec/"))
}

// reading is how a file is read: by its path, and by what it begins with.
type reading struct {
	manifest manifest.Reader
	infra    infra.Reader
	language *source.Language
	denies   bool // the file says by its name that it lists what is kept out
	byPath   bool // what is found depends on the whole path, not only on the language
}

func readingOf(name string) reading {
	r := reading{language: source.For(name)}
	if m := manifest.For(name); m != nil {
		r.manifest = m
	}
	r.denies = denies(name)
	r.byPath = r.manifest != nil || r.denies || assetKind(name) != "" || chunked(name) || r.language != nil && r.language.Settings() || infra.For(name, nil) != nil
	return r
}

// denies reports whether a file is by its name a list of what is kept out.
func denies(name string) bool {
	base := strings.ToLower(path.Base(name))
	stem, _, _ := strings.Cut(base, ".")
	for part := range strings.FieldsFuncSeq(stem, func(r rune) bool { return r == '_' || r == '-' }) {
		switch part {
		case "deny", "denylist", "blocklist", "blacklist", "blocked", "forbidden", "banned", "denied":
			return true
		}
	}
	return false
}

// exclude marks what is named in order to keep it out.
func exclude(facts []fact.Fact) {
	for i := range facts {
		if facts[i].Class == fact.Host || facts[i].Class == fact.Env {
			facts[i].Standing = fact.Excluded
		}
	}
}

// chunked reports whether a file may hold code of other languages.
func chunked(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".ipynb", ".zpln", ".rmd", ".qmd", ".livemd", ".rmarkdown", ".md", ".markdown":
		return true
	}
	return false
}

// begin goes on with what a content begins with.
func (r *reading) begin(name string, head []byte) {
	if i := infra.For(name, head); i != nil {
		r.infra = i
		r.byPath = true
	}
	if r.language == nil && path.Ext(name) == "" {
		r.language = source.ByShebang(head)
	}
}
