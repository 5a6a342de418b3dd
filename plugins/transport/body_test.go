package transport_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const bombSize = 20 << 20

// zeros writes n bytes in pieces.
func zeros(w io.Writer, n int) {
	piece := make([]byte, 64<<10)
	for ; n > 0; n -= len(piece) {
		if _, err := w.Write(piece[:min(n, len(piece))]); err != nil {
			return
		}
	}
}

func TestTooLarge(t *testing.T) {
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	zeros(zw, 10*bombSize)
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]http.HandlerFunc{
		"declared": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(bombSize))
			zeros(w, bombSize)
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) { zeros(w, bombSize) },
		"gzip bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(packed.Bytes())
		},
		"error answer": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			zeros(w, bombSize)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, h)
			c := newClient(t, transport.Options{BaseURL: s.URL, MaxResponseBytes: 1 << 20})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := get(t.Context(), t, c, s.URL)
			runtime.ReadMemStats(&after)
			var big *transport.TooLargeError
			if !errors.As(err, &big) || big.Limit != 1<<20 {
				t.Fatalf("error %v, want a TooLargeError of 1 MiB", err)
			}
			if got := c.Calls(); got.Requests != 1 || got.Bytes > 1<<20+1 {
				t.Errorf("calls %+v: want one request and no more than the limit read", got)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 12<<20 {
				t.Errorf("allocated %d MiB for a limit of 1 MiB", grown>>20)
			}
		})
	}
}

func TestExactlyAtTheLimit(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) { zeros(w, 1000) })
	for limit, ok := range map[int64]bool{1000: true, 999: false} {
		c := newClient(t, transport.Options{BaseURL: s.URL, MaxResponseBytes: limit})
		if _, _, err := get(t.Context(), t, c, s.URL); (err == nil) != ok {
			t.Errorf("1000 bytes with limit %d: %v", limit, err)
		}
	}
}

// raw answers with bytes as they are and closes the connection.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = buf.WriteString(text)
		_ = buf.Flush()
	}
}

func TestTornBodies(t *testing.T) {
	var half bytes.Buffer
	zw := gzip.NewWriter(&half)
	_, _ = io.WriteString(zw, `{"a":"`+strings.Repeat("x", 5000)+`"}`)
	_ = zw.Close()
	cut := half.String()[:half.Len()-12]
	for name, h := range map[string]http.HandlerFunc{
		"shorter than declared":   raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[1,2"),
		"chunk without end":       raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1,2,\r\n"),
		"gzip cut off":            raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(cut), cut)),
		"JSON ended by the close": raw("HTTP/1.0 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n[1,2"),
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, failing(h, h))
			c := newClient(t, transport.Options{BaseURL: s.URL, Clock: newFakeClock()})
			if _, body, err := get(t.Context(), t, c, s.URL); err != nil || body != "ok" {
				t.Errorf("got %q, %v; want ok from the third attempt", body, err)
			}
			always := newServer(t, h)
			c = newClient(t, transport.Options{BaseURL: always.URL, Clock: newFakeClock()})
			_, _, err := get(t.Context(), t, c, always.URL)
			var torn *transport.TornError
			if !errors.As(err, &torn) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("error %v, want a TornError of unexpected EOF", err)
			}
		})
	}
}

func TestWholeAnswerEndedByTheClose(t *testing.T) {
	s := newServer(t, raw("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[1,2]"))
	c := newClient(t, transport.Options{BaseURL: s.URL})
	if _, body, err := get(t.Context(), t, c, s.URL); err != nil || body != "[1,2]" {
		t.Errorf("got %q, %v", body, err)
	}
}
