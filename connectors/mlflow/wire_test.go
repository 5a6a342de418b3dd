package mlflow

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

func TestPlainNumbers(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":NaN,"b":-Infinity,"c":[Infinity]}`: `{"a":"NaN","b":"-Infinity","c":["Infinity"]}`,
		`{"NaN":"NaN \" NaN","b":1}`:             `{"NaN":"NaN \" NaN","b":1}`,
		`{"a":"NaN"}`:                            `{"a":"NaN"}`,
		`{"a":1}`:                                `{"a":1}`,
	} {
		if got := string(plainNumbers([]byte(in))); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestMetricValues(t *testing.T) {
	for in, want := range map[string]any{
		`0.5`: 0.5, `"0.5"`: 0.5, `"NaN"`: "NaN", `"-Infinity"`: "-Infinity", `1.7976931348623157e+308`: "1.7976931348623157e+308",
		`1e999`: "1e999", `9007199254740993`: 9007199254740992.0, `90071992547409930`: "90071992547409930", `-0`: math.Copysign(0, -1),
	} {
		var m metricValue
		if err := m.UnmarshalJSON([]byte(in)); err != nil || cmp.Diff(want, m.value) != "" {
			t.Errorf("%s: %v %v", in, m.value, err)
		}
	}
	for _, in := range []string{`"many"`, `true`, `null`, `{}`, `"`} {
		var m metricValue
		if m.UnmarshalJSON([]byte(in)) == nil {
			t.Errorf("%s: %v", in, m.value)
		}
	}
}

// JSON stays as it is, and what Python writes becomes JSON.
func FuzzPlainNumbers(f *testing.F) {
	for _, s := range []string{`{"a":NaN}`, `{"NaN":"\"Infinity"}`, `[-Infinity,"\\"]`, `NaNNaN`, `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out := plainNumbers(b)
		if json.Valid(b) && !bytes.Equal(b, out) {
			t.Errorf("%q became %q", b, out)
		}
		if !bytes.Equal(out, plainNumbers(out)) && json.Valid(out) {
			t.Errorf("%q is changed again", out)
		}
	})
}

// Whatever a run holds, its evaluation and lineage are payloads that a host takes.
func FuzzRun(f *testing.F) {
	for _, s := range []string{
		`{"info":{"run_id":"r","experiment_id":7,"status":"FINISHED","start_time":"1","end_time":1700000000000},"data":{"metrics":[{"key":"a","value":NaN,"step":1}],"params":[{"key":"a","value":"\u0000"}],"tags":[{"key":"mlflow.user","value":"x"}]}}`,
		`{"data":{"metrics":[{"key":"\ud800","value":"1e400"}]},"inputs":{"dataset_inputs":[{"dataset":{"name":"n","digest":"d"},"tags":null}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var run mlRun
		if decode("/runs/get", plainNumbers(b), &run) != nil {
			return
		}
		payload, err := json.Marshal(map[string]any{"metrics": run.metrics(), "datasets": run.datasets(), "tested": run.tested(),
			"parameters": run.parameters(), "by": run.executor(), "tags": tagMap(run.Data.Tags), "at": run.Info.Ended.time()})
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.CheckPayload(payload); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	})
}

func TestConfig(t *testing.T) {
	secret := map[string]string{"token": "abc"}
	for name, c := range map[string]struct {
		settings string
		secrets  map[string]string
		want     string // in the error; empty for none
	}{
		"plain":           {`{"base_url":"https://m.example"}`, nil, ""},
		"http with token": {`{"base_url":"http://m.example"}`, secret, "unencrypted"},
		"http alone":      {`{"base_url":"http://m.example"}`, nil, ""},
		"two credentials": {`{"base_url":"https://m.example"}`, map[string]string{"token": "a", "username": "b", "password": "c"}, "either"},
		"half a password": {`{"base_url":"https://m.example"}`, map[string]string{"username": "b"}, "both"},
		"user in address": {`{"base_url":"https://a:b@m.example"}`, nil, "base_url"},
		"two signs":       {`{"base_url":"https://m.example","approval":{"alias":"a","tag":"b"}}`, nil, "one of"},
		"values of what":  {`{"base_url":"https://m.example","approval":{"alias":"a","approved":["x"]}}`, nil, "name it"},
		"unknown setting": {`{"base_url":"https://m.example","tokens":1}`, nil, "tokens"},
		"page of nothing": {`{"base_url":"https://m.example","page_size":-1}`, nil, "page_size"},
		"no requests":     {`{"base_url":"https://m.example","requests_per_second":0}`, nil, "requests_per_second"},
	} {
		_, err := parseConfig(connector.Config{Settings: []byte(c.settings), Secrets: c.secrets})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestDatabricks(t *testing.T) {
	c, err := parseConfig(connector.Config{Settings: []byte(`{"base_url":"https://adb-1.2.azuredatabricks.net/"}`), Secrets: map[string]string{"token": "abc"}})
	if err != nil || !c.databricks() || c.PageSize != 100 || c.link("models", "x") != "" {
		t.Errorf("%+v %v", c, err)
	}
}
