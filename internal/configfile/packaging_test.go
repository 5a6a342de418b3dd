package configfile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/exhibit-aims/exhibit/internal/configfile"
)

const packaging = "../../config/packaging/"

// release is what Helm hands to the chart's templates.
type release struct {
	Values  map[string]any
	Release struct{ Name string }
	Chart   struct{ AppVersion string }
}

// rendered fills the chart's templates with values that are changed by change.
// It knows the functions that the chart uses, as Helm documents them; it is not
// Helm.
func rendered(t *testing.T, change func(map[string]any)) ([]map[string]any, error) {
	t.Helper()
	var r release
	decode(t, packaging+"helm/exhibit/values.yaml", &r.Values)
	r.Release.Name, r.Chart.AppVersion = "aims", "0.1.0"
	change(r.Values)
	all := template.New("").Option("missingkey=error")
	include := func(name string, data any) (string, error) {
		var out strings.Builder
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all.Funcs(template.FuncMap{
		"include": include, "quote": func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"default": func(d, v any) any {
			if v == nil || v == "" {
				return d
			}
			return v
		},
		"contains": func(part, s string) bool { return strings.Contains(s, part) }, "hasPrefix": func(p, s string) bool { return strings.HasPrefix(s, p) },
		"toString": fmt.Sprint, "int": func(v any) (n int, err error) { _, err = fmt.Sscan(fmt.Sprint(v), &n); return n, err },
		"fail":      func(s string) (string, error) { return "", errors.New(s) },
		"sha256sum": func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
		"toYaml": func(v any) (string, error) {
			raw, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(raw), "\n"), err
		},
		"nindent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return "\n" + pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
	})
	files, err := filepath.Glob(packaging + "helm/exhibit/templates/*")
	if err != nil || len(files) != 4 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	if _, err := all.ParseFiles(files...); err != nil {
		t.Fatal(err)
	}
	var docs []map[string]any
	for _, f := range files {
		if strings.HasSuffix(f, ".tpl") {
			continue
		}
		text, err := include(filepath.Base(f), r)
		if err != nil {
			return nil, err
		}
		dec := yaml.NewDecoder(strings.NewReader(text))
		for {
			var doc map[string]any
			if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", f, err, text)
			}
			docs = append(docs, doc)
		}
	}
	return docs, nil
}

func decode(t *testing.T, path string, into any) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// at walks into maps and lists.
func at(v any, steps ...any) any {
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

func kindsOf(docs []map[string]any) []string {
	var out []string
	for _, d := range docs {
		out = append(out, fmt.Sprint(d["kind"]))
	}
	slices.Sort(out)
	return out
}

func find(docs []map[string]any, kind string) map[string]any {
	i := slices.IndexFunc(docs, func(d map[string]any) bool { return d["kind"] == kind })
	if i < 0 {
		return nil
	}
	return docs[i]
}

// The chart makes what Kubernetes takes, nothing in it runs as root or writes to
// its root, and the configuration in it is one that exhibit reads.
func TestChart(t *testing.T) {
	docs, err := rendered(t, func(map[string]any) {})
	if err != nil {
		t.Fatal(err)
	}
	if got := kindsOf(docs); !slices.Equal(got, []string{"ConfigMap", "Service", "ServiceAccount", "StatefulSet"}) {
		t.Errorf("kinds %v", got)
	}
	text, _ := at(find(docs, "ConfigMap"), "data", "exhibit.yaml").(string)
	if c, err := configfile.Parse("/etc/exhibit/exhibit.yaml", []byte(text), configfile.Known{}); err != nil || c.Store.Reveal() != "/var/lib/exhibit/exhibit.db" {
		t.Errorf("%v in\n%s", err, text)
	}
	pod := at(find(docs, "StatefulSet"), "spec", "template", "spec")
	one := at(pod, "containers", 0)
	for what, ok := range map[string]bool{
		"not as root": at(pod, "securityContext", "runAsNonRoot") == true, "root read-only": at(one, "securityContext", "readOnlyRootFilesystem") == true,
		"no privileges": at(one, "securityContext", "allowPrivilegeEscalation") == false, "capabilities": fmt.Sprint(at(one, "securityContext", "capabilities", "drop")) == "[ALL]",
		"image": at(one, "image") == "ghcr.io/exhibit-aims/exhibit:0.1.0", "readiness": strings.Contains(fmt.Sprint(at(one, "readinessProbe", "exec", "command")), "--ready"),
		"no token": at(pod, "automountServiceAccountToken") == false, "volume": at(find(docs, "StatefulSet"), "spec", "volumeClaimTemplates", 0, "metadata", "name") == "data",
	} {
		if !ok {
			t.Errorf("%s: not so", what)
		}
	}
	mounted(t, pod, []string{"data"})
}

// mounted checks that every mount has a volume, beside those that are claimed.
func mounted(t *testing.T, pod any, claimed []string) {
	t.Helper()
	have := slices.Clone(claimed)
	volumes, _ := at(pod, "volumes").([]any)
	for _, v := range volumes {
		have = append(have, fmt.Sprint(at(v, "name")))
	}
	mounts, _ := at(pod, "containers", 0, "volumeMounts").([]any)
	for _, m := range mounts {
		if !slices.Contains(have, fmt.Sprint(at(m, "name"))) {
			t.Errorf("mount %v has no volume", at(m, "name"))
		}
	}
	if len(mounts) != len(have) {
		t.Errorf("%d mounts, %d volumes", len(mounts), len(have))
	}
}

func TestChartValues(t *testing.T) {
	docs, err := rendered(t, func(v map[string]any) {
		v["replicas"] = 3
		v["config"].(map[string]any)["store"] = "postgres://exhibit@db:5432/exhibit"
		v["storage"].(map[string]any)["enabled"] = false
		v["serviceMonitor"].(map[string]any)["enabled"] = true
		v["serviceMonitor"].(map[string]any)["tokenSecret"].(map[string]any)["name"] = "scrape"
		v["envFromSecrets"], v["fileSecrets"] = []any{"tokens"}, []any{"jira"}
		v["image"].(map[string]any)["digest"] = "sha256:abc"
	})
	if err != nil {
		t.Fatal(err)
	}
	set := find(docs, "StatefulSet")
	pod := at(set, "spec", "template", "spec")
	if at(set, "spec", "replicas") != 3 || at(set, "spec", "volumeClaimTemplates") != nil || at(pod, "containers", 0, "image") != "ghcr.io/exhibit-aims/exhibit@sha256:abc" ||
		at(pod, "containers", 0, "envFrom", 0, "secretRef", "name") != "tokens" || at(find(docs, "ServiceMonitor"), "spec", "endpoints", 0, "path") != "/metrics" ||
		at(find(docs, "ServiceMonitor"), "spec", "endpoints", 0, "authorization", "credentials", "name") != "scrape" {
		t.Errorf("%v", set)
	}
	mounted(t, pod, nil)
	if _, err := rendered(t, func(v map[string]any) { v["replicas"] = 2 }); err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("two nodes on a SQLite file: %v", err)
	}
}

// Every program of the tree is released, and every connector alike.
func TestReleasesAreWhole(t *testing.T) {
	var release struct {
		Builds []struct {
			Main, Binary string
			Goos, Goarch []string
			Flags        []string
			ModTimestamp string `yaml:"mod_timestamp"`
		}
		SBOMs []any `yaml:"sboms"`
	}
	decode(t, "../../.goreleaser.yaml", &release)
	var built, have []string
	for _, b := range release.Builds {
		built = append(built, b.Main)
		if b.Main != "./cmd/"+b.Binary || len(b.Goos) != 3 || len(b.Goarch) != 2 || !slices.Contains(b.Flags, "-trimpath") || b.ModTimestamp == "" {
			t.Errorf("%+v", b)
		}
	}
	dirs, err := filepath.Glob("../../cmd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		have = append(have, "./cmd/"+filepath.Base(d))
	}
	slices.Sort(built)
	if !slices.Equal(built, have) || len(release.SBOMs) == 0 {
		t.Errorf("released %v\nthere are %v", built, have)
	}
}

// What is packaged names programs and files where the image has them.
func TestImage(t *testing.T) {
	raw, err := os.ReadFile(packaging + "Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`(?m)^FROM gcr\.io/distroless/static-debian12:nonroot$`, `(?m)^USER 65532:65532$`, `(?m)^HEALTHCHECK `, `"agent", "health"`} {
		if !regexp.MustCompile(want).Match(raw) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
	var compose struct {
		Services map[string]struct {
			ReadOnly bool     `yaml:"read_only"`
			CapDrop  []string `yaml:"cap_drop"`
			User     string
		}
	}
	decode(t, packaging+"compose.yaml", &compose)
	if s := compose.Services["exhibit"]; !s.ReadOnly || s.User != "65532:65532" || !slices.Equal(s.CapDrop, []string{"ALL"}) {
		t.Errorf("%+v", s)
	}
	unit, err := os.ReadFile(packaging + "exhibit.service")
	if err != nil {
		t.Fatal(err)
	}
	version, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	goVersion := regexp.MustCompile(`(?m)^go (1\.\d+)`).FindSubmatch(version)
	if !bytes.Contains(unit, []byte("NoNewPrivileges=yes")) || !bytes.Contains(raw, append([]byte("golang:"), goVersion[1]...)) {
		t.Error("the unit may gain privileges, or the image is built with another Go than go.mod names")
	}
}
