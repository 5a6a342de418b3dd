package infra

import "strings"

// Chunk is a piece of source code inside a file of another format: a cell of a
// notebook, a block in a document that is run.
type Chunk struct {
	Language string // py r js sql sh scala java julia …; as fact.Group has it
	Text     string
	Line     int  // of the file, from 1, at which Text begins
	Flat     bool // all of Text stands on that one line of the file
}

// At returns the line of the file for a line of Text, both from 1.
func (c Chunk) At(line int) int {
	if c.Flat || line < 1 {
		return c.Line
	}
	return c.Line + line - 1
}

// Code returns the pieces of source code of a file, in order: nil when its
// format holds none. Outputs and prose are no code, and neither is a block that
// is switched off. Lines that give commands to a shell or to the notebook are
// empty in Text: the reader that For returns keeps what they say. An error
// stands beside the chunks that were read before it.
func Code(path string, data []byte) ([]Chunk, error) {
	n := nameOf(path)
	switch n.ext {
	case ".ipynb":
		chunks, err := readNotebook(data)
		return blanked(chunks), err
	case ".zpln":
		chunks, err := zeppelin(data)
		return blanked(chunks), err
	case ".rmd", ".qmd", ".livemd", ".rmarkdown":
		return blanked(fences(data, n.ext == ".livemd")), nil
	case ".md", ".markdown":
		if isJupytext(data) {
			return blanked(fences(data, true)), nil
		}
	case ".py", ".r", ".scala", ".sql":
		if mark := databricksMark(data); mark != "" {
			return blanked(databricksCells(data, mark, n.ext[1:])), nil
		}
	}
	return nil, nil
}

// blanked leaves out the lines of cells that are commands.
func blanked(chunks []Chunk) []Chunk {
	for i, c := range chunks {
		if c.Language != "py" || !strings.ContainsAny(c.Text, "!%") {
			continue
		}
		all := strings.Split(c.Text, "\n")
		for j := 0; j < len(all); j++ {
			if text := strings.TrimLeft(all[j], " \t"); text != "" && (text[0] == '!' || text[0] == '%') {
				for ; j+1 < len(all) && strings.HasSuffix(all[j], `\`); j++ {
					all[j] = ""
				}
				all[j] = ""
			}
		}
		chunks[i].Text = strings.Join(all, "\n")
	}
	return chunks
}

// languageOf shortens the name of a language.
func languageOf(s string) string {
	s = strings.ToLower(strings.Trim(s, "{}., \t"))
	switch s {
	case "python", "python3", "ipython", "ipython3", "pyspark", "py", "spark.pyspark", "xpython":
		return "py"
	case "r", "ir", "sparkr":
		return "r"
	case "javascript", "js", "node", "ojs":
		return "js"
	case "typescript", "ts", "tsx", "deno":
		return "ts"
	case "csharp", "c#", "cs":
		return "cs"
	case "bash", "sh", "shell", "zsh", "script":
		return "sh"
	case "java", "go", "scala", "sql", "julia", "php", "perl", "lua", "elixir", "swift":
		return s
	case "kotlin":
		return "kt"
	case "rust":
		return "rs"
	case "ruby":
		return "rb"
	case "spark":
		return "scala"
	}
	return ""
}

// cellLanguage looks at the command that a cell begins with: one that gives the
// cell to another language is left out of the text, its line is kept.
func cellLanguage(text string) (rest, language string) {
	first, below, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n")
	lead := len(text) - len(strings.TrimLeft(text, "\n"))
	word := strings.Fields(first)
	if len(word) == 0 || word[0][0] != '%' {
		return text, ""
	}
	name := strings.TrimLeft(word[0], "%")
	pad := strings.Repeat("\n", lead+1)
	switch {
	case name == "md" || name == "markdown" || name == "html" || name == "HTML" || name == "latex" || name == "svg" || name == "angular":
		return "", ""
	case strings.HasPrefix(word[0], "%%") && name == "writefile" && len(word) > 1:
		if i := strings.LastIndexByte(word[len(word)-1], '.'); i >= 0 {
			if l := languageOf(word[len(word)-1][i+1:]); l != "" {
				return pad + below, l
			}
		}
		return "", ""
	case languageOf(name) != "":
		return pad + below, languageOf(name)
	case strings.HasPrefix(word[0], "%%"):
		return pad + below, "" // %%time, %%capture: the cell stays what it is
	}
	return text, ""
}

// fences returns the code blocks of a document that runs them: those whose
// language stands in braces, and with plain also the others.
func fences(data []byte, plain bool) []Chunk {
	var chunks []Chunk
	all := lines(data)
	for i := 0; i < len(all); i++ {
		text := strings.TrimLeft(all[i], " \t")
		mark := "```"
		if strings.HasPrefix(text, "~~~") {
			mark = "~~~"
		}
		if !strings.HasPrefix(text, mark) {
			continue
		}
		width := len(text) - len(strings.TrimLeft(text, mark[:1]))
		language, on := fenceLanguage(strings.TrimSpace(text[width:]), plain)
		end, last := i+1, text[:width]
		for end < len(all) && !strings.HasPrefix(strings.TrimLeft(all[end], " \t"), last) {
			if opt := strings.ReplaceAll(strings.TrimSpace(all[end]), " ", ""); strings.HasPrefix(opt, "#|eval:false") {
				on = false
			}
			end++
		}
		if on && language != "" && end > i+1 {
			chunks = append(chunks, Chunk{Language: language, Text: strings.Join(all[i+1:end], "\n"), Line: i + 2})
		}
		i = end
	}
	return chunks
}

// fenceLanguage reads what stands behind the marks: {python, eval=FALSE},
// {code-cell} ipython3, python.
func fenceLanguage(info string, plain bool) (language string, on bool) {
	lower := strings.ToLower(strings.ReplaceAll(info, " ", ""))
	if strings.Contains(lower, "eval=false") || strings.Contains(lower, "eval=f,") || strings.Contains(lower, "eval=f}") {
		return "", false
	}
	if rest, ok := strings.CutPrefix(info, "{code-cell}"); ok {
		if l := languageOf(strings.TrimSpace(rest)); l != "" {
			return l, true
		}
		return "py", true
	}
	if strings.HasPrefix(info, "{") {
		word, _, _ := strings.Cut(strings.Trim(info, "{}"), " ")
		word, _, _ = strings.Cut(word, ",")
		return languageOf(word), true
	}
	word, _, _ := strings.Cut(info, " ")
	return languageOf(word), plain
}

// isJupytext reports whether a Markdown file says in its head that it is a
// notebook.
func isJupytext(data []byte) bool {
	head := string(data[:min(len(data), 2048)])
	if !strings.HasPrefix(head, "---\n") && !strings.HasPrefix(head, "---\r\n") {
		return false
	}
	front, _, _ := strings.Cut(head[4:], "\n---")
	return strings.Contains(front, "\njupytext:") || strings.HasPrefix(front, "jupytext:") ||
		strings.Contains(front, "\njupyter:") || strings.HasPrefix(front, "jupyter:")
}

// databricksMark returns what begins a comment in a notebook that Databricks
// exports as source, or nothing if the file is none.
func databricksMark(data []byte) string {
	for _, mark := range [...]string{"#", "//", "--"} {
		if strings.HasPrefix(string(data[:min(len(data), 64)]), mark+" Databricks notebook source") {
			return mark
		}
	}
	return ""
}

// databricksCells returns the cells of such a notebook. Cells in another language
// than the file's stand in comments.
func databricksCells(data []byte, mark, language string) []Chunk {
	var chunks []Chunk
	all := lines(data)
	for i := 0; i < len(all); {
		end := i
		for end < len(all) && !strings.HasPrefix(all[end], mark+" COMMAND ----------") {
			end++
		}
		if c, ok := databricksCell(all[i:end], mark, language); ok {
			c.Line = i + 1
			chunks = append(chunks, c)
		}
		i = end + 1
	}
	return chunks
}

func databricksCell(cell []string, mark, language string) (Chunk, bool) {
	text := make([]string, len(cell))
	magic, code := false, false
	for i, l := range cell {
		rest, ok := strings.CutPrefix(l, mark+" MAGIC")
		switch {
		case ok && !magic:
			first, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			if magic = true; languageOf(strings.TrimPrefix(first, "%")) != "" {
				language = languageOf(strings.TrimPrefix(first, "%"))
				code = true
				_, text[i], _ = strings.Cut(strings.TrimSpace(rest), " ")
			} else if first == "%pip" || first == "%conda" {
				text[i], code = strings.TrimSpace(rest), true
			}
		case ok && code:
			text[i] = strings.TrimPrefix(rest, " ")
		case !ok:
			text[i] = l
			code = code || strings.TrimSpace(l) != ""
		}
	}
	return Chunk{Language: language, Text: strings.Join(text, "\n")}, code
}

// zeppelin returns the paragraphs of a note of Zeppelin.
func zeppelin(data []byte) ([]Chunk, error) {
	doc, err := parseJSON(data)
	var chunks []Chunk
	for _, p := range doc.get("paragraphs").list() {
		t := p.get("text")
		if t == nil || t.text == "" || p.str("config", "enabled") == "false" {
			continue
		}
		language := "scala"
		text := t.text
		if strings.HasPrefix(text, "%") {
			first, rest, _ := strings.Cut(text, "\n")
			name := strings.Fields(first)[0][1:]
			language = languageOf(name)
			if language == "" {
				language = languageOf(name[strings.LastIndexByte(name, '.')+1:])
			}
			text = "\n" + rest
		}
		if language != "" {
			chunks = append(chunks, Chunk{Language: language, Text: text, Line: t.line, Flat: true})
		}
	}
	return chunks, err
}
