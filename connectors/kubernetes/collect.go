package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// run is one collection.
type run struct {
	cfg  *config
	set  *aisign.Set
	book *coverage.Book
	api  *api
	seen map[string]*workload // by place
}

// workload is what all objects of one place say: the pods of a cluster of Ray
// are several objects of one place.
type workload struct {
	place, name    string
	created        string
	hint, hintFrom string
	byID           map[string]*evidence
}

// builtin are the lists of every cluster.
func builtin() []string {
	return []string{
		"apis/apps/v1/deployments", "apis/apps/v1/statefulsets", "apis/apps/v1/daemonsets", "apis/apps/v1/replicasets",
		"apis/batch/v1/jobs", "apis/batch/v1/cronjobs", "api/v1/pods",
	}
}

// Collect reads the cluster and the files.
func (c *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	set, err := c.signatures()
	if err != nil {
		return nil, fmt.Errorf("kubernetes: signatures: %w", err)
	}
	r := &run{cfg: cfg, set: set, book: coverage.New(c.Describe(), req, emit), seen: map[string]*workload{}}
	if len(r.book.Wants(records.KindSighting)) == 0 {
		return r.book.Result(), nil
	}
	r.book.Enumerated(records.KindSighting)
	if cfg.URL != "" {
		if err := r.cluster(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := r.files(ctx); err != nil {
		return nil, err
	}
	if err := r.tell(); err != nil {
		return nil, err
	}
	return r.book.Result(), nil
}

func (r *run) cluster(ctx context.Context, c *Connector) error {
	if err := r.cfg.open(); err != nil {
		return fmt.Errorf("kubernetes: %w: %w", err, connector.ErrRefused)
	}
	var err error
	if r.api, err = newAPI(r.cfg, c.clock, r.book.Counter()); err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	all := builtin()
	custom, err := r.custom(ctx)
	if err != nil {
		return err
	}
	for i, path := range append(all, custom...) {
		right := permWorkloads
		if i >= len(all) {
			right = permCustom
		}
		r.book.Progress(path, i, len(all)+len(custom))
		if err := r.list(ctx, path, right); err != nil {
			return err
		}
	}
	return nil
}

// custom finds the kinds of operators that the cluster has and a signature
// knows.
func (r *run) custom(ctx context.Context) ([]string, error) {
	wanted := map[string]bool{}
	for _, sig := range r.set.All() {
		for _, kind := range slices.Concat(sig.Kubernetes, sig.Doubtful.Kubernetes) {
			group, _, _ := strings.Cut(kind, "/")
			wanted[group] = true
		}
	}
	var paths []string
	part := func(what string) coverage.Part {
		return coverage.Part{Kinds: []string{records.KindSighting}, Scope: what, Permission: permCustom}
	}
	groups, err := r.api.groups(ctx)
	if err != nil {
		return nil, r.book.Missed(ctx, part("which kinds of operators cluster "+r.cfg.Cluster+" has"), err)
	}
	for _, group := range sortedGroups(groups) {
		version := groups[group]
		if !wanted[group] || !strings.HasPrefix(version, group+"/") || strings.ContainsAny(version, "?#%\\ ") {
			continue
		}
		kinds, err := r.api.resources(ctx, version)
		if err := r.book.Missed(ctx, part("kinds of "+version), err); err != nil {
			return nil, err
		}
		for _, k := range kinds {
			if len(r.cfg.Namespaces) > 0 && !k.Namespaced {
				continue // it belongs to no namespace
			}
			if len(r.set.KubernetesKind(group+"/"+k.Kind)) > 0 && !strings.Contains(k.Name, "/") && k.Name != "" {
				paths = append(paths, "apis/"+version+"/"+url.PathEscape(k.Name))
			}
		}
	}
	return paths, nil
}

func sortedGroups(groups map[string]string) []string {
	out := make([]string, 0, len(groups))
	for g := range groups {
		out = append(out, g)
	}
	slices.Sort(out)
	return out
}

// list reads all objects at a path, of the whole cluster or namespace by
// namespace.
func (r *run) list(ctx context.Context, path, right string) error {
	for _, p := range r.paths(path) {
		r.book.Query(p, records.KindSighting)
		n := 0
		part := coverage.Part{Kinds: []string{records.KindSighting}, Scope: "cluster " + r.cfg.Cluster + ", " + p, Permission: right}
		err := r.book.Part(ctx, part, func() error {
			return r.api.objects(ctx, p, func(raw json.RawMessage, kind string) error {
				n++
				return r.take(raw, kind, versionOf(p), rest.Entry("cluster "+r.cfg.Cluster+", "+p, n))
			})
		})
		if rest.StatusOf(err) == http.StatusUnauthorized {
			return fmt.Errorf("kubernetes: %w: %w", err, connector.ErrRefused)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// paths are those of the namespaces that are set, or the one of all.
func (r *run) paths(path string) []string {
	if len(r.cfg.Namespaces) == 0 {
		return []string{path}
	}
	at := strings.LastIndexByte(path, '/')
	var out []string
	for _, n := range r.cfg.Namespaces {
		out = append(out, path[:at]+"/namespaces/"+url.PathEscape(n)+path[at:])
	}
	return out
}

// versionOf is the group and version of a path.
func versionOf(path string) string {
	parts := strings.Split(path, "/")
	if parts[0] == "api" {
		return parts[1]
	}
	return parts[1] + "/" + parts[2]
}

// take adds what an object says. scope names it if it cannot be read.
func (r *run) take(raw json.RawMessage, kind, version, scope string) error {
	o, err := parseObject(raw, kind)
	if err != nil {
		return r.book.Malformed(scope, err.Error(), records.KindSighting)
	}
	if o.APIVersion == "" {
		o.APIVersion = version
	}
	if !o.counted() || !r.cfg.wants(o.Metadata.Namespace) {
		return nil
	}
	f, err := factsOf(o.Spec)
	if err != nil {
		id, _ := o.place()
		return r.book.Malformed(scope+" ("+id+")", err.Error(), records.KindSighting)
	}
	found := match(r.set, o, f)
	if len(found) > 0 {
		r.add(o, found)
	}
	return nil
}

func (r *run) add(o *object, found []*evidence) {
	id, name := o.place()
	w := r.seen[id]
	if w == nil {
		w = &workload{place: id, name: name, byID: map[string]*evidence{}}
		r.seen[id] = w
	}
	if at := o.created(); w.created == "" || at != "" && at < w.created {
		w.created = at
	}
	if w.hint == "" {
		w.hint, w.hintFrom = o.owner(r.cfg.OwnerLabels)
	}
	for _, e := range found {
		have := w.byID[e.ID]
		if have == nil {
			w.byID[e.ID] = e
			continue
		}
		have.firm = have.firm || e.firm
		for s := range e.signals {
			have.signals[s] = true
		}
		for s := range e.rules {
			have.rules[s] = true
		}
	}
}

// tell emits a record for each workload and signature, in order.
func (r *run) tell() error {
	places := make([]string, 0, len(r.seen))
	for id := range r.seen {
		places = append(places, id)
	}
	slices.Sort(places)
	for _, id := range places {
		w := r.seen[id]
		ids := make([]string, 0, len(w.byID))
		for sig := range w.byID {
			ids = append(ids, sig)
		}
		slices.Sort(ids)
		for _, sig := range ids {
			if err := grants.Sighting(r.book, r.record(w, w.byID[sig]), ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) record(w *workload, e *evidence) records.Seen {
	signals := sorted(e.signals)
	return records.Seen{
		Channel: "workload", Provider: e.ID, Vendor: e.Vendor, Category: string(e.Category), Place: w.place, PlaceName: w.name,
		Account: r.cfg.Cluster, Environment: r.cfg.Environment, Signals: named(signals), Rules: sorted(e.rules), Models: modelsOf(signals),
		FirstSeen: w.created, OwnerHint: w.hint, OwnerHintFrom: w.hintFrom, Status: "active", Confidence: e.confidence(), Scope: e.scope(),
	}
}
