package infra

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

func TestEnvFiles(t *testing.T) {
	got, err := For(".env.example", nil).Read(".env.example", []byte("# OPENAI_API_KEY=\nOPENAI_BASE_URL=https://user:pw@llm.example:8443/v1\nexport CHAT_MODEL=\"gpt-4o\"\nnot a variable = x\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []fact.Fact{
		{Class: fact.Env, Name: "OPENAI_API_KEY", Line: 1, Standing: fact.Commented},
		{Class: fact.Env, Name: "OPENAI_BASE_URL", Line: 2},
		{Class: fact.Host, Name: "llm.example:8443", Line: 2},
		{Class: fact.Env, Name: "CHAT_MODEL", Line: 3},
		{Class: fact.Model, Name: "gpt-4o", Line: 3},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
