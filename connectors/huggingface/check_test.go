package huggingface

import (
	"net/http"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestCheck(t *testing.T) {
	fine := func(gated bool, scoped ...obj) obj {
		return obj{"name": "ada", "auth": obj{"accessToken": obj{"role": "fineGrained", "fineGrained": obj{"canReadGatedRepos": gated, "global": []string{}, "scoped": scoped}}}}
	}
	onAcme := obj{"entity": obj{"type": "org", "name": "Acme"}, "permissions": []string{"repo.content.read"}}
	onOther := obj{"entity": obj{"type": "org", "name": "other"}, "permissions": []string{"repo.content.read"}}
	writesOnly := obj{"entity": obj{"type": "org", "name": "acme"}, "permissions": []string{"job.write"}}
	for name, c := range map[string]struct {
		who            obj
		settings       obj
		anonymous      bool
		handler        http.HandlerFunc // of whoami
		content, gated connector.Grant
		problem        bool
	}{
		"a member":        {content: connector.Granted, gated: connector.Granted},
		"a stranger":      {who: obj{"name": "ada", "auth": obj{"accessToken": obj{"role": "write"}}}, content: connector.Missing, gated: connector.Granted},
		"fine-grained":    {who: fine(true, onAcme), content: connector.Granted, gated: connector.Granted},
		"for another":     {who: fine(false, onOther), content: connector.Missing, gated: connector.Missing},
		"another right":   {who: fine(false, writesOnly), content: connector.Missing, gated: connector.Missing},
		"unknown role":    {who: obj{"name": "ada", "auth": obj{"accessToken": obj{"role": "god"}}}},
		"no role":         {who: obj{"name": "ada"}},
		"canary seen":     {settings: obj{"canary": "acme/triage"}, content: connector.Granted, gated: connector.Granted},
		"canary not seen": {settings: obj{"canary": "acme/ghost"}, content: connector.Missing, gated: connector.Granted},
		"no owner":        {settings: obj{"organizations": nil, "repositories": []string{"meta/base"}}, gated: connector.Granted},
		"nothing there":   {settings: obj{"organizations": nil, "repositories": []string{"meta/ghost"}}, gated: connector.Granted, problem: true},
		"anonymous":       {anonymous: true, content: connector.Missing, gated: connector.Missing},
		"refused":         {handler: failing(401, `{}`), problem: true},
		"page of HTML":    {handler: failing(200, `<html>`), problem: true},
		"hub stumbles":    {handler: failing(500, ``), problem: true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.fill()
			if c.who != nil {
				f.who = c.who
			}
			if c.handler != nil {
				f.handlers[pathWho] = c.handler
			}
			cfg := f.config(c.settings)
			if c.anonymous {
				cfg.Secrets = nil
			}
			rep, err := (&Connector{clock: hasty{}}).Check(t.Context(), cfg)
			if err != nil || (rep.Problem != "") != c.problem || len(rep.Permissions) != 2 {
				t.Fatalf("%+v, %v", rep, err)
			}
			if rep.Permissions[0].Grant != c.content || rep.Permissions[1].Grant != c.gated {
				t.Errorf("%+v", rep.Permissions)
			}
			if strings.Contains(rep.Problem, fakeToken) {
				t.Error("the token is in the report")
			}
		})
	}
}
