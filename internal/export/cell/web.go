package cell

import (
	"net/url"
	"strings"
)

// WebLink returns s if it is a link that may be offered for a click: http or
// https, with a host and without a user name, of a length that Excel takes.
func WebLink(s string) (string, bool) {
	if len(s) < 8 || len(s) > 2000 || s[0] != 'h' {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", s[i]) >= 0 {
			return "", false
		}
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return "", false
	}
	return s, true
}
