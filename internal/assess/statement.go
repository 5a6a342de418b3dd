package assess

import (
	"fmt"
	"strings"
)

const notEstablished = "not established"

// inWords writes the statement of a population from its fields. What is not
// known is said to be so, never left out.
func (p *Population) inWords(organization bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Population of %s contains %d items.", p.Expectation, p.Count)
	switch {
	case len(p.Readings) > 0:
		for i := range p.Readings {
			b.WriteString(" " + p.Readings[i].inWords())
		}
	case organization && p.Count == 0:
		b.WriteString(" The organisation itself would be the only item.")
	case organization:
		b.WriteString(" The organisation itself is the only item.")
	default:
		b.WriteString(" How it was obtained: " + notEstablished + ".")
	}
	if !organization {
		b.WriteString(" Items excluded: " + p.excludedWords() + ".")
	}
	if len(p.NotCovered) > 0 {
		b.WriteString(" Not covered: " + strings.Join(p.NotCovered, ", ") + ".")
	}
	return b.String()
}

func (p *Population) excludedWords() string {
	if len(p.Exclusions) == 0 {
		for _, r := range p.Readings {
			if r.Run != "" {
				return "none"
			}
		}
		return notEstablished
	}
	var out []string
	for _, e := range p.Exclusions {
		out = append(out, fmt.Sprintf("%d records of %s %s", e.Count, e.Kind, e.Reason))
	}
	return strings.Join(out, ", ")
}

func (r *PopulationReading) inWords() string {
	if r.Run == "" {
		return fmt.Sprintf("%s from %s: obtained by a complete run: %s.", r.Kind, r.Source, notEstablished)
	}
	or := func(s string) string {
		if s == "" {
			return notEstablished
		}
		return s
	}
	count, difference := notEstablished, notEstablished
	if r.Independent != nil {
		count, difference = fmt.Sprint(*r.Independent), "0"
		if *r.Difference != 0 {
			difference = fmt.Sprintf("%d, explained by: %s", *r.Difference, or(r.Explained))
		}
	}
	missing, covered := "none reported missing", "nothing reported"
	if len(r.Missing) > 0 {
		missing = "missing " + strings.Join(r.Missing, ", ")
	}
	if len(r.NotCovered) > 0 {
		covered = strings.Join(r.NotCovered, ", ")
	}
	return fmt.Sprintf("%s: %d records obtained at %s by identity %s from %s with query %s (run %s). Independent count: %s. Difference: %s. "+
		"Canary: %s. Permissions: held %s, %s. Not covered: %s.", r.Kind, r.Records, r.At.Format("2006-01-02 15:04:05Z"), or(r.Identity), r.Source,
		or(r.Query), r.Run, count, difference, r.Canary.inWords(), notEstablished, missing, covered)
}

func (c CanaryCheck) inWords() string {
	names := strings.Join(c.Names, ", ")
	if names != "" {
		names += " "
	}
	switch c.Result {
	case CanaryFound:
		return names + "found"
	case CanaryNotFound:
		return names + "not found: " + c.Detail
	case CanaryNone:
		return "none declared"
	}
	return names + notEstablished
}
