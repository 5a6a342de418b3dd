package configfile

import (
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Network says how the world outside is reached, by the agent and by
// connectors. What is empty is as the environment says: HTTPS_PROXY, NO_PROXY,
// SSL_CERT_FILE.
type Network struct {
	Proxy   string   // URL of a proxy, for http and https
	NoProxy []string // hosts, domains and networks that are reached without it
	CAFile  string   // PEM file of authorities that are trusted beside the system's
}

type networkYAML struct {
	Proxy   string   `yaml:"proxy"`
	NoProxy []string `yaml:"no_proxy"`
	CAFile  string   `yaml:"ca_file"`
}

func (r reader) network(y networkYAML) Network {
	at := yamlfile.At("network")
	if y.Proxy != "" {
		r.proxy(at.Then("proxy"), y.Proxy)
	}
	if y.Proxy == "" && len(y.NoProxy) > 0 {
		r.f.KeyProblemf(at.Then("no_proxy"), "has no meaning without a proxy").Hint("beside HTTPS_PROXY of the environment, set NO_PROXY")
	}
	for i, host := range y.NoProxy {
		if host == "" || strings.ContainsAny(host, ", /@\t") && !strings.Contains(host, "/") || strings.Contains(host, "://") {
			r.f.Problemf(at.Then("no_proxy", i), "not a host").Hint("a host, .domain, address or network such as 10.0.0.0/8")
		}
	}
	return Network{Proxy: y.Proxy, NoProxy: y.NoProxy, CAFile: resolve(r.dir, y.CAFile)}
}

func (r reader) proxy(at yamlfile.Path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" || strings.Trim(u.Path, "/") != "":
		r.f.Redact(at)
		r.f.Problemf(at, "not the address of a proxy").Hint("http://host:port, https://host:port or socks5://host:port")
	case u.User != nil:
		r.f.Redact(at)
		r.f.Problemf(at, "a proxy's password does not belong into this file").Hint("set HTTPS_PROXY and HTTP_PROXY for the process that runs exhibit: they are used, and handed to connectors, as they are")
	}
}
