package telemetry

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHTTPByRoute(t *testing.T) {
	m := NewMetrics(Build{Version: "1"}, time.Now())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /controls/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("example.org/host/{id}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		SetRoute(r.Context(), "/v1/records/{digest}")
		_, _ = w.Write([]byte("x"))
	})
	mux.HandleFunc("/panics", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	h := HTTP(m, nil, mux)
	for _, target := range []string{"/controls/6.1?subject=jane@example.org", "/v1/records/abc", "/nowhere/jane@example.org", "/panics", "http://example.org/host/1"} {
		func() {
			defer func() {
				if p := recover(); (p != nil) != (target == "/panics") {
					t.Errorf("%s: panic %v", target, p)
				}
			}()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		}()
	}
	got := scrape(t, m)
	wants(t, got, `exhibit_http_requests_total{code="418",method="GET",route="/controls/{id}"} 1`,
		`exhibit_http_requests_total{code="200",method="GET",route="/v1/records/{digest}"} 1`,
		`exhibit_http_requests_total{code="404",method="GET",route="other"} 1`,
		`exhibit_http_requests_total{code="500",method="GET",route="/panics"} 1`,
		`exhibit_http_requests_total{code="200",method="GET",route="/host/{id}"} 1`,
		`exhibit_http_request_duration_seconds_count{route="/controls/{id}"} 1`)
	if strings.Contains(got, "jane") {
		t.Error("a person is in a label")
	}
}

// A stream of events arrives while it is being written.
func TestHTTPStreams(t *testing.T) {
	more := make(chan struct{})
	server := httptest.NewServer(HTTP(NewMetrics(Build{}, time.Now()), nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("first\n"))
		w.(http.Flusher).Flush()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Errorf("the connection is out of reach: %v", err)
		}
		<-more
	})))
	defer server.Close()
	defer close(more)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || line != "first\n" {
		t.Errorf("%q, %v", line, err)
	}
}
