package vendorwatch

import (
	"context"
	"net/http"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// hosts holds a client for each host, so that each has a budget of its own.
type hosts struct {
	rate       float64
	validators map[string]connector.Validator
	counted    func(connector.Calls)
	clients    map[string]*rest.Client
}

// get asks an address as it stands in the settings; accept is a media type.
func (h *hosts) get(ctx context.Context, address, accept string, usable func([]byte) bool) (rest.Answer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return rest.Answer{}, &rest.MalformedError{Path: "address", Why: "it cannot be read"} // was checked
	}
	root := u.Scheme + "://" + u.Host
	client := h.clients[root]
	if client == nil {
		client, err = rest.New(transport.Options{
			BaseURL: root, UserAgent: "exhibit-connector-vendorwatch/" + Version,
			RequestsPerSecond: h.rate, Burst: 2, Validators: h.validators, Counted: h.counted,
		})
		if err != nil {
			return rest.Answer{}, err
		}
		h.clients[root] = client
	}
	return client.Raw(ctx, rest.Call{
		Path: u.EscapedPath(), Query: u.Query(), Usable: usable,
		Header: http.Header{"Accept": {accept}, "Accept-Language": {"en"}},
	})
}
