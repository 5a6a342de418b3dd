package aisign

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// checker gathers what is wrong with the data.
type checker struct {
	errs  []error
	owner map[string]string // list and entry → signature
}

func (c *checker) wrong(sig *Signature, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("signature %q: "+format, append([]any{sig.ID}, args...)...))
}

var signatureID = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func categories() []Category {
	return []Category{Provider, Gateway, CloudService, Framework, Runtime, MLLibrary, VectorStore, Observability, Evaluation, CodingAgent, AssistantSaaS, MCP}
}

// check refuses data that cannot be right: ids twice, categories that do not
// exist, entries that are empty, patterns that do not compile, and one exact
// entry of two signatures.
func check(sigs []*Signature) error {
	c := &checker{owner: map[string]string{}}
	for i, sig := range sigs {
		if i > 0 && sigs[i-1].ID == sig.ID {
			c.wrong(sig, "is there twice")
		}
		if !signatureID.MatchString(sig.ID) {
			c.wrong(sig, "the id is not in lower case with hyphens")
		}
		if !slices.Contains(categories(), sig.Category) {
			c.wrong(sig, "category %q does not exist", sig.Category)
		}
		if !slices.Contains([]Egress{External, Local, Depends}, sig.Egress) {
			c.wrong(sig, "egress %q does not exist", sig.Egress)
		}
		if strings.TrimSpace(sig.Vendor) == "" {
			c.wrong(sig, "has no vendor")
		}
		if len(sig.Doubtful.Env)+len(sig.Doubtful.EnvWeak)+len(sig.Doubtful.Keys) > 0 {
			c.wrong(sig, "doubtful variables are env_weak, doubtful keys are weak")
		}
		before := len(c.errs)
		n := c.lists(sig, &sig.Lists) + c.lists(sig, &sig.Doubtful)
		if n == 0 && len(c.errs) == before {
			c.wrong(sig, "is known by nothing")
		}
		c.patterns(sig, &sig.Lists)
		c.patterns(sig, &sig.Doubtful)
		c.owned(sig, &sig.Lists)
		c.owned(sig, &sig.Doubtful)
	}
	return errors.Join(c.errs...)
}

// lists counts the entries of all lists, none of which may be empty or twice.
func (c *checker) lists(sig *Signature, l *Lists) (n int) {
	v := reflect.ValueOf(*l)
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		switch list := v.Field(i).Interface().(type) {
		case []string:
			n += c.list(sig, name, list)
		case map[string][]string:
			for _, key := range sortedKeys(list) {
				if key != lower(key) || len(list[key]) == 0 {
					c.wrong(sig, "%s of %q", name, key)
				}
				n += c.list(sig, name+" "+key, list[key])
			}
		default:
			n += v.Field(i).Len()
		}
	}
	return n
}

func (c *checker) list(sig *Signature, name string, list []string) int {
	seen := map[string]bool{}
	for _, entry := range list {
		if strings.TrimSpace(entry) == "" || entry != strings.TrimSpace(entry) || entry == "*" {
			c.wrong(sig, "%s holds the entry %q", name, entry)
		}
		if seen[entry] {
			c.wrong(sig, "%s holds %q twice", name, entry)
		}
		seen[entry] = true
	}
	return len(list)
}

// patterns refuses expressions that do not compile and entries that are not of
// their list's form.
func (c *checker) patterns(sig *Signature, l *Lists) {
	for _, k := range l.Keys {
		re, err := regexp.Compile(k.RE)
		switch {
		case err != nil:
			c.wrong(sig, "key: %w", err)
		case k.Prefix == "" || re.MatchString(""):
			c.wrong(sig, "key %q has no prefix, or is of any text", k.RE)
		case slices.ContainsFunc(beginnings(k.RE), func(head string) bool { return !strings.HasPrefix(head, k.Prefix) }):
			c.wrong(sig, "key %q begins with something else than %q, by which it is looked for", k.RE, k.Prefix)
		}
	}
	for _, m := range l.Models {
		re, err := regexp.Compile(m)
		switch {
		case err != nil:
			c.wrong(sig, "model: %w", err)
		case !strings.HasPrefix(m, "^") || re.MatchString(""):
			c.wrong(sig, "model %q is not tied to the beginning, or is of any text", m)
		}
	}
	for _, list := range [][]string{l.Terraform, l.CloudFormation, l.ARM} {
		for _, text := range list {
			if _, err := parseResource(entry{text: text}); err != nil {
				c.wrong(sig, "%w", err)
			}
		}
	}
	for _, host := range slices.Concat(l.Hosts, l.Web) {
		if host != strings.ToLower(host) || strings.ContainsAny(host, "/: ") || !strings.Contains(host, ".") {
			c.wrong(sig, "host %q is no name in lower case", host)
		}
	}
	for _, e := range l.Events {
		source, names := e.parts()
		if !slices.Contains([]string{"cloudtrail", "azure-activity", "gcp-audit"}, e.Log) || source == "" || names == "" {
			c.wrong(sig, "event %v", e)
		}
	}
	for _, m := range l.Merchants {
		if m != strings.ToUpper(m) || len(words(m, true)) == 0 {
			c.wrong(sig, "merchant %q is not in upper case", m)
		}
	}
	for _, w := range slices.Concat(l.Env, l.EnvWeak, l.Secrets) {
		if len(tokens(w)) == 0 || strings.ContainsAny(w, " -") {
			c.wrong(sig, "variable %q", w)
		}
	}
}

// owned refuses an exact entry that another signature has too, where one thing
// can only be one product's.
func (c *checker) owned(sig *Signature, l *Lists) {
	own := func(list string, entries []string, norm func(string) string) {
		for _, e := range entries {
			key := list + " " + norm(e)
			if was, taken := c.owner[key]; taken && was != sig.ID {
				c.wrong(sig, "%s is already %q's", key, was)
			}
			c.owner[key] = sig.ID
		}
	}
	for eco, names := range l.Packages {
		if eco != ecosystem(eco) {
			c.wrong(sig, "ecosystem %q is written %q", eco, ecosystem(eco))
		}
		own("package "+eco, names, func(n string) string { return entryName(eco, n) })
	}
	for lang, names := range l.Imports {
		if lang != language(lang) {
			c.wrong(sig, "language %q is written %q", lang, language(lang))
		}
		own("import "+lang, names, strings.TrimSpace)
	}
	own("host", slices.Concat(l.Hosts, l.Web), lower)
	own("variable", slices.Concat(l.Env, l.EnvWeak), upper)
	own("image", l.Images, lower)
	own("merchant", l.Merchants, upper)
	own("extension", l.Extensions, lower)
	own("app", l.Apps, lower)
	own("client", l.Clients, lower)
	own("application", l.OAuth, spaced)
	own("cost", l.Costs, spaced)
	own("trailer", l.Trailers, lower)
	own("action", l.Actions, lower)
	own("kind", l.Kubernetes, lower)
}
