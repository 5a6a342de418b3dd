package mlflow

import (
	"net/http"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestCheck(t *testing.T) {
	denied := failing(403, `{"error_code":"PERMISSION_DENIED","message":"not you"}`)
	for name, c := range map[string]struct {
		settings     obj
		path         string
		handler      http.HandlerFunc
		models, runs connector.Grant
		problem      bool
	}{
		"no canary":      {nil, "", nil, connector.GrantUnknown, connector.Granted, false}, // a list that works proves nothing
		"canary":         {obj{"canary": "triage"}, "", nil, connector.Granted, connector.Granted, false},
		"canary absent":  {obj{"canary": "ghost"}, "", nil, connector.Missing, connector.Granted, false},
		"by grant":       {nil, pathModel, failing(403, "Permission denied"), connector.Missing, connector.Granted, false},
		"administrator":  {nil, "/users/current", failing(200, `{"user":{"username":"root","is_admin":true}}`), connector.Granted, connector.Granted, false},
		"models denied":  {nil, pathModels, denied, connector.Missing, connector.Granted, false},
		"runs denied":    {nil, pathRun, denied, connector.GrantUnknown, connector.Missing, false},
		"runs stumble":   {nil, pathRun, failing(500, ``), connector.GrantUnknown, connector.GrantUnknown, false},
		"refused":        {nil, pathModels, failing(401, ``), connector.GrantUnknown, connector.GrantUnknown, true},
		"refused later":  {nil, pathRun, failing(401, ``), connector.GrantUnknown, connector.GrantUnknown, true},
		"login page":     {nil, pathModels, failing(200, `<html>`), connector.GrantUnknown, connector.GrantUnknown, true},
		"no list":        {nil, pathModels, failing(200, `{"registered_models":1}`), connector.GrantUnknown, connector.GrantUnknown, true},
		"nothing to try": {nil, pathVersions, failing(200, `{}`), connector.GrantUnknown, connector.GrantUnknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill()
			if c.handler != nil {
				f.handlers[c.path] = c.handler
			}
			rep, err := (&Connector{clock: hasty{}}).Check(t.Context(), f.config(c.settings))
			if err != nil || (rep.Problem != "") != c.problem || len(rep.Permissions) != 2 {
				t.Fatalf("%+v, %v", rep, err)
			}
			if rep.Permissions[0].Grant != c.models || rep.Permissions[1].Grant != c.runs {
				t.Errorf("%+v", rep.Permissions)
			}
			if strings.Contains(rep.Problem, fakeToken) {
				t.Error("the token is in the report")
			}
		})
	}
	f := newFake(t)
	cfg := f.config(nil)
	cfg.Secrets = nil
	rep, err := New().Check(t.Context(), cfg)
	if err != nil || rep.Permissions[0].Grant != connector.Granted || !strings.Contains(rep.Identity, "no credential") {
		t.Errorf("an open server: %+v, %v", rep, err)
	}
}
