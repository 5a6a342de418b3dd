package expenses

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const testSalt = "a-salt-of-the-tests-0123456789"

// folder holds exports.
type folder struct {
	t   testing.TB
	dir string
}

func newFolder(t testing.TB) *folder {
	t.Helper()
	return &folder{t, t.TempDir()}
}

func (f *folder) put(name, content string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// usual are the columns of most tests.
func usual() map[string]any {
	return map[string]any{"date": "Date", "merchant": "Merchant", "amount": "Amount", "currency": "Currency", "person": "Employee",
		"cost_centre": "Cost Centre", "description": "Memo"}
}

func (f *folder) config(more map[string]any) connector.Config {
	settings := map[string]any{"name": "cards", "files": []string{filepath.Join(f.dir, "*.csv")}, "columns": usual(), "silent_after_days": 0}
	for k, v := range more {
		settings[k] = v
	}
	raw, err := json.Marshal(settings)
	if err != nil {
		f.t.Fatal(err)
	}
	return connector.Config{Settings: raw, Secrets: map[string]string{secretSalt: testSalt}}
}

// once is the signatures, read one time for all tests.
var once = sync.OnceValues(aisign.Load)

// quick is the connector with signatures that were read before.
func quick() *Connector { return &Connector{signatures: once} }

func collect(t *testing.T, cfg connector.Config) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, quick(), connector.Request{Config: cfg}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.Sound(t, New())
	return rec, cov
}

func keys(payloads map[string]map[string]any) []string {
	var out []string
	for k := range payloads {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// amounts are the amounts of a run's records by key.
func amounts(t *testing.T, rec *connectortest.Recorder) map[string]string {
	t.Helper()
	out := map[string]string{}
	for k, p := range rec.Payloads(t, records.KindActivity) {
		out[strings.TrimPrefix(k, "expense|")], _ = p["amount"].(string)
	}
	return out
}

// reasons of the gaps.
func reasons(rec *connectortest.Recorder) []string {
	var out []string
	for _, r := range rec.Reasons() {
		out = append(out, strings.Fields(r)[1])
	}
	return out
}

const header = "Date,Merchant,Amount,Currency,Employee,Cost Centre,Memo\n"
