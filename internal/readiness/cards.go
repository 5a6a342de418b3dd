package readiness

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Card is one of the four topics to ask a certification body about, with our
// own evidence as it stands.
type Card struct {
	Control  string        `json:"control"`
	Title    string        `json:"title"`
	Question string        `json:"question"`
	Status   assess.Status `json:"status"`
	Of       []CardPart    `json:"populations"`
	Samples  []CardRow     `json:"samples"` // three; the same ledger gives the same ones
}

// CardPart is a population of a card.
type CardPart struct {
	Expectation string `json:"expectation"`
	Title       string `json:"title"`
	Satisfied   int    `json:"satisfied"`
	Total       int    `json:"total"`
	Complete    bool   `json:"complete"` // the population is known to be whole
}

// CardRow is a sample of a card's results.
type CardRow struct {
	Expectation string            `json:"expectation"`
	Subject     evidence.Subject  `json:"subject"`
	Status      assess.Status     `json:"status"`
	Reason      string            `json:"reason"`
	Evidence    []evidence.Digest `json:"evidence"`
}

// cardSamples is how many rows a card shows.
const cardSamples = 3

// topicsToAsk are the controls of the cards.
var topicsToAsk = [][2]string{
	{"A.6.2.6", "How do you assess whether models in operation are watched, and that somebody acts on what is seen?"},
	{"A.9.2", "How do you tell real human oversight from a click?"},
	{"A.10.3", "What do you look at when a vendor changes a model that we depend on?"},
	{"8.1", "How do you sample changes of code, prompts, models and data?"},
}

func cards(a *assess.Assessment) []Card {
	out := []Card{}
	for _, t := range topicsToAsk {
		i := slices.IndexFunc(a.Controls, func(c assess.Control) bool { return c.ID == t[0] })
		if i < 0 {
			continue
		}
		c := Card{Control: t[0], Title: a.Controls[i].Title, Question: t[1], Status: a.Controls[i].Status, Of: []CardPart{}, Samples: []CardRow{}}
		for _, e := range a.Expectations {
			if e.Control == c.Control {
				c.Of = append(c.Of, cardPart(a, e))
			}
		}
		c.Samples = append(c.Samples, sampleRows(a, a.Controls[i].Results)...)
		out = append(out, c)
	}
	return out
}

func cardPart(a *assess.Assessment, e assess.InForce) CardPart {
	p := CardPart{Expectation: e.Slug, Title: e.Title}
	for _, r := range a.Results {
		if r.Expectation == e.Slug && r.Status != assess.StatusNotApplicable {
			p.Total++
			if r.Status == assess.StatusSatisfied {
				p.Satisfied++
			}
		}
	}
	if i := slices.IndexFunc(a.Populations, func(x assess.Population) bool { return x.Expectation == e.Slug }); i >= 0 {
		p.Complete = a.Populations[i].Complete
	}
	return p
}

// sampleRows picks by rank over the root of the ledger: nobody chose them.
func sampleRows(a *assess.Assessment, results []*assess.Result) []CardRow {
	var with []*assess.Result
	for _, r := range results {
		if len(r.Evidence) > 0 {
			with = append(with, r)
		}
	}
	rank := func(r *assess.Result) string {
		return assess.SampleRank(a.Checkpoint.Root, r.Expectation+" "+r.Subject.Type+"/"+r.Subject.ID)
	}
	slices.SortFunc(with, func(x, y *assess.Result) int { return strings.Compare(rank(x), rank(y)) })
	var out []CardRow
	for _, r := range with[:min(cardSamples, len(with))] {
		out = append(out, CardRow{r.Expectation, r.Subject, r.Status, r.Reason, r.Evidence})
	}
	return out
}
