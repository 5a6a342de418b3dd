package infra

import (
	"fmt"
	"strings"
)

// block is a block of HCL: its type, its labels, and a body.
type block struct {
	kind   string
	labels []string
	line   int
	attrs  *node // attributes, in order; a value that is an expression is kept as text
	blocks []*block
}

// attr is the text of an attribute that is a plain string, number or word.
func (b *block) attr(name string) string { return b.attrs.str(name) }

// label is the first label, or nothing.
func (b *block) label() string {
	if len(b.labels) > 0 {
		return b.labels[0]
	}
	return ""
}

// parseHCL reads blocks and attributes of HCL: the language of Terraform,
// OpenTofu, Terragrunt, Packer and Nomad. Expressions are not evaluated; those
// that are a text, a list or an object are taken apart. What was read before a
// mistake is returned with the error.
func parseHCL(data []byte) (*block, error) {
	p := &hclParser{s: string(data), line: 1, left: maxNodes}
	root := &block{line: 1, attrs: &node{kind: mapping, line: 1}}
	p.body(root, 0)
	return root, p.err
}

type hclParser struct {
	s    string
	at   int
	line int
	left int
	err  error
}

func (p *hclParser) fail(err error) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %w", p.line, err)
		p.at = len(p.s)
	}
}

// space skips blanks and comments; with breaks, also the ends of lines.
func (p *hclParser) space(breaks bool) {
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\xef' || c == '\xbb' || c == '\xbf':
			p.at++
		case c == '\n':
			if !breaks {
				return
			}
			p.line++
			p.at++
		case c == '#' || strings.HasPrefix(p.s[p.at:], "//"):
			end := strings.IndexByte(p.s[p.at:], '\n')
			if end < 0 {
				end = len(p.s) - p.at
			}
			p.at += end
		case strings.HasPrefix(p.s[p.at:], "/*"):
			end := strings.Index(p.s[p.at+2:], "*/")
			if end < 0 {
				p.at = len(p.s)
				return
			}
			p.line += strings.Count(p.s[p.at:p.at+2+end], "\n")
			p.at += end + 4
		default:
			return
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c >= 0x80
}

func (p *hclParser) word() string {
	start := p.at
	for p.at < len(p.s) && isWord(p.s[p.at]) {
		p.at++
	}
	return p.s[start:p.at]
}

// body reads entries up to the closing brace or the end of the file.
func (p *hclParser) body(b *block, depth int) {
	if depth > maxDepth {
		p.fail(ErrTooDeep)
	}
	for p.err == nil {
		if p.space(true); p.at >= len(p.s) {
			if depth > 0 {
				p.fail(ErrSyntax)
			}
			return
		}
		if p.left--; p.left <= 0 {
			p.fail(ErrTooMany)
			return
		}
		line := p.line
		var name string
		switch c := p.s[p.at]; {
		case c == '}':
			p.at++
			if depth > 0 {
				return
			}
			continue // one too many: what follows still counts
		case c == '"':
			name = p.quoted()
		case isWord(c):
			name = p.word()
		default:
			p.at++ // not HCL: go on with the next thing
			continue
		}
		p.entry(b, name, line, depth)
	}
}

// entry reads what follows a name: an attribute, or a block with its labels.
func (p *hclParser) entry(b *block, name string, line, depth int) {
	var labels []string
	for p.err == nil {
		if p.space(false); p.at >= len(p.s) {
			return
		}
		switch c := p.s[p.at]; {
		case c == '=' && !strings.HasPrefix(p.s[p.at:], "=="):
			p.at++
			b.attrs.put(name, line, p.expression(depth+1))
			return
		case c == '{':
			p.at++
			inner := &block{kind: name, labels: labels, line: line, attrs: &node{kind: mapping, line: line}}
			b.blocks = append(b.blocks, inner)
			p.body(inner, depth+1)
			return
		case c == '"':
			labels = append(labels, p.quoted())
		case isWord(c):
			labels = append(labels, p.word())
		default:
			return
		}
		if len(labels) > 8 {
			return
		}
	}
}

// expression reads a value up to the end of its line, or of its brackets.
func (p *hclParser) expression(depth int) *node {
	p.space(false)
	n := &node{line: p.line}
	if p.at >= len(p.s) {
		return n
	}
	if depth > maxDepth {
		p.fail(ErrTooDeep)
		return n
	}
	if p.left--; p.left <= 0 {
		p.fail(ErrTooMany)
		return n
	}
	start := p.at
	switch c := p.s[p.at]; {
	case c == '"':
		n.text = p.quoted()
	case strings.HasPrefix(p.s[p.at:], "<<"):
		n.text = p.heredoc()
		n.block = true
		return n
	case c == '[':
		n.kind = sequence
		p.at++
		p.items(n, ']', depth)
	case c == '{':
		n.kind = mapping
		p.at++
		p.object(n, depth)
	default:
		p.opaque(n, depth)
		n.text, n.tag = strings.TrimSpace(p.s[start:min(p.at, start+400)]), expression
		return n
	}
	// a ? b : c, or a call on what was read: the rest goes with it.
	if p.space(false); p.at < len(p.s) && strings.IndexByte("\n,]})", p.s[p.at]) < 0 && !strings.HasPrefix(p.s[p.at:], "=") {
		p.opaque(n, depth)
		n.tag = expression
	}
	return n
}

// expression is the tag of a value that is worked out later.
const expression = "expression"

// opaque skips an expression that is not taken apart, up to the end of its
// line, a comma or a closing bracket. What brackets inside it hold becomes
// items of n, so that jsonencode({…}) is not lost.
func (p *hclParser) opaque(n *node, depth int) {
	for p.err == nil && p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == '\n' || c == ',' || c == ']' || c == '}' || c == ')':
			return
		case c == '"':
			p.quoted()
		case c == '(':
			p.at++
			p.items(n, ')', depth)
		case c == '[':
			p.at++
			p.items(n, ']', depth)
		case c == '{':
			p.at++
			inner := &node{kind: mapping, line: p.line}
			p.object(inner, depth)
			n.items = append(n.items, inner)
		case c == '#' || strings.HasPrefix(p.s[p.at:], "//") || strings.HasPrefix(p.s[p.at:], "/*"):
			p.space(false)
		default:
			p.at++
		}
	}
}

// items reads expressions up to a closing bracket.
func (p *hclParser) items(n *node, end byte, depth int) {
	for p.err == nil {
		if p.space(true); p.at >= len(p.s) {
			p.fail(ErrSyntax)
			return
		}
		switch c := p.s[p.at]; c {
		case end:
			p.at++
			return
		case ',', ')', ']', '}':
			p.at++
		default:
			was := p.at
			n.items = append(n.items, p.expression(depth+1))
			if p.at == was {
				p.at++
			}
		}
	}
}

// object reads {a = b, "c" : d}.
func (p *hclParser) object(n *node, depth int) {
	for p.err == nil {
		if p.space(true); p.at >= len(p.s) {
			p.fail(ErrSyntax)
			return
		}
		line, key := p.line, ""
		switch c := p.s[p.at]; {
		case c == '}':
			p.at++
			return
		case c == '"':
			key = p.quoted()
		case isWord(c):
			key = p.word()
		case c == '(':
			p.at++
			p.items(&node{kind: sequence}, ')', depth+1)
		default:
			p.at++
			continue
		}
		if p.space(false); p.at < len(p.s) && (p.s[p.at] == '=' || p.s[p.at] == ':') {
			p.at++
			if v := p.expression(depth + 1); key != "" {
				n.put(key, line, v)
			}
		} else if p.at < len(p.s) && p.s[p.at] != '\n' && p.s[p.at] != ',' && p.s[p.at] != '}' {
			p.opaque(n.spare(), depth+1) // for … in …
		}
	}
}

// spare takes what has no place.
func (n *node) spare() *node { return &node{kind: sequence, line: n.line} }

// quoted reads a text at its quote. Templates in it stay as they are written.
func (p *hclParser) quoted() string {
	p.at++
	start, depth := p.at, 0
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == '\\':
			p.at++
		case c == '\n':
			if depth == 0 { // not closed: the line ends it
				return p.s[start:p.at]
			}
			p.line++
		case depth == 0 && c == '"':
			s := p.s[start:p.at]
			p.at++
			if strings.Contains(s, `\`) {
				return unescape(s)
			}
			return s
		case (c == '$' || c == '%') && strings.HasPrefix(p.s[p.at+1:], "{"):
			depth++
			p.at++
		case c == '{' && depth > 0:
			depth++
		case c == '}' && depth > 0:
			depth--
		}
		p.at++
	}
	p.at = len(p.s)
	return p.s[start:]
}

// heredoc reads <<MARK … MARK.
func (p *hclParser) heredoc() string {
	end := strings.IndexByte(p.s[p.at:], '\n')
	if end < 0 {
		p.at = len(p.s)
		return ""
	}
	mark := strings.Trim(p.s[p.at:p.at+end], "<-\r \t\"")
	p.at += end + 1
	p.line++
	start := p.at
	for p.at < len(p.s) {
		end := strings.IndexByte(p.s[p.at:], '\n')
		if end < 0 {
			end = len(p.s) - p.at
		}
		if strings.TrimSpace(p.s[p.at:p.at+end]) == mark {
			s := p.s[start:p.at]
			p.at += end
			return s
		}
		p.at = min(p.at+end+1, len(p.s))
		p.line++
	}
	return p.s[start:]
}
