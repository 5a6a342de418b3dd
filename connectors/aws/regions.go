package aws

import (
	"context"
	"encoding/xml"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// describeRegions is the one question to EC2.
const describeRegions = "ec2:DescribeRegions"

// regionList is EC2's answer to DescribeRegions.
type regionList struct {
	XMLName xml.Name      `xml:"DescribeRegionsResponse"`
	Regions *regionsFound `xml:"regionInfo"`
}

type regionsFound struct {
	Items []struct {
		Name  string `xml:"regionName"`
		OptIn string `xml:"optInStatus"`
	} `xml:"item"`
}

// enabledRegions returns the regions that an account has switched on, and
// those that it has not.
func (s *session) enabledRegions(ctx context.Context) (on, off []string, err error) {
	ask, err := s.signed(ctx, "ec2", s.cfg.HomeRegion)
	if err != nil {
		return nil, nil, err
	}
	var out regionList
	form := url.Values{"Action": {"DescribeRegions"}, "AllRegions": {"true"}, "Version": {"2016-11-15"}}
	if err := ask.query(ctx, form, &out); err != nil {
		return nil, nil, &callError{describeRegions, err}
	}
	if out.Regions == nil || len(out.Regions.Items) == 0 {
		return nil, nil, &callError{describeRegions, errNoAnswer}
	}
	for _, r := range out.Regions.Items {
		name := printable(r.Name, 40)
		switch {
		case strings.ContainsAny(name, "/.:@?# ") || name == "":
			return nil, nil, &callError{describeRegions, errNoAnswer}
		case r.OptIn == "not-opted-in":
			off = append(off, name)
		default:
			on = append(on, name)
		}
	}
	slices.Sort(on)
	slices.Sort(off)
	return on, off, nil
}

// regions returns the regions to read of an account. One that cannot tell its
// regions is read in the home region alone, with a gap for the rest.
func (a *accountRun) regions(ctx context.Context) ([]string, error) {
	if !a.cfg.everyRegion() {
		a.note(a.cfg.Regions, nil)
		return a.cfg.Regions, nil
	}
	on, off, err := a.session.enabledRegions(ctx)
	if err != nil {
		a.note([]string{a.cfg.HomeRegion}, nil)
		return []string{a.cfg.HomeRegion}, a.failed(ctx, a.allKinds(), "regions other than "+a.cfg.HomeRegion, err)
	}
	a.note(on, off)
	return on, nil
}

// scope is which regions of which accounts were read, for coverage.
type scope struct {
	read map[string][]string // accounts by their regions, joined
	off  map[string]bool     // regions that an account has not switched on
	left []string            // accounts left out on purpose
}

func (a *accountRun) note(on, off []string) {
	regions := strings.Join(on, ", ")
	a.seen.read[regions] = append(a.seen.read[regions], a.id.account)
	for _, r := range off {
		a.seen.off[r] = true
	}
}

// text says it for a person.
func (s *scope) text() string {
	var parts []string
	for regions, accounts := range s.read {
		parts = append(parts, numbered(accounts)+", regions "+regions)
	}
	if len(parts) == 0 {
		parts = []string{"no account was entered"}
	}
	slices.Sort(parts)
	out := strings.Join(parts, "; ") + "; no other region was looked at"
	if len(s.off) > 0 {
		var off []string
		for r := range s.off {
			off = append(off, r)
		}
		slices.Sort(off)
		out += "; not switched on: " + strings.Join(off, ", ")
	}
	if len(s.left) > 0 {
		out += "; left out by the settings: " + numbered(s.left)
	}
	return printable(out, 3000)
}

// numbered names accounts; of very many, how many they are.
func numbered(accounts []string) string {
	switch n := len(accounts); {
	case n == 1:
		return "account " + accounts[0]
	case n > 30:
		return "accounts " + strings.Join(accounts[:30], ", ") + " and " + strconv.Itoa(n-30) + " others"
	}
	return "accounts " + strings.Join(accounts, ", ")
}

// allKinds are the kinds that the run was asked for.
func (c *collection) allKinds() []string {
	var kinds []string
	for _, k := range New().Describe().Kinds {
		if c.req.Wants(k.Kind) {
			kinds = append(kinds, k.Kind)
		}
	}
	return kinds
}
