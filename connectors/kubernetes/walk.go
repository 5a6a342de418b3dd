package kubernetes

import (
	"encoding/json"
	"errors"
	"strings"
)

// facts is what a specification says, without what its values are.
type facts struct {
	images  []string
	env     []string // names of variables
	secrets []string // names of Secrets that are passed on
	plain   []pair   // plain values, to look for hosts in; never kept
	args    []string // likewise
	stores  []string // addresses of models
}

type pair struct{ name, value string }

// Bounds of one object.
const (
	maxDepth  = 40
	maxValues = 200_000
)

// walker goes through a specification of whatever form: templates of pods stand
// at other places in every kind.
type walker struct {
	facts
	left int
}

var errLarge = errors.New("its specification is deeper or larger than is read")

func factsOf(spec json.RawMessage) (*facts, error) {
	if len(spec) == 0 {
		return &facts{}, nil
	}
	var v any
	if err := json.Unmarshal(spec, &v); err != nil {
		return nil, errObject
	}
	w := &walker{left: maxValues}
	if err := w.value("", v, 0); err != nil {
		return nil, err
	}
	return &w.facts, nil
}

func (w *walker) value(key string, v any, depth int) error {
	if w.left--; w.left < 0 || depth > maxDepth {
		return errLarge
	}
	switch v := v.(type) {
	case map[string]any:
		w.object(key, v)
		for k, inner := range v {
			if err := w.value(k, inner, depth+1); err != nil {
				return err
			}
		}
	case []any:
		if key == "args" || key == "command" {
			for _, a := range v {
				if s, ok := a.(string); ok {
					w.args = append(w.args, s)
				}
			}
		}
		for _, inner := range v {
			if err := w.value(key, inner, depth+1); err != nil {
				return err
			}
		}
	case string:
		switch key {
		case "image":
			w.images = append(w.images, v)
		case "storageUri", "modelUri", "modelURL", "modelName", "model", "modelId":
			w.stores = append(w.stores, v)
		}
	}
	return nil
}

// object takes what a known form of object says.
func (w *walker) object(key string, v map[string]any) {
	text := func(name string) string { s, _ := v[name].(string); return s }
	switch key {
	case "env":
		name := text("name")
		if name == "" {
			return
		}
		w.env = append(w.env, name)
		if value := text("value"); value != "" {
			w.plain = append(w.plain, pair{name, value})
		}
	case "secretKeyRef", "secretRef":
		if name := text("name"); name != "" {
			w.secrets = append(w.secrets, name)
		}
		if k := text("key"); k != "" && key == "secretKeyRef" {
			w.secrets = append(w.secrets, k)
		}
	case "image": // as NVIDIA's operators write it
		if repository := text("repository"); repository != "" {
			if name := text("name"); name != "" && !strings.HasSuffix(repository, "/"+name) {
				repository += "/" + name
			}
			if tag := text("tag"); tag != "" {
				repository += ":" + tag
			}
			w.images = append(w.images, repository)
		}
	}
}
