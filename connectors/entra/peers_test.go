//go:build peers

package entra

import (
	"errors"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A stateful imitation of Entra ID's issuer of tokens: it gives one for the
// right secret, and what is asked with it is taken for asked by the app. It
// knows one tenant, so the path is without one, and of Graph next to nothing:
// every part is a gap, and nothing is called empty.
func TestRealEmulate(t *testing.T) {
	seed, err := filepath.Abs("testdata/emulate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(peertest.Emulate(t, "microsoft", seed))
	if err != nil {
		t.Fatal(err)
	}
	relay := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.URL.Path = strings.TrimPrefix(p.Out.URL.Path, "/acme.example")
	}})
	t.Cleanup(relay.Close)
	cfg := connector.Config{
		Settings: []byte(`{"tenant_id":"acme.example","client_id":"exhibit-reader","requests_per_second":1000,"base_url":"` + relay.URL + `","authority_url":"` + relay.URL + `"}`),
		Secrets:  map[string]string{secretClient: "a-secret-of-emulates"},
	}
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"shadow_ai.sighting not_found licences", "shadow_ai.sighting+shadow_ai.activity not_found applications"}
	if d := cmp.Diff(want, rec.Reasons()); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	for kind, c := range cov {
		if c.Status != connector.Refused || c.Enumerated {
			t.Errorf("%s: %+v", kind, c)
		}
	}
	if n := len(rec.Records(records.KindSighting)); n != 0 {
		t.Errorf("%d records", n)
	}
	cfg.Secrets = map[string]string{secretClient: "another"}
	if _, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil); !errors.Is(err, connector.ErrRefused) || !strings.Contains(err.Error(), "client_secret is incorrect") {
		t.Errorf("%v", err)
	}
}
