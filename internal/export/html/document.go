package html

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/export"
)

// document puts the parts together.
func (r *report) document(w *bufio.Writer) error {
	style := r.style()
	org := r.snap.Organisation
	title := "Evidence report as of " + export.Time(r.snap.AsOf)
	if org != "" {
		title += ", " + org
	}
	write(w, "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n",
		`<meta http-equiv="Content-Security-Policy" content="`, policy(style), "\">\n",
		"<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
		"<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"", esc("Exhibit "+r.snap.ToolVersion), "\">\n",
		"<title>", esc(title), "</title>\n<style>", style, "</style>\n</head>\n<body id=\"top\">\n",
		"<a class=\"skip\" href=\"#main\">Skip to the sheets</a>\n")
	r.header(w)
	r.contents(w)
	write(w, "<main id=\"main\" tabindex=\"-1\">\n")
	for _, p := range r.parts {
		if err := p.section(w); err != nil {
			return err
		}
	}
	r.checking(w)
	write(w, "</main>\n<footer><p>", esc(title), ". Snapshot <code>", esc(r.Digests.Snapshot.String()),
		"</code>. Evidence status at one instant; not a statement of conformity.</p></footer>\n</body>\n</html>\n")
	return nil
}

// kindText says what kind of report it is.
const kindText = "AI management system, ISO/IEC 42001"

func (r *report) header(w *bufio.Writer) {
	write(w, "<header>\n<p class=\"kind\">", kindText, "</p>\n<h1>Evidence report</h1>\n<p class=\"of\">")
	if r.snap.Organisation != "" {
		write(w, "<strong>", esc(r.snap.Organisation), "</strong>, ")
	}
	write(w, "as of <strong>", esc(export.Time(r.snap.AsOf)), "</strong>")
	if r.snap.Period != nil {
		write(w, ", period ", esc(export.Time(r.snap.Period.From)), " to ", esc(export.Time(r.snap.Period.To)))
	}
	write(w, ". All times are UTC.</p>\n</header>\n")
}

// contents is the way to every sheet.
func (r *report) contents(w *bufio.Writer) {
	write(w, "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">Sheets</h2>\n<ol>\n")
	for _, p := range r.parts {
		write(w, "<li><a href=\"#s-", p.id, "\">", esc(p.Name), "</a>")
		if p.Page == nil {
			write(w, " <span class=\"count\">", rowsOf(p.total), "</span>")
		}
		write(w, "</li>\n")
	}
	write(w, "<li><a href=\"#s-checking\">How to check this file</a></li>\n</ol>\n</nav>\n")
}

func rowsOf(n int) string {
	if n == 1 {
		return "1 row"
	}
	return thousands(n) + " rows"
}

// thousands writes a number with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// section writes a part, with what stands before and after it.
func (p *part) section(w *bufio.Writer) error {
	class := "sheet"
	if p.Page != nil {
		class = "page"
	} else if p.Large {
		class = "sheet large"
	}
	write(w, "<section id=\"s-", p.id, "\" class=\"", class, "\" aria-labelledby=\"h-", p.id, "\">\n<h2 id=\"h-", p.id, "\">", esc(p.Name), "</h2>\n")
	if p.About != "" {
		write(w, "<p class=\"about\">", esc(p.About), "</p>\n")
	}
	if p.Page == nil && p.total == 0 {
		write(w, "<p class=\"none\">No rows.</p>\n")
	}
	if p.rows < p.total {
		write(w, "<p class=\"cut\" role=\"note\"><strong>Shows the first ", thousands(p.rows), " of ", thousands(p.total), " rows.</strong> All of them are in the workbook, and in <code>exhibit export csv --sheet &quot;",
			esc(p.Name), "&quot;</code>.</p>\n")
	}
	if _, err := p.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(w, p.spool); err != nil {
		return err
	}
	if p.rows < p.total {
		write(w, "<p class=\"cut\">", thousands(p.total-p.rows), " more rows are not shown here.</p>\n")
	}
	write(w, "<p class=\"back\"><a href=\"#top\">To the top</a></p>\n</section>\n")
	return nil
}

// checking says how to establish that the file is what was handed out.
func (r *report) checking(w *bufio.Writer) {
	a := r.snap.Assessment
	fact := func(key, value string) {
		write(w, "<div><dt>", esc(key), "</dt><dd><code>", esc(value), "</code></dd></div>\n")
	}
	write(w, "<section id=\"s-checking\" class=\"page\" aria-labelledby=\"h-checking\">\n<h2 id=\"h-checking\">How to check this file</h2>\n<dl>\n")
	fact("Snapshot", r.Digests.Snapshot.String())
	fact("Assessment", "sha256 "+r.Digests.Assessment.String())
	fact("Assessed from", fmt.Sprintf("ledger entries 0 to %d, root %s", a.Checkpoint.Size-1, a.Checkpoint.Root))
	fact("Key", r.snap.PublicKey)
	write(w, "</dl>\n<h3>Signed checkpoint of the ledger</h3>\n<pre>", esc(strings.TrimSpace(string(r.snap.Checkpoint))), "</pre>\n<h3>Steps</h3>\n<ol>\n")
	for _, step := range []string{
		"This file carries no seal, since whoever can change it could change what it says of itself. When it was handed out, its sha256 went into the ledger as an entry of the type export: compare it with that of your copy (sha256sum FILE).",
		"Ask for a bundle of the same instant: exhibit export bundle --as-of " + export.Time(r.snap.AsOf) + ". It holds the evidence, the rules and the proofs, and names the same assessment.",
		"Verify it offline with exhibit verify BUNDLE --key exhibit.pub, and compare the key above with one that you got another way. The statuses are recomputed from the evidence.",
		"The same ledger and the same instant give this file again, byte for byte.",
	} {
		write(w, "<li>", esc(step), "</li>\n")
	}
	write(w, "</ol>\n</section>\n")
}
