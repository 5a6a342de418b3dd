package okta

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// api is the organisation's management API.
type api struct{ *rest.Client }

func newAPI(ctx context.Context, c *config, clock transport.Clock, counted func(connector.Calls)) (*api, error) {
	header := "SSWS " + c.token
	if c.key != nil {
		token, err := c.accessToken(ctx, clock, counted)
		if err != nil {
			return nil, err
		}
		header = "Bearer " + token
	} else if c.access != "" {
		header = "Bearer " + c.access
	}
	client, err := rest.New(transport.Options{
		BaseURL: c.BaseURL, Authorize: func(r *http.Request) { r.Header.Set("Authorization", header) },
		UserAgent: "exhibit-connector-okta/" + Version, RequestsPerSecond: c.Rate, Burst: 5, MaxInFlight: 4, Counted: counted, Clock: clock,
	})
	if err != nil {
		return nil, fmt.Errorf("okta: base_url: %w", err)
	}
	client.Conceal(strings.TrimPrefix(strings.TrimPrefix(header, "SSWS "), "Bearer "))
	return &api{client}, nil
}

// pages reads all pages of a listing. Where the next one is stands in the Link
// header. An entry that cannot be read is handed to bad.
func pages[T any](ctx context.Context, a *api, call rest.Call, each func(T) error, bad func(n int) error) error {
	n := 0
	return rest.Pages(ctx, call.Path, func(token string) (string, rest.Answer, error) {
		ask := call
		if token != "" {
			q, err := url.ParseQuery(token)
			if err != nil {
				return "", rest.Answer{}, &rest.MalformedError{Path: call.Path, Why: "the link to the next page cannot be read"}
			}
			ask.Query = q
		}
		var page []json.RawMessage
		answer, err := a.Get(ctx, ask, &page)
		if err != nil {
			return "", answer, err
		}
		if page == nil {
			return "", answer, &rest.MalformedError{Path: call.Path, Why: "the answer is no list"}
		}
		for _, raw := range page {
			n++
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				if err := bad(n); err != nil {
					return "", answer, err
				}
				continue
			}
			if err := each(item); err != nil {
				return "", answer, err
			}
		}
		next, err := rest.NextLink(strings.Join(answer.Header.Values("Link"), ", "))
		if err != nil {
			return "", answer, &rest.MalformedError{Path: call.Path, Why: err.Error()}
		}
		if len(page) == 0 { // the log names a next page for ever
			return "", answer, nil
		}
		return next.Encode(), answer, nil
	})
}

// refused wraps the refusal of the credential itself.
func refused(err error) error {
	if rest.StatusOf(err) == http.StatusUnauthorized {
		return fmt.Errorf("okta: %w: %w", err, connector.ErrRefused)
	}
	return err
}

// identity is who the credential belongs to.
func (a *api) identity(ctx context.Context, c *config) (string, error) {
	if c.key != nil {
		return "service app " + records.Line(c.ClientID, 100) + " of " + c.account(), nil
	}
	var me struct {
		Profile struct {
			Login string `json:"login"`
		} `json:"profile"`
	}
	_, err := a.Get(ctx, rest.Call{Path: "api/v1/users/me"}, &me)
	switch {
	case err == nil && me.Profile.Login != "":
		return records.Line(me.Profile.Login, 200) + " at " + c.account(), nil
	case rest.StatusOf(err) == http.StatusUnauthorized, errors.Is(err, connector.ErrUnreachable), ctx.Err() != nil:
		return "", refused(err)
	}
	return "the holder of the token at " + c.account(), nil
}
