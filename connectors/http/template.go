package http

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/cel-go/cel"
)

// template is a text with expressions in braces.
type template struct {
	parts []part
}

// part is a text, or an expression if there is one.
type part struct {
	text string
	expr *expr
}

// parseTemplate reads a text; {{ and }} stand for braces.
func parseTemplate(env *cel.Env, at, source string) (*template, error) {
	t := &template{}
	var text strings.Builder
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case strings.HasPrefix(source[i:], "{{"), strings.HasPrefix(source[i:], "}}"):
			text.WriteByte(c)
			i++
		case c == '}':
			return nil, fmt.Errorf("%s: } without { (write }} for a brace)", at)
		case c == '{':
			end := strings.IndexByte(source[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("%s: { without } (write {{ for a brace)", at)
			}
			e, err := compile(env, at, source[i+1:i+end])
			if err != nil {
				return nil, err
			}
			t.parts = append(t.parts, part{text: text.String()}, part{expr: e})
			text.Reset()
			i += end
		default:
			text.WriteByte(c)
		}
	}
	t.parts = append(t.parts, part{text: text.String()})
	return t, nil
}

var errEmpty = errors.New("an expression in it gives an empty text")

// fill evaluates the expressions. In a path each value is one escaped segment,
// or part of one, and may not be empty.
func (t *template) fill(ctx context.Context, v vars, path bool) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		value, err := p.expr.text(ctx, v)
		switch {
		case err != nil:
			return "", err
		case path && value == "":
			return "", errEmpty
		case path:
			value = url.PathEscape(value)
		}
		b.WriteString(value)
	}
	return b.String(), nil
}
