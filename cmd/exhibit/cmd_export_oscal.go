package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
)

const allModels = "all"

type oscalOptions struct {
	exportOptions
	model string
}

func newExportOSCALCommand(g *globals) *cobra.Command {
	var o oscalOptions
	c := &cobra.Command{
		Use:   "oscal",
		Short: "For GRC tools: catalog, components, plan, results and POA&M in NIST's OSCAL",
		Long: `Writes the snapshot in the models of OSCAL ` + oscal.Version + `, as JSON that holds against NIST's schema:

  catalog.json                the controls by id and short title; what is expected of each as objectives
  component-definition.json   the AI systems, vendors and sources, and how far evidence shows each control
  assessment-plan.json        controls, subjects, methods (TEST, EXAMINE, INTERVIEW), collections as tasks
  assessment-results.json     an observation for each result, findings, risks, the newest runs and their gaps
  poam.json                   an item for each shortfall: risk, remedy, milestone; none is written if nothing falls short

All five go into a folder, or into one zip if the name ends in .zip; --model writes one of them as a file. They refer to
each other by these names, so keep them together; the evidence that observations name is in a bundle of the same instant,
and the folder's files find it when they lie beside the bundle's evidence/.

OSCAL has two outcomes, satisfied and not-satisfied, and no word for not knowing. A finding is written only where something
is established: satisfied, failing, missing, or stale because the evidence is too old or of before a change. What is
not_assessed, pending_review, due, waived or not_applicable, and what a source that cannot be read leaves open, is an
observation with the property exhibit-status and no finding. Import by exhibit-status where your tool can.

The same ledger and the same instant give the same bytes. The files have no signature of their own: their digests are in the
ledger, and a bundle of the same snapshot proves what they say.`,
		Example: `  exhibit export oscal -o oscal
  exhibit export oscal -o oscal.zip --as-of 2026-06-30 --period 2026-01-01..2026-06-30
  exhibit export oscal --model assessment-results -o assessment-results.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return runExport(c.Context(), g, o.exportOptions, o.write)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.out, "output", "o", "", "`folder`, or zip, to write; with --model, the file (default exhibit-oscal, or the model's name)")
	f.StringVar(&o.asOf, "as-of", "", "the instant of the snapshot (RFC 3339 `time`, or a date: the end of that day, UTC)")
	f.StringVar(&o.period, "period", "", "period under audit, as two `dates`: 2026-01-01..2026-06-30")
	f.StringVar(&o.redact, "redact", "", "leave out what this `profile` hides: see exhibit export bundle --help")
	f.StringVar(&o.model, "model", allModels, "which `model`: "+modelNames()+", or all")
	return c
}

func modelNames() string {
	var out []string
	for _, m := range oscal.Models() {
		out = append(out, string(m))
	}
	return strings.Join(out, ", ")
}

// check refuses what cannot be written, and names the output if nobody did.
func (o *oscalOptions) check() error {
	if o.model != allModels && !slices.Contains(oscal.Models(), oscal.Model(o.model)) {
		return usageError{fmt.Errorf("--model %q is no model", o.model), "models are " + modelNames() + ", or all"}
	}
	switch {
	case o.out == "" && o.model == allModels:
		o.out = "exhibit-oscal"
	case o.out == "":
		o.out = oscal.Model(o.model).File()
	case o.model == allModels && strings.HasSuffix(o.out, ".json"):
		return usageError{fmt.Errorf("-o %s: five models do not fit into one JSON file", o.out), "name a folder or a zip, or choose one with --model"}
	case o.model != allModels && strings.HasSuffix(o.out, ".zip"):
		return usageError{fmt.Errorf("-o %s: one model is written as JSON", o.out), "leave out --model to have all of them in a zip"}
	}
	return nil
}

// write is an exporter.
func (o *oscalOptions) write(ctx context.Context, g *globals, w *workplace, s *export.Snapshot, path string) error {
	m, err := oscal.New(ctx, s)
	if err != nil {
		return err
	}
	if o.model != allModels {
		model := oscal.Model(o.model)
		if !m.Has(model) {
			return hinted{fmt.Errorf("%s: nothing falls short, or the profile hides it, and OSCAL has no empty POA&M", path), "the other models say what is satisfied and what is not known"}
		}
		return w.writeExport(ctx, g, "oscal "+o.model, path, s, func(out io.Writer) error { return m.Write(ctx, out, model) })
	}
	models := slices.DeleteFunc(oscal.Models(), func(model oscal.Model) bool { return !m.Has(model) })
	if len(models) < len(oscal.Models()) {
		g.note("Nothing falls short, or the profile hides it: no %s is written.", oscal.POAM.File())
	}
	if strings.HasSuffix(path, ".zip") {
		return w.writeExport(ctx, g, "oscal", path, s, func(out io.Writer) error { return zipModels(ctx, m, models, out) })
	}
	return w.writeModels(ctx, g, m, models, path, s)
}

// zipModels writes models as one archive, in the form of all our archives.
func zipModels(ctx context.Context, m *oscal.Maker, models []oscal.Model, out io.Writer) error {
	tmp, err := os.MkdirTemp("", "exhibit-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	z := zipform.NewWriter(out, tmp)
	for _, model := range models {
		if err := zipModel(ctx, z, m, model, filepath.Join(tmp, "packed")); err != nil {
			return errors.Join(err, z.Close())
		}
	}
	return z.Close()
}

// zipModel packs one model by way of a file: its size stands before it.
func zipModel(ctx context.Context, z *zipform.Writer, m *oscal.Maker, model oscal.Model, path string) error {
	packed, err := os.Create(path)
	if err != nil {
		return err
	}
	defer packed.Close()
	p := zipform.NewPacker()
	if err := p.Start(packed, model.File(), zipform.Normal); err != nil {
		return err
	}
	if err := m.Write(ctx, p, model); err != nil {
		return err
	}
	part, err := p.Finish()
	if err != nil {
		return err
	}
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return z.Add(part, packed)
}

// exportedFile is what the ledger keeps of one file in a folder.
type exportedFile struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// writeModels writes a folder whole or not at all, and records it in the
// ledger. The digest is over the list of files as sha256sum prints it.
func (w *workplace) writeModels(ctx context.Context, g *globals, m *oscal.Maker, models []oscal.Model, dir string, s *export.Snapshot) error {
	p := newProgress(g, "writing")
	defer p.end()
	if err := onlyModels(dir); err != nil {
		return err
	}
	tmp, err := besideFolder(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing there once it was renamed
	var files []exportedFile
	list, total := newSum(io.Discard), int64(0)
	for _, model := range models {
		p.show(model.File())
		f, err := writeModel(ctx, m, model, filepath.Join(tmp, model.File()))
		if err != nil {
			return outputError(dir, err)
		}
		files = append(files, f)
		total += f.Bytes
		fmt.Fprintf(list, "%s  %s\n", f.SHA256, f.File)
	}
	if err := replaceFolder(tmp, dir); err != nil {
		return outputError(dir, err)
	}
	return w.svc.RecordExport(ctx, s, map[string]any{"what": "oscal", "file": filepath.Base(dir), "sha256": list.digest(), "bytes": total, "files": files})
}

func writeModel(ctx context.Context, m *oscal.Maker, model oscal.Model, path string) (exportedFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return exportedFile{}, err
	}
	sum := newSum(f)
	if err := errors.Join(m.Write(ctx, sum, model), f.Sync(), f.Close()); err != nil {
		return exportedFile{}, err
	}
	return exportedFile{model.File(), sum.digest(), sum.n}, nil
}

// onlyModels refuses a folder that holds anything but an earlier export.
func onlyModels(dir string) error {
	if info, err := os.Lstat(filepath.Clean(dir)); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return usageError{fmt.Errorf("%s is a link", dir), "name the folder that it leads to"}
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return hinted{err, "-o names the folder to write"}
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !slices.ContainsFunc(oscal.Models(), func(m oscal.Model) bool { return m.File() == e.Name() }) {
			return usageError{fmt.Errorf("%s holds %s, which is not from an earlier export", dir, e.Name()), "name a folder that is empty or does not exist"}
		}
	}
	return nil
}

// replaceFolder puts the folder made in place of dir.
func replaceFolder(made, dir string) error {
	old := made + "-old"
	switch err := os.Rename(dir, old); {
	case errors.Is(err, os.ErrNotExist):
		return os.Rename(made, dir)
	case err != nil:
		return err
	}
	if err := os.Rename(made, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}
