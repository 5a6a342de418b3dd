package main

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// docxText prints the text of a Word document, a paragraph a line.
func docxText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: docx FILE")
	}
	z, err := zip.OpenReader(ts.MkAbs(args[0]))
	ts.Check(err)
	f, err := z.Open("word/document.xml")
	ts.Check(err)
	text, err := paragraphs(f)
	ts.Check(errors.Join(err, f.Close(), z.Close()))
	_, err = io.WriteString(ts.Stdout(), text)
	ts.Check(err)
}

func paragraphs(r io.Reader) (string, error) {
	var out strings.Builder
	d := xml.NewDecoder(r)
	inText := false
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("document: %w", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			inText = tok.Name.Local == "t"
		case xml.EndElement:
			inText = false
			if tok.Name.Local == "p" {
				out.WriteByte('\n')
			}
		case xml.CharData:
			if inText {
				out.Write(tok)
			}
		}
	}
}
