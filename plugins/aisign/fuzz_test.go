package aisign

import (
	"slices"
	"strings"
	"testing"
)

// Whatever is asked, every look-up answers in order, each signature once, and
// for the same question the same.
func FuzzLookUps(f *testing.F) {
	s := loaded(f)
	for _, seed := range []string{"openai", "ray[serve,", "https://[::1]:99999/@@", "*", "a/b/c@sha256:x", "bedrock:*", "projects/models/", "PROD_OPENAI_API_KEY_\xff",
		strings.Repeat("a.", 300), strings.Repeat("OPENAI_", 200), "Co-Authored-By: \x00 <noreply@anthropic.com>", "{kind=", "ft:", "eu.anthropic.", "𝒐penai"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ask := func() [][]Match {
			return [][]Match{
				s.Package("pypi", text), s.Package("go", text), s.Package("maven", text), s.Package(text, text), s.Import("py", text), s.Import("js", text),
				s.Host(text), s.Env(text), s.SecretName(text), s.Model(text), s.Key(text), s.File(text), s.Image(text), s.Chart(text), s.Action(text),
				s.Resource("terraform", text, map[string]string{"kind": text}), s.KubernetesKind(text), s.IAM(text), s.ARN(text),
				s.CloudEvent("cloudtrail", "bedrock.amazonaws.com", text), s.CloudEvent(text, text, text), s.Cost(text), s.Merchant(text),
				s.OAuthApp(text, text), s.GitHubApp(text), s.Extension(text), s.Trailer(text), s.UserAgent(text), s.Call(text), s.Setting(text),
			}
		}
		first, second := ask(), ask()
		for i, got := range first {
			if !slices.Equal(ids(got), ids(second[i])) {
				t.Errorf("look-up %d answers %v, then %v", i, ids(got), ids(second[i]))
			}
			if !slices.IsSorted(ids(got)) || len(slices.Compact(ids(got))) != len(got) {
				t.Errorf("look-up %d: %v", i, ids(got))
			}
		}
		r := s.Redact(text, []byte("salt"))
		if !strings.HasPrefix(text, r.Prefix) || len(text) > 0 && r.Prefix == text {
			t.Errorf("%q is kept of %q", r.Prefix, text)
		}
		s.Pin(text)
		s.Vendor(text)
		Repository(text)
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHost(b *testing.B) {
	s := loaded(b)
	for b.Loop() {
		s.Host("cdn-7.static.example.com")
		s.Host("api.openai.com")
	}
}
