package aisign

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp/syntax"
	"strings"
	"testing"
	"testing/fstest"
)

func TestDigest(t *testing.T) {
	a := loaded(t)
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if a.Digest() != b.Digest() || len(a.Digest()) != 64 {
		t.Errorf("digests %q and %q", a.Digest(), b.Digest())
	}
	one := fstest.MapFS{"signatures/a.yaml": {Data: []byte("signatures:\n- {id: a, category: provider, vendor: A, egress: local, env: [A_KEY]}\n")}}
	two := fstest.MapFS{"signatures/a.yaml": {Data: []byte("signatures:\n- {id: a, category: provider, vendor: A, egress: local, env: [B_KEY]}\n")}}
	x, errX := load(one)
	y, errY := load(two)
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	if x.Digest() == y.Digest() {
		t.Error("other data has the same digest")
	}
}

// Data that cannot be right is refused, and the reason names the signature.
func TestRefused(t *testing.T) {
	good := "{id: good, category: provider, vendor: V, egress: external, packages: {pypi: [good]}, hosts: [api.good.example], env: [GOOD_KEY], images: [good/good], merchants: [GOOD]}"
	for name, c := range map[string]struct{ add, want string }{
		"unknown field":       {"{id: b, category: provider, vendor: V, egress: local, host: [x.example]}", "field host not found"},
		"same id":             {good, "is there twice"},
		"id":                  {"{id: B_b, category: provider, vendor: V, egress: local, env: [X_KEY]}", "lower case"},
		"category":            {"{id: b, category: vendor, vendor: V, egress: local, env: [X_KEY]}", "category"},
		"egress":              {"{id: b, category: provider, vendor: V, egress: out, env: [X_KEY]}", "egress"},
		"no vendor":           {"{id: b, category: provider, egress: local, env: [X_KEY]}", "no vendor"},
		"nothing":             {"{id: b, category: provider, vendor: V, egress: local}", "known by nothing"},
		"empty entry":         {"{id: b, category: provider, vendor: V, egress: local, env: ['']}", "holds the entry"},
		"entry of all":        {"{id: b, category: provider, vendor: V, egress: local, images: ['*']}", "holds the entry"},
		"entry twice":         {"{id: b, category: provider, vendor: V, egress: local, costs: [x, x]}", "twice"},
		"model":               {"{id: b, category: provider, vendor: V, egress: local, models: ['^(']}", "model"},
		"model not tied":      {"{id: b, category: provider, vendor: V, egress: local, models: ['gpt']}", "tied"},
		"key":                 {"{id: b, category: provider, vendor: V, egress: local, keys: [{prefix: k, re: '['}]}", "key"},
		"key without prefix":  {"{id: b, category: provider, vendor: V, egress: local, keys: [{re: 'k[0-9]'}]}", "prefix"},
		"key of two heads":    {"{id: b, category: provider, vendor: V, egress: local, keys: [{prefix: kk-a-, re: 'kk-(a|b)-[0-9]{20}'}]}", "begins"},
		"key of another head": {"{id: b, category: provider, vendor: V, egress: local, keys: [{prefix: kk-, re: 'j[0-9]{20}'}]}", "begins"},
		"resource":            {"{id: b, category: provider, vendor: V, egress: local, terraform: ['x{']}", "no type"},
		"host":                {"{id: b, category: provider, vendor: V, egress: local, hosts: ['https://x.example']}", "host"},
		"event":               {"{id: b, category: provider, vendor: V, egress: local, events: [{log: syslog, name: X}]}", "event"},
		"merchant":            {"{id: b, category: provider, vendor: V, egress: local, merchants: [Good things]}", "upper case"},
		"ecosystem":           {"{id: b, category: provider, vendor: V, egress: local, packages: {golang: [x]}}", "is written"},
		"package of two":      {"{id: b, category: provider, vendor: V, egress: local, packages: {pypi: [Good]}}", "already"},
		"host of two":         {"{id: b, category: provider, vendor: V, egress: local, web: [api.good.example]}", "already"},
		"variable of two":     {"{id: b, category: provider, vendor: V, egress: local, env_weak: [GOOD_KEY]}", "already"},
		"image of two":        {"{id: b, category: provider, vendor: V, egress: local, doubtful: {images: [good/good]}}", "already"},
		"doubtful variable":   {"{id: b, category: provider, vendor: V, egress: local, doubtful: {env: [X_KEY]}}", "env_weak"},
	} {
		_, err := load(fstest.MapFS{"signatures/a.yaml": {Data: []byte("signatures:\n- " + good + "\n- " + c.add + "\n")}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for name, data := range map[string]string{
		"vendor without signature": "vendors: [{name: W, aliases: [X]}]\n",
		"alias of two":             "signatures: [" + good + ", {id: h, category: provider, vendor: H, egress: local, env: [H_KEY]}]\nvendors: [{name: V, aliases: [H]}]\n",
		"no alias":                 "signatures: [" + good + "]\nvendors: [{name: V}]\n",
		"two documents":            "signatures: [" + good + "]\n---\nsignatures: []\n",
	} {
		if _, err := load(fstest.MapFS{"signatures/a.yaml": {Data: []byte(data)}}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// made is a text that an expression matches.
func made(t *testing.T, re string) string {
	t.Helper()
	parsed, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		t.Fatal(err)
	}
	var make func(*syntax.Regexp) string
	make = func(r *syntax.Regexp) string {
		switch r.Op {
		case syntax.OpLiteral:
			return string(r.Rune)
		case syntax.OpCharClass:
			return string(r.Rune[len(r.Rune)-2])
		case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
			return "a"
		case syntax.OpCapture:
			return make(r.Sub[0])
		case syntax.OpAlternate:
			return make(r.Sub[0])
		case syntax.OpRepeat:
			return strings.Repeat(make(r.Sub[0]), r.Min)
		case syntax.OpPlus:
			return make(r.Sub[0])
		case syntax.OpConcat:
			var b strings.Builder
			for _, sub := range r.Sub {
				b.WriteString(make(sub))
			}
			return b.String()
		default: // empty, ?, *, ends
			return ""
		}
	}
	return make(parsed)
}

// Every format of keys and every pattern of models is found, by a text that is
// made here.
func TestEveryPattern(t *testing.T) {
	s := loaded(t)
	literals := s.Literals()
	if len(s.Keys()) < 20 {
		t.Fatalf("%d formats of keys", len(s.Keys()))
	}
	for _, k := range s.Keys() {
		value := made(t, k.RE().String())
		if !has(s.Key(value), k.ID) {
			t.Errorf("a key of %s (%s) is found as %v", k.ID, k.Prefix, ids(s.Key(value)))
		}
		salt := []byte("salt of this test")
		mac := hmac.New(sha256.New, salt)
		mac.Write([]byte(value))
		r := s.Redact(value, salt)
		if r.Length != len(value) || r.Hash != hex.EncodeToString(mac.Sum(nil))[:16] {
			t.Errorf("%s: %s", k.ID, r)
		}
		if !strings.HasPrefix(value, r.Prefix) || len(r.Prefix) > 20 || len(r.Prefix)*2 > len(value) && len(value) > 10 {
			t.Errorf("%s: the prefix %q is too much of a key", k.ID, r.Prefix)
		}
		if r.Prefix != k.Prefix {
			t.Errorf("%s: %q is kept as the prefix %q", k.ID, k.Prefix, r.Prefix)
		}
		if text := s.Concealed("a/" + value + ".py"); strings.Contains(text, value[len(k.Prefix):]) || !strings.HasPrefix(text, "a/[credential]") {
			t.Errorf("%s: not concealed: %s", k.ID, text)
		}
		if text := s.Concealed("https://" + strings.ToLower(value) + ".example"); !strings.Contains(text, "[credential]") {
			t.Errorf("%s: not concealed in small letters: %s", k.ID, text)
		}
		if strings.Contains(r.String(), value) || strings.Contains(r.String(), value[len(r.Prefix):]) {
			t.Errorf("%s: the key is in what is kept of it", k.ID)
		}
		if !begins(literals.Keys, value) {
			t.Errorf("%s: no literal begins a key", k.ID)
		}
	}
	for _, sig := range s.All() {
		for _, re := range append(append([]string{}, sig.Models...), sig.Doubtful.Models...) {
			id := made(t, re)
			if !has(s.Model(id), sig.ID) {
				t.Errorf("%s: model %q of %q is found as %v", sig.ID, id, re, ids(s.Model(id)))
			}
			if !begins(literals.Models, strings.ToLower(id)) {
				t.Errorf("%s: no literal begins model %q", sig.ID, id)
			}
		}
	}
}

func has(all []Match, id string) bool {
	for _, m := range all {
		if m.ID == id {
			return true
		}
	}
	return false
}

func begins(literals []string, text string) bool {
	for _, l := range literals {
		if l != "" && strings.HasPrefix(text, strings.ToLower(l)) || strings.HasPrefix(text, l) && l != "" {
			return true
		}
	}
	return false
}

func TestRedactUnknown(t *testing.T) {
	s := loaded(t)
	secret := strings.Repeat("hunter", 4)
	if r := s.Redact(secret, nil); r.Prefix != "" || r.Hash != "" || r.Length != len(secret) || strings.Contains(r.String(), "hunter") {
		t.Errorf("%+v", r)
	}
	if a, b := s.Redact(secret, []byte("a")), s.Redact(secret, []byte("b")); a.Hash == b.Hash {
		t.Error("the salt changes nothing")
	}
}

// No entry of the data is shaped like a key itself.
func TestNoKeyInData(t *testing.T) {
	s := loaded(t)
	names, err := os.ReadDir("signatures")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		b, err := os.ReadFile("signatures/" + n.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range s.Keys() {
			if k.RE().Match(b) {
				t.Errorf("%s holds what looks like a key of %s", n.Name(), k.ID)
			}
		}
	}
}

func TestLiterals(t *testing.T) {
	l := loaded(t).Literals()
	for name, list := range map[string][]string{"hosts": l.Hosts, "env": l.Env, "keys": l.Keys, "calls": l.Calls, "models": l.Models, "settings": l.Settings, "trailers": l.Trailers} {
		if len(list) == 0 {
			t.Errorf("no %s", name)
		}
		for _, text := range list {
			if len(text) < 2 {
				t.Errorf("%s: the literal %q is everywhere", name, text)
			}
		}
	}
}
