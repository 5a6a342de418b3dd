package register

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// SourceName is the name of the built-in source that reads the register.
const SourceName = "register"

// Kinds are the kinds of record that Records may return, sorted. Declares says
// which of them a file claims to hold whole.
var Kinds = []string{kindContext, kindNames, "inventory.ai_system", kindObjectives, "role.assignment", kindScope, "soa.record", kindParties,
	"vendor.record", "waiver.record"}

// Roles that the register gives to the owner and the deputy of a system.
const (
	RoleOwner  = "ai_system_owner"
	RoleDeputy = "ai_system_deputy"
)

// kindNames says by which names systems know a person.
const kindNames = "directory.names"

// organizationID is the subject id of records about the organisation itself.
const organizationID = "organization"

// Records returns the register as records, read at the given time, sorted by
// kind and key. The same file gives the same payloads whatever the time, but
// for a role that begins later: it is not a fact yet and left out.
func (r *Register) Records(at time.Time) ([]evidence.Record, error) {
	b := builder{at: at.UTC()}
	for _, s := range r.Systems {
		b.system(s)
	}
	for _, v := range r.Vendors {
		b.vendor(v, r.systemsOf(v.ID))
	}
	for _, p := range r.People {
		b.person(p, r.Systems)
	}
	for _, w := range r.Waivers {
		b.waiver(w)
	}
	if r.Applicability != nil {
		b.applicability(*r.Applicability)
	}
	b.profile(r)
	if b.err != nil {
		return nil, b.err
	}
	slices.SortFunc(b.out, func(x, y evidence.Record) int {
		return cmp.Or(strings.Compare(x.Kind, y.Kind), strings.Compare(x.Key, y.Key))
	})
	return b.out, nil
}

func (r *Register) systemsOf(vendor string) []string {
	out := []string{}
	for _, s := range r.Systems {
		if slices.Contains(s.Vendors, vendor) {
			out = append(out, s.ID)
		}
	}
	slices.Sort(out)
	return out
}

type builder struct {
	at  time.Time
	out []evidence.Record
	err error
}

// add makes a record. Payload fields that are empty text, 0, a zero time or an
// unset yes or no are left out: they were not declared.
func (b *builder) add(kind, subjectType, subjectID, key string, event time.Time, payload map[string]any) {
	for name, v := range payload {
		switch v := v.(type) {
		case string:
			if v == "" {
				delete(payload, name)
			}
		case int:
			if v == 0 {
				delete(payload, name)
			}
		case *bool:
			if v == nil {
				delete(payload, name)
			}
		case time.Time:
			delete(payload, name)
			if !v.IsZero() {
				payload[name] = v.UTC().Format(time.RFC3339)
			}
		}
	}
	raw, err := json.Marshal(payload)
	if err == nil {
		raw, err = evidence.CanonicalObject(raw)
	}
	if err != nil && b.err == nil {
		b.err = fmt.Errorf("register: %s %s: %w", kind, key, err)
	}
	b.out = append(b.out, evidence.Record{
		Kind: kind, Major: 1, Subject: evidence.Subject{Type: subjectType, ID: subjectID}, Key: key,
		EventTime: event.UTC(), Payload: raw, CollectedAt: b.at,
	})
}

func (b *builder) system(s System) {
	type repository struct {
		Name             string   `json:"name"`
		AIPaths          []string `json:"ai_paths"`
		ProductionBranch string   `json:"production_branch,omitempty"`
	}
	type jiraRef struct {
		Project   string `json:"project"`
		Component string `json:"component,omitempty"`
	}
	repositories, jira := []repository{}, []jiraRef{}
	for _, r := range s.Repositories {
		repositories = append(repositories, repository{r.Name, list(r.AIPaths), r.ProductionBranch})
	}
	for _, j := range s.Jira {
		jira = append(jira, jiraRef(j))
	}
	b.add("inventory.ai_system", "ai_system", s.ID, s.ID, s.ReviewedAt, map[string]any{
		"system_id": s.ID, "name": s.Name, "purpose": s.Purpose, "owner": s.Owner, "deputy": s.Deputy,
		"risk_tier": s.Tier, "tier_reason": s.TierReason, "ai_role": s.AIRole, "stage": s.Stage, "in_scope": s.IsInScope(),
		"go_live": s.GoLive, "retired_at": s.RetiredAt, "reviewed_at": s.ReviewedAt, "reviewed_by": s.ReviewedBy, "tier_changed_at": s.TierChangedAt,
		"users": s.Users, "affected_groups": list(s.AffectedGroups),
		"customer_facing": s.CustomerFacing, "generative": s.Generative, "log_retention_days": s.LogRetention,
		"vendors": list(s.Vendors), "models": list(s.Models), "datasets": list(s.Datasets),
		"repositories": repositories, "cloud_refs": list(s.Cloud), "jira": jira,
		"callers": list(s.Callers), "version": s.Version, "excluded_uses": list(s.ExcludedUses),
		"intended_use_changed_at": s.IntendedUseChangedAt, "surfaces": list(s.Surfaces), "external_parties": list(s.ExternalParties),
	})
}

func (b *builder) vendor(v Vendor, systems []string) {
	b.add("vendor.record", "vendor", v.ID, v.ID, v.UpdatedAt, map[string]any{
		"vendor_id": v.ID, "legal_name": v.Name, "services": list(v.Services), "criticality": v.Criticality,
		"owner": v.Owner, "systems": systems, "contract_ref": v.ContractRef, "updated_at": v.UpdatedAt,
		"control_decision": v.ControlDecision, "decided_by": v.DecidedBy, "decided_at": v.DecidedAt,
	})
}

// person emits one assignment for each role held, and one for each system
// owned or deputised.
func (b *builder) person(p Person, systems []System) {
	assign := func(r RoleHeld, system string) {
		if r.Since.After(b.at) {
			return
		}
		tail := system
		if !r.Since.IsZero() {
			tail = r.Since.UTC().Format(time.RFC3339)
		}
		payload := map[string]any{
			"role": r.Role, "person": p.ID, "start": r.Since, "end": r.Until, "authority_doc": r.Authority,
			"directory_active": p.IsActive(), "directory_checked_at": p.CheckedAt, "system_id": system,
		}
		if len(r.Requirements) > 0 {
			payload["requirements"] = r.Requirements
		}
		b.add("role.assignment", "person", p.ID, r.Role+"|"+p.ID+"|"+tail, r.Since, payload)
	}
	names := []string{}
	for _, n := range append([]string{p.Name, p.Email}, p.Names...) {
		if strings.TrimSpace(n) != "" && n != p.ID && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	b.add(kindNames, "person", p.ID, p.ID, time.Time{}, map[string]any{"person": p.ID, "names": names})
	for _, r := range p.Roles {
		assign(r, "")
	}
	for _, s := range systems {
		if s.Owner == p.ID {
			assign(RoleHeld{Role: RoleOwner}, s.ID)
		}
		if s.Deputy == p.ID {
			assign(RoleHeld{Role: RoleDeputy}, s.ID)
		}
	}
}

func (b *builder) waiver(w Waiver) {
	b.add("waiver.record", "record", w.ID, w.ID, w.ApprovedAt, map[string]any{
		"waiver_id": w.ID, "expectation_slug": w.Expectation,
		"subject": map[string]string{"type": w.Subject.Type, "id": w.Subject.ID},
		"reason":  w.Reason, "compensating_controls": w.CompensatingControls, "risk_ref": w.RiskRef,
		"requested_by": w.RequestedBy, "approved_by": w.ApprovedBy, "approved_at": w.ApprovedAt,
		"expires_at": w.ExpiresAt, "revoked_at": w.RevokedAt,
	})
}

func (b *builder) applicability(a Applicability) {
	controls := []map[string]any{}
	for _, c := range a.Controls {
		m := map[string]any{"id": c.ID, "applicable": *c.Applicable, "justification": c.Justification}
		if c.Implementation != "" {
			m["implementation"] = c.Implementation
		}
		controls = append(controls, m)
	}
	b.add("soa.record", "organization", organizationID, a.Version, a.ApprovedAt, map[string]any{
		"version": a.Version, "approved_by": a.ApprovedBy, "approved_at": a.ApprovedAt, "controls": controls,
	})
}

// list returns l, never nil: an empty list is a statement.
func list(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}
