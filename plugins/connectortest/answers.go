package connectortest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Answers is a server for a connector's own tests: an answer by path, as JSON,
// and 404 for any other. It keeps what was asked for.
type Answers struct {
	*httptest.Server

	admit   func(http.ResponseWriter, *http.Request) bool
	mu      sync.Mutex
	answers map[string]http.HandlerFunc
	asked   []string
}

// NewAnswers starts a server that ends with the test. admit looks at each
// question first; if it says no, it has answered itself.
func NewAnswers(t testing.TB, admit func(http.ResponseWriter, *http.Request) bool) *Answers {
	t.Helper()
	a := &Answers{admit: admit, answers: map[string]http.HandlerFunc{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

func (a *Answers) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	h := a.answers[r.URL.Path]
	a.asked = append(a.asked, r.URL.RequestURI())
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !a.admit(w, r) {
		return
	}
	if h == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	h(w, r)
}

// On has questions for a path answered by h.
func (a *Answers) On(path string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[path] = h
}

// Put has questions for a path answered with a body.
func (a *Answers) Put(path, body string) {
	a.On(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
}

// Asked returns what was asked for since it was last called, with the query.
func (a *Answers) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := slices.Clone(a.asked)
	a.asked = nil
	return asked
}
