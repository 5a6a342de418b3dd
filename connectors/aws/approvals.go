package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sm "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Where the time of an approval comes from.
const (
	basisLog  = "audit_log"   // the change itself was seen
	basisLast = "last_change" // the package's last change, whatever it was
)

// approvalLog is what the event history tells of model packages.
type approvalLog struct {
	read    bool                // the history could be read
	changes map[string][]change // by ARN, oldest first
	touched map[string]bool     // ARNs of packages that were edited in any way since the last run
}

// change is an approval that was given, refused or taken back.
type change struct {
	at                          time.Time
	id, status, about, by, prev string
}

// last returns the latest change of a package.
func (l *approvalLog) last(arn string) (change, bool) {
	if c := l.changes[arn]; len(c) > 0 {
		return c[len(c)-1], true
	}
	return change{}, false
}

// approvalHistory reads all that the event history keeps of model packages, so
// that each change is seen with what stood before it, and emits what is new.
func (r *regionRun) approvalHistory(ctx context.Context) (*approvalLog, error) {
	kinds := r.wanted(records.KindModelApproval)
	l := &approvalLog{changes: map[string][]change{}, touched: map[string]bool{}}
	if !r.cfg.reads(serveCloudTrail) {
		return l, nil // approvals carry the time of their package's last change, and coverage says why
	}
	s := r.stretch("approvals")
	if err := r.unread(ctx, s, kinds); err != nil {
		return nil, err
	}
	from, cut := r.now.Add(-horizon), false
	for _, name := range []string{"CreateModelPackage", "UpdateModelPackage"} {
		rest, err := r.lookup(ctx, question{types.LookupAttributeKeyEventName, name, from, s.to}, func(e trailEvent) error {
			l.note(e, s.from, r.ours)
			return nil
		})
		if err != nil {
			return l, r.failed(ctx, kinds, "event history of model packages; approvals carry the time of a package's last change instead", err)
		}
		if !rest.IsZero() && rest.After(s.since) {
			s.since, cut = rest, true
		}
	}
	if cut {
		err := fmt.Errorf("%w: changes of model packages before %s were not read", errBudget, s.since.UTC().Format(time.RFC3339))
		if err := r.failed(ctx, kinds, "event history of model packages", err); err != nil {
			return nil, err
		}
	}
	l.read = !cut
	l.order()
	if err := r.emitChanges(ctx, l, s.from); err != nil {
		return nil, err
	}
	return l, r.done(s, records.KindModelApproval)
}

// ours reports whether a package is one of this account and region.
func (r *regionRun) ours(arn string) bool { return strings.HasPrefix(arn, r.arn("model-package/")) }

// note takes down what an event says of a package.
func (l *approvalLog) note(e trailEvent, since time.Time, ours func(string) bool) {
	if e.failed || e.source != "sagemaker.amazonaws.com" {
		return
	}
	arn, status := str(e.params, "modelPackageArn"), str(e.params, "modelApprovalStatus")
	if e.name == "CreateModelPackage" {
		arn = str(e.response, "modelPackageArn")
		if _, version := splitPackage(arn); status == "" && version != unversioned {
			status = string(sm.ModelApprovalStatusPendingManualApproval) // what a version begins with
		}
	}
	arn = printable(arn, 300)
	if !ours(arn) {
		return
	}
	if !e.at.Before(since) {
		l.touched[arn] = true
	}
	if !isApproval(status) {
		return
	}
	about := str(e.params, "approvalDescription")
	if strings.HasPrefix(about, "HIDDEN_") {
		about = ""
	}
	l.changes[arn] = append(l.changes[arn], change{at: e.at, id: e.id, status: status, about: printable(about, 2000), by: e.by})
}

// order sorts changes by time, leaves out what changed nothing, and fills in
// what stood before each.
func (l *approvalLog) order() {
	for arn, list := range l.changes {
		slices.SortFunc(list, func(a, b change) int {
			if c := a.at.Compare(b.at); c != 0 {
				return c
			}
			return strings.Compare(a.id, b.id)
		})
		list = slices.CompactFunc(list, func(a, b change) bool { return a.id == b.id })
		for i := 1; i < len(list); i++ {
			list[i].prev = list[i-1].status
		}
		l.changes[arn] = list
	}
}

func isApproval(status string) bool {
	return slices.Contains(sm.ModelApprovalStatus("").Values(), sm.ModelApprovalStatus(status))
}

// emitChanges emits the changes since a time. Those before were emitted by the
// run that read them, when what stood before them could still be seen.
func (r *regionRun) emitChanges(ctx context.Context, l *approvalLog, since time.Time) error {
	if !r.req.Wants(records.KindModelApproval) {
		return nil
	}
	r.saw(records.KindModelApproval)
	for _, arn := range sortedKeys(l.changes) {
		model, version := splitPackage(arn)
		at := map[string]bool{}
		for _, c := range l.changes[arn] {
			if c.at.Before(since) {
				continue
			}
			a := records.ModelApproval{
				Registry: r.registryName(), Model: model, Version: version, ARNOrURI: arn, ApprovalStatus: c.status, ApprovalDescription: c.about,
				ChangedBy: c.by, ChangedAt: stamp(&c.at), PreviousStatus: c.prev, Basis: basisLog,
			}
			suffix := ""
			if at[a.ChangedAt] { // the log counts in seconds
				suffix = "|" + c.id
			}
			at[a.ChangedAt] = true
			if err := r.emitApproval(ctx, a, c.at, suffix); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *regionRun) emitApproval(ctx context.Context, a records.ModelApproval, at time.Time, suffix string) error {
	id := a.Model
	if a.Version != unversioned {
		id += "/" + a.Version
	}
	return r.record(ctx, connector.Record{
		Kind: records.KindModelApproval, Subject: connector.Subject{Type: "model", ID: id},
		Key: strings.Join([]string{a.Registry, a.Model, a.Version, a.ChangedAt}, "|") + suffix, EventTime: at, URL: r.consoleURL("model-packages"),
	}, a)
}

// approvalMemory is the approval that each package of a group had when it was
// last read. SageMaker's last change of a package may be any edit: a state that
// was told already is no new approval, and keeps the time that it was told with.
type approvalMemory struct {
	before, now map[string]map[string]told // by group, then by version
}

// told is a state that was told. At is empty if the event history told it.
type told struct {
	Status string `json:"s"`
	At     string `json:"t,omitempty"`
	By     string `json:"b,omitempty"`
	Before string `json:"p,omitempty"`
}

// maxMemory bounds what is remembered of a group, in bytes, so that it fits a
// cursor.
const maxMemory = 60 << 10

func (r *regionRun) memoryName(group string) string {
	return connector.MemoryPrefix + "approval/" + r.id.account + "/" + r.region + "/" + short(group)
}

// known returns the state that was told of a package; empty if none was.
func (r *regionRun) known(arn string) told {
	group, version := splitPackage(printable(arn, 300))
	if _, ok := r.memory.before[group]; !ok {
		m := map[string]told{}
		if json.Unmarshal([]byte(r.req.Cursors[r.memoryName(group)]), &m) != nil {
			m = map[string]told{}
		}
		r.memory.before[group] = m
	}
	return r.memory.before[group][version]
}

// remember notes what was told of a package that exists.
func (r *regionRun) remember(arn string, t told) {
	group, version := splitPackage(printable(arn, 300))
	if r.memory.now[group] == nil {
		r.memory.now[group] = map[string]told{}
	}
	if t.Status != "" && len(version) <= 20 {
		r.memory.now[group][version] = t
	}
}

// storeMemory keeps what is remembered, for groups in which it changed. Of a
// group with more than fits, some versions are told anew when next described.
func (r *regionRun) storeMemory() error {
	for _, group := range sortedKeys(r.memory.now) {
		now := r.memory.now[group]
		raw, err := json.Marshal(now)
		for _, version := range sortedKeys(now) {
			if err != nil || len(raw) <= maxMemory {
				break
			}
			delete(now, version)
			raw, err = json.Marshal(now)
		}
		if err != nil {
			return err
		}
		name := r.memoryName(group)
		if len(now) == 0 || r.req.Cursors[name] == string(raw) {
			continue
		}
		if err := r.emit.Cursor(name, string(raw)); err != nil {
			return &emitError{err}
		}
	}
	return nil
}

// approvalToTell reports whether a package carries a state that neither the
// event history nor an earlier run tells.
func (r *regionRun) approvalToTell(l *approvalLog, arn, status string) bool {
	return status != "" && !l.tells(arn, status) && r.known(arn).Status != status
}

// tells reports whether the history's last change of a package gives its state.
func (l *approvalLog) tells(arn, status string) bool {
	c, ok := l.last(arn)
	return ok && c.status == status
}

// approval emits the state of a package as it was described, unless the event
// history tells it. Its time is that of the package's last change when the
// state was first read: never before that of the approval, but later if
// anything else was edited since.
func (r *regionRun) approval(ctx context.Context, out *sagemaker.DescribeModelPackageOutput, v records.ModelVersion, l *approvalLog) error {
	status, arn := string(out.ModelApprovalStatus), text(out.ModelPackageArn, 300)
	if status == "" || !r.req.Wants(records.KindModelApproval) {
		return nil
	}
	if !isApproval(status) {
		return r.failed(ctx, []string{records.KindModelApproval}, "model package "+v.Model+"/"+v.Version, fmt.Errorf("%w: approval status %q", errValue, printable(status, 40)))
	}
	t := r.known(arn)
	if l.tells(arn, status) || t.Status == status && t.At == "" {
		r.remember(arn, told{Status: status})
		return nil
	}
	if t.Status != status {
		t = r.lastChange(out, t, l)
	}
	at, err := time.Parse(time.RFC3339Nano, t.At)
	if err != nil {
		return r.failed(ctx, []string{records.KindModelApproval}, "model package "+v.Model+"/"+v.Version, fmt.Errorf("%w: the time of its last change", errValue))
	}
	r.remember(arn, t)
	return r.emitApproval(ctx, records.ModelApproval{
		Registry: v.Registry, Model: v.Model, Version: v.Version, ARNOrURI: v.ARNOrURI, ApprovalStatus: status,
		ApprovalDescription: text(out.ApprovalDescription, 2000), ChangedBy: t.By, ChangedAt: t.At, PreviousStatus: t.Before, Basis: basisLast,
	}, at, "")
}

// lastChange is a state as the description of a package dates it.
func (r *regionRun) lastChange(out *sagemaker.DescribeModelPackageOutput, before told, l *approvalLog) told {
	at, by := out.LastModifiedTime, out.LastModifiedBy
	if at == nil {
		at, by = out.CreationTime, out.CreatedBy
	}
	t := told{Status: string(out.ModelApprovalStatus), At: stamp(at), By: who(by), Before: before.Status}
	if c, ok := l.last(text(out.ModelPackageArn, 300)); ok {
		t.Before = c.status
	}
	return t
}

// stateOf is what is told of a package that was not described.
func (r *regionRun) stateOf(l *approvalLog, arn, status string) told {
	if t := r.known(arn); t.Status == status && !l.tells(arn, status) {
		return t
	}
	return told{Status: status}
}
