package aws

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// What goes wrong on the way ends in a gap or is tried again.
func TestBedrockOnABadDay(t *testing.T) {
	other := newFakeAWS(t)
	limited := func(after string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			w.Header().Set("X-Amzn-Errortype", "ThrottlingException")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, tt := range map[string]struct {
		raw    http.HandlerFunc
		reason connector.Reason
	}{
		"redirected": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/guardrails", http.StatusFound)
		}, connector.Malformed},
		"cut short": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"guardrails":[`)
		}, connector.Unavailable},
		"half a list": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"guardrails":[{"id":"x"`) }, connector.Malformed},
		"an endless answer": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"guardrails":["`, strings.Repeat("a", 17<<20))
		}, connector.Truncated},
		"a list that is a text":     {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"guardrails":"none"}`) }, connector.Malformed},
		"a list under another name": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"guardRails":[]}`) }, connector.Malformed},
		"times as numbers": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"guardrails":[{"id":"x","createdAt":1}]}`)
		}, connector.Malformed},
		"an empty answer":             {status(200), connector.Malformed},
		"401":                         {status(401), connector.Denied},
		"403":                         {status(403), connector.Denied},
		"404":                         {status(404), connector.NotFound},
		"410":                         {status(410), connector.Malformed},
		"501":                         {status(501), connector.Unsupported},
		"503":                         {status(503), connector.Unavailable},
		"429":                         {limited(""), connector.RateLimited},
		"429 for a second":            {limited("0"), connector.RateLimited},
		"429 until a day long gone":   {limited("Wed, 21 Oct 2015 07:28:00 GMT"), connector.RateLimited},
		"429 for longer than we wait": {limited("86400"), connector.RateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFakeAWS(t)
			f.fillBedrock()
			f.raw["ListGuardrails"] = tt.raw
			rec, cov := runWith(t, f.fast(), nil, records.KindGuardrail)
			if len(rec.gaps) != 1 || rec.gaps[0].Reason != tt.reason || len(rec.records) != 0 {
				t.Errorf("gaps %+v, records %v", rec.gaps, shorts(rec.records))
			}
			if c := cov[records.KindGuardrail]; c.Status != connector.Refused || c.Enumerated {
				t.Errorf("coverage %+v", c)
			}
		})
	}
	t.Cleanup(func() {
		if len(other.calls) != 0 {
			t.Errorf("the other host was asked %v", other.calls)
		}
	})
}

// A failure that passes is tried again, and costs nothing.
func TestBedrockTriesAgain(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSafeguards()
	answer, tries := f.ops["ListGuardrails"], 0
	f.ops["ListGuardrails"] = func(in obj) (int, any) {
		if tries++; tries == 1 {
			return 503, obj{"__type": "ServiceUnavailableException"}
		}
		return answer(in)
	}
	rec, _ := runWith(t, f.config(), nil, records.KindGuardrail)
	if len(rec.gaps) != 0 || len(rec.records) != 2 || tries != 3 {
		t.Errorf("gaps %+v, records %v after %d tries", rec.gaps, shorts(rec.records), tries)
	}
}

func TestBedrockPages(t *testing.T) {
	f := newFakeAWS(t)
	var asked []any
	guardrail := func(id string) obj {
		return obj{"id": id, "arn": bedrockARN + "guardrail/" + id, "name": id, "status": "READY", "version": "DRAFT", "createdAt": "2026-01-10T10:00:00Z", "updatedAt": "2026-06-10T10:00:00Z"}
	}
	next := map[any]any{nil: "2", "2": "3"}
	f.ops["ListGuardrails"] = func(in obj) (int, any) {
		if arn, one := in["guardrailIdentifier"].(string); one {
			return 200, obj{"guardrails": []obj{guardrail(lastOf(arn))}}
		}
		asked = append(asked, in["nextToken"])
		return 200, obj{"guardrails": []obj{guardrail(fmt.Sprint("g", len(asked)))}, "nextToken": next[in["nextToken"]]}
	}
	f.ops["GetGuardrail"] = func(in obj) (int, any) {
		return 200, obj{"guardrailId": in["id"], "name": "g", "status": "READY", "createdAt": "2026-01-10T10:00:00Z", "updatedAt": "2026-01-10T10:00:00Z"}
	}
	rec, cov := runWith(t, f.fast(), nil, records.KindGuardrail)
	if d := cmp.Diff([]any{nil, "2", "3"}, asked); d != "" || len(rec.records) != 3 || cov[records.KindGuardrail].Status != connector.Complete {
		t.Errorf("%s %v, %v", d, shorts(rec.records), cov)
	}
	next["3"] = "2" // in a circle
	rec, cov = runWith(t, f.fast(), nil, records.KindGuardrail)
	if len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.Malformed || cov[records.KindGuardrail].Status != connector.Partial {
		t.Errorf("gaps %+v, %v", rec.gaps, cov)
	}
}

// A guardrail without policies is one without, and a time to come is no time.
func TestBedrockRefusesTimesToCome(t *testing.T) {
	f := newFakeAWS(t)
	f.fillSafeguards()
	f.ops["ListGuardrails"] = func(obj) (int, any) {
		return 200, obj{"guardrails": []obj{{"id": "gr1", "arn": bedrockARN + "guardrail/gr1", "name": "safe", "status": "READY", "version": "DRAFT", "createdAt": "2026-01-10T10:00:00Z",
			"updatedAt": time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)}}}
	}
	rec, cov := runWith(t, f.fast(), nil, records.KindGuardrail)
	if len(rec.records) != 0 || len(rec.gaps) != 1 || rec.gaps[0].Reason != connector.Malformed || cov[records.KindGuardrail].Status != connector.Partial {
		t.Errorf("%v, gaps %+v, %v", shorts(rec.records), rec.gaps, cov)
	}
}
