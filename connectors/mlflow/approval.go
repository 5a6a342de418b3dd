package mlflow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// The states that a version's approval can be in.
const (
	approved  = "Approved"
	rejected  = "Rejected"
	undecided = "PendingManualApproval"
)

// How the time of an approval is known.
const (
	basisLastChange = "last_change" // a stage: the version was last changed then, and not before the approval
	basisFirstSeen  = "first_seen"  // an alias or a tag: MLflow keeps no time, so it is that of the first reading that saw it
	basisStated     = "stated"      // a tag of the version says so
)

// remembered is what of an approval the source does not keep.
type remembered struct {
	Status   string `json:"status"`
	Previous string `json:"previous,omitempty"`
	At       string `json:"at"` // of this status: RFC 3339
}

// sign says what is looked at.
func (a *approvalConfig) sign() string {
	switch {
	case a.Alias != "":
		return "alias " + a.Alias
	case a.Stage != "":
		return "stage " + a.Stage
	}
	return "tag " + a.Tag
}

// status reads the sign. told is false where the version carries none.
func (a *approvalConfig) status(v modelVersion, aliases []string) (status string, told bool) {
	switch {
	case a.Alias != "":
		told = slices.ContainsFunc(aliases, func(s string) bool { return strings.EqualFold(s, a.Alias) })
		return approved, told
	case a.Stage != "":
		return approved, v.Stage != nil && strings.EqualFold(*v.Stage, a.Stage)
	}
	value, told := lookup(v.Tags, a.Tag)
	switch {
	case !told:
		return undecided, false
	case among(a.Rejected, value):
		return rejected, true
	case among(a.Approved, value):
		return approved, true
	}
	return undecided, true
}

// among reports whether a tag's value is one of those configured.
func among(values []string, value string) bool {
	value = strings.TrimSpace(value)
	return slices.ContainsFunc(values, func(s string) bool { return strings.EqualFold(s, value) || s == "*" && value != "" })
}

func lookup(tags []tag, name string) (string, bool) {
	i := slices.IndexFunc(tags, func(t tag) bool { return t.Key == name })
	if i < 0 || name == "" {
		return "", false
	}
	return tags[i].Value, true
}

// approval emits the state of a version's approval, if it carries one or did
// when it was last read.
func (c *collection) approval(v modelVersion, m *model) error {
	a := c.cfg.Approval
	if a == nil || len(c.book.Wants(records.KindModelApproval)) == 0 {
		return nil
	}
	if a.Stage != "" && v.Stage == nil {
		return c.gapOf([]string{records.KindModelApproval}, v.ref(), connector.Unsupported,
			"the server tells no stages, so stage %s cannot mean approval; name an alias or a tag", a.Stage)
	}
	status, told := a.status(v, m.aliases[string(v.Version)])
	var last remembered
	name := c.memory(v)
	known := c.book.Position(name, &last)
	if !told {
		if !known {
			return nil
		}
		status = undecided
	}
	at, basis, err := c.since(v, status, last)
	if err != nil {
		return c.gapOf([]string{records.KindModelApproval}, v.ref(), connector.Malformed, "%s", err)
	}
	now := remembered{Status: status, Previous: last.Previous, At: records.Stamp(at)}
	if known && (last.Status != now.Status || last.At != now.At) {
		now.Previous = last.Status
	}
	if err := c.emitApproval(v, now, basis); err != nil {
		return err
	}
	if now == last {
		return nil
	}
	return c.book.Cursor(name, now)
}

// memory names where what is remembered of a version is kept.
func (c *collection) memory(v modelVersion) string {
	sum := sha256.Sum256([]byte(c.cfg.Registry + "\x00" + c.cfg.Approval.sign() + "\x00" + v.ref()))
	return connector.MemoryPrefix + "approval:" + hex.EncodeToString(sum[:16])
}

// since tells when a version came to its status, and how that is known. MLflow
// puts down the time of a change of stage, but none of an alias or a tag.
func (c *collection) since(v modelVersion, status string, last remembered) (time.Time, string, error) {
	a := c.cfg.Approval
	if stated, there := lookup(v.Tags, a.AtTag); there {
		at, dayOnly, err := records.ParseTime(stated)
		if err != nil {
			return time.Time{}, "", fmt.Errorf("tag %s: %w", a.AtTag, err)
		}
		if made := v.Created.time(); at.Before(made.Truncate(24*time.Hour).Add(-clockSkew)) || !dayOnly && at.Before(made.Add(-clockSkew)) {
			return time.Time{}, "", fmt.Errorf("tag %s: the version was made later, on %s", a.AtTag, made.Format(time.RFC3339))
		}
		return at, basisStated, nil
	}
	if a.Stage != "" {
		at := v.Updated.time()
		if at.IsZero() {
			at = v.Created.time()
		}
		return at, basisLastChange, nil
	}
	if last.Status == status {
		if at, err := time.Parse(time.RFC3339Nano, last.At); err == nil {
			return at, basisFirstSeen, nil
		}
	}
	return c.now, basisFirstSeen, nil
}

func (c *collection) emitApproval(v modelVersion, now remembered, basis string) error {
	at, _ := time.Parse(time.RFC3339Nano, now.At) // empty for a server without times: no event time then
	by, _ := lookup(v.Tags, c.cfg.Approval.ByTag)
	return c.book.Record(connector.Record{
		Kind: records.KindModelApproval, Subject: connector.Subject{Type: "model", ID: v.ref()},
		Key: key(c.cfg.Registry, v.Name, string(v.Version), now.At), EventTime: at, URL: c.versionLink(v),
	}, records.ModelApproval{
		Registry: c.cfg.Registry, Model: v.Name, Version: string(v.Version), ARNOrURI: v.uri(), ApprovalStatus: now.Status,
		ApprovalDescription: c.cfg.Approval.sign(), ChangedBy: records.Line(by, 250), ChangedAt: now.At, PreviousStatus: now.Previous, Basis: basis,
	})
}
