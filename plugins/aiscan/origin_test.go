package aiscan

import "testing"

func TestNameOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://github.com/acme/shop.git":            "acme/shop",
		"https://user:token@github.com/acme/shop":     "acme/shop",
		"git@github.com:acme/shop.git":                "acme/shop",
		"ssh://git@gitlab.example/group/sub/shop.git": "group/sub/shop",
		"/srv/git/shop.git":                           "",
		`C:\src\shop`:                                 "",
		"../shop":                                     "",
		"https://github.com/shop":                     "",
		"":                                            "",
		"https://github.com/acme/\x1b]0;owned\x07shop.git/": "",
	} {
		if got := nameOf(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
