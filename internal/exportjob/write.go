package exportjob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/export/html"
	"github.com/exhibit-aims/exhibit/internal/export/mlbom"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
	"github.com/exhibit-aims/exhibit/internal/export/plain"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/export/soa"
	"github.com/exhibit-aims/exhibit/internal/export/xlsx"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// run makes what a job is about.
func (m *Manager) run(ctx context.Context, j *Job) {
	m.change(func() { j.State, j.Step, j.Began = Running, "assessing", m.o.Clock().UTC() })
	err := m.make(ctx, j)
	m.change(func() {
		j.Ended = m.o.Clock().UTC()
		j.Expires = j.Ended.Add(m.o.Keep)
		if err == nil {
			j.State, j.Step = Done, "done"
			m.used += j.Bytes
			return
		}
		j.State, j.Step, j.Bytes = Failed, "failed", 0
		j.Error, j.Hint = m.says(ctx, err)
	})
	if err == nil {
		return
	}
	m.o.Logger.Error("an export was not made", "export", j.ID, "what", j.What, "error", err)
	if err := os.Remove(j.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		m.o.Logger.Warn("the file of an export cannot be removed", "error", err)
	}
}

// says is what whoever ordered may know of an error.
func (m *Manager) says(ctx context.Context, err error) (what, hint string) {
	var h interface{ Hint() string }
	switch {
	case ctx.Err() != nil:
		return errStopped.Error(), "order it anew"
	case service.IsMistake(err) && errors.As(err, &h):
		return err.Error(), h.Hint()
	case errors.Is(err, errNoRoom):
		return err.Error(), "fetch and remove what is done, or wait until it is removed"
	}
	return "something went wrong on this side; the log of the agent says what", "order it anew; if it stays so, tell whoever runs the agent"
}

func (m *Manager) make(ctx context.Context, j *Job) error {
	made, err := m.o.Service.Make(ctx, j.spec)
	if err != nil {
		return err
	}
	m.change(func() { j.Step, j.Withheld = "writing", made.Withheld })
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	out := &counted{m: m, j: j, f: f, sum: sha256.New()}
	if err := errors.Join(m.write(ctx, out, made, j), f.Sync(), f.Close()); err != nil {
		return err
	}
	sum := hex.EncodeToString(out.sum.Sum(nil))
	m.change(func() { j.SHA256, j.Step = sum, "recording" })
	return m.o.Service.RecordExport(ctx, made.Snapshot, map[string]any{"what": j.What, "file": j.File, "sha256": sum, "bytes": out.n, "account": j.by.ID})
}

// write writes one of the exports.
func (m *Manager) write(ctx context.Context, out io.Writer, made *service.Made, j *Job) error {
	s := made.Snapshot
	switch j.What {
	case Workbook:
		_, err := xlsx.Write(ctx, out, s, m.o.Service.Key.Signer(), xlsx.Options{})
		return err
	case Bundle:
		in, err := m.o.Service.BundleOf(ctx, made, j.order.Used)
		if err != nil {
			return err
		}
		_, err = bundle.Write(ctx, out, s, m.o.Service.Key.Signer(), bundle.Options{Input: in})
		return err
	case CSV, JSONL:
		z := zipform.NewWriter(out, m.dir)
		_, err := plain.Write(ctx, plain.Zip{Writer: z}, s, plain.Options{Format: plain.Format(j.What)})
		return errors.Join(err, z.Close())
	case HTML:
		_, err := html.Write(ctx, out, s, html.Options{Rows: html.DefaultRows})
		return err
	case SoA:
		return writeSoA(out, s)
	case OSCAL:
		return m.writeOSCAL(ctx, out, s)
	case MLBOM:
		src, err := redact.NewSource(ctx, m.o.Service.Store(), made.Profile, made.Assessment.Checkpoint.Size)
		if err != nil {
			return err
		}
		return mlbom.Write(ctx, out, s, gather.RecordsAt(src, made.Assessment))
	}
	return fmt.Errorf("there is no export %q", j.What)
}

func writeSoA(out io.Writer, s *export.Snapshot) error {
	if s.Redaction.Hidden(people.KindStatement) {
		return refuse("choose another profile, or none", fmt.Errorf("the profile %s hides the statement of applicability", s.Redaction.Profile))
	}
	err := soa.Write(out, s)
	if errors.Is(err, soa.ErrNone) {
		return refuse("propose and approve one", fmt.Errorf("as of %s there is no statement of applicability on record", export.Time(s.AsOf)))
	}
	return err
}

// writeOSCAL packs each model that there is.
func (m *Manager) writeOSCAL(ctx context.Context, out io.Writer, s *export.Snapshot) error {
	maker, err := oscal.New(ctx, s)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(m.dir, "oscal-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	z := zipform.NewWriter(out, tmp)
	for _, model := range oscal.Models() {
		if !maker.Has(model) {
			continue
		}
		if err := packModel(ctx, z, maker, model, filepath.Join(tmp, "model")); err != nil {
			return errors.Join(err, z.Close())
		}
	}
	return z.Close()
}

// packModel packs one model by way of a file: its size stands before it.
func packModel(ctx context.Context, z *zipform.Writer, maker *oscal.Maker, model oscal.Model, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	p := zipform.NewPacker()
	if err := p.Start(f, model.File(), zipform.Normal); err != nil {
		return err
	}
	if err := maker.Write(ctx, p, model); err != nil {
		return err
	}
	part, err := p.Finish()
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return z.Add(part, f)
}

// counted writes a file as far as there is room, and says how far it is.
type counted struct {
	m   *Manager
	j   *Job
	f   *os.File
	sum hash.Hash
	n   int64
}

// Write is of io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.f.Write(b)
	c.sum.Write(b[:n])
	c.n += int64(n)
	full := false
	c.m.change(func() {
		c.j.Bytes = c.n
		full = c.m.used+c.n > c.m.o.Bytes
	})
	if err == nil && full {
		err = errNoRoom
	}
	return n, err
}
