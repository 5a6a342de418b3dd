package dashboard

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load. Their path names their content, so that
// a browser asks for each once.
type assets struct {
	prefix string // /assets/<digest>/
	files  map[string]asset
}

type asset struct {
	media string
	body  []byte
}

// loadAssets reads them. The style sheet is the files *.css in the order of
// their names.
func loadAssets() (*assets, error) {
	var style bytes.Buffer
	sheets, err := fs.Glob(assetFiles, "assets/*.css")
	if err != nil {
		return nil, err
	}
	for _, name := range sheets {
		text, err := assetFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		style.Write(text)
	}
	a := &assets{files: map[string]asset{"exhibit.css": {"text/css; charset=utf-8", style.Bytes()}}}
	for name, media := range map[string]string{"exhibit.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		text, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		a.files[name] = asset{media, text}
	}
	all := bytes.Join([][]byte{a.files["exhibit.css"].body, a.files["exhibit.js"].body, a.files["icon.svg"].body}, []byte{0})
	a.prefix = fmt.Sprintf("/assets/%.16s/", evidence.Sum(all))
	return a, nil
}

// path is the address of a file.
func (a *assets) path(name string) string { return a.prefix + name }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path[len(a.prefix):]]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.media)
	h.Set("Content-Length", strconv.Itoa(len(f.body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	if r.Method != http.MethodHead {
		_, _ = w.Write(f.body) // whoever asked may have left
	}
}

// setPolicy sets what holds for every answer: nothing from elsewhere, no script
// or style but the two files, no frame, no guessing of types.
func setPolicy(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with none, forms would come from nowhere
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
