package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"golang.org/x/mod/semver"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// CheckDescriptor reports everything that is wrong with d. The schema is only
// checked to be a JSON object: see package configschema for the rest.
func CheckDescriptor(d connector.Descriptor) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !ValidName(d.Name) {
		bad("name %s: want %s", Quote(d.Name), ConnectorName)
	}
	if !semver.IsValid("v" + d.Version) {
		bad("version %s: want a semantic version such as 1.0.0", Quote(d.Version))
	}
	if err := checkName("summary", d.Summary, MaxText); err != nil {
		bad("%w", err)
	}
	var schema map[string]json.RawMessage
	if len(d.ConfigSchema) > MaxSchema {
		bad("config schema is %d bytes long, at most %d are allowed", len(d.ConfigSchema), MaxSchema)
	} else if err := json.Unmarshal(d.ConfigSchema, &schema); err != nil {
		bad("config schema is not a JSON object")
	}
	if len(d.Kinds) == 0 {
		bad("no kinds: a connector reads at least one")
	}
	if len(d.Kinds) > MaxKinds || len(d.Secrets) > MaxKinds || len(d.Permissions) > MaxKinds {
		return errors.Join(append(errs, fmt.Errorf("more than %d kinds, secrets or permissions", MaxKinds))...)
	}
	errs = append(errs, checkKinds(d.Kinds)...)
	errs = append(errs, checkSecrets(d.Secrets)...)
	errs = append(errs, checkPermissions(d)...)
	return errors.Join(errs...)
}

func checkKinds(kinds []connector.KindSpec) []error {
	var errs []error
	name := regexp.MustCompile(KindName)
	seen := map[string]bool{}
	for _, k := range kinds {
		if !name.MatchString(k.Kind) || len(k.Kind) > 128 {
			errs = append(errs, fmt.Errorf("kind %s: want a name such as github.repository", Quote(k.Kind)))
		}
		if k.Major < 1 {
			errs = append(errs, fmt.Errorf("kind %s: major version %d: want 1 or more", Quote(k.Kind), k.Major))
		}
		id := fmt.Sprintf("%s@%d", k.Kind, k.Major)
		if seen[id] {
			errs = append(errs, fmt.Errorf("kind %s appears twice with major version %d", Quote(k.Kind), k.Major))
		}
		seen[id] = true
		if err := checkText("summary", k.Summary, MaxText); err != nil {
			errs = append(errs, fmt.Errorf("kind %s: %w", Quote(k.Kind), err))
		}
		switch k.Reread {
		case connector.ReadInFull, connector.ReadSinceCursor, connector.ReadIfChanged:
		default:
			errs = append(errs, fmt.Errorf("kind %s: reread %s: want nothing, cursor or conditional", Quote(k.Kind), Quote(string(k.Reread))))
		}
	}
	return errs
}

func checkSecrets(secrets []connector.SecretSpec) []error {
	var errs []error
	seen := map[string]bool{}
	for _, s := range secrets {
		if !subjectType(s.Name) {
			errs = append(errs, fmt.Errorf("secret %s: want a lower-case word", Quote(s.Name)))
		}
		if seen[s.Name] {
			errs = append(errs, fmt.Errorf("secret %s appears twice", Quote(s.Name)))
		}
		seen[s.Name] = true
		if err := checkText("summary", s.Summary, MaxText); err != nil {
			errs = append(errs, fmt.Errorf("secret %s: %w", Quote(s.Name), err))
		}
	}
	return errs
}

func checkPermissions(d connector.Descriptor) []error {
	var errs []error
	rules := NewRules(d, 0)
	for _, p := range d.Permissions {
		bad := func(err error) {
			if err != nil {
				errs = append(errs, fmt.Errorf("permission %s: %w", Quote(p.ID), err))
			}
		}
		bad(checkName("id", p.ID, 256))
		bad(checkText("why", p.Why, MaxText))
		bad(checkText("grant", p.Grant, MaxText))
		if len(p.Kinds) > MaxKinds {
			bad(fmt.Errorf("names more than %d kinds", MaxKinds))
			continue
		}
		for _, kind := range p.Kinds {
			bad(rules.Kind(kind))
		}
	}
	return errs
}
