package service

import (
	"io/fs"
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Template is a form of a policy, a procedure, a record or a register.
type Template struct {
	File     string   `yaml:"file,required" json:"file"`
	Kind     string   `yaml:"kind,required" json:"kind"`
	Document string   `yaml:"document" json:"document,omitempty"`
	Title    string   `yaml:"title,required" json:"title"`
	Controls []string `yaml:"controls" json:"controls"`
}

// Name is what people call a template: its file without folder and ending.
func (e Template) Name() string {
	return strings.TrimSuffix(path.Base(e.File), path.Ext(e.File))
}

// Templates lists the forms that are shipped.
func Templates() ([]Template, error) {
	f, err := yamlfile.ReadFS(config.FS, "templates/index.yaml")
	if err != nil {
		return nil, err
	}
	var index struct {
		Templates []Template `yaml:"templates,required"`
	}
	f.Decode(&index)
	return index.Templates, f.Err()
}

// Text is the form itself.
func (e Template) Text() ([]byte, error) { return fs.ReadFile(config.FS, "templates/"+e.File) }

// FindTemplate takes a file's path, its name, or a document's id. A name of
// two files is refused with both.
func FindTemplate(index []Template, name string) (Template, error) {
	var found []Template
	var known []string
	for _, e := range index {
		known = append(known, e.Name())
		if e.File == name {
			return e, nil
		}
		if strings.EqualFold(e.Name(), name) || strings.EqualFold(path.Base(e.File), name) || e.Document != "" && strings.EqualFold(e.Document, name) {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Template{}, notFound(name, known, "exhibit template list shows them", "there is no template %q", name)
	}
	var files []string
	for _, e := range found {
		files = append(files, e.File)
	}
	return Template{}, mistake("name the file: "+strings.Join(files, " or "), "%q names %d templates", name, len(found))
}
