package kubernetes

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// config is the settings of one source.
type config struct {
	Cluster     string   `json:"cluster"`
	URL         string   `json:"url"`
	CAFile      string   `json:"ca_file"`
	TokenFile   string   `json:"token_file"`
	Files       []string `json:"files"`
	Namespaces  []string `json:"namespaces"`
	Exclude     []string `json:"exclude_namespaces"`
	Environment string   `json:"environment"`
	OwnerLabels []string `json:"owner_labels"`
	PageSize    int      `json:"page_size"`
	Rate        float64  `json:"requests_per_second"`
	// SilentAfter is how many days old a saved list may be.
	SilentAfter int `json:"silent_after_days"`

	token string
	roots *x509.CertPool
}

// largestSmallFile is how much of a file with a token or certificates is read.
const largestSmallFile = 1 << 20

// parseConfig decodes and checks the settings. Its error names every problem.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{
		PageSize: 250, Rate: 20, SilentAfter: 8,
		OwnerLabels: []string{"owner", "team", "app.kubernetes.io/owner", "backstage.io/owner", "app.kubernetes.io/managed-by"},
	}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("kubernetes: settings: %w", err)
	}
	c.token = strings.TrimSpace(in.Secrets[secretToken])
	var errs []error
	if c.URL == "" && len(c.Files) == 0 {
		errs = append(errs, errors.New("want url, the address of the API server, or files with saved lists"))
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			errs = append(errs, errors.New("url: want an address such as https://10.0.0.1:6443, without a name or a password"))
		}
		if c.token == "" && c.TokenFile == "" {
			errs = append(errs, errors.New("url: needs the secret token, or token_file"))
		}
		if !rest.FitsHeader(c.token) {
			errs = append(errs, errors.New("secret token: it holds blanks or letters that cannot be sent"))
		}
	}
	for i, p := range c.Files {
		if _, err := filepath.Match(p, ""); err != nil || !filepath.IsAbs(p) {
			errs = append(errs, fmt.Errorf("files[%d] %q: want an absolute path, whose parts may hold * ? and [a-z]", i, p))
		}
	}
	for name, path := range map[string]string{"ca_file": c.CAFile, "token_file": c.TokenFile} {
		if path != "" && !filepath.IsAbs(path) {
			errs = append(errs, fmt.Errorf("%s: want an absolute path", name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("kubernetes: settings: %w", err)
	}
	return c, nil
}

// open reads the token and the certificates that files hold. They change while
// the agent runs: a service account's token lives for an hour.
func (c *config) open() error {
	if c.TokenFile != "" && c.token == "" {
		raw, err := small(c.TokenFile)
		if err != nil {
			return fmt.Errorf("token_file: %w", err)
		}
		c.token = strings.TrimSpace(string(raw))
		if c.token == "" || !rest.FitsHeader(c.token) {
			return errors.New("token_file: it holds no token")
		}
	}
	if c.CAFile != "" {
		raw, err := small(c.CAFile)
		if err != nil {
			return fmt.Errorf("ca_file: %w", err)
		}
		c.roots = x509.NewCertPool()
		if !c.roots.AppendCertsFromPEM(raw) {
			return errors.New("ca_file: it holds no certificate in PEM")
		}
	}
	return nil
}

func small(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestSmallFile {
		return nil, fmt.Errorf("%s is no file of at most 1 MiB", path)
	}
	return os.ReadFile(path)
}

// wants reports whether a namespace is in the scope.
func (c *config) wants(namespace string) bool {
	if len(c.Namespaces) > 0 && namespace != "" && !slices.Contains(c.Namespaces, namespace) {
		return false
	}
	return !slices.Contains(c.Exclude, namespace)
}
