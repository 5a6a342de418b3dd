package wire

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Rules says what a connector with a given descriptor may send. Its methods
// return an error that names the item and what is wrong with it.
type Rules struct {
	majors       map[string][]int
	permissions  map[string]bool
	payloadBytes int
}

// NewRules returns the rules for what d describes. payloadBytes limits a
// record's payload; 0 means no limit.
func NewRules(d connector.Descriptor, payloadBytes int) Rules {
	r := Rules{majors: map[string][]int{}, permissions: map[string]bool{}, payloadBytes: payloadBytes}
	for _, k := range d.Kinds {
		r.majors[k.Kind] = append(r.majors[k.Kind], max(k.Major, 1))
	}
	for _, p := range d.Permissions {
		r.permissions[p.ID] = true
	}
	return r
}

// Kind reports whether kind was described.
func (r Rules) Kind(kind string) error {
	if _, ok := r.majors[kind]; !ok {
		return fmt.Errorf("kind %s is not among the kinds that the connector describes", Quote(kind))
	}
	return nil
}

// Record checks everything about rec except its times.
func (r Rules) Record(rec connector.Record) error {
	err := r.envelope(rec)
	if err == nil {
		err = r.payload(rec.Payload)
	}
	return recordError(rec, err)
}

// Envelope is Record without a look at the payload, which costs most and which
// the host takes in any case.
func (r Rules) Envelope(rec connector.Record) error { return recordError(rec, r.envelope(rec)) }

func recordError(rec connector.Record, err error) error {
	if err != nil {
		return fmt.Errorf("record %s of kind %s: %w", Quote(rec.Key), Quote(rec.Kind), err)
	}
	return nil
}

func (r Rules) payload(p []byte) error {
	if r.payloadBytes > 0 && len(p) > r.payloadBytes {
		return fmt.Errorf("payload is %d bytes long, at most %d are allowed", len(p), r.payloadBytes)
	}
	return CheckPayload(p)
}

func (r Rules) envelope(rec connector.Record) error {
	if err := r.version(rec.Kind, rec.Major); err != nil {
		return err
	}
	if err := checkName("key", rec.Key, MaxKey); err != nil {
		return err
	}
	if !subjectType(rec.Subject.Type) {
		return fmt.Errorf("subject type %s: want a lower-case word of letters, digits and underscores",
			Quote(rec.Subject.Type))
	}
	if err := checkName("subject id", rec.Subject.ID, MaxKey); err != nil {
		return err
	}
	if err := checkText("group", rec.Group, MaxKey); err != nil {
		return err
	}
	return checkURL(rec.URL)
}

func (r Rules) version(kind string, major int) error {
	if err := r.Kind(kind); err != nil {
		return err
	}
	for _, m := range r.majors[kind] {
		if m == max(major, 1) && major >= 0 {
			return nil
		}
	}
	return fmt.Errorf("major version %d is not among those that the connector describes", major)
}

// CheckTimes reports whether rec claims to have happened after latest, or to
// cover a period that ends before it begins.
func CheckTimes(rec connector.Record, latest time.Time) error {
	if rec.EventTime.After(latest) {
		return fmt.Errorf("record %s of kind %s: event time %s is in the future",
			Quote(rec.Key), Quote(rec.Kind), rec.EventTime.UTC().Format(time.RFC3339))
	}
	if p := rec.Period; p != nil && (p.From.IsZero() || p.To.Before(p.From)) {
		return fmt.Errorf("record %s of kind %s: period from %s to %s: want a start and an end that is not before it",
			Quote(rec.Key), Quote(rec.Kind), p.From.UTC().Format(time.RFC3339), p.To.UTC().Format(time.RFC3339))
	}
	return nil
}

// Unchanged checks an attestation of a group.
func (r Rules) Unchanged(group string, count int64) error {
	if err := checkName("group", group, MaxKey); err != nil {
		return fmt.Errorf("unchanged: %w", err)
	}
	if count < 0 || count > 1<<31 {
		return fmt.Errorf("unchanged group %s: count %d is out of range", Quote(group), count)
	}
	return nil
}

// Gap checks a gap.
func (r Rules) Gap(g connector.Gap) error {
	if err := r.gap(g); err != nil {
		return fmt.Errorf("gap %s: %w", Quote(g.Scope), err)
	}
	return nil
}

func (r Rules) gap(g connector.Gap) error {
	if len(g.Kinds) == 0 {
		return errors.New("names no kind that misses records")
	}
	for _, kind := range g.Kinds {
		if err := r.Kind(kind); err != nil {
			return err
		}
	}
	if err := checkName("scope", g.Scope, MaxKey); err != nil {
		return err
	}
	if g.Permission != "" && !r.permissions[g.Permission] {
		return fmt.Errorf("permission %s is not among those that the connector describes", Quote(g.Permission))
	}
	switch g.Reason {
	case connector.Denied, connector.NotFound, connector.Unsupported, connector.RateLimited,
		connector.Truncated, connector.Unavailable, connector.Malformed, connector.Hidden:
		return nil
	}
	return fmt.Errorf("reason %s is not known", Quote(string(g.Reason)))
}

// Cursor checks a position.
func (r Rules) Cursor(name, value string) error {
	if err := checkName("name", name, MaxCursorName); err != nil {
		return fmt.Errorf("cursor: %w", err)
	}
	if err := checkText("value", value, MaxCursor); err != nil {
		return fmt.Errorf("cursor %s: %w", Quote(name), err)
	}
	return nil
}

// Validator checks what a conditional request needs. Its fields become HTTP
// headers, so they hold no control characters.
func (r Rules) Validator(key string, v connector.Validator) error {
	if err := checkName("key", key, MaxValidator); err != nil {
		return fmt.Errorf("validator: %w", err)
	}
	err := errors.Join(
		checkText("etag", v.ETag, MaxETag),
		checkText("last_modified", v.LastModified, MaxETag),
		checkText("link", v.Link, MaxLink),
	)
	if err == nil && len(v.Memo) > MaxMemo {
		err = fmt.Errorf("memo is %d bytes long, at most %d are allowed", len(v.Memo), MaxMemo)
	}
	if err != nil {
		return fmt.Errorf("validator %s: %w", Quote(key), err)
	}
	return nil
}

// Coverage checks a run's claim: it names every wanted kind and no kind that
// was not described.
func (r Rules) Coverage(c connector.Coverage, wanted []string) error {
	for _, kind := range wanted {
		if _, ok := c[kind]; !ok {
			return fmt.Errorf("coverage does not name the kind %s, which was asked for", Quote(kind))
		}
	}
	for kind, k := range c {
		if err := r.kindCoverage(kind, k); err != nil {
			return fmt.Errorf("coverage of %s: %w", Quote(kind), err)
		}
	}
	return nil
}

func (r Rules) kindCoverage(kind string, k connector.KindCoverage) error {
	if err := r.Kind(kind); err != nil {
		return err
	}
	switch k.Status {
	case connector.NotRead, connector.Complete, connector.Partial, connector.Refused:
	default:
		return fmt.Errorf("status %s is not known", Quote(string(k.Status)))
	}
	if k.IndependentCount < -1 {
		return fmt.Errorf("independent count %d: want a count, or -1 for none", k.IndependentCount)
	}
	return checkText("query", k.Query, MaxQuery)
}

func checkURL(raw string) error {
	if raw == "" {
		return nil
	}
	if err := checkText("url", raw, MaxURL); err != nil {
		return err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https") {
		return fmt.Errorf("url %s: want an absolute http or https address", Quote(raw))
	}
	if u.User != nil {
		return errors.New("url holds a user name or a password")
	}
	return nil
}

// subjectType reports whether s is a lower-case word: [a-z][a-z0-9_]*, at most 64.
func subjectType(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// KindName is the form of a kind: a system and a noun, joined by a dot.
const KindName = `^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`

// ConnectorName is the form of a connector's name.
const ConnectorName = `^[a-z][a-z0-9-]*$`

// ValidName reports whether name may be a connector's name. A name that passes
// cannot lead out of a directory.
func ValidName(name string) bool {
	return len(name) <= 64 && regexp.MustCompile(ConnectorName).MatchString(name)
}
