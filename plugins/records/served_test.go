package records

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServed(t *testing.T) {
	declared := []Asked{
		{Project: "p1", Model: "gpt-4o", System: "chat"},
		{Project: "p2", Model: "gpt-4o", System: "chat"},
		{Project: "p2", Model: "text-embedding-3-small", System: "search"},
		{APIKey: "k1", Model: "gpt-4o-mini", System: "batch"},
		{Project: "p3", Model: "o3", System: "b"},
		{Project: "p3", Model: "o3", System: "a"},
	}
	for name, c := range map[string]struct {
		use  Use
		want []Asked
	}{
		"as asked":             {Use{"p1", "k0", "gpt-4o"}, []Asked{{System: "chat", Model: "gpt-4o"}}},
		"version of an alias":  {Use{"p1", "", "gpt-4o-2024-08-06"}, []Asked{{System: "chat", Model: "gpt-4o"}}},
		"another model":        {Use{"p1", "", "gpt-4.1"}, []Asked{{System: "chat", Model: "gpt-4o"}}},
		"one of two":           {Use{"p2", "", "text-embedding-3-small"}, []Asked{{System: "search", Model: "text-embedding-3-small"}}},
		"none of two":          {Use{"p2", "", "gpt-4.1"}, []Asked{{System: "chat"}, {System: "search"}}},
		"the key goes first":   {Use{"p1", "k1", "gpt-4o"}, []Asked{{System: "batch", Model: "gpt-4o-mini"}}},
		"two systems":          {Use{"p3", "", "o3"}, []Asked{{System: "a", Model: "o3"}, {System: "b", Model: "o3"}}},
		"nothing was declared": {Use{"p9", "k9", "gpt-4o"}, nil},
	} {
		if d := cmp.Diff(c.want, Served(declared, c.use)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if declared[1].Model != "gpt-4o" {
		t.Error("what was declared has been changed")
	}
}

func TestIsVersionOf(t *testing.T) {
	for _, c := range []struct {
		model, alias string
		want         bool
	}{
		{"gpt-4o-2024-08-06", "gpt-4o", true},
		{"gpt-4-0613", "gpt-4", true},
		{"claude-sonnet-4-5-20250929", "claude-sonnet-4-5", true},
		{"claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest", true},
		{"claude-sonnet-4-5-20250929", "claude-sonnet-4", false},
		{"gpt-4o-mini", "gpt-4o", false},
		{"gpt-4o-mini-2024-07-18", "gpt-4o", false},
		{"gpt-4o", "gpt-4o", false},
		{"-2024-08-06", "", false},
		{"x-", "x", false},
	} {
		if got := IsVersionOf(c.model, c.alias); got != c.want {
			t.Errorf("IsVersionOf(%q, %q) = %v", c.model, c.alias, got)
		}
	}
}
