package corpus

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed peers/results.json
var peerResults []byte

// Peer is what a scanner that others wrote found: by repository, the products,
// as our signatures name them.
type Peer struct {
	Version string              `json:"version"`
	Date    string              `json:"date"`
	Failed  []string            `json:"failed,omitempty"` // repositories for which it printed no result
	Found   map[string][]string `json:"found"`
}

// Peers reads the results of the last run of peers/run.
func Peers() (map[string]Peer, error) {
	var out map[string]Peer
	return out, json.Unmarshal(peerResults, &out)
}

// ScorePeer holds a peer's results against the labels. It knows no scopes, so
// what is used by tests and copies alone counts neither for nor against it.
func ScorePeer(repos []*Repo, p Peer) []Outcome {
	out := make([]Outcome, 0, len(repos))
	for _, r := range repos {
		lenient := *r.Labels
		lenient.May = slices.Clone(lenient.May)
		for _, u := range lenient.Aside {
			lenient.May = append(lenient.May, May{Provider: u.Providers[0], Reason: u.Reason})
		}
		lenient.Aside = nil
		var found []Found
		for _, id := range p.Found[r.Name] {
			found = append(found, Found{Provider: id})
		}
		out = append(out, Score(&Repo{Name: r.Name, Files: r.Files, Labels: &lenient}, found))
	}
	return out
}

// PeerTable renders the peers beside our own outcomes in Markdown.
func PeerTable(repos []*Repo, ours []Outcome, peers map[string]Peer) string {
	var b strings.Builder
	b.WriteString("| scanner | right | wrong | missed | precision | recall | clean ones flagged |\n|---|--:|--:|--:|--:|--:|--:|\n")
	row := func(name string, os []Outcome) {
		s := sum(os)
		fmt.Fprintf(&b, "| %s | %s | %d of %d |\n", name, cells(s.Pairs), s.Flagged, s.Clean)
	}
	row("this one", ours)
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		p := peers[name]
		row(fmt.Sprintf("%s %s (%s)", name, p.Version, p.Date), ScorePeer(repos, p))
	}
	return b.String()
}
