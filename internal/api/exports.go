package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/service"
)

func (a *API) exportOperations() {
	op := func(method, path, id, summary string) operation {
		return operation{method: method, path: path, id: id, tag: "exports", needs: access.Export, summary: summary}
	}
	register(a, op(http.MethodGet, "/v1/exports", "exports", "What this account ordered, the newest first"), a.exports)
	handed := op(http.MethodGet, "/v1/handed-out", "handed-out", "What was handed out to anybody, with its digest, the oldest first")
	handed.needs, handed.costly = access.Read, true
	register(a, handed, a.handedOut)
	order := op(http.MethodPost, "/v1/exports", "order-export", "Order an export")
	order.status = http.StatusAccepted
	order.about = "It is made while nobody waits: ask for its state, then fetch the file. What was handed out is in the ledger with its digest before it can be fetched."
	register(a, order, a.order)
	register(a, op(http.MethodGet, "/v1/exports/{id}", "export", "How far an export is"), a.export)
	file := op(http.MethodGet, "/v1/exports/{id}/file", "export-file", "The file, once it is done")
	file.tweak = func(op *huma.Operation) {
		content := map[string]*huma.MediaType{}
		for _, k := range exportjob.Kinds() {
			content[k.MediaType] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
			if strings.HasSuffix(k.MediaType, "json") {
				content[k.MediaType].Schema = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
			}
		}
		op.Responses["200"] = &huma.Response{Description: "The file.", Content: content}
	}
	register(a, file, a.exportFile)
	remove := op(http.MethodDelete, "/v1/exports/{id}", "remove-export", "Remove the file of an export that has ended")
	remove.status = http.StatusNoContent
	register(a, remove, a.removeExport)
}

// account is who orders exports, and by which name they call whoever made them.
func account(ctx context.Context) exportjob.Account {
	who, _ := access.From(ctx)
	name := who.Person
	if name == "" {
		name = who.Name
	}
	return exportjob.Account{ID: who.Account, Name: name}
}

func (a *API) exports(ctx context.Context, _ *struct{}) (*Answer[List[exportjob.Job]], error) {
	return answered(List[exportjob.Job]{Items: a.Exports.Jobs(account(ctx))}, nil)
}

func (a *API) handedOut(ctx context.Context, in *Paged) (*Answer[List[service.HandedOut]], error) {
	all, err := a.Service.HandedOut(ctx)
	if err != nil {
		return nil, err
	}
	out := List[service.HandedOut]{}
	out.Items, out.Next, err = pageOf("handed-out", *in, all, func(h service.HandedOut) string { return strconv.FormatInt(h.Seq, 10) }, every[service.HandedOut])
	return answered(out, err)
}

func (a *API) order(ctx context.Context, in *struct {
	Body struct {
		What   string `json:"what" enum:"workbook,bundle,csv,jsonl,html,soa,oscal,mlbom"`
		AsOf   string `json:"as_of,omitempty" maxLength:"40" format:"instant"`
		Since  string `json:"since,omitempty" maxLength:"40" format:"instant" doc:"What changed since this instant is shown."`
		From   string `json:"from,omitempty" maxLength:"40" format:"instant" doc:"The period under audit begins."`
		To     string `json:"to,omitempty" maxLength:"40" format:"instant" doc:"The period under audit ends."`
		Redact string `json:"redact,omitempty" maxLength:"200" doc:"Leave out what this profile hides."`
		Used   bool   `json:"used,omitempty" doc:"Of a bundle: only what the results rest on."`
	}
}) (*Answer[exportjob.Job], error) {
	b := in.Body
	o := exportjob.Order{What: b.What, Redact: b.Redact, Used: b.Used}
	var from, to time.Time
	var err error
	if o.AsOf, err = parseInstant("as_of", b.AsOf, a.Clock()); err != nil {
		return nil, err
	}
	if o.Since, err = parseDay("since", b.Since); err != nil {
		return nil, err
	}
	if from, err = dayStart("from", b.From); err != nil {
		return nil, err
	}
	if to, err = parseDay("to", b.To); err != nil {
		return nil, err
	}
	if !from.IsZero() || !to.IsZero() {
		o.Period = &evidence.Period{From: from, To: to}
	}
	return answered(a.Exports.Start(account(ctx), o))
}

func (a *API) export(ctx context.Context, in *ByID) (*Answer[exportjob.Job], error) {
	return answered(a.Exports.Job(account(ctx), in.ID))
}

// patience is how long a client may take for each part of a file.
const patience = time.Minute

func (a *API) exportFile(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	f, job, err := a.Exports.Fetch(account(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer f.Close()
		_, w := humago.Unwrap(hctx)
		h := w.Header()
		h.Set("Content-Type", job.MediaType)
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": job.File}))
		h.Set("Content-Length", strconv.FormatInt(job.Bytes, 10))
		h.Set("Repr-Digest", "sha-256=:"+base64Of(job.SHA256)+":")
		w.WriteHeader(http.StatusOK)
		control := http.NewResponseController(w)
		for {
			// One part at a time: who reads slowly gets the time for it, who does not
			// read at all is left.
			_ = control.SetWriteDeadline(time.Now().Add(patience)) // a writer without deadlines has none
			if _, err := io.CopyN(w, f, 1<<20); err != nil {
				return
			}
		}
	}}, nil
}

func (a *API) removeExport(ctx context.Context, in *ByID) (*struct{}, error) {
	return nil, a.Exports.Remove(account(ctx), in.ID)
}

// base64Of writes hexadecimal digits as base64.
func base64Of(hexText string) string {
	raw, err := hex.DecodeString(hexText)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(raw)
}
