package dashboard

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

// TestServe serves every page over HTTP. EXHIBIT_DASHBOARD_CONFIG names an
// exhibit.yaml whose store is shown in place of the sandbox, and
// EXHIBIT_DASHBOARD_ADDR where to listen until the test is stopped.
func TestServe(t *testing.T) {
	var o *org
	if path := os.Getenv("EXHIBIT_DASHBOARD_CONFIG"); path != "" {
		o = openOrg(t, path)
	} else {
		o = reader(t)
	}
	all := []access.Role{access.Operator, access.Approver, access.Security, access.Admin}
	who := someone(o.view().Owners[0].Person, all...)
	if addr := os.Getenv("EXHIBIT_DASHBOARD_ADDR"); addr != "" {
		s := &http.Server{Addr: addr, Handler: o.as(who), ReadHeaderTimeout: time.Minute}
		t.Log(s.ListenAndServe())
		return
	}
	s := httptest.NewServer(o.as(who))
	defer s.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestPages: each page says what it is for.
func TestPages(t *testing.T) {
	o := reader(t)
	who := someone("", access.Auditor)
	o.get(who, "/").want(t, 200, "Today", "Waiting for a second person", "As of 2026-11-24 09:00")
	o.get(who, "/controls").want(t, 200, "Annex A", "A.6.2.4")
	o.get(who, "/controls/A.4.2").want(t, 200, "Expectations", "Results")
	r := o.someResult(func(r *assess.Result) bool { return len(r.Evidence) > 0 })
	c := &call{d: o.dash}
	o.get(who, "/expectations/"+r.Expectation).want(t, 200, r.Expectation, "How it is judged")
	c.req = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	o.get(who, c.ResultLink(r.Expectation, r.Subject)).want(t, 200, r.Subject.ID, "What it rests on")
	o.get(who, "/evidence").want(t, 200, "sealed records")
	ev := o.someEvidence("inventory.ai_system")
	o.get(who, c.EvidenceLink(ev.Digest)).want(t, 200, ev.Subject.ID, "Provenance", "Clocks")
	o.get(who, c.ProofLink(ev.Seq)).want(t, 200, "Merkle path", "Signed checkpoint", ev.Digest.String())
	o.get(who, "/controls/A.6.2.44").want(t, 404, "Did you mean")
	o.get(who, "/contrls").want(t, 404, "Did you mean /controls ?")
}

// TestKeepWarm: what pages need of a new view is there before anybody asks.
func TestKeepWarm(t *testing.T) {
	o := actor(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.dash.KeepWarm(ctx, time.Millisecond)
	}()
	for range 2 {
		o.conclude()
		p := o.dash.prepare(o.view())
		for begun := time.Now(); ; time.Sleep(time.Millisecond) {
			p.waitsM.Lock()
			there := p.waits != nil
			p.waitsM.Unlock()
			if _, ok := p.kept.Load("trend"); ok && there {
				break
			}
			if time.Since(begun) > time.Minute {
				t.Fatal("nothing was made")
			}
		}
	}
	cancel()
	<-ended
}
