package kubernetes

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// api asks an API server.
type api struct {
	*rest.Client
	size int
}

func newAPI(c *config, clock transport.Clock, counted func(connector.Calls)) (*api, error) {
	o := transport.Options{
		BaseURL: c.URL, UserAgent: "exhibit-connector-kubernetes/" + Version, RequestsPerSecond: c.Rate, Burst: 5, Clock: clock, Counted: counted,
		MaxResponseBytes: 64 << 20,
		Authorize:        func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.token) },
	}
	if c.roots != nil {
		base := http.DefaultTransport.(*http.Transport).Clone()
		base.TLSClientConfig = &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12}
		o.Base = base
	}
	client, err := rest.New(o)
	if err != nil {
		return nil, err
	}
	client.Conceal(c.token)
	return &api{client, c.PageSize}, nil
}

// list is a page of objects.
type list struct {
	Kind       string            `json:"kind"`
	APIVersion string            `json:"apiVersion"`
	Metadata   *listMetadata     `json:"metadata"`
	Items      []json.RawMessage `json:"items"`
}

type listMetadata struct {
	Continue string `json:"continue"`
}

// maxRestarts is how often a listing is begun anew because the server forgot
// where it was.
const maxRestarts = 2

// objects calls each for all objects at a path. A server that has forgotten
// where a listing was (410) is asked from the beginning; each may then see an
// object twice.
func (a *api) objects(ctx context.Context, path string, each func(raw json.RawMessage, kind string) error) error {
	for restart := 0; ; restart++ {
		err := rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
			query := url.Values{"limit": {strconv.Itoa(a.size)}}
			if token != "" {
				query.Set("continue", token)
			}
			var page list
			answer, err := a.Get(ctx, rest.Call{Path: path, Query: query}, &page)
			if err != nil {
				return "", answer, err
			}
			kind, isList := cutList(page.Kind)
			if page.Metadata == nil || !isList {
				return "", answer, &rest.MalformedError{Path: path, Why: "the answer is no list of objects"}
			}
			for _, raw := range page.Items {
				if err := each(raw, kind); err != nil {
					return "", answer, err
				}
			}
			return page.Metadata.Continue, answer, nil
		})
		if rest.StatusOf(err) != http.StatusGone || restart == maxRestarts {
			return err
		}
	}
}

// cutList is the kind of the objects in a list.
func cutList(kind string) (string, bool) {
	if n := len(kind) - len("List"); n > 0 && kind[n:] == "List" {
		return kind[:n], true
	}
	return "", false
}

// resource is a kind of objects that the server has.
type resource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

// groups returns the preferred version of every group of kinds.
func (a *api) groups(ctx context.Context) (map[string]string, error) {
	var answer struct {
		Groups *[]struct {
			Name             string `json:"name"`
			PreferredVersion struct {
				GroupVersion string `json:"groupVersion"`
			} `json:"preferredVersion"`
		} `json:"groups"`
	}
	if _, err := a.Get(ctx, rest.Call{Path: "apis"}, &answer); err != nil {
		return nil, err
	}
	if answer.Groups == nil {
		return nil, &rest.MalformedError{Path: "apis", Why: "the answer is no list of groups"}
	}
	out := map[string]string{}
	for _, g := range *answer.Groups {
		out[g.Name] = g.PreferredVersion.GroupVersion
	}
	return out, nil
}

// resources returns the kinds of a group and version.
func (a *api) resources(ctx context.Context, version string) ([]resource, error) {
	var answer struct {
		Resources *[]resource `json:"resources"`
	}
	path := "apis/" + version
	if _, err := a.Get(ctx, rest.Call{Path: path}, &answer); err != nil {
		return nil, err
	}
	if answer.Resources == nil {
		return nil, &rest.MalformedError{Path: path, Why: "the answer is no list of kinds"}
	}
	return *answer.Resources, nil
}
