package aws

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
)

type raw = json.RawMessage

// rule is one rule of a guardrail's policy. Fields that a policy does not have
// are left out.
type rule struct {
	Type           string   `json:"type,omitempty"`
	Name           string   `json:"name,omitempty"`
	Definition     string   `json:"definition,omitempty"`
	InputStrength  string   `json:"input_strength,omitempty"`
	OutputStrength string   `json:"output_strength,omitempty"`
	Threshold      *float64 `json:"threshold,omitempty"`
	Action         string   `json:"action,omitempty"`
	InputAction    string   `json:"input_action,omitempty"`
	OutputAction   string   `json:"output_action,omitempty"`
	InputEnabled   *bool    `json:"input_enabled,omitempty"`
	OutputEnabled  *bool    `json:"output_enabled,omitempty"`
	Enabled        *bool    `json:"enabled,omitempty"`
	SHA256         string   `json:"sha256,omitempty"` // of a pattern, which may itself be confidential
}

// policy is a policy of a guardrail.
type policy struct {
	Tier     string   `json:"tier,omitempty"`
	Rules    []rule   `json:"rules,omitempty"`
	Words    int      `json:"words,omitempty"` // number of blocked words
	SHA256   string   `json:"words_sha256,omitempty"`
	Policies []string `json:"policies,omitempty"`
	Profile  string   `json:"profile,omitempty"`
}

// policiesOf gives the policies of a guardrail by name: content, topic, word,
// pii, grounding, reasoning, cross_region.
func policiesOf(g *bedrock.GetGuardrailOutput) (map[string]raw, error) {
	all := map[string]policy{}
	if p := g.ContentPolicy; p != nil {
		all["content"] = contentPolicy(p)
	}
	if p := g.TopicPolicy; p != nil {
		all["topic"] = topicPolicy(p)
	}
	if p := g.WordPolicy; p != nil {
		all["word"] = wordPolicy(p)
	}
	if p := g.SensitiveInformationPolicy; p != nil {
		all["pii"] = piiPolicy(p)
	}
	if p := g.ContextualGroundingPolicy; p != nil {
		var rules []rule
		for _, f := range p.Filters {
			rules = append(rules, rule{Type: string(f.Type), Threshold: f.Threshold, Action: string(f.Action), Enabled: f.Enabled})
		}
		all["grounding"] = policy{Rules: rules}
	}
	if p := g.AutomatedReasoningPolicy; p != nil {
		named := []string{}
		for _, arn := range p.Policies {
			named = append(named, printable(arn, 300))
		}
		slices.Sort(named)
		all["reasoning"] = policy{Policies: named, Rules: []rule{{Type: "CONFIDENCE", Threshold: p.ConfidenceThreshold}}}
	}
	if d := g.CrossRegionDetails; d != nil {
		all["cross_region"] = policy{Profile: text(d.GuardrailProfileArn, 300)}
	}
	out := map[string]raw{}
	for name, p := range all {
		slices.SortStableFunc(p.Rules, func(a, b rule) int { return strings.Compare(a.Type+"|"+a.Name, b.Type+"|"+b.Name) })
		b, err := json.Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("%w: policy %s: %w", errValue, name, err)
		}
		out[name] = b
	}
	return out, nil
}

func contentPolicy(p *types.GuardrailContentPolicy) policy {
	var out policy
	if p.Tier != nil {
		out.Tier = string(p.Tier.TierName)
	}
	for _, f := range p.Filters {
		out.Rules = append(out.Rules, rule{
			Type: string(f.Type), InputStrength: string(f.InputStrength), OutputStrength: string(f.OutputStrength),
			InputAction: string(f.InputAction), OutputAction: string(f.OutputAction), InputEnabled: f.InputEnabled, OutputEnabled: f.OutputEnabled,
		})
	}
	return out
}

func topicPolicy(p *types.GuardrailTopicPolicy) policy {
	var out policy
	if p.Tier != nil {
		out.Tier = string(p.Tier.TierName)
	}
	for _, t := range p.Topics {
		out.Rules = append(out.Rules, rule{
			Type: string(t.Type), Name: text(t.Name, 200), Definition: text(t.Definition, 1000),
			InputAction: string(t.InputAction), OutputAction: string(t.OutputAction), InputEnabled: t.InputEnabled, OutputEnabled: t.OutputEnabled,
		})
	}
	return out
}

// wordPolicy counts the blocked words and keeps a digest: a list of slurs is
// no reading for everyone, and a change of it shows all the same.
func wordPolicy(p *types.GuardrailWordPolicy) policy {
	out := policy{Words: len(p.Words)}
	for _, m := range p.ManagedWordLists {
		out.Rules = append(out.Rules, rule{
			Type: string(m.Type), InputAction: string(m.InputAction), OutputAction: string(m.OutputAction), InputEnabled: m.InputEnabled, OutputEnabled: m.OutputEnabled,
		})
	}
	var words []string
	for _, w := range p.Words {
		words = append(words, fmt.Sprintf("%s|%s|%s|%t|%t", aws.ToString(w.Text), w.InputAction, w.OutputAction, enabled(w.InputEnabled), enabled(w.OutputEnabled)))
	}
	if len(words) > 0 {
		slices.Sort(words)
		out.SHA256 = hex.EncodeToString(sha256Of([]byte(strings.Join(words, "\n"))))
	}
	return out
}

func piiPolicy(p *types.GuardrailSensitiveInformationPolicy) policy {
	var out policy
	for _, e := range p.PiiEntities {
		out.Rules = append(out.Rules, rule{
			Type: string(e.Type), Action: string(e.Action), InputAction: string(e.InputAction), OutputAction: string(e.OutputAction),
			InputEnabled: e.InputEnabled, OutputEnabled: e.OutputEnabled,
		})
	}
	for _, r := range p.Regexes {
		out.Rules = append(out.Rules, rule{
			Type: "REGEX", Name: text(r.Name, 200), Action: string(r.Action), InputAction: string(r.InputAction), OutputAction: string(r.OutputAction),
			InputEnabled: r.InputEnabled, OutputEnabled: r.OutputEnabled, SHA256: hex.EncodeToString(sha256Of([]byte(aws.ToString(r.Pattern)))),
		})
	}
	return out
}

// enabled: a rule that does not say is on.
func enabled(b *bool) bool { return b == nil || *b }
