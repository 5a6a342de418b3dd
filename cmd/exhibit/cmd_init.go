package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/config"
)

func newInitCommand(g *globals) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "init",
		Short: "Write a commented configuration and register to begin with",
		Long: `Writes exhibit.yaml and register.yaml, commented, with examples of every field.
Files that are there already are left as they are.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return runInit(g, dir) },
	}
	c.Flags().StringVar(&dir, "dir", ".", "`directory` to write to")
	return c
}

func runInit(g *globals, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"exhibit.yaml", "register.yaml"} {
		text, err := fs.ReadFile(config.FS, "example/"+name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			g.note("%s is there already and was left as it is.", path)
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		g.note("Wrote %s.", path)
	}
	g.note("Next: edit both, put secrets where exhibit.yaml says, then run exhibit doctor.")
	return nil
}
