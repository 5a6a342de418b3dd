package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
)

// TestAnExportIsFetchedAsItWasRecorded orders one, and holds the file against the
// digest in the answer, in its state and in the ledger.
func TestAnExportIsFetchedAsItWasRecorded(t *testing.T) {
	o := actor(t)
	ctx, cancel := context.WithCancel(t.Context())
	made := make(chan struct{})
	go func() {
		defer close(made)
		o.exports.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-made })
	who := someone("", access.Auditor)
	var job exportjob.Job
	o.ask(who, http.MethodPost, "/v1/exports", map[string]any{"what": "mlbom"}).want(t, http.StatusAccepted).into(t, &job)
	at := "/v1/exports/" + job.ID
	for end := time.Now().Add(2 * time.Minute); !job.State.Ended(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the export is %s: %s", job.State, job.Step)
		}
		o.get(who, at).want(t, http.StatusOK).into(t, &job)
	}
	if job.State != exportjob.Done {
		t.Fatalf("the export is %s: %s", job.State, job.Error)
	}
	a := o.get(who, at+"/file").want(t, http.StatusOK)
	sum := sha256.Sum256([]byte(a.text))
	if got := hex.EncodeToString(sum[:]); got != job.SHA256 || len(a.text) == 0 {
		t.Errorf("the file has the SHA-256 %s, the export says %s", got, job.SHA256)
	}
	for name, want := range map[string]string{
		"Repr-Digest":         "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":",
		"Content-Length":      strconv.Itoa(len(a.text)),
		"Content-Type":        job.MediaType,
		"Content-Disposition": "attachment; filename=" + job.File,
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	o.recordedExport(t, job.SHA256)
	o.get(someone("ines", access.Auditor), at+"/file").want(t, http.StatusNotFound)
	o.ask(who, http.MethodDelete, at, nil).want(t, http.StatusNoContent)
	o.get(who, at+"/file").want(t, http.StatusNotFound)
}

// recordedExport fails unless the ledger says of a file that it was handed out.
func (o *org) recordedExport(t *testing.T, sum string) {
	t.Helper()
	size, err := o.service.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range o.store.Entries(t.Context(), 0, size, evidence.EntryExport) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(e.Body), sum) {
			return
		}
	}
	t.Errorf("the ledger knows no export with the SHA-256 %s", sum)
}
