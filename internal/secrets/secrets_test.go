package secrets

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

const value = `s3cret/"val+ue`

// parsed reads a configuration whose source fake has one secret, with what
// stands under secrets.
func parsed(t *testing.T, place, section string) (*configfile.Config, configfile.Secret) {
	t.Helper()
	src := "version: 1\norganization: acme\nsources: [{name: fake, connector: fake, secrets: {token: " + place + "}}]\n"
	if section != "" {
		src += "secrets: " + section + "\n"
	}
	c, err := configfile.Parse(filepath.Join(t.TempDir(), "exhibit.yaml"), []byte(src), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Sources[0].Secrets["token"]
}

type env map[string]string

func (e env) get(k string) string { return e[k] }

func resolver(c *configfile.Config, e env, m *Mask) *Resolver {
	return New(Options{Config: c.Secrets, Getenv: e.get, Mask: m, Clock: time.Now})
}

// wantErr checks that an error says what is wanted and names the place, never a value.
func wantErr(t *testing.T, got string, err error, want string) {
	t.Helper()
	if !errors.Is(err, configfile.ErrSecret) || !strings.Contains(fmt.Sprint(err), want) || got != "" {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if strings.Contains(fmt.Sprint(err), "s3cret") {
		t.Errorf("the error repeats a secret: %v", err)
	}
}

func TestKeyring(t *testing.T) {
	c, s := parsed(t, "{keyring: {service: exhibit, account: github}}", "")
	r := resolver(c, nil, nil)
	for want, answer := range map[string]error{"no such item": keyring.ErrNotFound, "no keyring": keyring.ErrUnsupportedPlatform, "cannot be reached": errors.New("dbus: no bus")} {
		r.keys = func(string, string) (string, error) { return "", answer }
		got, err := r.Resolve(t.Context(), s)
		wantErr(t, got, err, want)
		if !strings.Contains(err.Error(), "keyring exhibit, account github") {
			t.Errorf("no place in %v", err)
		}
	}
	r.keys = func(service, account string) (string, error) { return service + "/" + account, nil }
	if got, err := r.Resolve(t.Context(), s); err != nil || got != "exhibit/github" {
		t.Errorf("%q, %v", got, err)
	}
}

// A keyring that asks somebody for a password is not waited for.
func TestKeyringHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := parsed(t, "{keyring: {service: exhibit, account: github}}", "")
		r := resolver(c, nil, nil)
		more := make(chan struct{})
		r.keys = func(string, string) (string, error) { <-more; return "", nil }
		began := time.Now()
		got, err := r.Resolve(t.Context(), s)
		wantErr(t, got, err, "does not answer")
		if took := time.Since(began); took != readTimeout {
			t.Errorf("waited %s", took)
		}
		close(more)
	})
}

// A run sees one value, the next one the new one.
func TestRotation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, s := parsed(t, "{file: "+file+"}", "")
	r := resolver(c, nil, nil)
	write("first")
	run := r.Session()
	read := func(s2 *Session) string {
		v, err := s2.Resolve(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := read(run); got != "first" {
		t.Errorf("got %q", got)
	}
	write("second")
	if a, b := read(run), read(r.Session()); a != "first" || b != "second" {
		t.Errorf("the same run %q, the next %q", a, b)
	}
}

func TestResolveAllTellsOfAll(t *testing.T) {
	c, err := configfile.Parse("/x/exhibit.yaml", []byte(`version: 1
organization: acme
sources: [{name: fake, connector: fake, secrets: {a: {env: EXHIBIT_NONE_A}, b: {file: /nowhere/b}}}]
`), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := resolver(c, nil, nil).Session().ResolveAll(t.Context(), c.Sources[0].Secrets)
	if !errors.Is(err, configfile.ErrSecret) || got != nil || !strings.Contains(err.Error(), "secret a: ") || !strings.Contains(err.Error(), "secret b: ") {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMask(t *testing.T) {
	var m *Mask
	m.Add("nobody")
	if m.Text("nobody") != "nobody" {
		t.Error("nil masks")
	}
	m = &Mask{}
	const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----\n"
	m.Add("abc")
	m.Add(value)
	m.Add(pem)
	for _, text := range []string{
		"x " + value + " y", "https://h/?t=" + url.QueryEscape(value), "https://h/" + url.PathEscape(value), fmt.Sprintf("%q", value),
		base64.StdEncoding.EncodeToString([]byte(value)), "line MIIEvQIBADANBgkqhkiG9w0BAQ in a log",
	} {
		if got := m.Text(text); !strings.Contains(got, Redacted) || strings.Contains(got, "s3cret") || strings.Contains(got, "MIIE") {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := m.Text("abc of a longer text"); got != "abc of a longer text" {
		t.Errorf("what is too short is masked: %q", got)
	}
	for i := range maxMasked + 10 {
		m.Add(fmt.Sprintf("value-%06d", i))
	}
	if got := m.Text("value-002009 " + value); got != Redacted+" "+value {
		t.Errorf("not the newest are kept: %q", got)
	}
}

// Whatever is read is masked from then on.
func TestReadIsMasked(t *testing.T) {
	t.Setenv("EXHIBIT_TEST_TOKEN", value)
	m := &Mask{}
	c, s := parsed(t, "{env: EXHIBIT_TEST_TOKEN}", "")
	if _, err := resolver(c, nil, m).Resolve(context.WithoutCancel(t.Context()), s); err != nil {
		t.Fatal(err)
	}
	if got := m.Text("401 for " + value); got != "401 for "+Redacted {
		t.Errorf("got %q", got)
	}
}
