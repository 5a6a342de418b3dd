package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// sageData is the simulated SageMaker account: org/sagemaker/account.yaml.
type sageData struct {
	Account   string         `yaml:"account"`
	Region    string         `yaml:"region"`
	Role      string         `yaml:"role"`
	Groups    []sageGroup    `yaml:"groups"`
	Models    []sageModel    `yaml:"models"`
	Configs   []sageConfig   `yaml:"configs"`
	Endpoints []sageEndpoint `yaml:"endpoints"`
	packages  []*sagePackage // by time
	modelOf   map[string]int // name → index in Models
	configOf  map[string]int // name → index in Configs
}

type sageGroup struct {
	Name        string            `yaml:"name"`
	Description string            `yaml:"description"`
	Created     ago               `yaml:"created"`
	By          string            `yaml:"by"`
	Tags        map[string]string `yaml:"tags"`
	Packages    []sagePackage     `yaml:"packages"`
}

type sagePackage struct {
	Version    int               `yaml:"version"`
	Created    ago               `yaml:"created"`
	By         string            `yaml:"by"`
	Approval   string            `yaml:"approval"` // Approved, Rejected or PendingManualApproval
	ApprovedBy string            `yaml:"approved_by"`
	Changed    ago               `yaml:"changed"`
	Reason     string            `yaml:"reason"`
	Status     string            `yaml:"status"` // default Completed
	Commit     string            `yaml:"commit"` // repository and pull request it was built from
	Metadata   map[string]string `yaml:"metadata"`
	group      *sageGroup
}

type sageModel struct {
	Name    string `yaml:"name"`
	Created ago    `yaml:"created"`
	Package string `yaml:"package"` // group/version; empty for a model made from files
	Data    string `yaml:"data"`    // where the files are
}

type sageConfig struct {
	Name     string        `yaml:"name"`
	Created  ago           `yaml:"created"`
	Capture  bool          `yaml:"capture"`
	Variants []sageVariant `yaml:"variants"`
}

type sageVariant struct {
	Name   string  `yaml:"name"`
	Model  string  `yaml:"model"`
	Weight float64 `yaml:"weight"`
	Count  int     `yaml:"count"`
}

type sageEndpoint struct {
	Name    string            `yaml:"name"`
	Config  string            `yaml:"config"`
	Created ago               `yaml:"created"`
	Updated ago               `yaml:"updated"`
	Status  string            `yaml:"status"`
	Tags    map[string]string `yaml:"tags"`
}

func (w *world) loadSage() error {
	const name = "org/sagemaker/account.yaml"
	d := &w.sage
	if err := readYAML(name, d); err != nil {
		return err
	}
	known := map[string]bool{}
	for i := range d.Groups {
		g := &d.Groups[i]
		for k := range g.Packages {
			p := &g.Packages[k]
			p.group = g
			p.Status = cmp.Or(p.Status, "Completed")
			if _, err := w.person(p.By); err != nil {
				return fmt.Errorf("%s: %s/%d: %w", name, g.Name, p.Version, err)
			}
			known[p.ref()] = true
			d.packages = append(d.packages, p)
		}
	}
	slices.SortStableFunc(d.packages, func(a, b *sagePackage) int { return cmp.Compare(a.Created.offset, b.Created.offset) })
	d.modelOf, d.configOf = map[string]int{}, map[string]int{}
	for i, m := range d.Models {
		if m.Package != "" && !known[m.Package] {
			return fmt.Errorf("%s: model %s: no package %s", name, m.Name, m.Package)
		}
		d.modelOf[m.Name] = i
	}
	for i, c := range d.Configs {
		for _, v := range c.Variants {
			if _, found := d.modelOf[v.Model]; !found {
				return fmt.Errorf("%s: config %s: no model %s", name, c.Name, v.Model)
			}
		}
		d.configOf[c.Name] = i
	}
	for _, e := range d.Endpoints {
		if _, found := d.configOf[e.Config]; !found {
			return fmt.Errorf("%s: endpoint %s: no config %s", name, e.Name, e.Config)
		}
	}
	return nil
}

// ref is how the data file names a package.
func (p *sagePackage) ref() string { return fmt.Sprintf("%s/%d", p.group.Name, p.Version) }

func (d *sageData) arn(kind, id string) string {
	return fmt.Sprintf("arn:aws:sagemaker:%s:%s:%s/%s", d.Region, d.Account, kind, id)
}

func (d *sageData) packageARN(ref string) string { return d.arn("model-package", ref) }

// group finds a package group by name or ARN.
func (d *sageData) group(ref string) *sageGroup {
	for i := range d.Groups {
		if g := &d.Groups[i]; g.Name == ref || d.arn("model-package-group", g.Name) == ref {
			return g
		}
	}
	return nil
}

// packageBy finds a package by ARN, or a versioned package by its reference.
func (d *sageData) packageBy(ref string) *sagePackage {
	for _, p := range d.packages {
		if d.packageARN(p.ref()) == ref || p.ref() == ref {
			return p
		}
	}
	return nil
}

// seconds is a time as the protocol writes it.
func seconds(t time.Time) float64 { return float64(t.Unix()) }

// lastTouched is when a package last changed.
func (p *sagePackage) lastTouched(now time.Time) time.Time { return p.Changed.or(p.Created).at(now) }

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}
