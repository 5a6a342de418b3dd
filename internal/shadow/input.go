package shadow

import (
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// Input is everything that the result depends on.
type Input struct {
	// Evidence is the newest revision of each record of Kinds, with its payload,
	// what is gone included. It is read once.
	Evidence  iter.Seq2[evidence.Evidence, error]
	Runs      []evidence.Run // that ended, of all sources, in any order
	Earlier   []Case         // as they were put on record last
	Decisions []people.CaseDecision
	// Authors are who committed to a repository last, by its name in lower case;
	// Wanted of an earlier result says which are needed.
	Authors map[string]Author
	Signs   Signatures
	Now     time.Time

	TriageWithin time.Duration // from first seen to a decision; 0 means 30 days
	LookBack     time.Duration // use before that is over; 0 means 90 days
}

// Author is who committed to a repository last.
type Author struct {
	Name string
	At   time.Time
}

const day = 24 * time.Hour

func (in *Input) triageWithin() time.Duration {
	if in.TriageWithin > 0 {
		return in.TriageWithin
	}
	return 30 * day
}

func (in *Input) lookBack() time.Duration {
	if in.LookBack > 0 {
		return in.LookBack
	}
	return 90 * day
}

// Kinds that say something about the use of AI, each with the channel by which
// it is looked for.
var signKinds = map[string]string{
	"code.ai_usage": ChannelCode, "code.model_reference": ChannelCode, "code.ai_secret": ChannelCode, "code.scan_run": ChannelCode,
	"github.sbom": ChannelCode, "github.secret_name": ChannelCode, "github.repository": ChannelCode,
	"github.app_installation": ChannelApps, "github.copilot_seat": ChannelApps,
	"cloud.ai_resource_inventory": ChannelCloud, "cloud.audit_event": ChannelCloud, "model_registry.deployment": ChannelCloud,
	"vendor.api_key_inventory": ChannelVendor, "vendor.usage": ChannelVendor, "vendor.project": ChannelVendor,
	"shadow_ai.sighting": "", "shadow_ai.activity": "",
}

// contextKinds are read besides: what the register says, and whose code it is.
var contextKinds = []string{"github.codeowners", "inventory.ai_system", "vendor.record"}

// Kinds are all kinds that Input.Evidence holds, sorted.
func Kinds() []string {
	out := slices.Clone(contextKinds)
	for k := range signKinds {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// AuthorKinds are the kinds that tell who committed last.
func AuthorKinds() []string { return []string{"github.pull_request", "github.push"} }

// Result is what Reconcile returns. Cases are sorted: open ones first, by what
// is due first.
type Result struct {
	Cases    []Case
	Coverage Coverage
	// Wanted are the repositories, in lower case, of open cases whose owner only
	// commits could hint at.
	Wanted []string
	// Systems are the registered systems that are in use: they can account for
	// something. Sorted.
	Systems []string
	// Unread are keys of records whose payload is not there any more, or makes
	// no sense; sorted, the first ones only.
	Unread []string
}

// reader holds what was read.
type reader struct {
	in           Input
	places       map[placeID]*gathering
	systems      []system
	vendors      map[string]vendorEntry
	owners       map[string]ownersFile // by repository, lower case
	earlier      map[string]Case
	decisions    map[string][]*people.CaseDecision // by case
	complete     map[sourceKind][]time.Time        // ends of complete readings
	settings     map[string][]setting              // by source
	sorted       map[string]bool                   // sources of which settings is sorted
	seen         seen
	models       []pendingModel
	components   []pendingSBOM
	codeAt       map[string]bool // repo|path → a use that is not only supporting was seen there
	unread       set
	missed       map[string]bool // keys of all of them
	take         map[string]func(*evidence.Evidence) error
	boundVendors map[string]bool

	registeredRepos map[string]bool
}

type sourceKind struct{ source, kind string }

// Reconcile holds what was seen against the register.
func Reconcile(in Input) (Result, error) {
	r := &reader{in: in, places: map[placeID]*gathering{}, vendors: map[string]vendorEntry{}, owners: map[string]ownersFile{},
		earlier: map[string]Case{}, decisions: map[string][]*people.CaseDecision{}, complete: map[sourceKind][]time.Time{}, seen: newSeen(), codeAt: map[string]bool{}, missed: map[string]bool{},
		settings: map[string][]setting{}, sorted: map[string]bool{}}
	r.take = r.takers()
	for _, c := range in.Earlier {
		r.earlier[c.ID] = c
	}
	for i := range in.Decisions {
		d := &in.Decisions[i]
		r.decisions[d.Case] = append(r.decisions[d.Case], d)
	}
	for i := range in.Runs {
		r.run(&in.Runs[i])
	}
	for ev, err := range in.Evidence {
		if err != nil {
			return Result{}, err
		}
		r.read(&ev)
	}
	r.settleModels()
	r.settleComponents()
	res := Result{Cases: r.cases(), Coverage: r.coverage(), Unread: r.unread.list()}
	var systems, wanted set
	for i := range r.systems {
		if r.systems[i].live {
			systems.add(r.systems[i].id)
		}
	}
	for i := range res.Cases {
		if c := &res.Cases[i]; c.Open() && c.PlaceType == Repository && (c.Hint == "" || c.HintFrom == FromCommits) {
			wanted.add(lower(c.Ref))
		}
	}
	res.Systems, res.Wanted = systems.list(), wanted.list()
	return res, nil
}

// run notes what a run read to its end.
func (r *reader) run(run *evidence.Run) {
	if run.Status == evidence.RunOpen {
		return
	}
	for kind, k := range run.Kinds {
		if k.Coverage == "complete" && run.Status != evidence.RunFailed {
			key := sourceKind{run.Provenance.Source, kind}
			r.complete[key] = append(r.complete[key], run.FinishedAt)
		}
	}
	r.setting(run)
	r.seen.run(run, r.in.Now)
}

// readSince reports whether a source was read completely after an instant.
func (r *reader) readSince(source, kind string, after time.Time) bool {
	return slices.ContainsFunc(r.complete[sourceKind{source, kind}], func(t time.Time) bool { return t.After(after) && !t.After(r.in.Now) })
}

// live reports whether a group stands for use now. Events fade only once a
// complete reading of their source, made since, shows no later one.
func (r *reader) live(g *group) bool {
	if g.ended != "" {
		return false
	}
	return !g.past || !r.readSince(g.source, g.kind, g.last.Add(r.in.lookBack()))
}

// takers are the readers of records, by kind.
func (r *reader) takers() map[string]func(*evidence.Evidence) error {
	return map[string]func(*evidence.Evidence) error{
		"inventory.ai_system": r.system, "vendor.record": r.vendor, "github.codeowners": r.codeowners,
		"github.repository": r.repository, "code.scan_run": r.codeScan, "code.ai_usage": r.usage, "code.model_reference": r.modelReference,
		"code.ai_secret": r.openSecret, "github.sbom": r.sbom, "github.secret_name": r.secretName,
		"github.app_installation": r.app, "github.copilot_seat": r.seat,
		"cloud.ai_resource_inventory": r.resource, "cloud.audit_event": r.auditEvent, "model_registry.deployment": r.deployment,
		"vendor.api_key_inventory": r.key, "vendor.usage": r.calls, "vendor.project": r.project,
		"shadow_ai.sighting": r.sighting, "shadow_ai.activity": r.activity,
	}
}

// read takes one record in.
func (r *reader) read(ev *evidence.Evidence) {
	if len(ev.Payload) == 0 {
		if ev.GoneAt.IsZero() {
			r.miss(ev)
		}
		return
	}
	take := r.take[ev.Kind]
	if take == nil {
		return
	}
	if err := take(ev); err != nil {
		r.miss(ev)
	}
}

// miss notes a record that says nothing any more, or nothing that makes sense.
func (r *reader) miss(ev *evidence.Evidence) {
	r.unread.add(ev.Kind + " " + ev.Key)
	r.missed[ev.Key] = true
}

// decode reads a payload.
func decode[T any](ev *evidence.Evidence) (T, error) {
	var v T
	err := json.Unmarshal(ev.Payload, &v)
	return v, err
}
