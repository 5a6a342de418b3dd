package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed all:org
var orgFiles embed.FS

// company is who there is: org/company.yaml.
type company struct {
	Organization struct {
		ID     string `yaml:"id"`
		Name   string `yaml:"name"`
		Domain string `yaml:"domain"`
	} `yaml:"organization"`
	People []person `yaml:"people"`
	Bots   []person `yaml:"bots"`
}

// person is one member of staff, or a bot. ID is the login on GitHub and the
// local id in the register.
type person struct {
	ID       string   `yaml:"id"`
	Name     string   `yaml:"name"`
	Email    string   `yaml:"email"`
	Title    string   `yaml:"title"`
	Roles    []string `yaml:"roles"`
	Left     ago      `yaml:"left"`
	NoMail   bool     `yaml:"mail_hidden"` // Jira does not show the address
	bot      bool
	sequence int64
}

// world is all data, read and checked.
type world struct {
	now     time.Time
	company company
	people  map[string]*person
	hub     hubData
	jira    jiraData
	sage    sageData
}

// loadWorld reads the embedded data. An error is a fault in the data files.
func loadWorld(now time.Time) (*world, error) {
	w := &world{now: now.UTC().Truncate(time.Second), people: map[string]*person{}}
	if err := readYAML("org/company.yaml", &w.company); err != nil {
		return nil, err
	}
	for i := range w.company.People {
		w.addPerson(&w.company.People[i], false)
	}
	for i := range w.company.Bots {
		w.addPerson(&w.company.Bots[i], true)
	}
	if err := w.loadHub(); err != nil {
		return nil, err
	}
	if err := w.loadJira(); err != nil {
		return nil, err
	}
	if err := w.loadSage(); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *world) addPerson(p *person, bot bool) {
	p.bot = bot
	p.sequence = int64(len(w.people) + 1)
	w.people[p.ID] = p
}

// person finds somebody by id.
func (w *world) person(id string) (*person, error) {
	if p, ok := w.people[id]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("nobody is called %q in org/company.yaml", id)
}

// readYAML decodes one embedded file and refuses fields it does not know.
func readYAML(name string, into any) error {
	b, err := orgFiles.ReadFile(name)
	if err != nil {
		return err
	}
	if err := yaml.NewDecoder(bytes.NewReader(b), yaml.Strict()).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// yamlFiles lists the YAML files of an embedded folder by name.
func yamlFiles(dir string) ([]string, error) {
	entries, err := fs.ReadDir(orgFiles, dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if path.Ext(e.Name()) == ".yaml" {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}
