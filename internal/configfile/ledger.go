package configfile

import (
	"strings"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Ledger says who else is to know the ledger's checkpoints.
type Ledger struct {
	TSA       TSA
	Publish   []Publish
	Witnesses []Witness
}

// TSA is a time-stamping authority (RFC 3161).
type TSA struct {
	URL   string
	Roots string // file with PEM certificates; empty: the chain is not checked
}

// Publish is a place that checkpoints are published to: a git repository or a
// webhook, one of both.
type Publish struct {
	Git     string // directory, absolute, or address
	Branch  string
	Webhook string
	Secret  *Secret // of the webhook's HMAC
}

// Witness is a witness (C2SP tlog-witness) and its verifier key.
type Witness struct {
	URL string
	Key string
}

type ledgerYAML struct {
	TSA       tsaYAML       `yaml:"tsa"`
	Publish   []publishYAML `yaml:"publish"`
	Witnesses []witnessYAML `yaml:"witnesses"`
}

type tsaYAML struct {
	URL   string `yaml:"url"`
	Roots string `yaml:"roots"`
}

type publishYAML struct {
	Git     string  `yaml:"git"`
	Branch  string  `yaml:"branch"`
	Webhook string  `yaml:"webhook"`
	Secret  *Secret `yaml:"secret"`
}

type witnessYAML struct {
	URL string `yaml:"url,required"`
	Key string `yaml:"key,required"`
}

func (r reader) ledger(y ledgerYAML) Ledger {
	at := yamlfile.At("ledger")
	if tsa := at.Then("tsa"); r.f.Has(tsa) && !r.f.Faulty(tsa) && y.TSA.URL == "" {
		r.f.Problemf(tsa, "no authority is named").Hint("write url: https://…")
	}
	l := Ledger{TSA: TSA{URL: y.TSA.URL, Roots: resolve(r.dir, y.TSA.Roots)}}
	for i, p := range y.Publish {
		here := at.Then("publish", i)
		out := Publish(p)
		git, webhook := r.f.Has(here.Then("git")), r.f.Has(here.Then("webhook"))
		switch {
		case git == webhook || p.Git == "" && p.Webhook == "":
			r.f.Problemf(here, "want one of git and webhook").Hint("one place an item: {git: /srv/checkpoints.git} or {webhook: https://…}")
		case webhook && r.f.Has(here.Then("branch")):
			r.f.KeyProblemf(here.Then("branch"), "has no meaning for a webhook")
		case git && r.f.Has(here.Then("secret")):
			r.f.KeyProblemf(here.Then("secret"), "has no meaning for git").Hint("git uses the credentials that the account has for it")
		}
		if isPath(p.Git) {
			out.Git = resolve(r.dir, p.Git)
		}
		l.Publish = append(l.Publish, out)
	}
	for _, w := range y.Witnesses {
		l.Witnesses = append(l.Witnesses, Witness(w))
	}
	return l
}

// isPath tells a directory from an address of git: scheme://… or host:path.
func isPath(s string) bool {
	host, _, colon := strings.Cut(s, ":")
	return s != "" && (!colon || strings.ContainsAny(host, `/\`))
}
