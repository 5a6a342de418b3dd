package pluginhost

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/pluginhost/stage"
)

// cage is what confines one process: the plan before it starts, and the fact
// once it has.
type cage struct {
	plan   plan
	reads  []string
	within time.Duration // for the stage to become the connector
	to     *os.File      // where the stage waits for the plan
	from   *os.File      // the stage's report
	fact   Confinement
}

var errNoStage = errors.New("connectors cannot be confined on this system")

// newCage prepares the confinement of one process that may read what its
// settings name. It is nil where the host confines nothing.
func (h *Host) newCage(name string, reads []string) (*cage, error) {
	switch {
	case h.confine.Mode == ConfineOff || !canConfine && h.confine.Mode != ConfineRequired:
		return nil, nil
	case !canConfine:
		return nil, fail(name, ErrUnconfined, errNoStage.Error())
	}
	h.sweep.Do(sweepBases)
	base, err := os.MkdirTemp(socketBase(), basePrefix)
	if err != nil {
		return nil, fail(name, ErrStart, "a folder for its socket: "+err.Error())
	}
	if base, err = filepath.EvalSymlinks(base); err != nil {
		return nil, fail(name, ErrStart, err.Error())
	}
	c := &cage{within: h.limits.Start, plan: plan{stage.Plan{
		Name: binaryPath(h.dir, name), Required: h.confine.Mode == ConfineRequired, Without: h.without, Base: base,
		Memory: h.confine.Memory, CPU: h.confine.CPU, KeepRead: len(reads) > 0,
	}}}
	for _, path := range systemReads(h.environ()) {
		c.plan.read(path)
	}
	for _, path := range reads {
		c.plan.allow(path)
	}
	c.reads = reads
	return c, nil
}

// basePrefix begins the name of a run's own folder.
const basePrefix = "exr-"

// sweepBases removes what runs left behind whose host was killed: their own
// folders, once their connectors have emptied them.
func sweepBases() {
	left, err := filepath.Glob(filepath.Join(socketBase(), basePrefix+"*"))
	if err != nil {
		return // the pattern is a constant
	}
	for _, dir := range left {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(dir) // fails if somebody uses it, or it is another account's
		}
	}
}

// socketBase is where the process's socket is made.
func (c *cage) socketBase() string {
	if c == nil {
		return socketBase()
	}
	return c.plan.Base
}

// prepare makes cmd start a stage that becomes f in the cage when it is told the
// plan.
func (c *cage) prepare(cmd *exec.Cmd, f *os.File) (err error) {
	c.to, c.from, err = staging(cmd, f, c.plan.Memory)
	return err
}

// leave closes what host and stage talked by. A stage that still waits ends.
func (c *cage) leave(cmd *exec.Cmd) {
	if c == nil {
		return
	}
	for _, f := range append(childEnds(cmd), c.to, c.from) {
		f.Close() // it may be closed already
	}
}

// wait tells the plan and returns when the process is the connector and the
// confinement a fact. Its file is verified.
func (c *cage) wait(cmd *exec.Cmd) error {
	r, err := staged(cmd, c.to, c.from, c.plan, c.within)
	if err != nil {
		return err
	}
	c.fact = confinementOf(r, c.plan, c.reads)
	if r.Failed != "" {
		why := r.Failed
		if len(r.Problems) > 0 {
			why += ": " + strings.Join(r.Problems, "; ")
		}
		if c.plan.Required && (r.Landlock == 0 || !r.Seccomp || !r.Limits || !r.NoNewPrivs) {
			return fmt.Errorf("%w: %s", ErrUnconfined, why)
		}
		return errors.New(why)
	}
	return nil
}

// remove takes away the run's own folder.
func (c *cage) remove() error {
	if c == nil {
		return nil
	}
	return os.RemoveAll(c.plan.Base)
}

// confinementOf is the fact that follows from a report.
func confinementOf(r stage.Report, p plan, reads []string) Confinement {
	c := Confinement{
		Landlock: r.Landlock, Seccomp: r.Seccomp, NoNewPrivs: r.NoNewPrivs, Capabilities: r.Capabilities, Reads: reads,
	}
	if r.Limits {
		c.Memory, c.CPU = p.Memory, p.CPU
	}
	c.Confined = r.Landlock > 0 || r.Seccomp || r.Limits
	for i, problem := range r.Problems {
		if i > 0 {
			c.Why += "; "
		}
		c.Why += problem
	}
	return c
}
