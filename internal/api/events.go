package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

const eventsPath = "/v1/events"

// Bounds of the stream of events.
const (
	beatEvery    = 15 * time.Second
	maxStreams   = 64
	lookEvery    = time.Second
	eventsAtOnce = 500
	maxEvent     = 64 << 10
	maxTold      = 1 << 20 // characters that are made before they are sent
)

var errNoPosition = errors.New("Last-Event-ID is no position of the ledger")

// toldTypes are the entries that are told of: what was concluded, done and
// decided. Pieces of evidence are too many, and hold what others wrote.
func toldTypes() []evidence.EntryType {
	return []evidence.EntryType{evidence.EntryRunOpened, evidence.EntryRunClosed, evidence.EntryRegister, evidence.EntryWaiver, evidence.EntryApplicability,
		evidence.EntryAssessment, evidence.EntryExport, evidence.EntryErasure, evidence.EntryFinding, evidence.EntryKey, evidence.EntryAttestation}
}

// EventBody is one entry of the ledger.
type EventBody struct {
	Seq  int64           `json:"seq" doc:"Its position in the ledger: the id of the event."`
	Type string          `json:"type"`
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body,omitempty" doc:"What the entry says; left out if it is large."`
}

// EventsInput says where a stream begins.
type EventsInput struct {
	Last  string `header:"Last-Event-ID" maxLength:"20" doc:"The id of the last event that arrived: the stream goes on after it. Left out: with what comes from now on."`
	After string `query:"after" maxLength:"20" doc:"The same, for clients that cannot set the header; -1 begins with the first entry."`
}

func (a *API) eventOperations() {
	register(a, operation{method: http.MethodGet, path: eventsPath, id: "events", tag: "events", needs: access.Read,
		summary: "What happens, as it happens (Server-Sent Events)",
		about:   "One event for each entry of the ledger that says something was concluded, done or decided: findings that open and are resolved, runs, assessments, exports, decisions. The id is the position in the ledger. No payload of evidence is in it. The stream ends with the token.",
		tweak: func(op *huma.Operation) {
			op.Responses["200"] = &huma.Response{Description: "A stream of events; the data of each is an EventBody.", Content: map[string]*huma.MediaType{
				"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}
		}}, a.events)
}

func (a *API) events(ctx context.Context, in *EventsInput) (*huma.StreamResponse, error) {
	text := in.Last
	if text == "" {
		text = in.After
	}
	size, err := a.Service.Size(ctx)
	if err != nil {
		return nil, err
	}
	from := size
	if text != "" {
		last, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil || last < -1 || last >= size {
			return nil, wrong("send the id of the last event that arrived", errNoPosition)
		}
		from = last + 1
	}
	select {
	case a.streams <- struct{}{}:
	default:
		return nil, errBusy("too many streams of events are open")
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) { //nolint:contextcheck // the request brings its own
		defer func() { <-a.streams }()
		r, w := humago.Unwrap(hctx)
		a.stream(r.Context(), w, from)
	}}, nil
}

// stream sends what comes until whoever listens has left or may not listen any more.
func (a *API) stream(ctx context.Context, w http.ResponseWriter, from int64) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	send := func(text string) error {
		_ = control.SetWriteDeadline(time.Now().Add(patience)) // a writer without deadlines has none
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
		return control.Flush()
	}
	// The id without an event is where a client goes on that lost the line before the
	// first one came.
	if send(fmt.Sprintf(": the stream is open\nretry: 3000\nid: %d\n\n", from-1)) != nil {
		return
	}
	look, beat := time.NewTicker(lookEvery), time.NewTicker(a.heartbeat)
	defer look.Stop()
	defer beat.Stop()
	for {
		next, more, err := a.tell(ctx, from, send)
		if err != nil {
			return
		}
		from = next
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			if send(": still here\n\n") != nil {
				return
			}
		case <-look.C:
		}
	}
}

// tell sends the events from a position on, a number at a time. They are read
// before the first is sent: who reads slowly keeps nothing of the store open.
func (a *API) tell(ctx context.Context, from int64, send func(string) error) (next int64, more bool, err error) {
	size, err := a.Service.Size(ctx)
	if err != nil || size <= from {
		return from, false, err
	}
	var told strings.Builder
	next, err = a.read(ctx, from, size, &told)
	if err == nil && told.Len() > 0 {
		err = send(told.String())
	}
	return next, next < size, err
}

// read writes events until there are enough, and returns where to go on.
func (a *API) read(ctx context.Context, from, size int64, told *strings.Builder) (next int64, err error) {
	n := 0
	for e, err := range a.Service.Store().Entries(ctx, from, size, toldTypes()...) {
		if err != nil {
			return from, err
		}
		text, err := eventText(e)
		if err != nil {
			return from, err
		}
		told.WriteString(text)
		if n++; n == eventsAtOnce || told.Len() > maxTold {
			return e.Seq + 1, nil
		}
	}
	return size, nil
}

func eventText(e evidence.Entry) (string, error) {
	body := EventBody{Seq: e.Seq, Type: string(e.Type), At: e.At.UTC(), Body: e.Body}
	if len(body.Body) > maxEvent {
		body.Body = nil
	}
	data, err := json.Marshal(body) // no line break stands in JSON that is not indented
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Type, data), nil
}
