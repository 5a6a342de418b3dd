//go:build peers

package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// A real server that this connector knows nothing of is read by a declaration:
// MLflow's registry, by a search that goes on by tokens.
func TestAgainstMLflow(t *testing.T) {
	address := peertest.MLflow(t)
	for i := range 5 {
		body, err := json.Marshal(map[string]any{"name": fmt.Sprintf("model-%d", i), "tags": []any{map[string]any{"key": "owner", "value": "ana"}}})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(address+"/api/2.0/mlflow/registered-models/create", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("create: %s", resp.Status)
		}
	}
	settings := `{
	  "base_url": "` + address + `/api/2.0/mlflow", "requests_per_second": 1000,
	  "requests": [{
	    "name": "models", "path": "registered-models/search", "query": {"max_results": "2"}, "items": "body.registered_models", "enumerates": true,
	    "paging": {"type": "token", "param": "page_token", "next": "body.?next_page_token.orValue('')"}, "canary": "item.name == 'model-3'",
	    "records": [{
	      "kind": "model_registry.model", "subject_type": "model", "subject": "item.name", "key": "item.name",
	      "event_time": "int(item.creation_timestamp) / 1000",
	      "payload": {"registry": "'mlflow'", "name": "item.name", "id": "item.name", "owner": "item.tags.filter(t, t.key == 'owner')[0].value"}
	    }]
	  }]
	}`
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: []byte(settings)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	var got []string
	for _, r := range rec.Records() {
		p := connectortest.Payload(t, r)
		got = append(got, fmt.Sprint(r.Subject.ID, " ", p["owner"], " ", !r.EventTime.IsZero()))
	}
	if d := cmp.Diff([]string{"model-0 ana true", "model-1 ana true", "model-2 ana true", "model-3 ana true", "model-4 ana true"}, got); d != "" {
		t.Error(d)
	}
	if c := cov[records.KindModel]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("%+v", c)
	}
	connectortest.Peer(t, peertest.MLflowName, rec.Kinds())
}
