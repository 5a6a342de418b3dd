package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// EvidenceRow is a piece of evidence without its payload.
type EvidenceRow struct {
	Seq         int64            `json:"seq" doc:"Its position in the ledger."`
	Digest      evidence.Digest  `json:"digest"`
	Kind        string           `json:"kind"`
	Major       int              `json:"major"`
	Subject     evidence.Subject `json:"subject"`
	Source      string           `json:"source"`
	Key         string           `json:"key"`
	Run         string           `json:"run"`
	Revision    int64            `json:"revision"`
	EventTime   time.Time        `json:"event_time,omitzero"`
	CollectedAt time.Time        `json:"collected_at"`
	Period      *evidence.Period `json:"period,omitempty"`
	URL         string           `json:"url,omitempty"`
	Imported    bool             `json:"imported,omitempty"`
	GoneAt      time.Time        `json:"gone_at,omitzero"`
	Payload     evidence.Digest  `json:"payload_sha256"`
}

func evidenceRow(ev evidence.Evidence) EvidenceRow {
	return EvidenceRow{Seq: ev.Seq, Digest: ev.Digest, Kind: ev.Kind, Major: ev.Major, Subject: ev.Subject, Source: ev.Source, Key: ev.Key, Run: ev.Run,
		Revision: int64(ev.Revision), EventTime: ev.EventTime, CollectedAt: ev.CollectedAt, Period: ev.Period, URL: ev.URL, Imported: ev.Imported,
		GoneAt: ev.GoneAt, Payload: ev.PayloadSum}
}

func (a *API) evidenceOperations() {
	get := func(path, id, summary, about string) operation {
		return operation{method: http.MethodGet, path: path, id: id, tag: "evidence", needs: access.Read, summary: summary, about: about}
	}
	register(a, get("/v1/evidence", "evidence-search", "Search evidence, the newest first", "A page may be short and still have next: then the search was given up to answer in time, and goes on from there."), a.search)
	register(a, get("/v1/evidence/{digest}", "evidence", "One piece of evidence, without its payload", ""), a.evidence)
	payload := get("/v1/evidence/{digest}/payload", "evidence-payload", "The payload of a piece of evidence, as it was collected", "Who was sent it is in the ledger before it is sent.")
	payload.needs = access.ReadPayload
	register(a, payload, a.evidencePayload)
	register(a, get("/v1/counts", "counts", "How much evidence there is, by source and kind", ""), a.counts)
	register(a, get("/v1/ledger/checkpoint", "checkpoint", "A signed checkpoint to keep elsewhere",
		"Of what the ledger holds: the same that the next export signs. What only concludes from it follows after it, so that any bundle exported later can be held against it."), a.checkpoint)
	register(a, get("/v1/ledger/proofs/{entry}", "proof", "That an entry is in the ledger", "entry is a position, or the digest of a piece of evidence."), a.proof)
	attestations := get("/v1/ledger/attestations", "attestations", "What others said of the ledger's checkpoints, each checked again", "")
	attestations.costly = true
	register(a, attestations, a.attestations)
	register(a, operation{method: http.MethodPost, path: "/v1/ledger/consistency", id: "consistency", tag: "evidence", needs: access.Read,
		summary: "That the ledger continues a checkpoint that was kept elsewhere"}, a.consistency)
}

// EvidenceWanted narrows the search.
type EvidenceWanted struct {
	Paged
	Kind          []string `query:"kind" maxItems:"50" doc:"Of these kinds."`
	Source        string   `query:"source" maxLength:"2048"`
	Run           string   `query:"run" maxLength:"2048"`
	SubjectType   string   `query:"subject_type" maxLength:"2048"`
	SubjectID     string   `query:"subject_id" maxLength:"8192"`
	SubjectPrefix string   `query:"subject_prefix" maxLength:"8192"`
	KeyPrefix     string   `query:"key_prefix" maxLength:"8192"`
	Digest        string   `query:"digest" maxLength:"64" doc:"What the digest begins with."`
	From          string   `query:"collected_from" maxLength:"40" format:"instant"`
	To            string   `query:"collected_to" maxLength:"40" format:"instant"`
	Latest        bool     `query:"latest" doc:"Only the newest revision of each key."`
}

func (a *API) search(ctx context.Context, in *EvidenceWanted) (*Answer[List[EvidenceRow]], error) {
	p, err := parsePlace("evidence", in.Cursor)
	if err != nil {
		return nil, err
	}
	q := store.PageQuery{Kinds: in.Kind, Source: in.Source, Run: in.Run, SubjectType: in.SubjectType, SubjectID: in.SubjectID, SubjectPrefix: in.SubjectPrefix,
		KeyPrefix: in.KeyPrefix, Digest: in.Digest, Latest: in.Latest, Before: p.At, Limit: in.Limit}
	if q.CollectedFrom, err = dayStart("collected_from", in.From); err != nil {
		return nil, err
	}
	if q.CollectedTo, err = dayStart("collected_to", in.To); err != nil {
		return nil, err
	}
	page, err := a.Service.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	out := List[EvidenceRow]{Items: []EvidenceRow{}}
	for _, ev := range page.Items {
		out.Items = append(out.Items, evidenceRow(ev))
	}
	if !page.Done && page.Next > 0 {
		out.Next = place{List: "evidence", At: page.Next}.String()
	}
	return answered(out, nil)
}

// dayStart reads a time; a date means its first instant, UTC.
func dayStart(name, s string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, service.CheckTime(name, t)
	}
	return parseDay(name, s)
}

// ByDigest names a piece of evidence.
type ByDigest struct {
	Digest string `path:"digest" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$"`
}

func (a *API) byDigest(ctx context.Context, text string) (evidence.Evidence, error) {
	var d evidence.Digest
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return evidence.Evidence{}, wrong("64 hexadecimal digits", err)
	}
	return a.Service.FindEvidence(ctx, d)
}

// EvidenceBody is a piece of evidence with what rests on it now.
type EvidenceBody struct {
	EvidenceRow
	State
	RestsOn []ResultName `json:"results" nullable:"false" doc:"The results that rest on it, as of as_of; the first of them."`
}

// ResultName names a result.
type ResultName struct {
	Expectation string           `json:"expectation"`
	Control     string           `json:"control"`
	Subject     evidence.Subject `json:"subject"`
	Status      string           `json:"status"`
}

const maxResting = 200

func (a *API) evidence(ctx context.Context, in *ByDigest) (*Answer[EvidenceBody], error) {
	ev, err := a.byDigest(ctx, in.Digest)
	if err != nil {
		return nil, err
	}
	v, err := a.Service.Current(ctx)
	if err != nil {
		return nil, err
	}
	out := EvidenceBody{EvidenceRow: evidenceRow(ev), State: stateOf(v), RestsOn: []ResultName{}}
	for _, r := range v.RestsOn(ev.Digest) {
		if len(out.RestsOn) < maxResting {
			out.RestsOn = append(out.RestsOn, ResultName{r.Expectation, r.Control, r.Subject, string(r.Status)})
		}
	}
	return answered(out, nil)
}

func (a *API) evidencePayload(ctx context.Context, in *ByDigest) (*Answer[json.RawMessage], error) {
	ev, err := a.byDigest(ctx, in.Digest)
	if err != nil {
		return nil, err
	}
	raw, err := a.Service.Payload(ctx, ev.PayloadSum)
	if err != nil {
		return nil, err
	}
	who, _ := access.From(ctx)
	if err := a.Payload.OnPayload(ctx, who, "GET /v1/evidence/"+in.Digest+"/payload", ev.PayloadSum); err != nil {
		return nil, fmt.Errorf("the ledger cannot say who sees the payload: %w", err)
	}
	return answered(json.RawMessage(raw), nil)
}

// CountRow is how much evidence there is.
type CountRow struct {
	Source   string `json:"source"`
	Kind     string `json:"kind"`
	Evidence int64  `json:"evidence" doc:"Revisions."`
	Live     int64  `json:"live" doc:"Keys that are there as far as is known."`
}

func (a *API) counts(ctx context.Context, _ *struct{}) (*Answer[List[CountRow]], error) {
	all, err := a.Service.Counts(ctx)
	out := List[CountRow]{Items: []CountRow{}}
	for _, c := range all {
		out.Items = append(out.Items, CountRow(c))
	}
	return answered(out, err)
}

func (a *API) checkpoint(ctx context.Context, in *struct {
	Newest bool `query:"newest" doc:"Of all entries, with those that only conclude: a store continues it, and a bundle may not reach it."`
}) (*Answer[service.SignedCheckpoint], error) {
	return answered(a.Service.Checkpoint(ctx, in.Newest))
}

// ProofBody is what exhibit ledger prove prints.
type ProofBody struct {
	Seq        int64    `json:"seq"`
	Digest     string   `json:"digest" doc:"SHA-256 of the line."`
	Line       string   `json:"line" doc:"The entry, as it was hashed."`
	Path       []string `json:"path" nullable:"false" doc:"RFC 6962 audit path, base64, from leaf to root."`
	Checkpoint string   `json:"checkpoint" doc:"The signed note that the path leads to."`
}

func (a *API) proof(ctx context.Context, in *struct {
	Entry string `path:"entry" pattern:"^([0-9]{1,18}|[0-9a-f]{64})$" doc:"A position, or the digest of a piece of evidence."`
}) (*Answer[ProofBody], error) {
	var seq int64
	if len(in.Entry) == 64 {
		ev, err := a.byDigest(ctx, in.Entry)
		if err != nil {
			return nil, err
		}
		seq = ev.Seq
	} else if n, err := strconv.ParseInt(in.Entry, 10, 64); err == nil {
		seq = n
	}
	p, err := a.Service.Proof(ctx, seq)
	if err != nil {
		return nil, err
	}
	return answered(ProofBody{Seq: p.Seq, Digest: evidence.Sum([]byte(p.Entry)).String(), Line: p.Entry, Path: orEmpty(p.Hashes), Checkpoint: p.Checkpoint}, nil)
}

func (a *API) attestations(ctx context.Context, _ *struct{}) (*Answer[List[service.AttestationRow]], error) {
	rows, err := a.Service.AttestationsOnRecord(ctx)
	return answered(List[service.AttestationRow]{Items: orEmpty(rows)}, err)
}

// ConsistencyBody is what exhibit ledger consistency prints.
type ConsistencyBody struct {
	OldSize    int64 `json:"old_size"`
	Size       int64 `json:"size"`
	Consistent bool  `json:"consistent"`
}

var errOtherLedger = errors.New("the ledger does not continue that checkpoint")

func (a *API) consistency(ctx context.Context, in *struct {
	Body struct {
		Checkpoint string `json:"checkpoint" minLength:"1" maxLength:"10000" doc:"The signed note that was kept."`
	}
}) (*Answer[ConsistencyBody], error) {
	if a.Service.Key == nil {
		return nil, wrong("ask where the signing key is", errors.New("there is no key to hold signatures against"))
	}
	trusted, err := ledger.ParseVerifier(a.Service.Key.Public())
	if err != nil {
		return nil, err
	}
	st := a.Service.Store()
	keys, err := store.Keys(ctx, st, trusted)
	if err != nil {
		return nil, err
	}
	old, err := ledger.OpenCheckpoint([]byte(in.Body.Checkpoint), keys)
	if err != nil {
		return nil, wrong("send the note as it was signed, with its last newline", fmt.Errorf("the checkpoint is not signed by this ledger's key: %w", err))
	}
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	now, err := ledger.OpenCheckpoint(note, keys)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if err := ledger.CheckContinues(old, now, st); err != nil {
		return nil, &Problem{Status: http.StatusConflict, Detail: errOtherLedger.Error(), Hint: "keep both for an investigation"}
	}
	return answered(ConsistencyBody{old.Size, now.Size, true}, nil)
}
