package azure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// run is one collection.
type run struct {
	cfg  *config
	req  connector.Request
	book *coverage.Book
	s    *session
	now  time.Time

	unproven bool               // of a subscription it is not known whether all of it is seen
	regions  map[string]*region // read so far
}

// subscription is one subscription.
type subscription struct {
	*run
	id string
}

// Collect reads subscription by subscription.
func (c *Connector) Collect(ctx context.Context, req connector.Request, emit connector.Emitter) (connector.Coverage, error) {
	cfg, err := parseConfig(req.Config)
	if err != nil {
		return nil, err
	}
	book := coverage.New(c.Describe(), req, emit)
	s, err := newSession(ctx, cfg, c.transport, book.Counter())
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, req: req, book: book, s: s, now: time.Now().UTC().Truncate(time.Millisecond), regions: map[string]*region{}}
	for i, id := range cfg.Subscriptions {
		book.Progress("subscription "+id, i, len(cfg.Subscriptions))
		if err := (&subscription{run: r, id: id}).read(ctx); err != nil {
			return nil, err
		}
	}
	if !r.unproven {
		book.Enumerated(records.KindAIResource, records.KindDeploymentPolicy, records.KindDeployment, records.KindGuardrail, records.KindInvocationLogging,
			records.KindModel, records.KindModelVersion)
	}
	text := "subscriptions " + strings.Join(cfg.Subscriptions, ", ") + "; no other was looked at"
	for _, k := range c.Describe().Kinds {
		book.Query(text, k.Kind)
	}
	return book.Result(), nil
}

func (s *subscription) read(ctx context.Context) error {
	roles, err := s.s.held(ctx, s.id)
	if fatal := coverage.Fatal(ctx, err); fatal != nil {
		return fatal
	}
	proven := err == nil
	if !proven {
		s.unproven = true
		for _, k := range New().Describe().Kinds {
			s.book.Query("whether the app sees all of subscription "+s.id+" could not be asked, so nothing there is called gone", k.Kind)
		}
	}
	for _, step := range []struct {
		kinds      []string
		what       string
		permission string
		read       func(context.Context) error
	}{
		{[]string{records.KindAIResource, records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation, records.KindGuardrail,
			records.KindInvocationLogging, records.KindModelLifecycle}, "accounts", permAccounts, s.accounts},
		{[]string{records.KindAIResource, records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindModelMonitor}, "workspaces", permWorkspaces, s.workspaces},
		{[]string{records.KindAIResource, records.KindModel, records.KindModelVersion}, "registries", permRegistries, s.registries},
		{[]string{records.KindCloudAuditEvent}, "activity log", permActivity, s.activity},
	} {
		part := coverage.Part{Kinds: step.kinds, Scope: s.scope(step.what), Permission: step.permission}
		if err := s.book.Part(ctx, part, func() error { return step.read(ctx) }); err != nil {
			return err
		}
		if proven && step.permission != permActivity && !may(roles, step.permission) { // the log as a whole is given or denied
			if err := s.partly(step.kinds, step.what, step.permission); err != nil {
				return err
			}
		}
	}
	return nil
}

// partly tells of a role that is not on the whole subscription: Azure lists what
// lies in the resource groups that the app may see, and hides the others.
func (s *subscription) partly(kinds []string, what, permission string) error {
	return s.book.Gap(connector.Gap{
		Kinds: kinds, Scope: s.scope(what), Reason: connector.Hidden, Permission: permission,
		Detail: "the app's role is not on the whole subscription: what lies in resource groups that it may not see is left out without a word",
	})
}

func (s *subscription) scope(what string) string { return "subscription " + s.id + ", " + what }

// part reads a part of a listing's item; what goes wrong there is a gap of the
// item alone.
func (s *subscription) part(ctx context.Context, kind, what, permission string, read func() error) error {
	if len(s.book.Wants(kind)) == 0 {
		return nil
	}
	return s.book.Missed(ctx, coverage.Part{Kinds: []string{kind}, Scope: s.scope(what), Permission: permission}, read())
}

// group is the resource group in an id.
func group(id string) (string, error) {
	parsed, err := arm.ParseResourceID(id)
	if err != nil || parsed.ResourceGroupName == "" {
		return "", fmt.Errorf("%q is no id of a resource", records.Line(id, 120))
	}
	return parsed.ResourceGroupName, nil
}

// portal is where a person sees a resource.
func (r *run) portal(id string) string {
	host := clouds()[r.cfg.Cloud].portal
	if host == "" {
		host = clouds()["public"].portal
	}
	return host + "/#@" + r.cfg.Tenant + "/resource" + id
}

// resource emits an entry of the inventory.
func (s *subscription) resource(service, kind, id, name, region string, tags map[string]*string, created *time.Time) error {
	t := tagsOf(tags)
	return s.book.Record(connector.Record{
		Kind: records.KindAIResource, Subject: connector.Subject{Type: "organization", ID: records.OrganizationID}, Key: strings.ToLower(id), URL: s.portal(id),
	}, records.AIResource{
		Provider: "azure", Account: s.id, Region: records.Line(region, 60), Service: service, ResourceType: records.Line(kind, 60), ResourceID: records.Line(id, 500),
		Name: records.Line(name, 200), Tags: t, CreatedAt: stamp(created), OwnerTag: t[s.cfg.OwnerTag],
	})
}

func tagsOf(in map[string]*string) map[string]string {
	out := make(map[string]string, len(in))
	for k, v := range in {
		out[records.Line(k, 128)] = records.Line(str(v), 256)
	}
	return out
}

func stamp(t *time.Time) string { return records.Stamp(timeOf(t)) }

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
