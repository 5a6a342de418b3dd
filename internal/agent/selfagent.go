package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// missedFact is the payload of a KindMissed.
type missedFact struct {
	Source string `json:"source"`
	First  moment `json:"first_due"`
	Last   moment `json:"last_due"`
	Count  int    `json:"count"`
	Noted  moment `json:"noted_at"`
}

// agentFact is the payload of a KindAgent.
type agentFact struct {
	Node       string            `json:"node"`
	Host       string            `json:"host"`
	Version    string            `json:"version"`
	Config     string            `json:"config_sha256,omitempty"`
	Connectors map[string]string `json:"connectors,omitempty"`
	Started    moment            `json:"started_at"`
	Seen       moment            `json:"seen_at"`
	Stated     moment            `json:"stated_at"`
	Skew       *int64            `json:"clock_skew_ms,omitempty"`
	Paused     []string          `json:"paused"`
}

// skewOfNote is by how much a clock must move for it to be stated again before
// its time.
const skewOfNote = 10 * time.Second

// says is what of a fact is stated again at once when it changes.
func (f agentFact) says() string {
	var skew int64
	if f.Skew != nil {
		skew = *f.Skew / skewOfNote.Milliseconds()
	}
	text, _ := json.Marshal([]any{f.Version, f.Config, f.Connectors, f.Paused, skew}) // texts and numbers: never fails
	return string(text)
}

// agents states the times that were missed since, and of each agent what it is
// and has, once a day and when it changes.
func (s *selfRun) agents(ctx context.Context, sched *Schedule) ([]Missed, error) {
	missed, err := sched.unrecorded(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range missed {
		s.add(KindMissed, m.Source, m.Source+"|"+m.First.Format(time.RFC3339), m.Last, missedFact{
			Source: m.Source, First: m.First.Truncate(time.Second), Last: m.Last.Truncate(time.Second), Count: m.Count, Noted: m.Noted.Truncate(time.Second)})
	}
	nodes, err := sched.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	paused, err := sched.pauses(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		s.agent(n, sched.otherClock(), paused)
	}
	return missed, nil
}

func (s *selfRun) agent(n NodeStatus, otherClock bool, paused []string) {
	f := agentFact{Node: n.Node, Host: n.Host, Version: n.Version, Config: n.ConfigDigest, Connectors: n.Connectors,
		Started: n.Started.Truncate(time.Second), Seen: n.Seen.Truncate(time.Second), Stated: s.now.Truncate(time.Second), Paused: paused}
	if otherClock {
		f.Skew = &n.SkewMillis
	}
	key := KindAgent + " " + n.Node
	if says, there := s.recorded[key]; there && says == f.says() && s.now.Sub(s.stated[key]) < selfInterval {
		return
	}
	s.add(KindAgent, "agent/"+n.Host, n.Node+"|"+f.Stated.Format(time.RFC3339), f.Stated, f)
}

// otherClock reports whether the database has a clock that is not this machine's.
func (s *Schedule) otherClock() bool { return s.clock == nil && s.db.Dialect == "postgres" }

// pauses tells each pause in a line.
func (s *Schedule) pauses(ctx context.Context) ([]string, error) {
	list, err := s.sources(ctx)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, st := range list {
		if st.Paused != nil {
			out = append(out, fmt.Sprintf("%s since %s by %s: %s", st.Source, st.Paused.At.Format(time.RFC3339), st.Paused.By, st.Paused.Because))
		}
	}
	return out, nil
}
