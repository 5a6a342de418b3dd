package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// lifecycleURL is where AWS explains the states.
const lifecycleURL = "https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html"

// maxRemembered bounds what is remembered of a region, so that it fits into a
// cursor.
const maxRemembered = 800

// lifecycles reads the foundation models of the region with their dates: one
// call carries them all.
func (b *bedrockRun) lifecycles(ctx context.Context) error {
	p := piece{controlPlane, "foundation models", []string{records.KindModelLifecycle}}
	return b.part(ctx, p, func(kinds []string) error {
		const op = "bedrock:ListFoundationModels"
		out, err := b.api.ListFoundationModels(ctx, &bedrock.ListFoundationModelsInput{})
		if err == nil && out.ModelSummaries == nil {
			err = errNoAnswer
		}
		if err != nil {
			return &callError{op, err}
		}
		b.saw(kinds...)()
		return b.published(ctx, out.ModelSummaries)
	})
}

// published emits what AWS says of each model, and remembers when it was first
// read: for the region, since every account is told the same.
func (b *bedrockRun) published(ctx context.Context, models []types.FoundationModelSummary) error {
	name := connector.MemoryPrefix + "bedrock-lifecycle/" + b.region
	before := remembered(b.req.Cursors[name])
	if b.firsts[b.region] == nil {
		b.firsts[b.region] = map[string]string{}
	}
	now := b.firsts[b.region]
	for _, m := range models {
		if m.ModelLifecycle == nil || aws.ToString(m.ModelId) == "" {
			if err := b.failed(ctx, []string{records.KindModelLifecycle}, "foundation model "+text(m.ModelId, 100),
				fmt.Errorf("%w: a model without id or lifecycle", errValue)); err != nil {
				return err
			}
			continue
		}
		if err := b.lifecycle(ctx, m, before, now); err != nil {
			return err
		}
	}
	if len(now) > maxRemembered { // no region has as many; a cursor that is too large would end the run
		return nil
	}
	raw, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := b.emit.Cursor(name, string(raw)); err != nil {
		return &emitError{err}
	}
	return nil
}

// lifecycle emits one model's state. A date that moved is a new event.
func (b *bedrockRun) lifecycle(ctx context.Context, m types.FoundationModelSummary, before, now map[string]string) error {
	d := *m.ModelLifecycle
	status, announced := lifecycleOf(d, b.now)
	if status == "" {
		return b.failed(ctx, []string{records.KindModelLifecycle}, "foundation model "+text(m.ModelId, 100),
			fmt.Errorf("%w: lifecycle status %q", errValue, printable(string(d.Status), 40)))
	}
	l := records.ModelLifecycle{
		Vendor: b.cfg.Vendor, ModelID: text(m.ModelId, 200), Status: status, Region: b.region, SourceURL: lifecycleURL,
		ReleasedAt: stamp(d.StartOfLifeTime), LegacyAt: stamp(d.LegacyTime), ExtendedAt: stamp(d.PublicExtendedAccessTime),
	}
	if announced {
		l.ShutdownAt = stamp(d.EndOfLifeTime)
	} else {
		l.NotBefore = stamp(d.EndOfLifeTime)
	}
	dates := strings.Join([]string{l.LegacyAt, l.ExtendedAt, stamp(d.EndOfLifeTime)}, "|")
	f, at := b.announcement(short(l.ModelID), d, first{state: short(string(d.Status) + "|" + dates)}, before)
	now[short(l.ModelID)] = f.String()
	l.AnnouncedAt, l.AnnouncedBasis = stamp(&at), records.AnnouncedFirstSeen
	if f.published {
		l.AnnouncedBasis = records.AnnouncedPublished
	}
	key := strings.Join([]string{l.Vendor, l.ModelID, l.Region, l.Status, dates}, "|")
	if b.told[key] {
		return nil
	}
	b.told[key] = true
	return b.record(ctx, connector.Record{
		Kind: records.KindModelLifecycle, Subject: connector.Subject{Type: "model", ID: l.ModelID}, EventTime: at, URL: lifecycleURL, Key: key,
	}, l)
}

// lifecycleOf gives the state in our words, and whether the model's end is
// announced. Until AWS calls a model legacy or says when it will, the end of
// its life is a date before which it promises not to end.
func lifecycleOf(d types.FoundationModelLifecycle, now time.Time) (status string, announced bool) {
	announced = d.EndOfLifeTime != nil && (d.Status == types.FoundationModelLifecycleStatusLegacy || d.LegacyTime != nil)
	switch {
	case d.Status != types.FoundationModelLifecycleStatusActive && d.Status != types.FoundationModelLifecycleStatusLegacy:
		return "", false
	case announced && !d.EndOfLifeTime.After(now):
		return records.ModelRetired, true
	case announced:
		return records.ModelDeprecated, true
	case d.Status == types.FoundationModelLifecycleStatusLegacy:
		return records.ModelLegacy, false
	}
	return records.ModelActive, false
}

// first is a model's state as it was last read, and since when it is known to
// have been announced. It is what a cursor remembers, by short model id.
type first struct {
	state, at string
	published bool
}

func (f first) String() string {
	basis := records.AnnouncedFirstSeen
	if f.published {
		basis = records.AnnouncedPublished
	}
	return f.state + "|" + f.at + "|" + basis
}

func parseFirst(s string) (f first, at time.Time, ok bool) {
	parts := strings.Split(s, "|")
	if len(parts) != 3 {
		return first{}, time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339, parts[1])
	return first{parts[0], parts[1], parts[2] == records.AnnouncedPublished}, at.UTC(), err == nil
}

// announcement says when a model's state and dates were announced. AWS
// publishes a model's release, and when it became legacy; anything else counts
// from when it was first read. A state that followed one that we knew was
// announced between the two readings, whatever its dates.
func (b *bedrockRun) announcement(id string, d types.FoundationModelLifecycle, f first, before map[string]string) (first, time.Time) {
	at := b.now.UTC().Truncate(time.Second)
	known, since, ok := parseFirst(before[id])
	_, seen := before[id]
	active := d.Status == types.FoundationModelLifecycleStatusActive
	switch {
	case ok && known.state == f.state && !since.After(at):
		at, f.published = since, known.published
	case !seen && active && d.LegacyTime == nil && past(d.StartOfLifeTime, at):
		at, f.published = d.StartOfLifeTime.UTC().Truncate(time.Second), true
	case !seen && !active && past(d.LegacyTime, at):
		at, f.published = d.LegacyTime.UTC().Truncate(time.Second), true
	}
	f.at = at.Format(time.RFC3339)
	return f, at
}

func past(t *time.Time, now time.Time) bool { return t != nil && !t.IsZero() && !t.After(now) }

// remembered reads what an earlier run remembered; empty if it cannot be read.
func remembered(raw string) map[string]string {
	m := map[string]string{}
	if raw == "" || json.Unmarshal([]byte(raw), &m) != nil {
		return map[string]string{}
	}
	return m
}

// short names a text by a few digits.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
