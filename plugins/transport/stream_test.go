package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

func TestStreamed(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/torn":
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(big[:1000])
		case "/stalls":
			_, _ = w.Write(big[:1000])
			_ = http.NewResponseController(w).Flush()
			<-req.Context().Done()
		case "/missing":
			http.Error(w, "no such thing", http.StatusNotFound)
		default:
			_, _ = w.Write(big)
		}
	}))
	t.Cleanup(s.Close)
	var calls connector.Calls
	c := newClient(t, transport.Options{BaseURL: s.URL, MaxResponseBytes: 1 << 10, AttemptTimeout: 200 * time.Millisecond,
		Counted: func(n connector.Calls) { calls = calls.Add(n) }})
	get := func(path string, limit int64) ([]byte, error) {
		req, err := http.NewRequestWithContext(transport.Streamed(t.Context(), limit), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			return b, errors.New(resp.Status)
		}
		return b, err
	}
	if b, err := get("/whole", 4<<20); err != nil || !bytes.Equal(b, big) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if calls.Bytes != int64(len(big)) || calls.Requests != 1 {
		t.Errorf("counted %+v", calls)
	}
	var large *transport.TooLargeError
	if _, err := get("/whole", 1<<20); !errors.As(err, &large) || large.Limit != 1<<20 {
		t.Errorf("more than the limit: %v", err)
	}
	var torn *transport.TornError
	if b, err := get("/torn", 4<<20); !errors.As(err, &torn) || len(b) != 1000 {
		t.Errorf("a body that breaks off: %d bytes, %v", len(b), err)
	}
	if b, err := get("/stalls", 4<<20); !errors.As(err, &torn) || len(b) != 1000 || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a body that stands still: %d bytes, %v", len(b), err)
	}
	if b, err := get("/missing", 4<<20); err == nil || !bytes.Contains(b, []byte("no such thing")) {
		t.Errorf("another status is read as ever: %q, %v", b, err)
	}
}
