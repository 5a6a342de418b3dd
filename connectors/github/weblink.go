package github

import (
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// web is the address of a page for people; empty where the API's address does
// not give away the site's.
func (c *config) web(path string, query url.Values) string {
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" {
		return ""
	}
	host := u.Host
	switch p := strings.TrimSuffix(u.Path, "/"); {
	case strings.HasPrefix(host, "api."): // github.com, and a data-residency site under ghe.com
		host = strings.TrimPrefix(host, "api.")
	case p == "/api/v3":
	default:
		return ""
	}
	link := u.Scheme + "://" + host + "/" + path
	if len(query) > 0 {
		link += "?" + query.Encode()
	}
	return records.Link(link)
}
