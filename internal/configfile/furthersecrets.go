package configfile

import "fmt"

// NamedSecret is a secret, what it belongs to, and what it is there.
type NamedSecret struct {
	Of, Name string
	Secret   Secret
}

// FurtherSecrets are those that belong to no source, in the order of the file's
// sections. What has none is left out.
func (c *Config) FurtherSecrets() []NamedSecret {
	var out []NamedSecret
	add := func(of, name string, s *Secret) {
		if s != nil && *s != (Secret{}) {
			out = append(out, NamedSecret{of, name, *s})
		}
	}
	for i, p := range c.Ledger.Publish {
		add(fmt.Sprintf("ledger.publish[%d]", i), "secret", p.Secret)
	}
	if c.Server.OIDC != nil {
		add("server.oidc", "client_secret", c.Server.OIDC.ClientSecret)
	}
	for _, ch := range c.Notify.Channels {
		add("notify channel "+ch.Name, ch.Kind, &ch.Secret)
		add("notify channel "+ch.Name, "url_secret", ch.Hidden)
	}
	if c.Tickets.Jira != nil {
		add("tickets.jira", "token", &c.Tickets.Jira.Token)
	}
	if c.Tickets.GitHub != nil {
		add("tickets.github", "token", &c.Tickets.GitHub.Token)
	}
	return out
}
