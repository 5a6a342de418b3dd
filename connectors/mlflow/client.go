package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// api asks one server.
type api struct {
	rest *rest.Client
	size int
}

func newAPI(c *config, clock transport.Clock, count func(connector.Calls)) (*api, error) {
	o := c.transport(count)
	o.Clock = clock
	client, err := rest.New(o)
	if err != nil {
		return nil, fmt.Errorf("mlflow: %w", err)
	}
	return &api{rest: client, size: c.PageSize}, nil
}

// ask puts one question. The answer is an object; a server that refuses the
// credential ends the run.
func (a *api) ask(ctx context.Context, call rest.Call) (map[string]json.RawMessage, rest.Answer, error) {
	call.Header = http.Header{"Accept": {"application/json"}}
	ans, err := a.rest.Raw(ctx, call)
	if rest.StatusOf(err) == http.StatusUnauthorized {
		return nil, ans, fmt.Errorf("%w: %w; check the secrets token, or username and password", err, connector.ErrRefused)
	}
	if err != nil {
		return nil, ans, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(plainNumbers(ans.Body), &object); err != nil || object == nil {
		return nil, ans, &rest.MalformedError{Path: call.Path, Why: "the answer is no JSON object; is base_url the address of MLflow itself, without a login page before it?"}
	}
	return object, ans, nil
}

// list pages through a listing whose rows stand under a name. An answer that
// holds other things but not the name is none; MLflow leaves out an empty list.
func (a *api) list(ctx context.Context, call rest.Call, name string, row func(json.RawMessage) error) (rows int, err error) {
	err = rest.Pages(ctx, call.Path, func(token string) (string, rest.Answer, error) {
		object, ans, err := a.ask(ctx, a.page(call, token))
		if err != nil {
			return "", ans, err
		}
		var list []json.RawMessage
		var next string
		raw, there := object[name]
		if _, more := object["next_page_token"]; !there && (len(object) > 1 || len(object) == 1 && !more) {
			return "", ans, &rest.MalformedError{Path: call.Path, Why: "the answer holds no " + name}
		}
		if there && json.Unmarshal(raw, &list) != nil {
			return "", ans, &rest.MalformedError{Path: call.Path, Why: name + " is no list"}
		}
		if raw, there := object["next_page_token"]; there && json.Unmarshal(raw, &next) != nil {
			return "", ans, &rest.MalformedError{Path: call.Path, Why: "next_page_token is no text"}
		}
		for _, r := range list {
			rows++
			if err := row(r); err != nil {
				return "", ans, err
			}
		}
		return next, ans, nil
	})
	return rows, err
}

// page adds the place of a page to a question.
func (a *api) page(call rest.Call, token string) rest.Call {
	if body, ok := call.Body.(map[string]any); ok {
		with := map[string]any{"max_results": a.size}
		for k, v := range body {
			with[k] = v
		}
		if token != "" {
			with["page_token"] = token
		}
		call.Body = with
		return call
	}
	q := url.Values{"max_results": {strconv.Itoa(a.size)}}
	for k, v := range call.Query {
		q[k] = slices.Clone(v)
	}
	if token != "" {
		q.Set("page_token", token)
	}
	call.Query = q
	return call
}

// get reads the one thing that stands under a name into out.
func (a *api) get(ctx context.Context, path string, query url.Values, name string, out any) error {
	object, _, err := a.ask(ctx, rest.Call{Path: path, Query: query})
	if err != nil {
		return err
	}
	raw, there := object[name]
	if !there {
		return &rest.MalformedError{Path: path, Why: "the answer holds no " + name}
	}
	return decode(path, raw, out)
}

func decode(path string, raw json.RawMessage, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		why := "a row is not as documented"
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			why = "field " + records.Line(typ.Field, 60) + " holds another type"
		}
		return &rest.MalformedError{Path: path, Why: why}
	}
	return nil
}

// probeName is a model that nobody has.
const probeName = "exhibit-permission-probe"

// sight is how much of the registry an identity is shown.
type sight string

const (
	byDefault sight = "by default" // all that is not withheld by name
	byGrant   sight = "one by one" // only what is granted by name: MLflow refuses it even what is not there
)

// sees asks for a model that is not there, and so tells MLflow from anything
// else that answers with an empty object.
func (a *api) sees(ctx context.Context) (sight, error) {
	_, _, err := a.ask(ctx, rest.Call{Path: pathModel, Query: url.Values{"name": {probeName}}})
	var status *rest.StatusError
	switch {
	case errors.As(err, &status) && status.Status == http.StatusForbidden:
		return byGrant, nil
	case errors.As(err, &status) && status.Status == http.StatusNotFound && status.Message != "":
		return byDefault, nil
	case err != nil && status == nil:
		return "", err
	}
	return "", &rest.MalformedError{Path: pathModel, Why: "asked for a model that is not there, the server does not answer as MLflow does"}
}
