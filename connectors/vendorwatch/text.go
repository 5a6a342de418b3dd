package vendorwatch

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Limits of a page's text: what is shorter holds nothing to compare, what is
// longer is no page of terms.
const (
	minText  = 200
	maxLines = 5000
	maxDepth = 400

	maxDecoded = 32 << 20 // bytes of a page in UTF-8
)

var (
	errNoText = errors.New("it holds no text without scripts; hand the page in as a document, or name an address that does")
	errLong   = errors.New("its text is longer than 5,000 lines")
	errNested = errors.New("its elements nest deeper than 400")
	errWithin = errors.New("it has no element as named in within")
)

// text is what a person reads on a page, in lines: blanks folded, markup and
// what is not content left out.
type text struct {
	lines []string
}

// sum is over the lines, so that markup and line ends do not count.
func (t text) sum() string {
	h := sha256.Sum256([]byte(strings.Join(t.lines, "\n")))
	return hex.EncodeToString(h[:])
}

func (t text) size() int {
	n := 0
	for _, l := range t.lines {
		n += len(l) + 1
	}
	return n
}

// marks are six bytes of each line's digest, in text.
func (t text) marks() []string {
	out := make([]string, 0, len(t.lines))
	for _, l := range t.lines {
		h := sha256.Sum256([]byte(l))
		out = append(out, base64.RawStdEncoding.EncodeToString(h[:6]))
	}
	return out
}

// parseText takes the text out of an answer: HTML, or plain text.
func parseText(contentType string, body []byte, p *page) (text, error) {
	var lines []string
	body, err := utf8Of(contentType, body)
	if err != nil {
		return text{}, err
	}
	if strings.Contains(contentType, "html") || contentType == "" && bytes.Contains(body[:min(len(body), 1024)], []byte("<html")) {
		lines, err = htmlLines(body, p.Within)
	} else {
		lines = strings.Split(string(body), "\n")
	}
	if err != nil {
		return text{}, err
	}
	t := text{}
	for _, l := range lines {
		l = fold(l)
		if l != "" && !p.ignores(l) {
			t.lines = append(t.lines, l)
		}
	}
	if t.size() < minText {
		return text{}, errNoText
	}
	if len(t.lines) > maxLines {
		return text{}, errLong
	}
	return t, nil
}

// utf8Of brings an answer into UTF-8 from the encoding that its header or the
// page itself names: what is not read is not compared.
func utf8Of(contentType string, body []byte) ([]byte, error) {
	if utf8.Valid(body) && !bytes.ContainsRune(body, 0) {
		return body, nil
	}
	encoding, name, _ := charset.DetermineEncoding(body[:min(len(body), 1024)], contentType)
	out, err := encoding.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fmt.Errorf("its text is not in %s, as it says", name)
	}
	if len(out) > maxDecoded {
		return nil, errLong
	}
	return out, nil
}

// fold makes a line comparable: one blank between words, nothing invisible.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\uFFFD':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

func (p *page) ignores(line string) bool {
	for _, re := range p.ignore {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

// htmlLines returns the text of the chosen element, a line per block.
func htmlLines(body []byte, within string) ([]string, error) {
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("it cannot be read as HTML")
	}
	root := find(doc, within, 0)
	if root == nil && within != "" {
		return nil, errWithin
	}
	w := &writer{}
	if !w.node(root, 0) {
		return nil, errNested
	}
	w.end()
	return w.lines, nil
}

// find returns the element that holds the content.
func find(doc *html.Node, within string, depth int) *html.Node {
	if within != "" {
		return search(doc, depth, func(n *html.Node) bool {
			id, byID := strings.CutPrefix(within, "#")
			return byID && attr(n, "id") == id || !byID && n.Data == within
		})
	}
	for _, a := range []atom.Atom{atom.Main, atom.Article, atom.Body} {
		if n := search(doc, depth, func(n *html.Node) bool { return n.DataAtom == a }); n != nil {
			return n
		}
	}
	return doc
}

func search(n *html.Node, depth int, is func(*html.Node) bool) *html.Node {
	if n.Type == html.ElementNode && is(n) {
		return n
	}
	if depth > maxDepth {
		return nil
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if found := search(c, depth+1, is); found != nil {
			return found
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// writer gathers text in lines.
type writer struct {
	lines []string
	line  strings.Builder
}

func (w *writer) end() {
	if w.line.Len() > 0 {
		w.lines = append(w.lines, w.line.String())
		w.line.Reset()
	}
}

// node writes a node's text; false if it nests too deep.
func (w *writer) node(n *html.Node, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if n.Type == html.TextNode {
		w.line.WriteString(n.Data)
		return true
	}
	if n.Type == html.ElementNode && noContent(n) {
		return true
	}
	block := n.Type == html.ElementNode && isBlock(n.DataAtom)
	if block {
		w.end()
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if !w.node(c, depth+1) {
			return false
		}
	}
	if block {
		w.end()
	}
	return true
}

// noContent reports whether an element is furniture: it changes without the
// text changing, or nobody sees it.
func noContent(n *html.Node) bool {
	switch n.DataAtom {
	case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg, atom.Nav, atom.Header, atom.Footer, atom.Aside, atom.Form, atom.Button,
		atom.Iframe, atom.Dialog, atom.Head, atom.Select, atom.Canvas, atom.Video, atom.Audio, atom.Object:
		return true
	}
	for _, a := range n.Attr {
		if a.Key == "hidden" || a.Key == "aria-hidden" && a.Val == "true" {
			return true
		}
	}
	return false
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.P, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Tr, atom.Td, atom.Th, atom.Table, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Section, atom.Article, atom.Main, atom.Br, atom.Hr, atom.Blockquote, atom.Pre, atom.Dt, atom.Dd, atom.Dl, atom.Figure, atom.Details, atom.Summary:
		return true
	}
	return false
}

// effective is how pages say from when they hold.
var effective = regexp.MustCompile(`(?i)\b(?:effective|in force|takes? effect|valid)(?: date)?(?: as of| from| on| since)?:? +` +
	`(\d{4}-\d{2}-\d{2}|[A-Z][a-z]{2,8} \d{1,2},? \d{4}|\d{1,2} [A-Z][a-z]{2,8} \d{4})`)

// effectiveAt is when the text says it comes into force; zero if it does not.
func (t text) effectiveAt() time.Time {
	for _, l := range t.lines {
		m := effective.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		for _, layout := range []string{time.DateOnly, "January 2, 2006", "January 2 2006", "Jan 2, 2006", "Jan 2 2006", "2 January 2006", "2 Jan 2006"} {
			if at, err := time.Parse(layout, m[1]); err == nil && at.Year() > 1990 && at.Year() < 2200 {
				return at.UTC()
			}
		}
	}
	return time.Time{}
}

// difference says what changed between the marks of a text and this one.
func (t text) difference(before []string) string {
	old := map[string]int{}
	for _, m := range before {
		old[m]++
	}
	var added []string
	for i, m := range t.marks() {
		if old[m] > 0 {
			old[m]--
			continue
		}
		added = append(added, t.lines[i])
	}
	removed := 0
	for _, n := range old {
		removed += n
	}
	var b strings.Builder
	b.WriteString(count(len(added), "line") + " new or changed, " + count(removed, "line") + " gone")
	for i, l := range added {
		if i == 5 {
			b.WriteString("; …")
			break
		}
		b.WriteString("; now: " + records.Line(l, 200))
	}
	return b.String()
}
