package ask

import (
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// none says that there is nothing of a kind, which only complete readings can:
// one line for each source. Without one the part is empty.
func (w *World) none(slug, title string) Part {
	part := Part{Title: title}
	p := w.populace[slug]
	if p == nil || !p.Complete {
		return part
	}
	for _, r := range p.Readings {
		if r.At == nil {
			continue
		}
		f := Fact{At: *r.At, Kind: r.Kind, Text: fmt.Sprintf("%s was read completely from source %s: %d records", r.Kind, r.Source, r.Records)}
		switch {
		case r.Canary.Result == assess.CanaryFound:
			f.Text += "; the canary was found"
		case r.Independent != nil && r.Difference != nil && *r.Difference == 0:
			f.Text += "; another way of counting agrees"
		default:
			f.Text += "; neither a canary nor another count shows that one would have been found"
			f.Mark = Unproven
		}
		part.Facts = append(part.Facts, f)
	}
	return part
}
