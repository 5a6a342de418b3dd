package pluginhost

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
	"github.com/exhibit-aims/exhibit/plugins/wire/configschema"
)

// Installed is a connector that was found.
type Installed struct {
	Name   string
	Path   string
	Digest evidence.Digest // of the binary as it is
	Locked bool            // the lock file names exactly this binary
	// Descriptor is what the connector says about itself; Describe fills it,
	// List does not start connectors and leaves it empty.
	Descriptor connector.Descriptor
	// Confinement is what held the process that described itself; Describe
	// fills it.
	Confinement Confinement
}

// List returns the connectors that are there, sorted by name, without starting
// any.
func (h *Host) List(ctx context.Context) ([]Installed, error) {
	names, err := namesIn(h.dir)
	if err != nil {
		return nil, err
	}
	lock, err := ReadLock(h.lock)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []Installed
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		sum, err := sumFile(binaryPath(h.dir, name))
		if err != nil {
			return nil, fail(name, ErrStart, err.Error())
		}
		locked, ok := lock.Connectors[name]
		list = append(list, Installed{
			Name: name, Path: binaryPath(h.dir, name), Digest: sum, Locked: ok && locked.SHA256 == sum,
		})
	}
	return list, nil
}

// Describe starts the connector and returns what it says about itself.
func (h *Host) Describe(ctx context.Context, name string) (Installed, error) {
	s, err := h.start(ctx, name, nil, nil)
	if err != nil {
		return Installed{}, err
	}
	defer s.stop()
	d, err := s.describe(ctx)
	if err != nil {
		return Installed{}, err
	}
	if _, err := configschema.Compile(d.ConfigSchema); err != nil {
		return Installed{}, s.fail(ErrDescriptor, err.Error(), nil)
	}
	return Installed{
		Name: name, Path: binaryPath(h.dir, name), Digest: s.digest, Locked: true, Descriptor: d, Confinement: s.confinement(),
	}, nil
}

// Check tests credentials and permissions without collecting. A refused
// credential is a report with a Problem; an error means that the check could
// not be made.
func (h *Host) Check(ctx context.Context, name string, cfg connector.Config) (connector.CheckReport, error) {
	reads, err := h.Reads(ctx, name, cfg.Settings)
	if err != nil {
		return connector.CheckReport{}, err
	}
	s, err := h.start(ctx, name, cfg.Secrets, reads)
	if err != nil {
		return connector.CheckReport{}, err
	}
	defer s.stop()
	d, err := s.describe(ctx)
	if err != nil {
		return connector.CheckReport{}, err
	}
	if err := s.checkConfig(d, &cfg); err != nil {
		return connector.CheckReport{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, h.limits.Call)
	defer cancel()
	m, err := s.rpc.Check(ctx, &wire.CheckRequest{Config: wire.EncodeConfig(cfg)})
	if err != nil {
		return connector.CheckReport{}, s.callError(ctx, "check", err)
	}
	return s.cleanReport(wire.DecodeCheckReport(m)), nil
}

// maxScope is how many places a check's report may list.
const maxScope = 10_000

// cleanReport makes every text of a report safe to show.
func (s *session) cleanReport(r connector.CheckReport) connector.CheckReport {
	r.Identity = s.scrub.text(r.Identity, wire.MaxKey)
	r.Problem = s.scrub.text(r.Problem, wire.MaxText)
	r.Remedy = s.scrub.text(r.Remedy, wire.MaxText)
	r.Scope = r.Scope[:min(len(r.Scope), maxScope)]
	for i := range r.Scope {
		r.Scope[i] = s.scrub.text(r.Scope[i], wire.MaxKey)
	}
	r.Permissions = r.Permissions[:min(len(r.Permissions), maxScope)]
	for i := range r.Permissions {
		r.Permissions[i].Permission = s.scrub.text(r.Permissions[i].Permission, wire.MaxKey)
		r.Permissions[i].Detail = s.scrub.text(r.Permissions[i].Detail, wire.MaxText)
	}
	return r
}

// checkConfig holds cfg against what the connector takes. Settings that were
// left out become an empty object.
func (s *session) checkConfig(d connector.Descriptor, cfg *connector.Config) error {
	schema, err := configschema.Compile(d.ConfigSchema)
	if err != nil {
		return s.fail(ErrDescriptor, err.Error(), nil)
	}
	if len(cfg.Settings) == 0 {
		cfg.Settings = json.RawMessage("{}")
	}
	var problems []string
	if err := schema.Validate(cfg.Settings); err != nil {
		problems = append(problems, "settings: "+err.Error())
	}
	known := map[string]bool{}
	for _, spec := range d.Secrets {
		known[spec.Name] = true
		if spec.Required && cfg.Secrets[spec.Name] == "" {
			problems = append(problems, "secret "+spec.Name+" is missing")
		}
	}
	for _, name := range sortedKeys(cfg.Secrets) {
		if !known[name] {
			problems = append(problems, "secret "+wire.Quote(name)+" is not one that the connector takes")
		}
	}
	if len(problems) > 0 {
		return s.fail(ErrConfig, strings.Join(problems, "; "), nil)
	}
	return nil
}

// early is how much sooner the connector's side of a call may find that its
// time is over: both sides keep the deadline, each by its own timer.
const early = time.Second

// callError gives the failure of a call its class. ctx is the call's.
func (s *session) callError(ctx context.Context, call string, err error) error {
	if code := status.Code(err); code == codes.Canceled || code == codes.DeadlineExceeded {
		if at, ok := ctx.Deadline(); ok && time.Until(at) < early {
			<-ctx.Done()
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		var own *Error
		if errors.As(cause, &own) {
			return own
		}
		return s.ended(call, cause)
	}
	st := status.Convert(err)
	detail := call + ": " + st.Message()
	switch st.Code() {
	case codes.PermissionDenied:
		return s.fail(ErrPermission, detail, nil)
	case codes.FailedPrecondition:
		return s.fail(ErrUnreachable, detail, nil)
	case codes.InvalidArgument, codes.Internal:
		return s.fail(ErrBadRecord, detail, nil)
	case codes.ResourceExhausted:
		return s.fail(ErrFlood, detail, nil)
	case codes.Aborted:
		return s.fail(ErrCrashed, detail, nil)
	case codes.Unimplemented:
		return s.fail(ErrDescriptor, detail, nil)
	case codes.Unavailable:
		return s.crashError(call)
	}
	return s.fail(ErrFailed, detail, nil)
}

// crashError describes a process that went away.
func (s *session) crashError(call string) error {
	detail, class := "during "+call, ErrCrashed
	if p := s.proc.Load(); p != nil {
		if end := p.end(stopGrace); end != "" { // and all it said is read
			detail += ": " + end
			if cause, text := s.cage.cause(p.cmd.ProcessState, s.log.lastWords()); cause != nil {
				class, detail = cause, detail+": "+text
			}
		}
	}
	if words := s.log.lastWords(); words != "" {
		detail += "; it said: " + words
	}
	return s.fail(class, detail, nil)
}
