package vendorwatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// config is the settings of one source.
type config struct {
	Rate    float64   `json:"requests_per_second"`
	Vendors []*vendor `json:"vendors"`
}

type vendor struct {
	ID     string  `json:"id"`
	Status string  `json:"status"`
	Feeds  []feed  `json:"feeds"`
	Pages  []*page `json:"pages"`
}

type feed struct {
	URL      string `json:"url"`
	Format   string `json:"format"`
	Provider string `json:"provider"`
}

type page struct {
	URL    string   `json:"url"`
	Type   string   `json:"type"`
	Within string   `json:"within"`
	Ignore []string `json:"ignore"`

	ignore []*regexp.Regexp
}

// parseConfig decodes and checks the settings. Its error names every problem.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Rate: 1}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("vendorwatch: settings: %w", err)
	}
	var errs []error
	seen := map[string]bool{}
	address := func(at, raw string) {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
			errs = append(errs, fmt.Errorf("%s: want an address that begins with https://", at))
		case u.User != nil:
			errs = append(errs, fmt.Errorf("%s: it holds a user name or a password; only public pages are read", at))
		case seen[raw]:
			errs = append(errs, fmt.Errorf("%s: the same address stands twice", at))
		}
		seen[raw] = true
	}
	ids := map[string]bool{}
	for i, v := range c.Vendors {
		at := fmt.Sprintf("vendors[%d] (%s)", i, v.ID)
		if ids[v.ID] {
			errs = append(errs, fmt.Errorf("%s: the vendor stands twice", at))
		}
		ids[v.ID] = true
		if v.Status == "" && len(v.Feeds) == 0 && len(v.Pages) == 0 {
			errs = append(errs, fmt.Errorf("%s: nothing to watch: give status, feeds or pages", at))
		}
		if v.Status != "" {
			address(at+" status", v.Status)
		}
		for j, f := range v.Feeds {
			seen[f.URL] = false // several vendors may share a feed
			address(fmt.Sprintf("%s feeds[%d]", at, j), f.URL)
		}
		for j, p := range v.Pages {
			where := fmt.Sprintf("%s pages[%d]", at, j)
			address(where, p.URL)
			for _, pattern := range p.Ignore {
				re, err := regexp.Compile(pattern)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s ignore: %w", where, err))
				}
				p.ignore = append(p.ignore, re)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("vendorwatch: settings: %w", err)
	}
	return c, nil
}
