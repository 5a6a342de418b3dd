package github_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

var codeKinds = []string{records.KindCodeUsage, records.KindModelReference, records.KindPromptAsset, records.KindCodeSecret, records.KindCodeScan}

// tarball is an archive as GitHub sends it: all in one folder.
func tarball(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: "acme-app-abc/" + name, Size: int64(len(files[name])), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const headOne, headTwo = "one", "two" // names of commits

// codeload hands archives out at another host, as GitHub does.
type codeload struct {
	*httptest.Server
	files  atomic.Pointer[map[string]string]
	cut    atomic.Bool
	asked  atomic.Int64
	secret atomic.Bool // somebody sent a credential along
}

func newCode(t *testing.T) (*fakeGitHub, *host, *codeload) {
	t.Helper()
	f, h := newFake(t), newHost(t)
	organisation(f)
	c := &codeload{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.asked.Add(1)
		if r.Header.Get("Authorization") != "" {
			c.secret.Store(true)
		}
		b := tarball(t, *c.files.Load())
		if c.cut.Load() {
			b = b[:len(b)/2]
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(c.Close)
	c.at(f, headOne, map[string]string{
		"requirements.txt": "openai==1.40.0\n",
		"app.py":           "import os\nfrom openai import OpenAI\n\nclient = OpenAI(api_key=os.environ[\"OPENAI_API_KEY\"])\nclient.chat.completions.create(model=\"gpt-4o\", messages=[])\n",
	})
	return f, h, c
}

func (c *codeload) at(f *fakeGitHub, head string, files map[string]string) {
	c.files.Store(&files)
	f.set("/repos/acme/app/branches/main", branchJSON(head, true))
	f.on("/repos/acme/app/tarball/"+sha(head), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, c.URL+"/acme/app/legacy.tar.gz/"+head, http.StatusFound)
	})
}

func (h *host) scanned(f *fakeGitHub, more ...any) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(append([]any{"scan_code", true}, more...)...), onlyKinds(codeKinds...))
}

// The code of a commit is read once, from the other host without a credential,
// and what it shows goes with it.
func TestCode(t *testing.T) {
	f, h, c := newCode(t)
	cov := h.scanned(f)
	if len(h.gaps) != 0 {
		t.Fatalf("gaps %+v", h.gaps)
	}
	for _, kind := range codeKinds {
		if k := cov[kind]; k.Status != connector.Complete || k.Enumerated == (kind == records.KindCodeScan) || !strings.Contains(k.Query, "tarball") {
			t.Errorf("%s: %+v", kind, k)
		}
	}
	var rules []string
	for _, p := range h.payloads(records.KindCodeUsage) {
		rules = append(rules, p["rule_id"].(string))
		if p["repo"] != "acme/app" || p["provider"] != "openai" || p["scope"] != "product" {
			t.Errorf("usage %v", p)
		}
	}
	if !slices.Contains(rules, "openai/packages") || !slices.Contains(rules, "openai/imports") || !slices.Contains(rules, "openai/env") {
		t.Errorf("rules %v", rules)
	}
	if models := h.payloads(records.KindModelReference); len(models) != 1 {
		t.Errorf("models %v", models)
	}
	if c.secret.Load() {
		t.Error("the token went to the host of the archives")
	}
	before := len(h.records)
	if h.scanned(f); c.asked.Load() != 1 || h.revisions != 0 || h.attested != before {
		t.Errorf("unchanged: %d archives, %d revisions, %d of %d attested", c.asked.Load(), h.revisions, h.attested, before)
	}
	c.at(f, headTwo, map[string]string{"README.md": "We use no AI.\n"})
	if h.scanned(f); c.asked.Load() != 2 || h.revisions != 1 || h.emitted != 1 {
		t.Errorf("another commit: %d archives, %d revisions, %d records", c.asked.Load(), h.revisions, h.emitted)
	}
}

// What could not be read is a gap that says why, and nothing else.
func TestCodeGaps(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(*fakeGitHub, *codeload)
		reason connector.Reason
		detail string
		more   []any
	}{
		"torn": {func(_ *fakeGitHub, c *codeload) { c.cut.Store(true) }, connector.Unavailable, "broke off", nil},
		"forbidden": {func(f *fakeGitHub, _ *codeload) {
			f.on("/repos/acme/app/tarball/"+sha(headOne), status(403, "Resource not accessible"))
		}, connector.Denied, "", nil},
		"large": {func(_ *fakeGitHub, c *codeload) {
			noise := make([]byte, 3<<20)
			for i := range noise {
				noise[i] = byte(i * i >> 3 * (i>>7 + 31))
			}
			files := map[string]string{"noise.bin": string(noise), "more.bin": strings.ToUpper(string(noise))}
			c.files.Store(&files)
		}, connector.Truncated, "scan_max_mb", []any{"scan_max_mb", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f, h, load := newCode(t)
			c.spoil(f, load)
			cov := h.scanned(f, c.more...)
			if len(h.gaps) != 1 || h.gaps[0].Reason != c.reason || !strings.Contains(h.gaps[0].Detail, c.detail) || h.gaps[0].Scope != "acme/app" {
				t.Fatalf("gaps %+v", h.gaps)
			}
			for _, kind := range codeKinds {
				if cov[kind].Status == connector.Complete || cov[kind].Enumerated {
					t.Errorf("%s: %+v", kind, cov[kind])
				}
			}
			if len(h.records) != 0 {
				t.Errorf("%d records of what was not read", len(h.records))
			}
		})
	}
}

// Nobody asked for a scan: nothing is read, and nothing is claimed.
func TestCodeOff(t *testing.T) {
	f, h, c := newCode(t)
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 99, "total_private_repos": 9}) // more than are listed
	cov := h.mustCollect(f, everything(), onlyKinds(codeKinds...))
	for _, kind := range codeKinds {
		if cov[kind].Status != connector.NotRead {
			t.Errorf("%s: %+v", kind, cov[kind])
		}
	}
	if c.asked.Load() != 0 || len(h.records) != 0 {
		t.Errorf("%d archives, %d records", c.asked.Load(), len(h.records))
	}
}
