package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
)

func newInitCommand(g *globals) *cobra.Command {
	var dir, templates string
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a commented configuration and register to begin with",
		Long: `Writes exhibit.yaml and register.yaml, commented, with examples of every field.
With --templates it writes forms of the policies, procedures and records that
the expectations ask for instead. Files that are there already are left as
they are.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case templates == "":
				return runInit(g, dir)
			case c.Flags().Changed("dir"):
				return usageError{errors.New("--dir and --templates exclude one another"), "run exhibit init twice"}
			}
			return runTemplates(g, templates)
		},
	}
	c.Flags().StringVar(&dir, "dir", ".", "`directory` to write to")
	c.Flags().StringVar(&templates, "templates", "", "write templates of policies and records to a `directory`, and nothing else")
	return c
}

func runInit(g *globals, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"exhibit.yaml", "register.yaml"} {
		to := filepath.Join(dir, name)
		isNew, err := writeNew("example/"+name, to)
		switch {
		case err != nil:
			return err
		case isNew:
			g.note("Wrote %s.", to)
		default:
			g.note("%s is there already and was left as it is.", to)
		}
	}
	g.note("Next: edit both, put secrets where exhibit.yaml says, then run exhibit doctor.")
	return nil
}

// runTemplates writes every template below dir.
func runTemplates(g *globals, dir string) error {
	written, kept := 0, 0
	err := fs.WalkDir(config.FS, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Base(name) == "index.yaml" {
			return err
		}
		rel, err := filepath.Rel("templates", filepath.FromSlash(name))
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		isNew, err := writeNew(name, to)
		if isNew {
			written++
		} else {
			kept++
		}
		return err
	})
	if err != nil {
		return err
	}
	g.note("Wrote %d files to %s; %d were there already and were left as they are.", written, dir, kept)
	g.note("Next: read %s, copy the forms that you need, and fill them in.", filepath.Join(dir, "README.md"))
	return nil
}

// writeNew writes a file of the product's own to a path where there is none,
// and reports whether it did.
func writeNew(name, to string) (bool, error) {
	text, err := fs.ReadFile(config.FS, name)
	if err != nil {
		return false, err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return false, fmt.Errorf("%s: %w", to, err)
	}
	return true, nil
}
