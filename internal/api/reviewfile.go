package api

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/people"
)

func (a *API) reviewFileOperation() {
	register(a, operation{method: http.MethodGet, path: "/v1/reviews/{id}/file", id: "review-file", tag: "people", needs: access.ReadPayload, costly: true,
		summary: "The file that was handed in, as it was", about: "Who was sent it is in the ledger before it is sent.",
		tweak: func(op *huma.Operation) {
			op.Responses["200"] = &huma.Response{Description: "The file.", Content: map[string]*huma.MediaType{
				"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
		}}, a.reviewFile)
}

// reviewFile sends what somebody handed in. Whatever it says that it is, no
// browser shows it.
func (a *API) reviewFile(ctx context.Context, in *ByID) (*huma.StreamResponse, error) {
	h, err := a.Service.FindHandedIn(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	content, payload, err := a.Service.HandedInFile(ctx, h)
	if err != nil {
		return nil, err
	}
	who, _ := access.From(ctx)
	if err := a.Payload.OnPayload(ctx, who, "GET /v1/reviews/"+h.ID+"/file", payload); err != nil {
		return nil, fmt.Errorf("the ledger cannot say who sees the file: %w", err)
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		_, w := humago.Unwrap(hctx)
		header := w.Header()
		header.Set("Content-Type", "application/octet-stream")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": people.SaveName(h.Upload.Filename)}))
		header.Set("Content-Length", strconv.Itoa(len(content)))
		header.Set("Repr-Digest", "sha-256=:"+base64Of(h.Upload.FileSHA256)+":")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(content) // the client is gone if it does not arrive
	}}, nil
}
