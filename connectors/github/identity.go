package github

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// identity is who GitHub takes the asker for.
type identity struct {
	name   string
	app    *installation // nil for a token
	budget string        // how many requests are left
}

// identify asks GitHub who the credential is, and says of which sort it is.
func identify(ctx context.Context, cfg *config, a *api) (identity, error) {
	if a.cred.app != nil {
		return identifyApp(ctx, cfg, a)
	}
	var me gh.User
	ans, err := a.get(ctx, call{path: "user"}, &me)
	if status := statusOf(err); status == http.StatusForbidden || status == http.StatusNotFound {
		var limits struct{}
		if ans, err = a.get(ctx, call{path: "rate_limit"}, &limits); err == nil {
			return identity{name: "a GitHub App installation" + expiry(ans.header), budget: budget(ans.header)}, nil
		}
	}
	if err != nil {
		return identity{}, err
	}
	return identity{name: login(&me) + tokenSort(cfg.token, ans.header) + expiry(ans.header), budget: budget(ans.header)}, nil
}

// identifyApp names the app and the account that let it in.
func identifyApp(ctx context.Context, cfg *config, a *api) (identity, error) {
	if _, err := a.cred.ready(ctx, nil); err != nil {
		return identity{}, err
	}
	in, err := a.cred.app.installed(ctx)
	if err != nil {
		return identity{}, err
	}
	var limits struct{}
	ans, err := a.get(ctx, call{path: "rate_limit"}, &limits)
	if statusOf(err) == http.StatusUnauthorized || ctx.Err() != nil {
		return identity{}, err
	}
	name := in.AppSlug
	if name == "" {
		name = strconv.FormatInt(cfg.AppID, 10)
	}
	who := fmt.Sprintf("the GitHub App %s, installation %d", line(name, 100), in.ID)
	if in.Account.Login != "" {
		who += " in " + line(in.Account.Login, 100)
	}
	if in.Selection == "selected" {
		who += ", on selected repositories only"
	}
	return identity{name: who, app: in, budget: budget(ans.header)}, nil
}

// tokenSort says what sort of token it is, by how GitHub marks them, and what
// a classic one may do.
func tokenSort(token string, h http.Header) string {
	scopes, classic := h["X-Oauth-Scopes"]
	switch {
	case strings.HasPrefix(token, "github_pat_"):
		return ", a fine-grained token"
	case strings.HasPrefix(token, "ghu_"):
		return ", a user's token for a GitHub App"
	case classic && strings.Join(scopes, "") != "":
		return ", a classic token with the scopes " + line(strings.Join(scopes, ", "), 200) + "; a fine-grained read-only token can do less harm"
	case classic:
		return ", a classic token without scopes, which sees public repositories only"
	}
	return ""
}

func expiry(h http.Header) string {
	if at := h.Get("Github-Authentication-Token-Expiration"); at != "" {
		return ", valid until " + line(at, 40)
	}
	return ""
}

// budget says what the answer's headers tell about the hourly limit.
func budget(h http.Header) string {
	limit, err1 := strconv.Atoi(h.Get("X-Ratelimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-Ratelimit-Remaining"))
	if err1 != nil || err2 != nil {
		return ""
	}
	text := fmt.Sprintf("%d of %d requests are left", left, limit)
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && reset > 0 && reset < 1<<40 {
		text += " until " + time.Unix(reset, 0).UTC().Format(time.RFC3339)
	}
	return text
}

// appGrant is what the installation itself says about a permission.
func (w identity) appGrant(p connector.Permission) connector.PermissionState {
	name, _, _ := strings.Cut(p.ID, ":")
	state := connector.PermissionState{Permission: p.ID, Grant: connector.Granted}
	switch level, told := w.app.Permissions[name]; {
	case level == "read":
		state.Detail = "the installation has it"
	case level == "write", level == "admin":
		state.Detail = fmt.Sprintf("the installation has more than is needed: %v", level)
	case told:
		state.Grant, state.Detail = connector.GrantUnknown, "the installation has it to a degree that is not known here"
	default:
		state.Grant = connector.Missing
		state.Detail = fmt.Sprintf("the installation does not have it. Grant it: settings of the GitHub App > Permissions & events > %s: read-only; "+
			"then an owner of the organisation accepts the change", name)
	}
	return state
}
