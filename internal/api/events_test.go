package api

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	registers "github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// gated is an API behind a gate, on a port.
type gated struct {
	*org
	tokens *access.Tokens
	url    string
	admin  access.Principal
}

func behindGate(t *testing.T, o *org) *gated {
	t.Helper()
	if err := access.Migrate(t.Context(), o.api.DB); err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return o.now }
	tokens := &access.Tokens{DB: o.api.DB, Now: now, Append: func(ctx context.Context, entries ...store.NewEntry) error {
		_, err := o.store.Append(ctx, store.Batch{Entries: entries})
		return err
	}, Register: func() *registers.Register {
		reg, err := o.service.Register()
		if err != nil {
			t.Error(err)
		}
		return reg
	}}
	gate := &access.Gate{Tokens: tokens, Limits: &access.Limits{DB: o.api.DB, Now: now}, Logger: slog.New(slog.DiscardHandler), Recheck: 50 * time.Millisecond,
		Address: func(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() }}
	o.api.heartbeat = 200 * time.Millisecond
	srv := httptest.NewServer(gate.API(o.api))
	t.Cleanup(srv.Close)
	return &gated{org: o, tokens: tokens, url: srv.URL, admin: access.Principal{Account: access.LocalAccount("root@host"), Via: access.ViaLocal,
		Roles: []access.Role{access.Admin, access.Viewer}}}
}

func (g *gated) token(t *testing.T) (access.Token, string) {
	t.Helper()
	tok, text, err := g.tokens.Create(t.Context(), g.admin, access.NewToken{Name: "reads", Roles: []access.Role{access.Viewer}, Scope: []access.Permission{access.Read}})
	if err != nil {
		t.Fatal(err)
	}
	return tok, text
}

// listener is a client of the stream.
type listener struct {
	t     *testing.T
	lines chan string
	from  string // the id that the stream begins with
}

func (g *gated) listen(t *testing.T, token string, headers ...string) *listener {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+eventsPath, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	l := &listener{t: t, lines: make(chan string, 10000)}
	go func() {
		defer close(l.lines)
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			l.lines <- in.Text()
		}
	}()
	l.line(": the stream is open")
	l.from = l.line("id: ")
	return l
}

// line waits for a line that begins so, and returns the rest of it.
func (l *listener) line(begins string) string {
	l.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case s, ok := <-l.lines:
			if !ok {
				l.t.Fatalf("the stream ended before %q", begins)
			}
			if rest, found := strings.CutPrefix(s, begins); found {
				return rest
			}
		case <-late:
			l.t.Fatalf("no line begins with %q", begins)
		}
	}
}

// next waits for an event.
func (l *listener) next() (id string, e EventBody) {
	l.t.Helper()
	id = l.line("id: ")
	if err := json.Unmarshal([]byte(l.line("data: ")), &e); err != nil {
		l.t.Fatal(err)
	}
	if id != strconv.FormatInt(e.Seq, 10) {
		l.t.Errorf("the event %s says position %d", id, e.Seq)
	}
	return id, e
}

// ended waits until the stream has ended.
func (l *listener) ended() {
	l.t.Helper()
	late := time.After(30 * time.Second)
	for {
		select {
		case _, ok := <-l.lines:
			if !ok {
				return
			}
		case <-late:
			l.t.Fatal("the stream goes on")
		}
	}
}

// openFindings returns ids of open findings.
func (o *org) openFindings(n int) []string {
	o.t.Helper()
	v, err := o.service.Current(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	var ids []string
	for _, f := range v.Findings {
		if f.State.IsOpen() && len(ids) < n {
			ids = append(ids, f.ID)
		}
	}
	if len(ids) < n {
		o.t.Fatalf("only %d findings are open", len(ids))
	}
	return ids
}

func (o *org) acknowledge(id string) {
	o.t.Helper()
	v, err := o.service.Current(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	o.ask(someone(v.Owners[0].Person, access.Operator), http.MethodPost, "/v1/findings/"+id+"/acknowledge", map[string]any{"note": "seen"}).want(o.t, http.StatusOK)
}

func TestWhatHappensIsToldAndWhatWasMissedIsToldOnce(t *testing.T) {
	g := behindGate(t, actor(t))
	tok, text := g.token(t)
	ids := g.openFindings(3)
	l := g.listen(t, text)
	l.line(": still here") // nothing happens, and the line is kept open
	g.acknowledge(ids[0])
	last, e := l.next()
	if e.Type != "finding" || !strings.Contains(string(e.Body), ids[0]) {
		t.Fatalf("the first event is %s: %s", e.Type, e.Body)
	}
	if first, _ := g.listen(t, text, "Last-Event-ID", l.from).next(); first != last { // who lost the line before it came
		t.Fatalf("after %s comes %s, and not %s", l.from, first, last)
	}
	// Somebody else lost the line after that event: what followed comes once, in order.
	g.acknowledge(ids[1])
	g.acknowledge(ids[2])
	missed := g.listen(t, text, "Last-Event-ID", last)
	for _, id := range ids[1:] {
		if _, e := missed.next(); e.Type != "finding" || !strings.Contains(string(e.Body), id) {
			t.Errorf("the event is %s, want that of %s: %s", e.Type, id, e.Body)
		}
	}
	if _, err := g.tokens.Revoke(t.Context(), g.admin, tok.ID); err != nil {
		t.Fatal(err)
	}
	l.ended()
	missed.ended()
	if n := len(g.api.streams); n != 0 {
		// The last handler may still be on its way out.
		for end := time.Now().Add(10 * time.Second); len(g.api.streams) != 0; {
			if time.Now().After(end) {
				t.Fatalf("%d streams are still counted", n)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// TestWhoReadsNothingHoldsUpNobody lets a client open the stream from the first
// entry on and read nothing.
func TestWhoReadsNothingHoldsUpNobody(t *testing.T) {
	g := behindGate(t, actor(t))
	_, text := g.token(t)
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET "+eventsPath+"?after=-1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+text+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	other := g.listen(t, text)
	id := g.openFindings(1)[0]
	g.acknowledge(id)
	if _, e := other.next(); !strings.Contains(string(e.Body), id) {
		t.Errorf("the event is %s: %s", e.Type, e.Body)
	}
}

// TestAStreamFromTheBeginningTellsEachEntryOnce, though it is made in parts.
func TestAStreamFromTheBeginningTellsEachEntryOnce(t *testing.T) {
	o := reader(t)
	size, err := o.service.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []int64
	for e, err := range o.store.Entries(t.Context(), 0, size, toldTypes()...) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, e.Seq)
	}
	var got []int64
	for from, more := int64(0), true; more; {
		from, more, err = o.api.tell(t.Context(), from, func(text string) error {
			if len(text) > maxTold+2*maxEvent {
				t.Errorf("%d characters at once", len(text))
			}
			for _, line := range strings.Split(text, "\n") {
				if id, ok := strings.CutPrefix(line, "id: "); ok {
					n, err := strconv.ParseInt(id, 10, 64)
					if err != nil {
						return err
					}
					got = append(got, n)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%d events were told, want %d: each once and in order", len(got), len(want))
	}
}
