package github

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// A token is replaced before its end, once, whoever asks, and by GitHub's
// clock, not by ours.
func TestTokenIsReplacedBeforeItsEnd(t *testing.T) {
	const ahead = 5 * time.Hour
	var lent atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Add(ahead).UTC()
		w.Header().Set("Date", now.Format(http.TimeFormat))
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"id": 5}`)
			return
		}
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token": "t%d", "expires_at": %q}`, lent.Add(1), now.Add(time.Hour).Format(time.RFC3339))
	}))
	defer srv.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	own := &app{id: 1, key: key, where: "app/installations/5"}
	cfg := &config{BaseURL: srv.URL, Concurrency: 4, MaxWait: 1}
	if own.api, err = clientAPI(cfg, transport.Options{Authorize: own.authorize}); err != nil {
		t.Fatal(err)
	}
	cred := newCredential(cfg, own)
	all := func() {
		t.Helper()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := cred.ready(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	all()
	first := cred.current.Load()
	if left := time.Until(first.until); first.token != "t1" || lent.Load() != 1 || left < 50*time.Minute || left > 55*time.Minute {
		t.Errorf("token %s of %d, to be replaced in %v", first.token, lent.Load(), left)
	}
	cred.current.Store(&loan{token: first.token, until: time.Now().Add(-time.Second)})
	all()
	if got := cred.current.Load(); got.token != "t2" || lent.Load() != 2 {
		t.Errorf("token %s of %d", got.token, lent.Load())
	}
	r := httptest.NewRequest(http.MethodGet, srv.URL, http.NoBody)
	if cred.authorize(r); r.Header.Get("Authorization") != "Bearer t2" {
		t.Error("the new token is not used")
	}
}
