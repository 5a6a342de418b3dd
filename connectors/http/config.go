package http

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/cel-go/cel"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// secretToken is the name of the one secret.
const secretToken = "token"

// config is the settings of one source, with every expression checked.
type config struct {
	BaseURL  string            `json:"base_url"`
	Auth     *auth             `json:"auth"`
	Identity *identity         `json:"identity"`
	Headers  map[string]string `json:"headers"`
	Rate     float64           `json:"requests_per_second"`
	Requests []*request        `json:"requests"`

	token string
}

type auth struct {
	Type     string   `json:"type"`
	Username string   `json:"username"`
	Header   string   `json:"header"`
	TokenURL string   `json:"token_url"`
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes"`
}

type identity struct {
	Path  string `json:"path"`
	Value string `json:"value"`

	value *expr
}

// request is one question and what becomes of its answer.
type request struct {
	Name       string            `json:"name"`
	Each       string            `json:"each"`
	Path       string            `json:"path"`
	Query      map[string]string `json:"query"`
	Body       map[string]any    `json:"body"`
	Items      string            `json:"items"`
	Where      string            `json:"where"`
	Paging     paging            `json:"paging"`
	Since      *since            `json:"since"`
	Enumerates bool              `json:"enumerates"`
	Count      string            `json:"count"`
	Canary     string            `json:"canary"`
	Records    []*mapping        `json:"records"`

	path                        *template
	query                       map[string]*template
	items, where, count, canary *expr
	children                    bool   // another request is made for each item
	partly                      bool   // it sees only what changed, or what belongs to that
	digest                      string // of the settings
}

type paging struct {
	Type      string `json:"type"`
	Param     string `json:"param"`
	Next      string `json:"next"`
	SizeParam string `json:"size_param"`
	Size      int    `json:"size"`

	next *expr
}

type since struct {
	Param   string `json:"param"`
	Time    string `json:"time"`
	Format  string `json:"format"`
	Overlap string `json:"overlap"`

	time    *expr
	overlap time.Duration
}

// mapping makes a record of an item.
type mapping struct {
	Kind        string            `json:"kind"`
	When        string            `json:"when"`
	Subject     string            `json:"subject"`
	SubjectType string            `json:"subject_type"`
	Key         string            `json:"key"`
	EventTime   string            `json:"event_time"`
	URL         string            `json:"url"`
	Payload     map[string]string `json:"payload"`

	when, subject, key, event, url *expr
	payload                        map[string]*expr
	shape                          *records.Shape // of a kind that people keep
}

// kindsOf are the kinds that a request's items become.
func (r *request) kindsOf() []string {
	var out []string
	for _, m := range r.Records {
		if !slices.Contains(out, m.Kind) {
			out = append(out, m.Kind)
		}
	}
	return out
}

// parseConfig decodes and checks the settings. Its error names every problem.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Rate: 5, token: in.Secrets[secretToken]}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("http: settings: %w", err)
	}
	env, err := newEnv()
	if err != nil {
		return nil, err
	}
	p := &parser{env: env}
	p.auth(c)
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if secretHeader(name) {
			p.bad("headers: %s belongs in auth and the secret %s", name, secretToken)
		}
	}
	if c.Identity != nil {
		c.Identity.value = p.expr("identity.value", c.Identity.Value)
	}
	names := map[string]*request{}
	for i, r := range c.Requests {
		at := fmt.Sprintf("requests[%d] (%s)", i, r.Name)
		if names[r.Name] != nil {
			p.bad("%s: there is another request of this name", at)
		}
		p.request(at, r)
		if r.Each != "" {
			if parent := names[r.Each]; parent == nil {
				p.bad("%s: each: no earlier request is called %q", at, r.Each)
			} else {
				parent.children = true
				r.partly = parent.partly
				if r.partly && r.Enumerates {
					p.bad("%s: enumerates: it is made only for items of %s that changed since", at, r.Each)
				}
			}
		}
		names[r.Name] = r
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, fmt.Errorf("http: settings: %w", err)
	}
	return c, nil
}

// parser gathers what is wrong with settings.
type parser struct {
	env  *cel.Env
	errs []error
}

func (p *parser) bad(format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf(format, args...))
}

// expr compiles an expression; nil for an empty one and for one that is wrong.
func (p *parser) expr(at, source string) *expr {
	if source == "" {
		return nil
	}
	e, err := compile(p.env, at, source)
	if err != nil {
		p.errs = append(p.errs, err)
	}
	return e
}

func (p *parser) template(at, source string) *template {
	t, err := parseTemplate(p.env, at, source)
	if err != nil {
		p.errs = append(p.errs, err)
	}
	return t
}

func (p *parser) auth(c *config) {
	a := c.Auth
	if a == nil {
		if c.token != "" {
			p.bad("auth: left out, but the secret %s is given: say how it is sent", secretToken)
		}
		return
	}
	if c.token == "" {
		p.bad("auth: the secret %s is missing", secretToken)
	}
	switch {
	case a.Type == "basic" && a.Username == "":
		p.bad("auth.username: missing; basic sends it with the secret")
	case a.Type == "header" && a.Header == "":
		p.bad("auth.header: missing; it names the header that takes the secret")
	case a.Type == "client_credentials" && (a.ClientID == "" || !isHTTP(a.TokenURL)):
		p.bad("auth: client_credentials needs client_id and token_url, an address that begins with https://")
	}
}

func isHTTP(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http")
}

// secretHeader reports whether a header is one that carries credentials.
func secretHeader(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"authoriz", "x-auth", "cookie", "api-key", "apikey", "token", "secret", "password"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// digestOf is over all settings of a request.
func digestOf(r *request) string {
	raw, err := json.Marshal(r)
	if err != nil {
		return "" // it was JSON a moment ago
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

func (p *parser) request(at string, r *request) {
	r.partly, r.digest = r.Since != nil, digestOf(r)
	r.path = p.template(at+" path", r.Path)
	r.query = map[string]*template{}
	for _, name := range slices.Sorted(maps.Keys(r.Query)) {
		r.query[name] = p.template(at+" query."+name, r.Query[name])
	}
	if r.Items == "" {
		r.Items = "body"
	}
	r.items = p.expr(at+" items", r.Items)
	r.where = p.expr(at+" where", r.Where)
	r.count = p.expr(at+" count", r.Count)
	r.canary = p.expr(at+" canary", r.Canary)
	p.paging(at, r)
	if r.Since != nil {
		p.since(at, r.Since)
		if r.Enumerates {
			p.bad("%s: enumerates and since exclude each other: what did not change is not listed", at)
		}
		if r.Each != "" {
			p.bad("%s: since does not go with each", at)
		}
	}
	for j, m := range r.Records {
		p.mapping(fmt.Sprintf("%s records[%d]", at, j), m)
	}
}

func (p *parser) paging(at string, r *request) {
	g := &r.Paging
	g.next = p.expr(at+" paging.next", g.Next)
	needsParam := g.Type == "token" || g.Type == "page" || g.Type == "offset"
	if needsParam && g.Param == "" {
		p.bad("%s paging.param: missing; it takes the %s", at, g.Type)
	}
	if g.Type == "token" && g.Next == "" {
		p.bad("%s paging.next: missing; it finds the token in the answer", at)
	}
	if (g.Type == "page" || g.Type == "offset") && g.Size == 0 {
		p.bad("%s paging.size: missing; a page shorter than it is the last", at)
	}
	if g.Type == "link" && r.Body != nil {
		p.bad("%s paging: link does not go with body", at)
	}
}

func (p *parser) since(at string, s *since) {
	s.time = p.expr(at+" since.time", s.Time)
	if s.Overlap == "" {
		s.Overlap = "1h"
	}
	var err error
	if s.overlap, err = time.ParseDuration(s.Overlap); err != nil || s.overlap < 0 {
		p.bad("%s since.overlap: %q is not a duration such as 1h or 30m", at, s.Overlap)
	}
}

func (p *parser) mapping(at string, m *mapping) {
	m.when = p.expr(at+" when", m.When)
	m.subject = p.expr(at+" subject", m.Subject)
	m.key = p.expr(at+" key", m.Key)
	m.event = p.expr(at+" event_time", m.EventTime)
	m.url = p.expr(at+" url", m.URL)
	m.payload = map[string]*expr{}
	for _, name := range slices.Sorted(maps.Keys(m.Payload)) {
		m.payload[name] = p.expr(at+" payload."+name, m.Payload[name])
	}
	if s, ok := records.ShapeOf(m.Kind); ok {
		m.shape = &s
		if m.subject != nil || m.SubjectType != "" || m.key != nil || m.event != nil {
			p.bad("%s: %s takes subject, key and event time from its fields %v and %s: leave subject, key and event_time out", at, m.Kind, s.Key, s.EventField)
		}
		return
	}
	p.fields(at, m)
	if m.Subject == "" || m.SubjectType == "" || m.Key == "" {
		p.bad("%s: %s needs subject, subject_type and key", at, m.Kind)
	}
}

// fields holds the names in a payload against the kind's: one that is misspelt
// would be kept and never looked at.
func (p *parser) fields(at string, m *mapping) {
	payload, ok := records.Typed()[m.Kind]
	if !ok {
		p.bad("%s kind: %q is none that items can become; exhibit connectors describe http lists them", at, m.Kind)
		return
	}
	known := map[string]bool{}
	for f := range reflect.TypeOf(payload).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(m.Payload)) {
		if !known[name] {
			p.bad("%s payload.%s: a %s has no such field", at, name, m.Kind)
		}
	}
}
