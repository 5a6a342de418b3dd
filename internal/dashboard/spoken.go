package dashboard

import (
	"regexp"
	"strings"
)

// What is refused says what to do in the words of the command line, where every
// refusal is made. Here it is said in the words of the pages. A command stays where
// no page does what it does.
var spokenAs = []struct {
	typed  *regexp.Regexp
	spoken string
}{
	{regexp.MustCompile(` \(exhibit shadow (?:list|coverage)\)`), ""},
	{regexp.MustCompile(`\bsay why with --(?:because|note|reason)\b`), "say why in the form"},
	{regexp.MustCompile(`\bsay until when with --(?:due|expires)\b`), "choose a day under Until"},
	{regexp.MustCompile(`--result pass or --result fail\b`), "choose whether it passed or failed"},
	{regexp.MustCompile(`--note: what was looked at`), "write down what was looked at"},
	{regexp.MustCompile(`; then --digest DIGEST`), "; approve what that page shows"},
	{regexp.MustCompile(`\bleave --sample out\b`), "leave the draw out"},
	{regexp.MustCompile(`\bexhibit findings show ID\b`), "the page of the finding"},
	{regexp.MustCompile(`\bexhibit findings(?: --state all)?( lists| names)`), "the page Findings$1"},
	{regexp.MustCompile(`; exhibit assess records what is open now`), ""},
	{regexp.MustCompile(`\bexhibit (?:catalog explain|status)( lists| shows)`), "the page Controls$1"},
	{regexp.MustCompile(`\bexhibit shadow list\b`), "the page Shadow AI"},
	{regexp.MustCompile(`\bwrite its entry \(exhibit shadow draft [^)]*\), then exhibit collect register\b`), "put the entry that this page drafts into the register, then read the source register"},
	{regexp.MustCompile(`\bexhibit register( shows)`), "the page AI systems$1"},
	{regexp.MustCompile(`\bexhibit waive list\b`), "the page Waivers"},
	{regexp.MustCompile(`: exhibit waive request\b`), " on the page Waivers"},
	{regexp.MustCompile(`\bexhibit review list(?: --all)?\b`), "the page Reviews"},
	{regexp.MustCompile(`\bexhibit populations \S+ --items\b`), "the page of the population"},
	{regexp.MustCompile(`\bexhibit populations\b`), "the page Populations"},
	{regexp.MustCompile(`\bexhibit sample EXPECTATION --record\b`), "drawing from a population, on its page,"},
	{regexp.MustCompile(`\bexhibit ledger lists the runs\b`), "the page of the source lists its runs"},
	{regexp.MustCompile(`\bexhibit ledger checkpoint says\b`), "the top of each page says"},
	{regexp.MustCompile(`\bexhibit applicability show (\S+) prints it with its digest`), "the page Applicability shows version $1"},
	{regexp.MustCompile(`\bread it again with exhibit applicability show \S+`), "load the page Applicability again"},
}

// option is one of the command line that nothing above speaks of.
var option = regexp.MustCompile(`--([a-z][a-z-]*)`)

// spoken says what the command line would be told as a page says it.
func spoken(s string) string {
	if !strings.Contains(s, "--") && !strings.Contains(s, "exhibit ") {
		return s
	}
	for _, r := range spokenAs {
		s = r.typed.ReplaceAllString(s, r.spoken)
	}
	return option.ReplaceAllStringFunc(s, func(o string) string { return strings.ReplaceAll(strings.TrimPrefix(o, "--"), "-", " ") })
}
