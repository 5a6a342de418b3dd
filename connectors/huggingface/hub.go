package huggingface

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// family is one of the hub's kinds of repository.
type family struct {
	api    string   // segment of the API
	prefix string   // before the name in addresses of pages and files
	expand []string // fields of a row that are asked for
	row    string   // kind of the repository
	kinds  []string // and of what is in it
}

func models() *family {
	return &family{api: "models", row: records.KindModel, kinds: []string{records.KindModel, records.KindModelVersion, records.KindModelCard},
		expand: []string{"author", "cardData", "createdAt", "disabled", "gated", "lastModified", "library_name", "pipeline_tag", "private", "sha", "tags"}}
}

func datasets() *family {
	return &family{api: "datasets", prefix: "datasets/", row: kindDataset, kinds: []string{kindDataset, kindDatasheet},
		expand: []string{"author", "cardData", "createdAt", "disabled", "gated", "lastModified", "private", "sha", "tags"}}
}

// hub asks one hub.
type hub struct {
	rest *rest.Client
	cfg  *config
}

func newHub(c *config, o transport.Options) (*hub, error) {
	client, err := rest.New(o)
	if err != nil {
		return nil, fmt.Errorf("huggingface: %w", err)
	}
	return &hub{rest: client, cfg: c}, nil
}

// alikeError is a 401 to a token that the hub accepts, or to none: what was
// asked for is not there, or is not for us. The hub does not say which.
type alikeError struct{ err error }

func (e *alikeError) Error() string {
	return e.err.Error() + "; the hub answers alike for what is not there and for what is private or gated"
}
func (e *alikeError) Unwrap() error { return e.err }

// Reason is NotFound.
func (*alikeError) Reason() connector.Reason { return connector.NotFound }

var _ coverage.Reasoner = (*alikeError)(nil)

// ask decodes an answer into out, or leaves it alone if out is nil.
func (h *hub) ask(ctx context.Context, call rest.Call, out any) (rest.Answer, error) {
	var ans rest.Answer
	var err error
	if out == nil {
		ans, err = h.rest.Raw(ctx, call)
	} else {
		ans, err = h.rest.Get(ctx, call, out)
	}
	if rest.StatusOf(err) != http.StatusUnauthorized {
		return ans, err
	}
	if h.cfg.token != "" {
		if _, again := h.rest.Raw(ctx, rest.Call{Path: pathWho}); rest.StatusOf(again) == http.StatusUnauthorized {
			return ans, fmt.Errorf("%w: the hub does not accept the token: %w", again, connector.ErrRefused)
		} else if coverage.Fatal(ctx, again) != nil {
			return ans, again
		}
	}
	return ans, &alikeError{err}
}

const pathWho = "/api/whoami-v2"

// path escapes the names in an address below /api.
func (f *family) path(id string, more ...string) string {
	parts := append([]string{"", "api", f.api}, strings.Split(id, "/")...)
	return escape(append(parts, more...))
}

// file is the address of a file at a revision.
func (f *family) file(id, revision, name string) string {
	parts := append([]string{""}, strings.Split(f.prefix+id, "/")...)
	return escape(append(parts, "resolve", revision, name))
}

func escape(parts []string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// page is where a person sees a repository, or something of it.
func (c *config) page(f *family, id string, more ...string) string {
	parts := append(strings.Split(f.prefix+id, "/"), more...)
	return records.Link(c.root.String() + "/" + escape(parts))
}

// list pages through the repositories of an owner.
func (h *hub) list(ctx context.Context, f *family, owner string, row func(json.RawMessage) error) error {
	path := "/api/" + f.api
	first := url.Values{"author": {owner}, "limit": {strconv.Itoa(h.cfg.PageSize)}, "sort": {"createdAt"}, "direction": {"-1"}, "expand[]": f.expand}
	return rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		query := first
		if token != "" {
			var err error
			if query, err = url.ParseQuery(token); err != nil {
				return "", rest.Answer{}, &rest.MalformedError{Path: path, Why: "the link to the next page cannot be read"}
			}
		}
		var rows []json.RawMessage
		ans, err := h.ask(ctx, rest.Call{Path: path, Query: query}, &rows)
		if err != nil {
			return "", ans, err
		}
		if rows == nil {
			return "", ans, &rest.MalformedError{Path: path, Why: "the answer is no list"}
		}
		for _, r := range rows {
			if err := row(r); err != nil {
				return "", ans, err
			}
		}
		return nextPage(path, ans, owner)
	})
}

// nextPage is the query of the next page, as text. It must ask for the same
// owner: a link that leads elsewhere would fill our list with others' rows.
func nextPage(path string, ans rest.Answer, owner string) (string, rest.Answer, error) {
	next, err := rest.NextLink(strings.Join(ans.Header.Values("Link"), ", "))
	switch {
	case err != nil:
		return "", ans, &rest.MalformedError{Path: path, Why: err.Error()}
	case next == nil:
		return "", ans, nil
	case !strings.EqualFold(next.Get("author"), owner):
		return "", ans, &rest.MalformedError{Path: path, Why: "the link to the next page is about another owner"}
	}
	return next.Encode(), ans, nil
}

// counts is how many repositories an owner has, as its own page tells.
type counts struct {
	Models   *int64 `json:"numModels"`
	Datasets *int64 `json:"numDatasets"`
}

// owner asks for an organisation or user. known is false if there is neither.
func (h *hub) owner(ctx context.Context, name string) (n counts, known bool, err error) {
	for _, kind := range []string{"organizations", "users"} {
		_, err := h.ask(ctx, rest.Call{Path: escape([]string{"", "api", kind, name, "overview"})}, &n)
		if status := rest.StatusOf(err); status != http.StatusNotFound && status != http.StatusUnauthorized {
			return n, err == nil, err
		}
		if errors.Is(err, connector.ErrRefused) {
			return n, false, err
		}
	}
	return counts{}, false, nil
}
