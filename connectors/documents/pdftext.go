package documents

import (
	"math"
	"regexp"
	"strings"
	"unicode"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// maxLines bounds how many lines of a PDF are kept.
const maxLines = 200_000

// pdfText is the text of a PDF, line by line.
type pdfText struct {
	lines    []pdfLine
	now      pdfLine
	drawn    bool // now holds something
	letters  int  // and digits that were read
	unmapped int  // that were shown, and cannot be told
	unread   []int
}

// pdfLine is one line as it was drawn.
type pdfLine struct {
	text strings.Builder
	line string
	y    float64
	size float64
	bold bool
}

// show adds text at a height. Text at another height is another line.
func (t *pdfText) show(s string, y, size float64, bold bool) {
	if t.drawn && math.Abs(y-t.now.y) > 0.4*math.Max(size, 1) {
		t.endLine()
	}
	if !t.drawn {
		t.now.y, t.now.size, t.now.bold, t.drawn = y, size, bold, true
	}
	t.now.size = math.Max(t.now.size, size)
	t.now.bold = t.now.bold && bold
	if t.now.text.Len() < 1000 {
		t.now.text.WriteString(s)
	}
}

func (t *pdfText) space() {
	if t.drawn {
		t.now.text.WriteByte(' ')
	}
}

func (t *pdfText) endLine() {
	if t.drawn && len(t.lines) < maxLines {
		line := strings.Join(strings.Fields(t.now.text.String()), " ")
		if line != "" {
			t.lines = append(t.lines, pdfLine{line: line, size: math.Round(t.now.size*10) / 10, bold: t.now.bold})
		}
	}
	t.now, t.drawn = pdfLine{}, false
}

// headings returns the short lines that stand out.
func (t *pdfText) headings() []string {
	bySize := map[float64]int{}
	for _, l := range t.lines {
		bySize[l.size] += len(l.line)
	}
	body, most := 0.0, 0
	for size, n := range bySize {
		if n > most || n == most && size < body {
			body, most = size, n
		}
	}
	numbered := regexp.MustCompile(`^\s*\d+(\.\d+)*[.)]?\s*\p{L}`)
	var out []string
	for _, l := range t.lines {
		if len(l.line) > 200 || strings.IndexFunc(l.line, unicode.IsLetter) < 0 {
			continue
		}
		capitals := strings.ToUpper(l.line) == l.line
		if l.size > body*1.08 || l.bold || capitals || numbered.MatchString(l.line) {
			out = append(out, l.line)
		}
	}
	return out
}

// pdfPage runs the instructions that draw a page, as far as they show text.
type pdfPage struct {
	file   *pdfFile
	text   *pdfText
	images bool
	failed bool
}

// pdfState is what the instructions change, and q and Q save and restore.
type pdfState struct {
	font    *pdfFont
	size    float64
	leading float64
	ctm     matrix
}

// matrix is a b c d e f of a transformation.
type matrix [6]float64

func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// runner is one content stream that is being run.
type runner struct {
	page      *pdfPage
	resources types.Dict
	depth     int
	state     pdfState
	saved     []pdfState
	tm, tlm   matrix // where text is shown, where its line began
	args      []pdfToken
}

// run runs a content stream with its resources.
func (p *pdfPage) run(b []byte, resources types.Dict, depth int) {
	identity := matrix{1, 0, 0, 1, 0, 0}
	r := &runner{page: p, resources: resources, depth: depth, state: pdfState{ctm: identity}, tm: identity, tlm: identity}
	lex := &pdfLexer{b: b}
	for {
		t, ok := lex.next()
		if !ok {
			break
		}
		if t.kind != opToken {
			if len(r.args) < 100 {
				r.args = append(r.args, t)
			}
			continue
		}
		if t.text == "ID" {
			lex.skipImage()
			p.images = true
		}
		r.operator(t.text)
		r.args = r.args[:0]
	}
	p.failed = p.failed || lex.broken
}

// number returns the i-th argument from the end.
func (r *runner) number(fromEnd int) float64 {
	if i := len(r.args) - 1 - fromEnd; i >= 0 {
		return r.args[i].number
	}
	return 0
}

func (r *runner) operator(op string) {
	s := &r.state
	switch op {
	case "q":
		if len(r.saved) < 256 {
			r.saved = append(r.saved, *s)
		}
	case "Q":
		if n := len(r.saved); n > 0 {
			*s, r.saved = r.saved[n-1], r.saved[:n-1]
		}
	case "cm":
		s.ctm = r.matrix().times(s.ctm)
	case "Do":
		r.object()
	case "BT":
		r.tm = matrix{1, 0, 0, 1, 0, 0}
		r.tlm = r.tm
	case "Tf":
		s.size = r.number(0)
		if len(r.args) >= 2 {
			s.font = r.page.file.font(r.resources, r.args[len(r.args)-2].text)
		}
	case "TL":
		s.leading = r.number(0)
	case "Tm":
		r.tm = r.matrix()
		r.tlm = r.tm
		r.page.text.space()
	case "Td", "TD":
		if op == "TD" {
			s.leading = -r.number(0)
		}
		r.move(r.number(1), r.number(0))
	case "T*", "'", `"`:
		r.move(0, -s.leading)
		if op != "T*" {
			r.show()
		}
	case "Tj", "TJ":
		r.show()
	}
}

func (r *runner) matrix() matrix {
	var m matrix
	for i := range m {
		m[i] = r.number(5 - i)
	}
	return m
}

func (r *runner) move(x, y float64) {
	r.tlm = matrix{1, 0, 0, 1, x, y}.times(r.tlm)
	r.tm = r.tlm
	r.page.text.space()
}

// show shows the last argument: a string, or strings with distances.
func (r *runner) show() {
	if len(r.args) == 0 || r.state.font == nil {
		r.page.failed = r.page.failed || len(r.args) > 0
		return
	}
	at := r.tm.times(r.state.ctm)
	size := math.Abs(r.state.size) * math.Hypot(at[2], at[3])
	t := r.page.text
	for _, e := range r.args[len(r.args)-1].flat() {
		if e.kind == numberToken {
			if e.number < -180 { // thousandths of the size: a gap between words
				t.space()
			}
			continue
		}
		s, unmapped := r.state.font.decode(e.text)
		t.unmapped += unmapped
		for _, c := range s {
			if unicode.IsLetter(c) || unicode.IsDigit(c) {
				t.letters++
			}
		}
		t.show(s, at[5], size, r.state.font.bold)
	}
}

// object draws a form, or notes that there is an image.
func (r *runner) object() {
	if len(r.args) == 0 || r.depth == maxFormDepth {
		return
	}
	f := r.page.file
	objects, err := f.ctx.DereferenceDict(r.resources["XObject"])
	if err != nil || objects == nil {
		return
	}
	o, ok := objects.Find(r.args[len(r.args)-1].text)
	if !ok {
		return
	}
	sd, _, err := f.ctx.DereferenceStreamDict(o)
	if err != nil || sd == nil {
		return
	}
	if sub := sd.NameEntry("Subtype"); sub == nil || *sub != "Form" {
		r.page.images = true
		return
	}
	resources := r.resources
	if own, err := f.ctx.DereferenceDict(sd.Dict["Resources"]); err == nil && own != nil {
		resources = own
	}
	r.page.run(f.stream(o), resources, r.depth+1)
}
