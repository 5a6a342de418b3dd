package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// DecodeDescriptor is the reverse of EncodeDescriptor.
func DecodeDescriptor(m *Descriptor) (connector.Descriptor, error) {
	d := connector.Descriptor{
		Name: m.GetName(), Version: m.GetVersion(), Summary: m.GetSummary(),
		ConfigSchema: rawJSON(m.GetConfigSchema()),
	}
	for _, s := range m.GetSecrets() {
		d.Secrets = append(d.Secrets, connector.SecretSpec{
			Name: s.GetName(), Summary: s.GetSummary(), Required: s.GetRequired(),
		})
	}
	for _, k := range m.GetKinds() {
		major, err := decodeMajor(k.GetMajor())
		if err != nil {
			return connector.Descriptor{}, fmt.Errorf("kind %s: %w", Quote(k.GetKind()), err)
		}
		d.Kinds = append(d.Kinds, connector.KindSpec{Kind: k.GetKind(), Major: major, Summary: k.GetSummary(), Reread: connector.Reread(k.GetReread())})
	}
	for _, p := range m.GetPermissions() {
		d.Permissions = append(d.Permissions, connector.Permission{
			ID: p.GetId(), Kinds: p.GetKinds(), Why: p.GetWhy(), Grant: p.GetGrant(),
		})
	}
	return d, nil
}

// DecodeConfig is the reverse of EncodeConfig.
func DecodeConfig(m *Config) connector.Config {
	return connector.Config{Settings: rawJSON(m.GetSettings()), Secrets: m.GetSecrets()}
}

// DecodeCheckReport is the reverse of EncodeCheckReport. A grant that is not
// one of the known words is unknown.
func DecodeCheckReport(m *CheckReport) connector.CheckReport {
	r := connector.CheckReport{
		Identity: m.GetIdentity(), Scope: m.GetScope(), Problem: m.GetProblem(), Remedy: m.GetRemedy(),
	}
	for _, p := range m.GetPermissions() {
		grant := connector.Grant(p.GetGrant())
		if grant != connector.Granted && grant != connector.Missing {
			grant = connector.GrantUnknown
		}
		r.Permissions = append(r.Permissions, connector.PermissionState{
			Permission: p.GetPermission(), Grant: grant, Detail: p.GetDetail(),
		})
	}
	return r
}

// DecodeRequest is the reverse of EncodeRequest.
func DecodeRequest(m *CollectRequest) (connector.Request, error) {
	since, err := decodeTime(m.GetSince())
	if err != nil {
		return connector.Request{}, fmt.Errorf("since: %w", err)
	}
	r := connector.Request{
		Config: DecodeConfig(m.GetConfig()), Kinds: m.GetKinds(), Cursors: m.GetCursors(),
		Full: m.GetFull(), Since: since,
	}
	if len(m.GetValidators()) > 0 {
		r.Validators = make(map[string]connector.Validator, len(m.GetValidators()))
	}
	for key, v := range m.GetValidators() {
		r.Validators[key] = DecodeValidator(v)
	}
	return r, nil
}

// DecodeValidator is the reverse of EncodeValidator.
func DecodeValidator(m *Validator) connector.Validator {
	return connector.Validator{
		ETag: m.GetEtag(), LastModified: m.GetLastModified(), Link: m.GetLink(), Memo: m.GetMemo(),
	}
}

// DecodeRecord is the reverse of EncodeRecord; a major version of 0 becomes 1.
// It checks what can be decoded, not what is allowed: see Rules.
func DecodeRecord(m *Record) (connector.Record, error) {
	r := connector.Record{
		Kind: m.GetKind(), Key: m.GetKey(), Group: m.GetGroup(), URL: m.GetUrl(),
		Payload: rawJSON(m.GetPayload()),
		Subject: connector.Subject{Type: m.GetSubject().GetType(), ID: m.GetSubject().GetId()},
	}
	var err error
	if r.Major, err = decodeMajor(m.GetMajor()); err != nil {
		return connector.Record{}, err
	}
	if r.EventTime, err = decodeTime(m.GetEventTime()); err != nil {
		return connector.Record{}, fmt.Errorf("event time: %w", err)
	}
	if p := m.GetPeriod(); p != nil {
		r.Period = &connector.Period{}
		if r.Period.From, err = decodeTime(p.GetFrom()); err != nil {
			return connector.Record{}, fmt.Errorf("period: %w", err)
		}
		if r.Period.To, err = decodeTime(p.GetTo()); err != nil {
			return connector.Record{}, fmt.Errorf("period: %w", err)
		}
	}
	return r, nil
}

// DecodeGap is the reverse of EncodeGap.
func DecodeGap(m *Gap) connector.Gap {
	return connector.Gap{
		Kinds: m.GetKinds(), Scope: m.GetScope(), Reason: connector.Reason(m.GetReason()),
		Permission: m.GetPermission(), Detail: m.GetDetail(),
	}
}

// DecodeProgress is the reverse of EncodeProgress.
func DecodeProgress(m *Progress) connector.Progress {
	return connector.Progress{Message: m.GetMessage(), Done: m.GetDone(), Total: m.GetTotal()}
}

// DecodeCoverage is the reverse of EncodeCoverage.
func DecodeCoverage(m map[string]*KindCoverage) (connector.Coverage, error) {
	c := make(connector.Coverage, len(m))
	for kind, k := range m {
		since, err := decodeTime(k.GetSince())
		if err != nil {
			return nil, fmt.Errorf("coverage of %s: since: %w", Quote(kind), err)
		}
		c[kind] = connector.KindCoverage{
			Status: connector.CoverageStatus(k.GetStatus()), Enumerated: k.GetEnumerated(), Since: since,
			Query: k.GetQuery(), IndependentCount: k.GetIndependentCount(),
		}
	}
	return c, nil
}

// DecodeCalls is the reverse of EncodeCalls.
func DecodeCalls(m *Calls) connector.Calls {
	return connector.Calls{
		Requests: m.GetRequests(), NotModified: m.GetNotModified(), Retries: m.GetRetries(),
		RateLimited: m.GetRateLimited(), Bytes: m.GetBytes(),
	}
}

func decodeMajor(major int64) (int, error) {
	if major < 0 || major > math.MaxInt32 {
		return 0, fmt.Errorf("major version %d is out of range", major)
	}
	if major == 0 {
		return 1, nil
	}
	return int(major), nil
}

func decodeTime(t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fmt.Errorf("not a time: %d seconds, %d nanoseconds", t.GetSeconds(), t.GetNanos())
	}
	return t.AsTime(), nil
}

func rawJSON(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	return json.RawMessage(b)
}
