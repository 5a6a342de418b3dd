package html

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/sheets"
)

func sample(t testing.TB) *exporttest.Sample {
	t.Helper()
	s, err := exporttest.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func page(t testing.TB, s *exporttest.Sample, opt Options) string {
	t.Helper()
	opt.TempDir = t.TempDir()
	var buf bytes.Buffer
	if _, err := Write(t.Context(), &buf, s.Snapshot, opt); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(opt.TempDir); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
	return buf.String()
}

// TestSameBytes writes the same snapshot again and again.
// EXHIBIT_REPORT_OUT names a file to keep it in, to look at.
func TestSameBytes(t *testing.T) {
	first := page(t, sample(t), Options{})
	for range 3 {
		if page(t, sample(t), Options{}) != first {
			t.Fatal("the same snapshot gave another file")
		}
	}
	if out := os.Getenv("EXHIBIT_REPORT_OUT"); out != "" {
		if err := os.WriteFile(out, []byte(first), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tag is a start tag with its attributes.
var tag = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)([^<>]*)>`)

// TestStandsAlone: no script, nothing from elsewhere, and a policy that names
// the one style sheet by its digest.
func TestStandsAlone(t *testing.T) {
	text := page(t, sample(t), Options{})
	_, rest, _ := strings.Cut(text, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-` + base64.StdEncoding.EncodeToString(sum[:]) + `'; base-uri 'none'; form-action 'none'">`
	if !strings.Contains(text, want) {
		t.Errorf("the policy is not %s", want)
	}
	if strings.Contains(style, "@import") || strings.Contains(style, "url(") || strings.Contains(style, "</") {
		t.Error("the style sheet asks for something")
	}
	allowed := "html head meta title style body a header p h1 h2 h3 strong nav ol li span main section div table caption thead tr th tbody td ul dl dt dd code pre time footer figure figcaption svg desc rect text line polyline circle"
	for _, m := range tag.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(strings.Fields(allowed), m[1]) {
			t.Fatalf("an element %s", m[0])
		}
		if strings.Contains(m[2], " on") || strings.Contains(m[2], "style=") || strings.Contains(m[2], "src=") {
			t.Errorf("an attribute of %s", m[0])
		}
	}
}

// TestLinksLead: each link within the file leads to an element, and each other
// one is one that may be offered.
func TestLinksLead(t *testing.T) {
	text := page(t, sample(t), Options{})
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if ids[m[1]]++; ids[m[1]] > 1 {
			t.Errorf("two elements %s", m[1])
		}
	}
	inside, outside := 0, 0
	for _, m := range regexp.MustCompile(`<a[^>]*href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if id, ok := strings.CutPrefix(m[1], "#"); ok {
			if inside++; ids[id] != 1 {
				t.Errorf("a link leads to %s, which is not there", id)
			}
			continue
		}
		outside++
		if !strings.HasPrefix(m[1], "https://github.example/") || !strings.Contains(m[0], `rel="noreferrer noopener"`) {
			t.Errorf("a link %s", m[0])
		}
	}
	if inside < 40 || outside < 10 {
		t.Errorf("%d links inside, %d outside", inside, outside)
	}
}

// TestHostile: what a source sent stands in the file as text.
func TestHostile(t *testing.T) {
	s := sample(t)
	s.Snapshot.Organisation = `</style><script>alert(1)</script>"}*{x:y}` + "\u202e\x1b"
	text := page(t, s, Options{})
	for _, h := range exporttest.Hostile {
		if want := html.EscapeString(cell.Show(exporttest.ValidText(h))); !strings.Contains(text, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if strings.Contains(text, "<script") || strings.Contains(text, "\u202e") || strings.Contains(text, "\x1b") || strings.Count(text, "</style>") != 1 {
		t.Error("the organisation's name is not a text")
	}
}

// TestCut: a sheet that is cut says so, with its rows, and links lead nowhere
// that is not shown.
func TestCut(t *testing.T) {
	s := sample(t)
	var buf bytes.Buffer
	sum, err := Write(t.Context(), &buf, s.Snapshot, Options{Rows: 5, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(sum.Cut, "Results") || slices.Contains(sum.Cut, "Waivers") {
		t.Errorf("cut %v", sum.Cut)
	}
	text := buf.String()
	n := len(s.Snapshot.Assessment.Results)
	if !strings.Contains(text, fmt.Sprintf("Shows the first 5 of %d rows.", n)) || !strings.Contains(text, fmt.Sprintf("%d more rows are not shown here.", n-5)) {
		t.Error("it does not say so")
	}
	for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(text, ` id="`+m[1]+`"`) {
			t.Errorf("a link leads to %s, which is not shown", m[1])
		}
	}
	if whole := page(t, s, Options{Rows: -1}); strings.Contains(whole, "Shows the first") {
		t.Error("all rows were asked for")
	}
}

// TestStatuses: each status has its word, a symbol and its colours, and what is
// no status does not look like a good one.
func TestStatuses(t *testing.T) {
	text := page(t, sample(t), Options{})
	symbols := map[string]bool{}
	for _, l := range sheets.Looks() {
		if want := pill(string(l.Status), l.Status); !strings.Contains(text, want) || !strings.Contains(want, " "+string(l.Status)+"<") {
			t.Errorf("%s is not shown as %s", l.Status, want)
		}
		symbols[symbol(l.Status)] = true
		if !strings.Contains(text, ".st-"+string(l.Status)+"{background:#"+l.Fill+";color:#"+l.Font) {
			t.Errorf("%s has no colours", l.Status)
		}
	}
	if len(symbols) != len(sheets.Looks()) {
		t.Errorf("%d symbols for %d statuses", len(symbols), len(sheets.Looks()))
	}
	if got := statusClass(`x"><script>`); got != "st-not_assessed" {
		t.Errorf("no status has the class %s", got)
	}
}

// TestCharts: every kind, with its numbers, its names as text, and nothing
// drawn of what is no number.
func TestCharts(t *testing.T) {
	for kind, drawn := range map[sheets.ChartKind]string{sheets.ChartStackedBars: "<rect", sheets.ChartColumns: "<rect", sheets.ChartLines: "<polyline"} {
		c := &sheets.Chart{Title: "<Controls>", Kind: kind, About: "How many & which", Category: "area", Categories: []string{"4 <Context>", "5"},
			Series: []sheets.Series{{Name: "failing", Color: "B3361B", Values: []float64{3, 0}}, {Name: "x", Color: `"/><script>`, Values: []float64{1, math.NaN()}}}}
		var buf bytes.Buffer
		w := bufio.NewWriter(&buf)
		if err := writeChart(w, "c", c); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		text := buf.String()
		for _, want := range []string{drawn, `role="img"`, "<title id=\"c-t\">&lt;Controls&gt;</title>", "How many &amp; which", `<th scope="row">4 &lt;Context&gt;</th><td class="n">3</td>`, "#B3361B"} {
			if !strings.Contains(text, want) {
				t.Errorf("kind %d: no %s in\n%s", kind, want, text)
			}
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("kind %d: %s", kind, text)
		}
		c.Series[0].Values = nil
		if err := writeChart(w, "c", c); err == nil {
			t.Error("a series without values was drawn")
		}
	}
	for _, tt := range []struct{ top, step, end float64 }{{0, 1, 1}, {1, 1, 1}, {7, 1, 7}, {9, 2, 10}, {70, 10, 70}, {123, 20, 140}} {
		if step, end := scale(tt.top); step != tt.step || end != tt.end {
			t.Errorf("scale(%v) = %v, %v, want %v, %v", tt.top, step, end, tt.step, tt.end)
		}
	}
}
