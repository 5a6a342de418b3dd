package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// EncodeDescriptor returns d as a message.
func EncodeDescriptor(d connector.Descriptor) *Descriptor {
	m := &Descriptor{
		Name: d.Name, Version: d.Version, Summary: d.Summary, ConfigSchema: d.ConfigSchema,
	}
	for _, s := range d.Secrets {
		m.Secrets = append(m.Secrets, &SecretSpec{Name: s.Name, Summary: s.Summary, Required: s.Required})
	}
	for _, k := range d.Kinds {
		m.Kinds = append(m.Kinds, &KindSpec{Kind: k.Kind, Major: int64(k.Major), Summary: k.Summary, Reread: string(k.Reread)})
	}
	for _, p := range d.Permissions {
		m.Permissions = append(m.Permissions, &Permission{Id: p.ID, Kinds: p.Kinds, Why: p.Why, Grant: p.Grant})
	}
	return m
}

// EncodeConfig returns c as a message. The message holds secrets.
func EncodeConfig(c connector.Config) *Config {
	return &Config{Settings: c.Settings, Secrets: c.Secrets}
}

// EncodeCheckReport returns r as a message.
func EncodeCheckReport(r connector.CheckReport) *CheckReport {
	m := &CheckReport{Identity: r.Identity, Scope: r.Scope, Problem: r.Problem, Remedy: r.Remedy}
	for _, p := range r.Permissions {
		m.Permissions = append(m.Permissions, &PermissionState{
			Permission: p.Permission, Grant: string(p.Grant), Detail: p.Detail,
		})
	}
	return m
}

// EncodeRequest returns r as a message. The message holds secrets.
func EncodeRequest(r connector.Request) *CollectRequest {
	m := &CollectRequest{
		Config: EncodeConfig(r.Config), Kinds: r.Kinds, Cursors: r.Cursors, Full: r.Full,
		Since: encodeTime(r.Since),
	}
	if len(r.Validators) > 0 {
		m.Validators = make(map[string]*Validator, len(r.Validators))
	}
	for key, v := range r.Validators {
		m.Validators[key] = EncodeValidator(v)
	}
	return m
}

// EncodeValidator returns v as a message, nil if v is zero.
func EncodeValidator(v connector.Validator) *Validator {
	if v.IsZero() {
		return nil
	}
	return &Validator{Etag: v.ETag, LastModified: v.LastModified, Link: v.Link, Memo: v.Memo}
}

// EncodeRecord returns r as a message.
func EncodeRecord(r connector.Record) *Record {
	m := &Record{
		Kind: r.Kind, Major: int64(r.Major), Key: r.Key, Group: r.Group, Url: r.URL, Payload: r.Payload,
		Subject:   &Subject{Type: r.Subject.Type, Id: r.Subject.ID},
		EventTime: encodeTime(r.EventTime),
	}
	if r.Period != nil {
		m.Period = &Period{From: encodeTime(r.Period.From), To: encodeTime(r.Period.To)}
	}
	return m
}

// EncodeGap returns g as a message.
func EncodeGap(g connector.Gap) *Gap {
	return &Gap{
		Kinds: g.Kinds, Scope: g.Scope, Reason: string(g.Reason), Permission: g.Permission, Detail: g.Detail,
	}
}

// EncodeProgress returns p as a message.
func EncodeProgress(p connector.Progress) *Progress {
	return &Progress{Message: p.Message, Done: p.Done, Total: p.Total}
}

// EncodeCoverage returns c as a message.
func EncodeCoverage(c connector.Coverage) map[string]*KindCoverage {
	if c == nil {
		return nil
	}
	m := make(map[string]*KindCoverage, len(c))
	for kind, k := range c {
		m[kind] = &KindCoverage{
			Status: string(k.Status), Enumerated: k.Enumerated, Since: encodeTime(k.Since),
			Query: k.Query, IndependentCount: k.IndependentCount,
		}
	}
	return m
}

// EncodeCalls returns c as a message.
func EncodeCalls(c connector.Calls) *Calls {
	return &Calls{
		Requests: c.Requests, NotModified: c.NotModified, Retries: c.Retries,
		RateLimited: c.RateLimited, Bytes: c.Bytes,
	}
}

// encodeTime returns nil for the zero time, which means "none".
func encodeTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
