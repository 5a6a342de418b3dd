package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Paths below /api/2.0/mlflow.
const (
	pathModels     = "/registered-models/search"
	pathModel      = "/registered-models/get"
	pathVersions   = "/model-versions/search"
	pathRun        = "/runs/get"
	pathRuns       = "/runs/search"
	pathExperiment = "/experiments/get-by-name"
)

// plainNumbers puts numbers that are none (NaN, Infinity), which Python writes
// bare into JSON, between quotes.
func plainNumbers(b []byte) []byte {
	if !bytes.Contains(b, []byte("NaN")) && !bytes.Contains(b, []byte("Infinity")) {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	quoted := false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == '\\' && i+1 < len(b):
			out = append(out, c, b[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted:
			if word := bareWord(b[i:]); word != "" {
				out = append(out, '"')
				out = append(out, word...)
				out = append(out, '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func bareWord(b []byte) string {
	for _, w := range []string{"NaN", "-Infinity", "Infinity"} {
		if bytes.HasPrefix(b, []byte(w)) {
			return w
		}
	}
	return ""
}

// metricValue is a number as payloads have it: as text where it is none, or
// where JSON could not hold it exactly.
type metricValue struct{ value any }

func (m *metricValue) UnmarshalJSON(b []byte) error {
	text := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return errors.New("a metric that is no number")
	case err != nil, math.IsNaN(f), math.IsInf(f, 0), math.Abs(f) > 1<<53:
		m.value = records.Line(text, 60)
	default:
		m.value = f
	}
	return nil
}

// millis is a time in milliseconds since 1970, as a number or as text.
type millis int64

func (m *millis) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "" || text == "null" {
		*m = 0
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("a time that is no number of milliseconds")
	}
	*m = millis(n)
	return nil
}

// time is zero for none and for what cannot be a date of our age.
func (m millis) time() time.Time {
	if m <= 0 || m > 1<<50 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

// textual is text that some servers write as a number.
type textual string

func (t *textual) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] != '"' {
		var n json.Number
		if string(b) == "null" {
			return nil
		}
		if err := json.Unmarshal(b, &n); err != nil {
			return err
		}
		*t = textual(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(t))
}

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tagMap makes tags fit to print; of two that then look alike the first in
// order stays.
func tagMap(tags []tag) map[string]string {
	out := map[string]string{}
	slices.SortFunc(tags, func(a, b tag) int { return strings.Compare(a.Key+"\x00"+a.Value, b.Key+"\x00"+b.Value) })
	for _, t := range tags {
		if k := records.Line(t.Key, 250); k != "" {
			if _, there := out[k]; !there {
				out[k] = line(t.Value, 1000)
			}
		}
	}
	return out
}

// registeredModel is a model as the registry lists it.
type registeredModel struct {
	Name        string `json:"name"`
	Created     millis `json:"creation_timestamp"`
	Updated     millis `json:"last_updated_timestamp"`
	Description string `json:"description"`
	User        string `json:"user_id"`
	Tags        []tag  `json:"tags"`
	Aliases     []struct {
		Alias   string  `json:"alias"`
		Version textual `json:"version"`
	} `json:"aliases"`
	Latest []struct {
		Version textual `json:"version"`
	} `json:"latest_versions"`
}

// modelVersion is a version as the search gives it: without its aliases, which
// stand with the model.
type modelVersion struct {
	Name        string  `json:"name"`
	Version     textual `json:"version"`
	Created     millis  `json:"creation_timestamp"`
	Updated     millis  `json:"last_updated_timestamp"`
	User        string  `json:"user_id"`
	Stage       *string `json:"current_stage"`
	Description string  `json:"description"`
	Source      string  `json:"source"`
	RunID       string  `json:"run_id"`
	RunLink     string  `json:"run_link"`
	Status      string  `json:"status"`
	Message     string  `json:"status_message"`
	Tags        []tag   `json:"tags"`
}

// mlRun is a run with what it logged.
type mlRun struct {
	Info struct {
		RunID      string  `json:"run_id"`
		Experiment textual `json:"experiment_id"`
		Name       string  `json:"run_name"`
		User       string  `json:"user_id"`
		Status     string  `json:"status"`
		Started    millis  `json:"start_time"`
		Ended      millis  `json:"end_time"`
	} `json:"info"`
	Data struct {
		Metrics []struct {
			Key   string      `json:"key"`
			Value metricValue `json:"value"`
			Step  textual     `json:"step"`
		} `json:"metrics"`
		Params []tag `json:"params"`
		Tags   []tag `json:"tags"`
	} `json:"data"`
	Inputs struct {
		Datasets []struct {
			Tags    []tag `json:"tags"`
			Dataset struct {
				Name   string `json:"name"`
				Digest string `json:"digest"`
			} `json:"dataset"`
		} `json:"dataset_inputs"`
	} `json:"inputs"`
}
