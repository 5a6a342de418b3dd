package grants

import (
	"slices"
	"strings"
)

// ordinary reports whether a name is a single word that people, places and other
// companies are called by too: Jasper, Cursor, Writer.
func ordinary(name []string) bool {
	if len(name) != 1 {
		return false
	}
	switch name[0] {
	case "augment", "bolt", "character", "claude", "cohere", "comet", "consensus", "continue", "cursor", "decagon", "descript", "devin", "dust", "eightfold", "elicit",
		"fathom", "fireflies", "fireworks", "gamma", "gemini", "glean", "gong", "granola", "harvey", "hume", "jasper", "leonardo", "limitless", "lindy", "lovable", "luma",
		"manus", "merlin", "modal", "monica", "moonshot", "otter", "perplexity", "pika", "poe", "read", "replicate", "runway", "sider", "sierra", "sourcery", "stability",
		"suno", "superhuman", "together", "udio", "voyage", "warp", "windsurf", "writer":
		return true
	}
	return false
}

// core is the name of a publisher without words for a group of companies or a
// country: Jasper Holdings, Inc. is Jasper.
func core(publisher string) []string {
	out := company(publisher)
	for len(out) > 1 && (legalForm(out[len(out)-1]) || slices.Contains([]string{"group", "holding", "holdings", "international", "global", "europe", "emea", "uk", "us",
		"usa", "ireland", "germany", "deutschland", "france", "sa", "ab", "as", "oy", "nv", "srl", "sarl", "spa"}, out[len(out)-1])) {
		out = out[:len(out)-1]
	}
	return out
}

// elsewhere reports whether an application has addresses, and none of them tells
// of the product: its name is no name of theirs. Services that sign people in for
// others tell nothing.
func elsewhere(addresses, product []string) bool {
	some := false
	for _, a := range addresses {
		host := hostOf(a)
		labels := strings.Split(host, ".")
		if len(labels) < 2 || signsIn(host) {
			continue
		}
		if slices.Contains(product, labels[len(labels)-2]) {
			return false
		}
		some = true
	}
	return some
}

// signsIn reports whether a host is of a service that signs people in for others,
// or of the machine itself.
func signsIn(host string) bool {
	for _, s := range []string{"auth0.com", "workos.com", "okta.com", "oktapreview.com", "okta-emea.com", "frontegg.com", "clerk.com", "clerk.accounts.dev", "stytch.com",
		"supabase.co", "firebaseapp.com", "amazoncognito.com", "microsoftonline.com", "b2clogin.com", "ciamlogin.com", "descope.com", "fusionauth.io", "kinde.com",
		"ssoready.com", "onelogin.com", "google.com", "microsoft.com", "0.0.1"} {
		if host == s || strings.HasSuffix(host, "."+s) {
			return true
		}
	}
	return false
}
