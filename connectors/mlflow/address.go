package mlflow

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// leftOut stands for an address that cannot be taken apart.
const leftOut = "[address left out]"

// line makes a text of the server one printable line without the credentials
// that people put into addresses: user:password@, and what signs a query.
func line(s string, limit int) string {
	if strings.Contains(s, "://") {
		address := regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'<>`]*")
		s = address.ReplaceAllStringFunc(s, withoutCredentials)
	}
	return records.Line(s, limit)
}

// withoutCredentials cuts them out of an address. One that says nothing of
// whom, and asks nothing, stays as it is.
func withoutCredentials(raw string) string {
	if !strings.ContainsAny(raw, "@?#") {
		return raw
	}
	scheme, _, _ := strings.Cut(raw, "://")
	u, err := url.Parse(raw)
	if err != nil || u.User == nil && u.Port() != "" && strings.Contains(u.Path, "@") { // a password may hold a slash
		return scheme + "://" + leftOut
	}
	container := ""
	if name := u.User.String(); isAzure(u.Scheme) && name != "" && !strings.Contains(name, ":") {
		container, u.User = name+"@", nil // abfss://container@account
	}
	return strings.Replace(transport.RedactURL(u), "://", "://"+container, 1)
}

func isAzure(scheme string) bool {
	return strings.HasPrefix(scheme, "abfs") || strings.HasPrefix(scheme, "wasb")
}
