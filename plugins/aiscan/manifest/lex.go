package manifest

import (
	"bytes"
	"fmt"
	"strings"
)

// token is one word, string, sign or comment of source code.
type token struct {
	kind tokenKind
	line int
	text string // of a string or a comment: what is inside
}

type tokenKind uint8

const (
	word      tokenKind = iota // identifiers and numbers
	text                       // a string
	sign                       // one character
	remark                     // a comment
	lineBreak                  // the end of a line
)

func (t token) is(s string) bool { return t.kind != text && t.kind != remark && t.text == s }

// syntax is how a language writes comments and strings.
type syntax struct {
	line   []string    // marks of comments to the end of the line
	block  [][2]string // of comments with an end
	quotes string      // marks of strings
	triple bool        // three marks make a string of several lines
	raw    bool        // r"…", f"…", b'…' are strings
	inWord string      // signs that belong to words
	long   bool        // [[ … ]] is a string
}

var (
	pythonSyntax = syntax{line: []string{"#"}, quotes: `"'`, triple: true, raw: true}
	rubySyntax   = syntax{line: []string{"#"}, block: [][2]string{{"\n=begin", "\n=end"}}, quotes: `"'`, inWord: "?!"}
	groovySyntax = syntax{line: []string{"//"}, block: [][2]string{{"/*", "*/"}}, quotes: `"'`, triple: true}
	swiftSyntax  = syntax{line: []string{"//"}, block: [][2]string{{"/*", "*/"}}, quotes: `"`, triple: true}
	scalaSyntax  = swiftSyntax
	elixirSyntax = syntax{line: []string{"#"}, quotes: `"'`, triple: true}
	clojSyntax   = syntax{line: []string{";"}, quotes: `"`, inWord: "-/.*+!?<>=$&%'"}
	luaSyntax    = syntax{line: []string{"--"}, block: [][2]string{{"--[[", "]]"}}, quotes: `"'`, long: true}
	perlSyntax   = syntax{line: []string{"#"}, block: [][2]string{{"\n=pod", "\n=cut"}, {"\n=head1", "\n=cut"}}, quotes: `"'`}
)

// lexer cuts source code into tokens. It knows no grammar; a string that does
// not end stops at the end of its line.
type lexer struct {
	syntax
	src  []byte
	at   int
	line int
	open int // brackets
	out  []token
}

// tokens cuts the file's text into tokens.
func (f *file) tokens(s syntax) []token {
	toks, ok := lex(f.text, s, 1)
	if !ok {
		f.fail(toks[len(toks)-1].line, fmt.Sprintf("deeper than %d levels or more than %d words", maxDepth, maxNodes/4))
	}
	return toks
}

// lex cuts text into tokens. It stops where brackets are too deep: what reads
// tokens looks at each as often as brackets are around it.
func lex(src []byte, s syntax, line int) ([]token, bool) {
	l := &lexer{syntax: s, src: src, line: line}
	for l.at < len(l.src) {
		if len(l.out) > maxNodes/4 || l.open > maxDepth {
			l.emit(lineBreak, l.line, "")
			return l.out, false
		}
		l.step()
	}
	l.emit(lineBreak, l.line, "")
	return l.out, true
}

func (l *lexer) emit(k tokenKind, line int, s string) {
	l.out = append(l.out, token{kind: k, line: line, text: s})
}

func (l *lexer) step() {
	rest := l.src[l.at:]
	c := rest[0]
	switch {
	case l.comment(rest):
	case c == '\n':
		l.emit(lineBreak, l.line, "")
		l.line++
		l.at++
	case c == ' ' || c == '\t':
		l.at++
	case strings.IndexByte(l.quotes, c) >= 0:
		l.str(c)
	case l.long && bytes.HasPrefix(rest, []byte("[[")):
		l.until(2, "]]", text)
	case l.isWord(c):
		l.word()
	default:
		switch c {
		case '(', '[', '{':
			l.open++
		case ')', ']', '}':
			l.open = max(0, l.open-1)
		}
		l.emit(sign, l.line, string(rest[:1]))
		l.at++
	}
}

func (l *lexer) isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80 ||
		strings.IndexByte(l.inWord, c) >= 0
}

func (l *lexer) word() {
	start := l.at
	for l.at < len(l.src) && l.isWord(l.src[l.at]) {
		l.at++
	}
	w := string(l.src[start:l.at])
	if l.raw && len(w) <= 2 && l.at < len(l.src) && strings.IndexByte(l.quotes, l.src[l.at]) >= 0 &&
		strings.Trim(strings.ToLower(w), "rbfu") == "" {
		l.str(l.src[l.at])
		return
	}
	l.emit(word, l.line, w)
}

// comment takes a comment if one begins here.
func (l *lexer) comment(rest []byte) bool {
	for _, b := range l.block {
		mark, back := strings.CutPrefix(b[0], "\n")
		if back && l.at > 0 && l.src[l.at-1] != '\n' {
			continue
		}
		if bytes.HasPrefix(rest, []byte(mark)) {
			l.until(len(mark), b[1], remark)
			return true
		}
	}
	for _, mark := range l.syntax.line {
		if bytes.HasPrefix(rest, []byte(mark)) {
			end := bytes.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			l.emit(remark, l.line, string(rest[len(mark):end]))
			l.at += end
			return true
		}
	}
	return false
}

// until takes everything up to an end mark, or the rest of the file.
func (l *lexer) until(skip int, end string, k tokenKind) {
	body := l.src[l.at+skip:]
	next := len(l.src)
	if i := bytes.Index(body, []byte(end)); i >= 0 {
		body = body[:i]
		next = l.at + skip + i + len(end)
	}
	l.emit(k, l.line, string(body))
	l.line += bytes.Count(l.src[l.at:next], []byte("\n"))
	l.at = next
}

func (l *lexer) str(mark byte) {
	rest := l.src[l.at:]
	if l.triple && len(rest) >= 3 && rest[1] == mark && rest[2] == mark {
		l.until(3, strings.Repeat(string(mark), 3), text)
		return
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case mark:
			l.emit(text, l.line, string(rest[1:i]))
			l.at += i + 1
			return
		case '\n':
			l.emit(text, l.line, string(rest[1:i]))
			l.at += i
			return
		}
	}
	l.emit(text, l.line, string(rest[1:]))
	l.at = len(l.src)
}

// closing is the index of the bracket that closes the one at i, or the end.
func closing(toks []token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		if toks[i].kind != sign {
			continue
		}
		switch toks[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth--; depth <= 0 {
				return i
			}
		}
	}
	return len(toks)
}

// strings is the strings among tokens.
func stringsOf(toks []token) []token {
	var out []token
	for _, t := range toks {
		if t.kind == text {
			out = append(out, t)
		}
	}
	return out
}

// plain is tokens without comments and line ends.
func plain(toks []token) []token {
	var out []token
	for _, t := range toks {
		if t.kind != remark && t.kind != lineBreak {
			out = append(out, t)
		}
	}
	return out
}

// remarks calls visit for the comments that follow one another on lines of
// their own, each cut into tokens again, so that what is commented out can be read.
func remarks(toks []token, s syntax, visit func([]token)) {
	for _, t := range toks {
		if t.kind != remark || len(t.text) > 1<<14 {
			continue
		}
		inner, _ := lex([]byte(strings.TrimLeft(t.text, "#;/-!* ")), s, t.line)
		visit(inner)
	}
}
