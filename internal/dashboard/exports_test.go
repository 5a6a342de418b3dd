package dashboard

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
)

// makeExports makes what is ordered until nothing is waiting.
func (o *org) makeExports(by exportjob.Account) []exportjob.Job {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	ended := make(chan struct{})
	go func() { defer close(ended); o.exports.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	for ctx.Err() == nil {
		waiting := false
		jobs := o.exports.Jobs(by)
		for _, j := range jobs {
			waiting = waiting || !j.State.Ended()
		}
		if !waiting {
			return jobs
		}
		time.Sleep(5 * time.Millisecond)
	}
	o.t.Fatal("an export was not made in time")
	return nil
}

// order orders an export by the form, and has it made.
func (o *org) order(who access.Principal, form url.Values) (id string) {
	o.t.Helper()
	a := o.post(who, "/exports", form)
	if a.StatusCode != http.StatusSeeOther {
		o.t.Fatalf("status %d: %.500s", a.StatusCode, a.words())
	}
	return o.makeExports(account(who))[0].ID
}

// exported are the entries of the ledger that say what was handed out.
func (o *org) exported() []map[string]any {
	o.t.Helper()
	var out []map[string]any
	for e, err := range o.store.Entries(o.t.Context(), 0, o.size(), evidence.EntryExport) {
		if err != nil {
			o.t.Fatal(err)
		}
		var body map[string]any
		if err := json.Unmarshal(e.Body, &body); err != nil {
			o.t.Fatal(err)
		}
		out = append(out, body)
	}
	return out
}

// TestExports: what is ordered is made, put on record under whoever ordered it,
// and sent to nobody else.
func TestExports(t *testing.T) {
	o := actor(t)
	person := o.aPerson()
	who, other := someone(person, access.Auditor), someone("somebody.else", access.Auditor)
	beside := other // who shares the machine's account
	beside.Account = who.Account
	o.get(who, "/exports").want(t, 200, "Nothing was ordered", "Order one")
	if a := o.get(who, "/exports?as_of="+o.now.AddDate(0, 0, -1).Format(time.DateOnly)); len(a.elements("button")) > 2 {
		t.Error("a page of the past has a form")
	}
	a := o.post(who, "/exports", url.Values{"what": {"csv"}, "redact": {"customer"}, "as_of": {o.now.Format(time.DateOnly)}, "from": {"2026-01-01"}, "to": {"2026-06-30"}})
	if a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d: %.500s", a.StatusCode, a.words())
	}
	waiting := o.get(who, a.Header.Get("Location"))
	waiting.want(t, 200, "Ordered.", "queued", "waiting")
	if !strings.Contains(waiting.text, `id="jobs" role="status" data-follow="/exports"`) {
		t.Error("the list does not follow")
	}
	id := o.exports.Jobs(account(who))[0].ID
	o.get(who, "/exports/"+id+"/file").want(t, http.StatusBadRequest, "not done")
	o.post(who, "/exports/"+id+"/remove", url.Values{}).want(t, 422, "not done")
	job := o.makeExports(account(who))[0]
	done := o.get(who, "/exports")
	done.want(t, 200, "done", "for customer", "Download", job.SHA256[:16])
	if strings.Contains(done.text, "data-follow") {
		t.Error("the list follows though nothing is waiting")
	}
	for _, them := range []access.Principal{other, beside} {
		o.get(them, "/exports").want(t, 200, "Nothing was ordered")
		o.get(them, "/exports/"+id+"/file").want(t, 404)
		o.post(them, "/exports/"+id+"/remove", url.Values{}).want(t, 422, "no such export")
	}
	file := o.get(who, "/exports/"+id+"/file")
	if sum := sha256.Sum256([]byte(file.text)); file.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != job.SHA256 || file.Header.Get("Content-Type") != "application/zip" ||
		file.Header.Get("Content-Disposition") != "attachment; filename=exhibit-csv.zip" || file.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the file: status %d, %v", file.StatusCode, file.Header)
	}
	z, err := zip.NewReader(bytes.NewReader([]byte(file.text)), int64(len(file.text)))
	if err != nil || len(z.File) < 10 {
		t.Errorf("the file: %v", err)
	}
	list := o.exported()
	if len(list) != 1 || list[0]["what"] != "csv" || list[0]["by"] != person || list[0]["account"] != who.Account || list[0]["sha256"] != job.SHA256 ||
		list[0]["redaction"] != "customer" || !strings.Contains(list[0]["period"].(string), "2026-06-30") {
		t.Errorf("on record: %v", list)
	}
	a = o.post(who, "/exports/"+id+"/remove", url.Values{})
	o.get(who, a.Header.Get("Location")).want(t, 200, "The file was removed", "Nothing was ordered")
}

// TestExportsAreRefused: orders that make no sense say why, and keep what was
// written; a role without the permission gets nothing.
func TestExportsAreRefused(t *testing.T) {
	o := reader(t)
	who := someone("", access.Auditor)
	tomorrow := o.now.AddDate(0, 0, 2).Format(time.DateOnly)
	for name, c := range map[string]struct {
		form url.Values
		says string
	}{
		"nothing":     {url.Values{"what": {"certificate"}}, "no export"},
		"no profile":  {url.Values{"what": {"csv"}, "redact": {"friends"}}, "edaction profile is called"},
		"future":      {url.Values{"what": {"csv"}, "as_of": {tomorrow}}, "future"},
		"no date":     {url.Values{"what": {"csv"}, "as_of": {"soon"}}, "no time"},
		"half period": {url.Values{"what": {"csv"}, "from": {"2026-01-01"}}, "no period"},
		"backwards":   {url.Values{"what": {"csv"}, "from": {"2026-02-01"}, "to": {"2026-01-01"}}, "ends before it begins"},
		"since later": {url.Values{"what": {"csv"}, "as_of": {"2026-01-01"}, "since": {"2026-02-01"}}, "not before"},
		"used":        {url.Values{"what": {"csv"}, "used": {"1"}}, "bundle only"},
	} {
		t.Run(name, func(t *testing.T) { o.post(who, "/exports", c.form).want(t, 422, c.says) })
	}
	viewer := someone("", access.Viewer)
	o.get(viewer, "/exports").want(t, 403, "export")
	o.post(viewer, "/exports", url.Values{"what": {"csv"}}).want(t, 403)
}
