package documents

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxYAMLDepth bounds how deep values may nest.
const maxYAMLDepth = 32

// decodeYAML reads the documents of a YAML stream as plain values: string,
// json.Number (with the digits as written, so that 2.0 stays 2.0), bool, nil,
// []any, map[string]any. Anchors, aliases, merge keys and tags are refused:
// nothing in a record needs them, and they make small files mean large ones.
func decodeYAML(b []byte) ([]any, error) {
	if len(b) > maxRecordBytes {
		return nil, fmt.Errorf("%w: %d bytes, %d allowed", errTooLarge, len(b), maxRecordBytes)
	}
	var docs []any
	dec := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var n yaml.Node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not YAML: %s", firstLine(strings.TrimPrefix(err.Error(), "yaml: ")))
		}
		v, err := yamlValue(&n, 0)
		if err != nil {
			return nil, err
		}
		if v != nil {
			docs = append(docs, v)
		}
	}
}

func yamlValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxYAMLDepth {
		return nil, fmt.Errorf("line %d: nests deeper than %d", n.Line, maxYAMLDepth)
	}
	if n.Anchor != "" || n.Kind == yaml.AliasNode || n.Style&yaml.TaggedStyle != 0 || n.ShortTag() == "!!merge" {
		return nil, fmt.Errorf("line %d: anchors, aliases, merge keys and tags are not allowed in a record", n.Line)
	}
	switch n.Kind {
	case 0:
		return nil, nil
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil, nil
		}
		return yamlValue(n.Content[0], depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, e := range n.Content {
			v, err := yamlValue(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return yamlMap(n, depth)
	}
	return yamlScalar(n), nil
}

// yamlScalar keeps a number's digits as written where JSON can carry them; a
// time, and text such as 0x1F or 1_000, which is more often an id than a
// count, stay text.
func yamlScalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
	}
	return n.Value
}

func yamlMap(n *yaml.Node, depth int) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Style&yaml.TaggedStyle != 0 || k.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("line %d: a field's name must be text; anchors, merge keys and tags are not allowed in a record", k.Line)
		}
		if _, twice := m[k.Value]; twice {
			return nil, fmt.Errorf("line %d: field %s is there twice", k.Line, printable(k.Value))
		}
		v, err := yamlValue(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m[k.Value] = v
	}
	return m, nil
}
