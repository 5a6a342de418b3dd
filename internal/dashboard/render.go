package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

//go:embed all:templates
var templateFiles embed.FS

// templates are the pages by name. Each is parsed when it is first shown: all of
// them take 6 MB, and nobody looks at all of them.
type templates map[string]func() (*template.Template, error)

// loadTemplates parses the layout, and finds the pages. Files that begin with _
// are parts that every page may use.
func loadTemplates(a *assets) (templates, error) {
	base, err := template.New("base").Funcs(funcs(a)).ParseFS(templateFiles, "templates/_*.tmpl")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/*.tmpl")
	if err != nil {
		return nil, err
	}
	out := templates{}
	for _, name := range names {
		if strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		out[strings.TrimSuffix(path.Base(name), ".tmpl")] = sync.OnceValues(func() (*template.Template, error) { return parsePage(base, name) })
	}
	return out, nil
}

// parsePage parses a page with the layout.
func parsePage(base *template.Template, name string) (*template.Template, error) {
	own, err := base.Clone()
	if err != nil {
		return nil, err
	}
	t, err := own.ParseFS(templateFiles, name)
	if err == nil && t.Lookup("main") == nil {
		err = fmt.Errorf("%s does not define main", name)
	}
	return t, err
}

// page is a page by its name.
func (t templates) page(name string) (*template.Template, error) {
	parse := t[name]
	if parse == nil {
		return nil, fmt.Errorf("there is no template %q", name)
	}
	return parse()
}

// screen is what a template sees: the request, the page, and its data.
type screen struct {
	*call
	Title  string
	Crumbs []crumb
	Data   any
	Shell  shell
}

// show sends a page.
func (d *Dashboard) show(c *call, w http.ResponseWriter, p *page) {
	var out bytes.Buffer
	t, err := d.pages.page(p.template)
	if err == nil {
		err = t.ExecuteTemplate(&out, "layout", screen{call: c, Title: p.title, Crumbs: p.crumbs, Data: p.data, Shell: d.shellOf(c, p)})
	}
	if err != nil {
		d.Logger.Error("a template failed", "template", p.template, "path", c.req.URL.Path, "error", err)
		http.Error(w, "Something went wrong on this side. It is in the log of the agent.", http.StatusInternalServerError)
		return
	}
	body := plain(out.Bytes())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if p.status != 0 {
		w.WriteHeader(p.status)
	}
	_, _ = w.Write(body) // whoever asked may have left
}

// plain writes out what steers or hides text, wherever it stands in a page.
// Templates hold nothing of the kind, so that all of it came from elsewhere.
func plain(page []byte) []byte {
	var out []byte
	last := 0
	for i := 0; i < len(page); {
		if b := page[i]; b < utf8.RuneSelf && (b >= ' ' && b != 0x7f || b == '\n' || b == '\t') {
			i++
			continue
		}
		r, n := utf8.DecodeRune(page[i:])
		if r == utf8.RuneError && n <= 1 || r < ' ' || r == 0x7f || cell.Hidden(r) {
			out = append(out, page[last:i]...)
			out = append(out, cell.Show(string(page[i:i+n]))...)
			last = i + n
		}
		i += n
	}
	if last == 0 {
		return page
	}
	return append(out, page[last:]...)
}
