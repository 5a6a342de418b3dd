package vendorwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// remembered is what is kept of a page: the text that counts as current, and
// one that is so much shorter that it has to be seen again.
type remembered struct {
	SHA256   string    `json:"sha256"`
	Previous string    `json:"previous,omitempty"`
	First    time.Time `json:"first"`
	Size     int       `json:"size"`
	Marks    string    `json:"marks,omitempty"` // of the lines, in order
	Diff     string    `json:"diff,omitempty"`
	Pending  string    `json:"pending,omitempty"`
	Rules    string    `json:"rules,omitempty"` // settings that say what of the page counts
}

// anew is told of a text that is compared with none, because the settings were
// others when the last one was read.
const anew = "read anew: within or ignore are other settings than when it was last read, so it was not compared"

// rules is a digest of the settings that say what of a page counts.
func (p *page) rules() string {
	h := sha256.Sum256([]byte(strings.Join(append([]string{p.Within}, p.Ignore...), "\n")))
	return hex.EncodeToString(h[:8])
}

// markLength is how many characters the mark of one line has.
const markLength = 8

// page reads a page and tells whether its text is another one than before.
func (r *run) page(ctx context.Context, v *vendor, p *page) error {
	name := coverage.Memory("page", v.ID, p.URL)
	var last remembered
	known := r.book.Position(name, &last)
	reread := known && last.Rules != p.rules()
	a, err := r.web.get(ctx, p.URL, "text/html,text/plain;q=0.9", rest.NoteFits(func(sum string) bool { return known && !reread && sum == last.SHA256 }))
	if err != nil {
		return err
	}
	if a.NotModified {
		return nil
	}
	now, err := p.read(a)
	if err != nil {
		return err
	}
	sum := now.sum()
	switch {
	case known && sum == last.SHA256:
		if last.Pending != "" || reread {
			last.Pending, last.Rules = "", p.rules()
			if err := r.book.Cursor(name, last); err != nil {
				return err
			}
		}
		if err := r.revision(v, p, last, now); err != nil {
			return err
		}
		return r.keep(a, sum)
	case known && !reread && now.size() < last.Size/5 && last.Pending != sum:
		last.Pending = sum
		if err := r.book.Cursor(name, last); err != nil {
			return err
		}
		return &rest.MalformedError{Path: p.URL, Why: fmt.Sprintf(
			"its text has shrunk from %d to %d characters: an error page or a question for a click would look so; it is taken if the next run sees it again", last.Size, now.size())}
	}
	if err := r.confirm(ctx, p, sum); err != nil {
		return err
	}
	next := remembered{SHA256: sum, First: r.now, Size: now.size(), Marks: strings.Join(now.marks(), ""), Rules: p.rules()}
	switch {
	case reread:
		next.Diff = anew
	case known:
		next.Previous, next.Diff = last.SHA256, now.difference(split(last.Marks))
	}
	if len(next.Marks) > 50<<10 {
		next.Marks = "" // the next difference is told without lines
	}
	if err := r.revision(v, p, next, now); err != nil {
		return err
	}
	if err := r.book.Cursor(name, next); err != nil {
		return err
	}
	return r.keep(a, sum)
}

// read takes the text out of an answer. Of what is no text only the bytes
// are compared.
func (p *page) read(a rest.Answer) (text, error) {
	kind := a.Header.Get("Content-Type")
	if strings.Contains(kind, "pdf") || strings.HasPrefix(string(a.Body), "%PDF-") {
		return text{lines: []string{"a PDF of " + strconv.Itoa(len(a.Body)) + " bytes with SHA-256 " + hex.EncodeToString(a.Sum[:])}}, nil
	}
	t, err := parseText(kind, a.Body, p)
	if err != nil {
		return t, &rest.MalformedError{Path: p.URL, Why: err.Error()}
	}
	return t, nil
}

// confirm reads a page again: a text that differs from reading to reading is
// no text that somebody changed.
func (r *run) confirm(ctx context.Context, p *page, sum string) error {
	a, err := r.web.get(ctx, p.URL, "text/html,text/plain;q=0.9", nil)
	if err != nil {
		return err
	}
	again, err := p.read(a)
	if err != nil {
		return err
	}
	if again.sum() != sum {
		return &rest.MalformedError{Path: p.URL, Why: "two readings in a row gave two texts: name what changes by itself in ignore, or the element to read in within"}
	}
	return nil
}

func (r *run) revision(v *vendor, p *page, m remembered, now text) error {
	return r.book.Record(connector.Record{
		Kind: records.KindTermsRevision, Subject: connector.Subject{Type: "vendor", ID: v.ID},
		Key: v.ID + "|" + p.URL + "|" + m.SHA256 + "|" + records.Stamp(m.First), EventTime: m.First, URL: p.URL,
	}, records.TermsRevision{
		VendorID: v.ID, URL: p.URL, PageType: p.Type, FetchedAt: records.Stamp(m.First), ContentSHA256: m.SHA256,
		PreviousSHA256: m.Previous, DiffSummary: m.Diff, EffectiveAt: records.Stamp(now.effectiveAt()),
	})
}

func split(marks string) []string {
	var out []string
	for len(marks) >= markLength {
		out, marks = append(out, marks[:markLength]), marks[markLength:]
	}
	return out
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
