package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// TLS modes of mail.
const (
	MailSTARTTLS = "starttls" // must be offered by the server
	MailTLS      = "tls"      // from the first byte
	MailPlain    = "none"     // in the clear: no password is sent
)

// Mail sends by SMTP.
type Mail struct {
	Host     string
	Port     int
	TLS      string // starttls if empty
	Username string
	Password Secret // nil: no login
	From     string
	To       []string                   // of what no owner is told of
	Address  func(person string) string // of an owner; "" if none is known
	Config   *tls.Config                // roots of a company's own authority; nil: the system's
	Hello    string                     // name that the server is greeted with; empty: localhost
}

var _ Sender = (*Mail)(nil)

// Send sends a message to its recipient, or to the channel's own. The
// Message-ID is the message's id, the same in each repetition, so that servers
// and readers can tell one.
func (s *Mail) Send(ctx context.Context, m *Message) error {
	password := ""
	if s.Password != nil {
		var err error
		if password, err = s.Password(ctx); err != nil {
			return err
		}
	}
	msg, err := s.compose(m)
	if err != nil {
		return err
	}
	c, err := s.client(ctx, password)
	if err != nil {
		return hiding(err, password)
	}
	err = c.DialAndSendWithContext(ctx, msg)
	if msg.IsDelivered() {
		return nil // what went wrong after that, in parting, is of no account
	}
	return hiding(mailRefusal(err), password)
}

func (s *Mail) client(ctx context.Context, password string) (*gomail.Client, error) {
	// The library's limit holds for the dialling and for the sending alone.
	limit := 10 * time.Second
	if end, ok := ctx.Deadline(); ok {
		limit = max(time.Until(end)/2, time.Millisecond)
	}
	hello := s.Hello
	if hello == "" {
		hello = "localhost"
	}
	opts := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(limit), gomail.WithHELO(hello), gomail.WithoutNoop()}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.Config != nil {
		conf = s.Config.Clone()
	}
	conf.ServerName = s.Host
	opts = append(opts, gomail.WithTLSConfig(conf))
	switch s.TLS {
	case MailTLS:
		opts = append(opts, gomail.WithSSL())
	case MailPlain:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if password != "" {
		if s.TLS == MailPlain {
			return nil, errors.New("mail: no password is sent in the clear")
		}
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.Username), gomail.WithPassword(password))
	}
	c, err := gomail.NewClient(s.Host, opts...)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return c, nil
}

// mailRefusal tells what the server refused for good (5xx) from what it may
// take later.
func mailRefusal(err error) error {
	var se *gomail.SendError
	if err == nil || !errors.As(err, &se) {
		return err
	}
	switch se.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return &Refusal{Message: !se.IsTemp() && se.ErrorCode() >= 500, Err: err}
	}
	return err
}

// addresses are where a message goes.
func (s *Mail) addresses(m *Message) ([]string, error) {
	if m.Recipient == "" {
		if len(s.To) == 0 {
			return nil, &Refusal{Message: true, Err: errors.New("nobody is named as owner, and the channel names no recipient of its own")}
		}
		return s.To, nil
	}
	address := m.Recipient
	if !strings.Contains(address, "@") {
		address = s.Address(m.Recipient)
	}
	if address == "" {
		return nil, &Refusal{Message: true, Err: fmt.Errorf("no mail address is known of %s", m.Recipient)}
	}
	return []string{address}, nil
}

func (s *Mail) compose(m *Message) (*gomail.Msg, error) {
	to, err := s.addresses(m)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	if err := msg.To(to...); err != nil {
		return nil, &Refusal{Message: true, Err: fmt.Errorf("mail: to: %w", err)}
	}
	msg.Subject(m.Title())
	msg.SetMessageIDWithValue(m.ID + "@" + domainOf(s.From))
	msg.SetDateWithValue(m.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text())
	var b bytes.Buffer
	if err := mailPage.Execute(&b, m); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	msg.AddAlternativeString(gomail.TypeTextHTML, b.String())
	return msg, nil
}

func domainOf(from string) string {
	if a, err := mail.ParseAddress(from); err == nil {
		if _, domain, ok := strings.Cut(a.Address, "@"); ok {
			return domain
		}
	}
	return "exhibit.invalid"
}

// mailPage is the HTML of a mail: no image, no script, nothing from elsewhere.
var mailPage = template.Must(template.New("mail").Funcs(template.FuncMap{"join": func(s []string) string { return strings.Join(s, " · ") }}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title></head>
<body style="font-family:sans-serif;line-height:1.4;max-width:46em">
<h1 style="font-size:1.2em">{{.Title}}</h1>
{{range .Groups}}<h2 style="font-size:1em;margin-bottom:.3em">{{.OwnerLine}}</h2>
<ul>{{range .Changes}}
<li style="margin-bottom:.6em">{{.Heading}}: <strong>{{$link := $.Link .Item.Link}}{{if $link}}<a href="{{$link}}">{{.Item.Title}}</a>{{else}}{{.Item.Title}}{{end}}</strong>
{{with .Item.Detail}}<br>{{.}}{{end}}{{with .Facts}}<br><span style="color:#555">{{join .}}</span>{{end}}</li>{{end}}
</ul>
{{end}}{{with .MoreLine}}<p>… {{.}}</p>
{{end}}{{$link := .Link "/"}}{{if $link}}<p><a href="{{$link}}">Open Exhibit</a></p>
{{end}}</body></html>
`))
