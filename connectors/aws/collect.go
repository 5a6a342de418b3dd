package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// emitError is an error of the emitter, which ends the run.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }
func (e *emitError) Unwrap() error { return e.err }

// collection is one run.
type collection struct {
	cfg  *config
	req  connector.Request
	emit connector.Emitter
	now  time.Time
	seen *scope

	read map[string]bool // kinds of which at least one listing was read
	gaps map[string]bool // kinds with gaps

	since  map[string]time.Time         // how far back a kind was read, where that has a limit
	firsts map[string]map[string]string // by region, what is remembered of the lifecycle of models
	told   map[string]bool              // keys of lifecycles that another account's listing gave already

	emitted  map[string]string // by kind and key, what this run said of it
	attested map[string]bool   // groups that this run called unchanged
}

// regionRun reads one region of one account.
type regionRun struct {
	*accountRun
	region string
	api    *sagemaker.Client
	trail  *cloudtrail.Client

	skip     map[string]bool            // operations that are denied or not offered here: asked once, reported once
	unserved map[string]error           // services without an address here: asked once
	configs  map[string]*endpointConfig // by name
	models   map[string][]packagedModel // by name of the model
	broken   map[string]error           // by name of a model that could not be read
	hints    *tagHints
	memory   approvalMemory
	dropped  map[string]bool // groups of which a record could not be emitted
}

// step is a part of a region that is read at once.
type step struct {
	key     string // of the service in the settings
	service string // by which it is asked
	what    string // as a person names it
	kinds   []string
	read    func(ctx context.Context) error
}

// Collect reads the regions of every account that is configured. What the
// lists show to be unchanged is attested and not described again.
func (*Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	var count func(connector.Calls)
	if r, ok := emit.(connector.CallRecorder); ok {
		count = r.Calls
	}
	s, err := newSession(ctx, cfg, count)
	if err != nil {
		return nil, err
	}
	c := &collection{cfg: cfg, req: req, emit: emit, now: time.Now(), seen: &scope{read: map[string][]string{}, off: map[string]bool{}},
		read: map[string]bool{}, gaps: map[string]bool{}, since: map[string]time.Time{}, firsts: map[string]map[string]string{}, told: map[string]bool{},
		emitted: map[string]string{}, attested: map[string]bool{}}
	if err := c.accounts(ctx, s); err != nil {
		var own *emitError
		if errors.As(err, &own) {
			return nil, own.err
		}
		return nil, err
	}
	return c.coverage(), nil
}

// accounts reads one account after the other.
func (c *collection) accounts(ctx context.Context, s *session) error {
	own, err := s.identity(ctx)
	if err != nil {
		return fmt.Errorf("aws: %w; check the keys, their region and the machine's clock", err)
	}
	doors, err := c.doors(ctx, s, own)
	if err != nil {
		return c.gap(ctx, c.allKinds(), "accounts of the organisation", err)
	}
	for i, d := range doors {
		c.emit.Progress(connector.Progress{Message: "account " + d.account, Done: int64(i), Total: int64(len(doors))})
		if err := c.account(ctx, s, d, own); err != nil {
			return err
		}
	}
	return nil
}

// readRegion reads one region. Its errors end the run; whatever AWS answers
// ends in gaps.
func (a *accountRun) readRegion(ctx context.Context, region string) error {
	a.emit.Progress(connector.Progress{Message: "account " + a.id.account + ", region " + region})
	r := &regionRun{
		accountRun: a, region: region, skip: map[string]bool{}, unserved: map[string]error{},
		configs: map[string]*endpointConfig{}, models: map[string][]packagedModel{}, broken: map[string]error{},
		memory: approvalMemory{before: map[string]map[string]told{}, now: map[string]map[string]told{}}, dropped: map[string]bool{},
	}
	var err error
	if r.api, err = a.session.sagemaker(ctx, region); err != nil {
		return err
	}
	if r.trail, err = a.session.cloudTrail(ctx, region); err != nil {
		return err
	}
	for _, st := range r.steps() {
		if !a.cfg.reads(st.key) {
			continue
		}
		if err := r.step(ctx, st); err != nil {
			return err
		}
	}
	if !a.cfg.reads(serveBedrock) {
		return nil
	}
	return r.bedrock(ctx, a.session)
}

// steps are what is read of a region besides Bedrock, in this order.
func (r *regionRun) steps() []step {
	return []step{
		{serveSageMaker, sageMaker, "model package groups", []string{records.KindModel}, r.groups},
		{serveSageMaker, sageMaker, "model packages", versionKinds(), r.packages},
		{serveSageMaker, sageMaker, "endpoints", []string{records.KindDeployment}, r.deployments},
		{serveSageMaker, sageMaker, "model cards", []string{records.KindModelCard}, r.cards},
		{serveSageMaker, sageMaker, "monitors", []string{records.KindModelMonitor}, r.monitors},
		{serveSageMaker, sageMaker, "resources", []string{records.KindAIResource}, r.inventory},
		{serveCloudTrail, cloudTrail, "audit trails", []string{records.KindAIResource}, r.trails},
		{serveCloudTrail, cloudTrail, "event history", []string{records.KindCloudAuditEvent}, r.audit},
	}
}

// Services by which steps are asked.
const (
	sageMaker  = "Amazon SageMaker"
	cloudTrail = "AWS CloudTrail"
)

// step reads a part and turns what ended it into a gap. A service that the
// region does not have is asked once; every part of it is a gap all the same.
func (r *regionRun) step(ctx context.Context, st step) error {
	kinds := r.wanted(st.kinds...)
	if len(kinds) == 0 {
		return nil
	}
	err := r.unserved[st.service]
	if err == nil {
		if err = st.read(ctx); notHere(err) {
			err = &absentError{service: st.service, region: r.region, err: err}
			r.unserved[st.service] = err
		}
	}
	return r.failed(ctx, kinds, st.what, err)
}

func (c *collection) wanted(kinds ...string) []string {
	return slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return !c.req.Wants(k) })
}

// failed turns an error into a gap of the region, unless it ends the run. nil
// stays nil.
func (r *regionRun) failed(ctx context.Context, kinds []string, what string, err error) error {
	if err == nil {
		return nil
	}
	var call *callError
	if reason := reasonOf(err); errors.As(err, &call) && (reason == connector.Denied || reason == connector.Unsupported) {
		r.skip[call.op] = true
	}
	return r.gap(ctx, kinds, "account "+r.id.account+", region "+r.region+", "+what, err)
}

// gap reports what could not be read, and why, unless the error ends the run.
func (c *collection) gap(ctx context.Context, kinds []string, scope string, err error) error {
	var own *emitError
	switch {
	case err == nil, errors.As(err, &own):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case len(kinds) == 0:
		return nil
	}
	g := connector.Gap{Kinds: kinds, Reason: reasonOf(err), Detail: printable(err.Error(), 900), Scope: printable(scope, 250)}
	var call *callError
	if errors.As(err, &call) && g.Reason == connector.Denied &&
		slices.ContainsFunc(permissions(), func(p connector.Permission) bool { return p.ID == call.op }) {
		g.Permission = call.op
	}
	for _, k := range kinds {
		c.gaps[k] = true
	}
	if err := c.emit.Gap(g); err != nil {
		return &emitError{err}
	}
	return nil
}

// record emits a record, unless its time cannot be.
func (r *regionRun) record(ctx context.Context, rec connector.Record, payload any) error {
	if rec.EventTime.After(r.now) {
		r.dropped[rec.Group] = true
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: its time, %s, has not come yet", errValue, rec.EventTime.Format(time.RFC3339)))
	}
	if len(rec.Subject.ID) > 900 || len(rec.Key) > 1000 || rec.Subject.ID == "" {
		r.dropped[rec.Group] = true
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: a name that is empty or too long", errValue))
	}
	b, err := json.Marshal(payload)
	if err != nil {
		r.dropped[rec.Group] = true
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: %w", errValue, err))
	}
	id, content := rec.Kind+"|"+rec.Key, digest(rec.Subject, rec.EventTime, json.RawMessage(b))
	switch before, again := r.emitted[id]; {
	case again && before == content: // a list that changed between two of its pages gives things twice
		return nil
	case again, rec.Group != "" && r.attested[rec.Group]:
		r.dropped[rec.Group] = true
		return r.failed(ctx, []string{rec.Kind}, rec.Subject.ID, fmt.Errorf("%w: two things of one name, of which the first was told", errValue))
	}
	r.emitted[id] = content
	rec.Major, rec.Payload = 1, b
	if err := r.emit.Record(rec); err != nil {
		return &emitError{err}
	}
	return nil
}

// saw notes that listings of kinds were answered.
func (r *regionRun) saw(kinds ...string) {
	for _, k := range kinds {
		r.read[k] = true
	}
}

// registryName is the registry's name in records.
func (r *regionRun) registryName() string { return "sagemaker/" + r.id.account + "/" + r.region }

// arn names a resource of SageMaker here.
func (r *regionRun) arn(resource string) string {
	return "arn:" + r.id.partition() + ":sagemaker:" + r.region + ":" + r.id.account + ":" + resource
}

// stamp writes a time as payloads have it; empty if there is none.
func stamp(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
