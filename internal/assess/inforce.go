package assess

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// InForce is an expectation as an assessment used it: what it says, how firmly,
// and every threshold, so that a result can be read without the rule's file.
type InForce struct {
	Slug       string `json:"slug"`
	Control    string `json:"control"`
	Version    int    `json:"version"`
	Title      string `json:"title"`
	Statement  string `json:"statement"`
	Severity   string `json:"severity"`
	Strength   string `json:"strength"`
	Automation string `json:"automation"`
	Cause      string `json:"cause"` // of a shortfall: control, owner, documentation, approval
	Per        string `json:"per"`
	Mode       string `json:"mode"`

	Params           map[string]any `json:"params,omitempty"`
	EventMaxAge      string         `json:"event_max_age,omitempty"` // 365d, 36h, 30m
	Lookback         string         `json:"lookback,omitempty"`
	CollectionMaxAge string         `json:"collection_max_age"`

	Kinds    []string `json:"kinds"`              // that it looks at, sorted
	Optional []string `json:"optional,omitempty"` // of them, those that need not be collected
	Sampling string   `json:"sampling,omitempty"`
	Request  string   `json:"request,omitempty"`
	Remedy   string   `json:"remedy"`

	Own     bool     `json:"own,omitempty"`     // a file of the user's defines it: not part of our reading of the standard
	Changed []string `json:"changed,omitempty"` // thresholds that a file of the user's overrides
	Off     string   `json:"off,omitempty"`     // why it is switched off
}

// InForce returns the expectations in the order of results.
func (eng *Engine) InForce() []InForce {
	out := make([]InForce, len(eng.rules))
	for i, r := range eng.rules {
		out[i] = r.inForce()
	}
	return out
}

func (r *rule) inForce() InForce {
	f := InForce{
		Slug: r.Slug, Control: r.Control, Version: r.Version, Title: r.Title, Statement: strings.TrimSpace(r.Statement),
		Severity: r.Severity, Strength: r.Strength, Automation: r.Automation, Cause: r.Cause, Per: r.Per, Mode: r.Freshness.Mode,
		Params: r.Params, EventMaxAge: compact(r.Freshness.EventMaxAge), Lookback: compact(r.Freshness.Lookback),
		CollectionMaxAge: compact(r.Freshness.CollectionMaxAge), Kinds: []string{},
		Sampling: r.Sampling, Request: r.Request, Remedy: r.Remedy, Own: r.Own, Changed: r.Changed, Off: r.Off,
	}
	for _, n := range r.needs {
		f.Kinds = append(f.Kinds, n.kind.kind.ID)
		if n.optional {
			f.Optional = append(f.Optional, n.kind.kind.ID)
		}
	}
	slices.Sort(f.Kinds)
	slices.Sort(f.Optional)
	return f
}

// Thresholds says every threshold in one line: approvals 1, event at most 365d
// old, read at most 7d ago.
func (f InForce) Thresholds() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(f.Params)) {
		v := fmt.Sprint(f.Params[name])
		if _, isText := f.Params[name].(string); !isText {
			if raw, err := json.Marshal(f.Params[name]); err == nil {
				v = string(raw)
			}
		}
		out = append(out, strings.ReplaceAll(name, "_", " ")+" "+v)
	}
	if f.EventMaxAge != "" {
		out = append(out, "event at most "+f.EventMaxAge+" old")
	}
	if f.Lookback != "" {
		out = append(out, "events of the last "+f.Lookback)
	}
	return strings.Join(append(out, "read at most "+f.CollectionMaxAge+" ago"), ", ")
}

// compact writes a duration as the files do: 365d, 36h, 30m, 90s. None is no text.
func compact(d time.Duration) string {
	for _, u := range []struct {
		length time.Duration
		letter string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if d >= u.length && d%u.length == 0 {
			return fmt.Sprint(int64(d/u.length), u.letter)
		}
	}
	if d == 0 {
		return ""
	}
	return d.String()
}
