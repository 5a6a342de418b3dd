package configfile

import (
	"slices"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Hold is what is not erased whatever its age, for example in a dispute.
type Hold struct {
	Kinds    []string  `yaml:"kinds"`
	Subjects []Subject `yaml:"subjects"`
}

// Subject names what records are about.
type Subject struct {
	Type string `yaml:"type,required"`
	ID   string `yaml:"id,required"`
}

// hold checks what is held.
func (r reader) hold(y retentionYAML) {
	at := yamlfile.At("retention", "hold", "kinds")
	for i, kind := range y.Hold.Kinds {
		if len(r.known.Kinds) > 0 && !slices.Contains(r.known.Kinds, kind) {
			p := r.f.Problemf(at.Then(i), "there is no kind %q", kind)
			if near := yamlfile.Nearest(kind, r.known.Kinds); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
	}
	if y.Erase && y.Default <= 0 && len(y.Kinds) == 0 {
		r.f.Problemf(yamlfile.At("retention", "erase"), "nothing says how long records are kept").Hint("set default, or kinds")
	}
}
