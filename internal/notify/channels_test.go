package notify_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/exhibit-aims/exhibit/internal/notify"
)

// hostile is text as an attacker would have it in the title of a pull request.
const hostile = "<script>alert(1)</script> <!channel> @everyone *b* [x](https://evil.example/) ![i](https://evil.example/p.png)\r\nBcc: all@evil.example\x1b[31m\u202e & {{7*7}} |"

// hostileMessage is a message whose every text is hostile.
func hostileMessage(t *testing.T) *notify.Message {
	t.Helper()
	it := finding(1, notify.StateOpen)
	it.Title, it.Detail, it.Owner, it.Control, it.Systems, it.Link = hostile, hostile, "maria.keller", "A.6", []string{hostile}, "/findings/F-1"
	db := sqlite(t)
	var got *notify.Message
	n := notifier(t, notify.Options{DB: db, LinkBase: "https://exhibit.acme.example", Routes: everything("x"),
		Channels: []notify.Channel{{Name: "x", Sender: senderFunc(func(_ context.Context, m *notify.Message) error { got = m; return nil })}}})
	observe(t, n, noon, 1)
	observe(t, n, noon, 2, it)
	deliver(t, n)
	if got == nil {
		t.Fatal("nothing was sent")
	}
	return got
}

type senderFunc func(context.Context, *notify.Message) error

func (f senderFunc) Send(ctx context.Context, m *notify.Message) error { return f(ctx, m) }

// posted is a real HTTP server that keeps what is posted to it.
type posted struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	answer func(w http.ResponseWriter, n int)
}

func collectPosts(t *testing.T, secure bool) *posted {
	t.Helper()
	p := &posted{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.bodies = append(p.bodies, string(b))
		n := len(p.bodies)
		p.mu.Unlock()
		if p.answer != nil {
			p.answer(w, n)
		}
	})
	if secure {
		p.Server = httptest.NewTLSServer(h)
	} else {
		p.Server = httptest.NewServer(h)
	}
	t.Cleanup(p.Close)
	return p
}

func TestSlackTakesNothingForMarkup(t *testing.T) {
	p := collectPosts(t, false)
	s := &notify.Slack{URL: fixed(p.URL + "/services/T0/B0/secretpart")}
	if err := s.Send(t.Context(), hostileMessage(t)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text   string
		Blocks []struct {
			Type     string
			Elements json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(p.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.Text, "<>") || strings.Contains(got.Text, "*b*") || !strings.Contains(got.Text, "&lt;!channel&gt;") {
		t.Errorf("text is not escaped: %s", got.Text)
	}
	if len(got.Blocks) != 1 || got.Blocks[0].Type != "rich_text" {
		t.Fatalf("blocks: %+v", got.Blocks)
	}
	for _, bad := range []string{`"mrkdwn"`, `"broadcast"`, `"user"`, `evil.example/"`} {
		if strings.Contains(string(got.Blocks[0].Elements), bad) {
			t.Errorf("%s in %s", bad, got.Blocks[0].Elements)
		}
	}
	if !strings.Contains(string(got.Blocks[0].Elements), `"url":"https://exhibit.acme.example/findings/F-1"`) {
		t.Errorf("no link: %s", got.Blocks[0].Elements)
	}
}

func TestTeamsTakesNothingForMarkupAndFits(t *testing.T) {
	p := collectPosts(t, false)
	s := &notify.Teams{URL: fixed(p.URL)}
	m := hostileMessage(t)
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.bodies[0], "TextBlock\"") && !strings.Contains(p.bodies[0], "RichTextBlock") || !strings.Contains(p.bodies[0], "application/vnd.microsoft.card.adaptive") {
		t.Errorf("body: %s", p.bodies[0])
	}
	if strings.Contains(p.bodies[0], `"TextBlock"`) {
		t.Error("a TextBlock reads Markdown")
	}
	g := &m.Groups[0]
	for range 300 {
		g.Changes = append(g.Changes, g.Changes[0])
	}
	m.Total = 301
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if n := len(p.bodies[1]); n > 24<<10 || !strings.Contains(p.bodies[1], " more") {
		t.Errorf("a card of %d bytes that says not what is missing", n)
	}
}

func TestPagerDutyOpensAndResolvesByKey(t *testing.T) {
	p := collectPosts(t, true)
	p.answer = func(w http.ResponseWriter, _ int) { w.WriteHeader(http.StatusAccepted) }
	s := &notify.PagerDuty{Key: fixed(strings.Repeat("a1", 16)), Host: p.Listener.Addr().String(), Transport: p.Client().Transport}
	m := hostileMessage(t)
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.Groups[0].Changes[0].Type, m.Groups[0].Changes[0].Item.State = notify.Resolved, notify.StateResolved
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	type event struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		ClientURL   string `json:"client_url"`
		Payload     struct{ Summary, Severity, Source string }
		Details     map[string]any
	}
	var events []event
	for _, b := range p.bodies {
		var e event
		if err := json.Unmarshal([]byte(b), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) != 2 || events[0].DedupKey != events[1].DedupKey || events[0].EventAction != "trigger" || events[1].EventAction != "resolve" ||
		events[0].Payload.Severity != "error" || events[0].Payload.Source != "acme" || events[0].DedupKey != "exhibit/finding/F-000000000001" {
		t.Fatalf("events: %+v", events)
	}
}

func TestRefusalsSayWhatToDoAndHideTheAddress(t *testing.T) {
	p := collectPosts(t, false)
	s := &notify.Slack{URL: fixed(p.URL + "/services/T0/B0/secretpart")}
	for _, tc := range []struct {
		code    int
		message bool
		after   string
		wait    time.Duration
	}{
		{http.StatusTooManyRequests, false, "7", 7 * time.Second}, {http.StatusServiceUnavailable, false, "", 0}, {http.StatusBadRequest, true, "", 0},
		{http.StatusForbidden, false, "", 0}, {http.StatusFound, false, "", 0},
	} {
		p.answer = func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			if tc.after != "" {
				w.Header().Set("Retry-After", tc.after)
			}
			w.WriteHeader(tc.code)
		}
		err := s.Send(t.Context(), hostileMessage(t))
		var r *notify.Refusal
		ok := errors.As(err, &r)
		if !ok || r.Message != tc.message || r.RetryAfter != tc.wait || strings.Contains(r.Error(), "redirections are not followed") != (tc.code == http.StatusFound) {
			t.Errorf("%d: %#v", tc.code, err)
		}
	}
	p.Close()
	err := s.Send(t.Context(), hostileMessage(t))
	if err == nil || strings.Contains(err.Error(), "secretpart") {
		t.Errorf("an error that shows the address: %v", err)
	}
	for _, bad := range []string{"http://example.com/x", "ftp://h/x", "secretpart"} {
		s.URL = fixed(bad)
		if err := s.Send(t.Context(), hostileMessage(t)); err == nil || strings.Contains(err.Error(), "secretpart") || strings.Contains(err.Error(), "example.com") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// mailbox is a real SMTP server.
type mailbox struct {
	addr string
	tls  *tls.Config
	mu   sync.Mutex
	got  []letter
	user string
	fail *smtp.SMTPError // of RCPT
	lose bool            // take the mail and cut the line instead of an answer
}

type letter struct {
	from string
	to   []string
	body string
}

func receiveMail(t *testing.T) *mailbox {
	t.Helper()
	https := httptest.NewUnstartedServer(nil) // for its certificate of 127.0.0.1 alone
	https.StartTLS()
	t.Cleanup(https.Close)
	pool := x509.NewCertPool()
	pool.AddCert(https.Certificate())
	m := &mailbox{tls: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{m: m, c: c}, nil }))
	s.TLSConfig = &tls.Config{Certificates: https.TLS.Certificates, MinVersion: tls.VersionTLS12}
	s.Domain = "mail.acme.example"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = l.Addr().String()
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return m
}

type session struct {
	m *mailbox
	c *smtp.Conn
	l letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if password != "p4ss-w0rd" {
			return smtp.ErrAuthFailed
		}
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		s.m.user = username
		return nil
	}), nil
}

func (s *session) Reset()        { s.l = letter{} }
func (s *session) Logout() error { return nil }
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.l.from = from
	return nil
}
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.m.fail != nil {
		return s.m.fail
	}
	s.l.to = append(s.l.to, to)
	return nil
}
func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.l.body = string(b)
	s.m.mu.Lock()
	s.m.got = append(s.m.got, s.l)
	lose := s.m.lose
	s.m.mu.Unlock()
	if lose {
		return s.c.Conn().Close()
	}
	return nil
}

func (m *mailbox) sender(password string) *notify.Mail {
	host, port, _ := net.SplitHostPort(m.addr)
	s := &notify.Mail{Host: host, Port: number(port), From: "Exhibit <exhibit@acme.example>", To: []string{"aims@acme.example"}, Config: m.tls,
		Address: func(p string) string { return p + "@acme.example" }}
	if password != "" {
		s.Username, s.Password = "exhibit", fixed(password)
	}
	return s
}

func number(s string) (n int) {
	for _, r := range s {
		n = n*10 + int(r-'0')
	}
	return n
}

func TestMailIsEncryptedEscapedAndOnce(t *testing.T) {
	box := receiveMail(t)
	m := hostileMessage(t)
	m.Recipient = "maria.keller"
	if err := box.sender("p4ss-w0rd").Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(box.got) != 1 || box.user != "exhibit" || strings.Join(box.got[0].to, ",") != "maria.keller@acme.example" {
		t.Fatalf("%+v", box.got)
	}
	msg, err := mail.ReadMessage(strings.NewReader(box.got[0].body))
	if err != nil {
		t.Fatal(err)
	}
	if msg.Header.Get("Bcc") != "" || len(msg.Header["Subject"]) != 1 {
		t.Errorf("a header was slipped in: %v", msg.Header)
	}
	if id := msg.Header.Get("Message-Id"); id != "<"+m.ID+"@acme.example>" {
		t.Errorf("message id %s", id)
	}
	if !strings.HasPrefix(msg.Header.Get("Content-Type"), "multipart/alternative") || msg.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("headers: %v", msg.Header)
	}
	whole := strings.ReplaceAll(box.got[0].body, "=\r\n", "")
	html := whole[strings.Index(whole, "<!DOCTYPE"):]
	for _, bad := range []string{"<script>", "<img", "\x1b", "<!channel>"} {
		if strings.Contains(html, bad) {
			t.Errorf("%q in the HTML", bad)
		}
	}
	if !strings.Contains(html, "&lt;script&gt;") {
		t.Errorf("the title is not there: %s", html)
	}
}

func TestMailSendsNoPasswordInTheClearAndShowsNone(t *testing.T) {
	box := receiveMail(t)
	m := hostileMessage(t)
	s := box.sender("wr0ng-s3cret")
	if err := s.Send(t.Context(), m); err == nil || strings.Contains(err.Error(), "wr0ng-s3cret") {
		t.Errorf("wrong password: %v", err)
	}
	s.Config = nil // the certificate is of nobody that the system knows
	if err := s.Send(t.Context(), m); err == nil {
		t.Error("a certificate of nobody was taken")
	}
	s = box.sender("p4ss-w0rd")
	s.TLS = notify.MailPlain
	if err := s.Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("password in the clear: %v", err)
	}
	if len(box.got) != 0 {
		t.Fatal("something was sent")
	}
	s = box.sender("")
	s.TLS = notify.MailPlain
	if err := s.Send(t.Context(), m); err != nil || len(box.got) != 1 || box.got[0].to[0] != "aims@acme.example" {
		t.Errorf("without a login: %v %+v", err, box.got)
	}
}

func TestMailRefusedForGoodIsNotSentAgain(t *testing.T) {
	box := receiveMail(t)
	for code, forGood := range map[int]bool{550: true, 450: false} {
		box.fail = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "no"}
		err := box.sender("").Send(t.Context(), hostileMessage(t))
		var r *notify.Refusal
		ok := errors.As(err, &r)
		if !ok || r.Message != forGood {
			t.Errorf("%d: %#v", code, err)
		}
	}
}

// A server that accepts and says nothing must not hold a message for ever.
func TestMailServerThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, _ := net.SplitHostPort(l.Addr().String())
	s := &notify.Mail{Host: host, Port: number(port), From: "a@acme.example", To: []string{"b@acme.example"}}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Send(ctx, hostileMessage(t)); err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestShoutrrrShowsNoAddress(t *testing.T) {
	for _, bad := range []string{"discord://s3cret@bad", "nonsense", "slack://hook:s3cret@webhook", "unknown://s3cret"} {
		s := &notify.Shoutrrr{URL: fixed(bad)}
		if err := s.Send(t.Context(), hostileMessage(t)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	p := collectPosts(t, false)
	p.answer = func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, `{"id":"x"}`) }
	s := &notify.Shoutrrr{URL: fixed("ntfy://" + p.Listener.Addr().String() + "/topic?scheme=http")}
	if err := s.Send(t.Context(), hostileMessage(t)); err != nil || len(p.bodies) != 1 || !strings.Contains(p.bodies[0], "finding opened") || strings.Contains(p.bodies[0], "@everyone") {
		t.Errorf("%v %v", err, p.bodies)
	}
}
