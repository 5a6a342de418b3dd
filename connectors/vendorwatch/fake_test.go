package vendorwatch

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// web imitates a vendor's public pages: an answer by path.
type web struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]func(n int) (contentType, body string) // n counts readings from 1
	read  map[string]int
	tags  bool // answers carry an ETag
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{pages: map[string]func(int) (string, string){}, read: map[string]int{}, tags: true}
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.Close)
	w.put("/api/v2/incidents.json", incidents)
	w.put("/api/v2/incidents/unresolved.json", `{"incidents": [{"id":"i2","created_at":"2026-03-02T10:00:00Z"}]}`)
	w.put("/api/v2/scheduled-maintenances.json", `{"scheduled_maintenances": [
	  {"id":"m1","name":"Move","status":"completed","impact":"minor","scheduled_for":"2026-02-01T00:00:00Z","resolved_at":"2026-02-01T02:00:00Z","components":[],"incident_updates":[]},
	  {"id":"m2","name":"Later","status":"scheduled","impact":"none","scheduled_for":"2999-02-01T00:00:00Z","components":[],"incident_updates":[]}]}`)
	w.put("/feed.json", feedOf(`{"provider":"Open AI","model_id":"old-1","announcement_date":"2026-01-05","shutdown_date":"2026-02-05","replacement_model":"new-1","url":"https://vendor.example/ends#old-1"}`,
		`{"provider":"OpenAI","model_id":"old-2","announcement_date":"2026-01-06","shutdown_date":"2999-01-01","replacement_model":null,"url":"x"}`,
		`{"provider":"OpenAI","model_id":"Legacy snapshots","announcement_date":"2026-01-07","shutdown_date":"2026-01-07"}`,
		`{"provider":"Other","model_id":"theirs","shutdown_date":"2026-01-01"}`))
	w.put("/terms", terms("We keep your inputs for thirty days."))
	return w
}

func (w *web) put(path, body string) {
	kind := "text/html; charset=utf-8"
	if strings.HasSuffix(path, ".json") {
		kind = "application/json"
	}
	w.do(path, func(int) (string, string) { return kind, body })
}

func (w *web) do(path string, f func(n int) (string, string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = f
}

func (w *web) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	f := w.pages[r.URL.Path]
	w.read[r.URL.Path]++
	n := w.read[r.URL.Path]
	w.mu.Unlock()
	if f == nil {
		rw.WriteHeader(http.StatusNotFound)
		return
	}
	kind, body := f(n)
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(body)))
	if w.tags {
		rw.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
	}
	rw.Header().Set("Content-Type", kind)
	fmt.Fprint(rw, body)
}

const incidents = `{"page": {"id":"p"}, "incidents": [
  {"id":"i2","name":"Slow answers","status":"investigating","impact":"critical","created_at":"2026-03-02T10:00:00Z","started_at":"2026-03-02T09:58:00Z","shortlink":"https://stspg.example/i2",
   "components":[{"id":"c1","name":"API"}],"incident_updates":[
     {"status":"investigating","body":"We look into it.","created_at":"2026-03-02T10:00:00Z"}]},
  {"id":"i1","name":"Errors","status":"resolved","impact":"minor","created_at":"2026-03-01T10:00:00Z","resolved_at":"2026-03-01T11:00:00Z",
   "components":null,"incident_updates":[
     {"status":"resolved","body":"Done.","display_at":"2026-03-01T11:00:00Z","affected_components":[{"name":"Chat"}]},
     {"status":"identified","body":"Found.","display_at":"2026-03-01T10:30:00Z"}]}]}`

func feedOf(entries ...string) string { return "[" + strings.Join(entries, ",") + "]" }

// terms is a page of terms whose third paragraph is given.
func terms(third string) string {
	return `<html><head><title>Terms</title><script>var nonce = 1</script></head><body><nav>Menu</nav><main><h1>Terms of use</h1>
	<p>Effective date: March 5, 2026</p><p>These terms say how the service may be used, by whom and for what. ` + strings.Repeat("They are long. ", 15) + `</p>
	<p>` + third + `</p></main><footer>Printed now</footer></body></html>`
}

func (w *web) settings(extra string) string {
	return fmt.Sprintf(`{"requests_per_second": 1000, "vendors": [{"id": "openai", "status": "%[1]s/", "feeds": [{"url": "%[1]s/feed.json", "format": "deprecations", "provider": "openai"}],
	  "pages": [{"url": "%[1]s/terms", "type": "terms"%[2]s}]}]}`, w.URL, extra)
}

func (w *web) config() connector.Config { return connector.Config{Settings: []byte(w.settings(""))} }

func (w *web) collect(t *testing.T, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: w.config()}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}
