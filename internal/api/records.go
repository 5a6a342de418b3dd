package api

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// PushedRow is the run that a push made. The names are those of exhibit import -o json.
type PushedRow struct {
	Source   string         `json:"source"`
	Run      string         `json:"run"`
	Status   string         `json:"status" doc:"partial where the header did not say that all of a kind was sent."`
	Error    string         `json:"error,omitempty"`
	Seen     int64          `json:"seen"`
	New      int64          `json:"new"`
	Revised  int64          `json:"revised"`
	Gone     int64          `json:"gone"`
	Gaps     []evidence.Gap `json:"gaps" nullable:"false"`
	Requests int64          `json:"requests"`
	NotMod   int64          `json:"not_modified"`
	Finished time.Time      `json:"finished_at"`
}

func pushedRow(r evidence.Run) *PushedRow {
	row := &PushedRow{Source: r.Provenance.Source, Run: r.ID, Status: string(r.Status), Error: r.Error, Gaps: r.Gaps, Finished: r.FinishedAt}
	if row.Gaps == nil {
		row.Gaps = []evidence.Gap{}
	}
	for _, k := range r.Kinds {
		row.Seen += k.Seen
		row.New += k.New
		row.Revised += k.Revised
		row.Gone += k.Gone
	}
	return row
}

// PushInput is a request with records.
type PushInput struct {
	Key     string `header:"Idempotency-Key" required:"true" minLength:"8" maxLength:"255" doc:"Names this push: sent again with the same body it is answered again and taken in once. Use, for example, the id of the pipeline's run and step."`
	Source  string `query:"source" maxLength:"63" pattern:"^[a-z][a-z0-9-]{0,62}$" doc:"The source that the records are of, unless a run header names it." example:"ci"`
	Content string `header:"Content-Type"`
	RawBody []byte `contentType:"application/x-ndjson"`
}

// PushOutput answers a push.
type PushOutput struct {
	Again string `header:"Idempotent-Replay" doc:"true where the key came before."`
	Body  PushedRow
}

// pushes takes records in.
type pushes struct {
	answers answers
	line    chan struct{} // one at a time, in this process
	known   sync.Map      // sources that were pushed to by this process

	mu      sync.Mutex
	taken   []string // sources of connectors, as they were when it was looked
	takenAt time.Time
}

// takenLife is how long the list of taken sources is held; those of the
// configuration are always there.
const takenLife = time.Minute

func (a *API) recordOperations() {
	register(a, operation{method: http.MethodPost, path: "/v1/records", id: "push-records", tag: "records", needs: access.Ingest, status: http.StatusCreated, body: maxPushBody,
		summary: "Push records",
		about: `Takes in records, as exhibit import does: one JSON object a line, or an array of them. The first may be a run header, {"run":{"source":"ci","scope":{"change.release":"complete"}}}, which says how much of the scope follows; without one every kind is partial.

All of a request is taken in, or nothing: then each line that is wrong is named. What only people do (waivers, statements, reviews …) cannot be pushed. The run says that it was pushed, and under which account.`,
		tweak: func(op *huma.Operation) {
			one := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: "A record, or a run header."}
			op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString, Description: "One object a line."}},
				"application/json":     {Schema: &huma.Schema{Type: huma.TypeArray, Items: one}},
			}}
			op.SkipValidateBody = true
		}}, a.push)
}

var (
	errNoKey    = errors.New("the idempotency key has other characters than printable ones of ASCII")
	keyForm     = regexp.MustCompile(`^[\x21-\x7e]{8,255}$`)
	errNoIntake = errors.New("this agent takes no records in")
)

func (a *API) push(ctx context.Context, in *PushInput) (*PushOutput, error) {
	if !keyForm.MatchString(in.Key) {
		return nil, wrong("8 to 255 letters, digits and signs", errNoKey)
	}
	if a.pushes == nil {
		return nil, errNoIntake
	}
	who, _ := access.From(ctx)
	account := who.ActingAccount()
	taken, err := a.taken(ctx)
	if err != nil {
		return nil, err
	}
	got, err := intake{catalog: a.Service.Catalog, source: in.Source, taken: taken, may: who.MayIngest, now: a.Clock().UTC()}.read(in.Content, in.RawBody)
	if err != nil {
		return nil, err
	}
	select { // in the order in which they came
	case a.pushes.line <- struct{}{}:
		defer func() { <-a.pushes.line }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p := agent.Pushed{Account: account, Person: who.Person, Key: in.Key, Sum: evidence.Sum(in.RawBody), Header: got.header, Source: got.source, Records: got.records}
	return a.pushOnce(ctx, p)
}

// pushOnce answers from what is kept, or takes in.
func (a *API) pushOnce(ctx context.Context, p agent.Pushed) (*PushOutput, error) {
	id := keyID(p.Account, p.Key)
	sum, before, err := a.pushes.answers.get(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case before != nil && (sum != p.Sum.String() || before.Source != p.Source):
		return nil, otherBody()
	case before != nil:
		return &PushOutput{Again: "true", Body: *before}, nil
	}
	_, known := a.pushes.known.LoadOrStore(p.Source, true)
	p.First = !known
	run, again, err := a.Service.Push(ctx, p)
	if errors.Is(err, agent.ErrOtherBody) {
		return nil, otherBody()
	}
	if err != nil {
		a.pushes.known.Delete(p.Source)
		return nil, err
	}
	row := pushedRow(run)
	if err := a.pushes.answers.put(context.WithoutCancel(ctx), id, p.Sum.String(), row); err != nil {
		// The ledger knows the key: a push that comes again is answered from there.
		a.Logger.WarnContext(ctx, "the answer to a push was not kept", "run", row.Run, "error", err)
	}
	out := &PushOutput{Body: *row}
	if again {
		out.Again = "true"
	}
	return out, nil
}

func otherBody() error {
	return &Problem{Status: http.StatusConflict, Detail: agent.ErrOtherBody.Error(), Hint: "send the body that it was first sent with, or another key"}
}

// taken lists the sources that nobody may push to.
func (a *API) taken(ctx context.Context) ([]string, error) {
	p := a.pushes
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil || a.Clock().Sub(p.takenAt) > takenLife || a.Clock().Before(p.takenAt) {
		list, err := a.Service.Taken(ctx)
		if err != nil {
			return nil, err
		}
		p.taken, p.takenAt = list, a.Clock()
	}
	out := p.taken
	for _, s := range a.Service.Config().Sources {
		out = append(out[:len(out):len(out)], s.Name)
	}
	return out, nil
}
