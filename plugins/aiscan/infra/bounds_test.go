package infra

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// bombs are files that are small and say a lot, or are deep, or go on for ever.
func bombs() map[string]string {
	alias := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		alias += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	return map[string]string{
		"compose.yaml":            alias + "services: {s: {image: x/y, ports: *j}}\n",
		"values.yaml":             "a: &a\n  b: *a\n",
		"policy.json":             `{"Statement": {"Effect": "x", "a": ` + strings.Repeat("[", 1<<20),
		"devcontainer.json":       strings.Repeat(`{"a":`, 1<<18),
		"a.ipynb":                 `{"cells": ` + strings.Repeat("[", 1<<20),
		"main.tf":                 "a {\n" + strings.Repeat("b = [\n", 1<<18),
		"deep.tf":                 strings.Repeat("a {\n", 1<<18),
		"parens.tf":               "a = " + strings.Repeat("(", 1<<20),
		"config.toml":             "a = " + strings.Repeat("[", 1<<20) + "\n",
		"wrangler.toml":           strings.Repeat("[a.b.c]\nd = '''\n", 1<<14),
		"k8s.yaml":                "apiVersion: v1\nkind: Pod\nx: " + strings.Repeat("{a: ", 1<<16) + "\n",
		"Dockerfile":              "RUN " + strings.Repeat("${", 1<<18) + "\n" + strings.Repeat("RUN a \\\n", 1<<16),
		"Jenkinsfile":             "sh '''" + strings.Repeat("a $(b `c \n", 1<<16),
		"chart/templates/x.yaml":  strings.Repeat("{{ if x }}{{/* ", 1<<16),
		"main.bicep":              strings.Repeat("resource a 'b.c/d@1' = {\n", 1<<15),
		"application.properties":  strings.Repeat("a.b=c\\\n", 1<<17),
		".env":                    strings.Repeat("A=https://a.b/?$A$B", 1<<16),
		"a.Rmd":                   strings.Repeat("```{python}\n", 1<<16),
		".github/workflows/x.yml": "jobs:\n" + strings.Repeat("  a: &a {<<: *a}\n", 1<<10),
		"many.yaml":               "apiVersion: v1\nkind: Pod\n" + strings.Repeat("---\na: b\n", 1<<18),
		"empty.yaml":              "apiVersion: v1\nkind: Pod\n" + strings.Repeat("---\n", 1<<20),
		"pod.json":                `{"apiVersion": "v1", "kind": "Pod", "metadata": {}` + strings.Repeat(`,"args":["a"],"name":"a/b"`, 1<<15) + "}",
		"wide/values.yaml":        wide("aimage"),
		"web.config":              strings.Repeat("<add <!-- ", 1<<16),
		"template.json":           `{"Resources": {"A": {"Type": "AWS::X::Y", "Properties": ` + strings.Repeat(`{"a":`, 1<<17),
	}
}

func TestBombsAreBounded(t *testing.T) {
	for path, text := range bombs() {
		start := time.Now()
		if r := For(path, []byte(text[:min(len(text), 4096)])); r != nil {
			facts, err := r.Read(path, []byte(text))
			t.Logf("%s: %d facts in %v, %v", path, len(facts), time.Since(start).Round(time.Millisecond), err)
		} else {
			t.Errorf("%s has no reader", path)
		}
		if _, err := Code(path, []byte(text)); err != nil && path != "a.ipynb" {
			t.Errorf("%s: %v", path, err)
		}
		// Far above what any of them takes, so that a slow machine does not fail.
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%s took %v", path, d)
		}
	}
}

func TestWhatIsTooMuchIsNamed(t *testing.T) {
	cases := []struct {
		path, text string
		want       error
	}{
		{"policy.json", `{"Statement": {"Effect": "x", "a": ` + strings.Repeat("[", 1000), ErrTooDeep},
		{"main.tf", strings.Repeat("a {\n", 1000), ErrTooDeep},
		{".env", strings.Repeat("ABC=1\nABD=1\n", maxFacts), ErrTooMany},
		{".env", strings.Repeat("A", maxFile+1), ErrTooLarge},
		{"k.yaml", "apiVersion: v1\nkind: Pod\nx: " + strings.Repeat("a", maxDocument), ErrTooLarge},
		{"config.toml", strings.Repeat("\n", maxSettings+1), ErrTooMany},
		{"x.ipynb", "{\"cells\": [1,", ErrSyntax},
		{"values.yaml", "a: [\n", ErrSyntax},
	}
	for _, c := range cases {
		_, err := For(c.path, []byte(c.text[:min(len(c.text), 4096)])).Read(c.path, []byte(c.text))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.path, err, c.want)
		}
	}
}

// wide is a mapping of many keys with one ending.
func wide(end string) string {
	var b strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&b, "k%d%s: a/b\n", i, end)
	}
	return b.String()
}
