package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func (d *Dashboard) evidenceRoutes() []route {
	return []route{
		{pattern: "GET /evidence", needs: access.Read, page: search},
		{pattern: "GET /evidence/{digest}", needs: access.Read, page: item},
		{pattern: "GET /evidence/{digest}/payload", needs: access.ReadPayload, page: payload},
		{pattern: "GET /evidence/{digest}/payload.json", needs: access.ReadPayload, send: download},
		{pattern: "GET /proof/{seq}", needs: access.Read, page: proof},
	}
}

// searchData is the search form and a page of what it found.
type searchData struct {
	Kind, Source, Type, Subject, Key, Digest, From, To string
	Latest, Oldest                                     bool
	Kinds, Sources                                     []string
	Total                                              int64 // revisions in the store
	Page                                               store.Page
	Further                                            string // address of what follows
	First                                              bool
	Problem                                            string
}

// Narrowed reports whether anything is asked for.
func (s searchData) Narrowed() bool {
	return s.Kind+s.Source+s.Type+s.Subject+s.Key+s.Digest+s.From+s.To != "" || s.Latest
}

func search(c *call) (*page, error) {
	data := searchData{Kind: c.Query("kind"), Source: c.Query("source"), Type: c.Query("type"), Subject: c.Query("subject"), Key: c.Query("key"),
		Digest: strings.ToLower(c.Query("digest")), From: c.Query("collected_from"), To: c.Query("collected_to"),
		Latest: c.Query("latest") != "", Oldest: c.Query("order") == "oldest"}
	counts, err := c.d.Service.Counts(c.ctx())
	if err != nil {
		return nil, err
	}
	for _, n := range counts {
		data.Total += n.Evidence
		data.Kinds, data.Sources = append(data.Kinds, n.Kind), append(data.Sources, n.Source)
	}
	slices.Sort(data.Kinds)
	slices.Sort(data.Sources)
	data.Kinds, data.Sources = slices.Compact(data.Kinds), slices.Compact(data.Sources)
	p := &page{title: "Evidence", template: "search", nav: "/evidence"}
	if err := data.find(c); service.IsMistake(err) {
		data.Problem, p.status = sentence(spoken(err.Error()))+" "+hintOf(err), http.StatusBadRequest
	} else if err != nil {
		return nil, err
	}
	p.data = data
	return p, nil
}

// find asks for the page.
func (s *searchData) find(c *call) error {
	q := store.PageQuery{Source: s.Source, SubjectType: s.Type, KeyPrefix: s.Key, Digest: s.Digest,
		Latest: s.Latest, Oldest: s.Oldest, AsOf: c.view.Assessment.Checkpoint.Size}
	if s.Kind != "" {
		q.Kinds = []string{s.Kind}
	}
	if whole, exact := strings.CutPrefix(s.Subject, "="); exact {
		q.SubjectID = whole
	} else {
		q.SubjectPrefix = s.Subject
	}
	var err error
	if s.From != "" {
		if q.CollectedFrom, err = time.Parse(time.DateOnly, s.From); err != nil {
			return service.Mistake{Err: errNoDay, Remedy: "write 2026-06-30"}
		}
	}
	if s.To != "" {
		if q.CollectedTo, err = time.Parse(time.DateOnly, s.To); err != nil {
			return service.Mistake{Err: errNoDay, Remedy: "write 2026-06-30"}
		}
		q.CollectedTo = q.CollectedTo.AddDate(0, 0, 1)
	}
	if end := c.view.Assessment.AsOf.Add(time.Microsecond); c.view.Past && (q.CollectedTo.IsZero() || q.CollectedTo.After(end)) {
		q.CollectedTo = end
	}
	at, _ := strconv.ParseInt(c.Query("before"), 10, 64)
	at = max(0, at)
	s.First = at == 0
	if s.Oldest {
		q.After = at
	} else {
		q.Before = at
	}
	if s.Page, err = c.found(q); err != nil {
		return err
	}
	if !s.Page.Done {
		s.Further = c.With("before", strconv.FormatInt(s.Page.Next, 10))
	}
	return nil
}

// found asks for a page. A whole digest is looked up, not searched for.
func (c *call) found(q store.PageQuery) (store.Page, error) {
	d, err := evidence.ParseDigest(q.Digest)
	if err != nil {
		return c.d.Service.Search(c.ctx(), q)
	}
	ev, err := c.d.Service.FindEvidence(c.ctx(), d)
	var missing service.NotFound
	switch from, to := q.Window(q.AsOf); {
	case errors.As(err, &missing):
		return store.Page{Done: true}, nil
	case err != nil:
		return store.Page{}, err
	case !q.Matches(&ev), ev.Seq < from, ev.Seq >= to:
		return store.Page{Done: true}, nil
	}
	return store.Page{Items: []evidence.Evidence{ev}, Done: true}, nil
}

var errNoDay = errors.New("that is no day")

// itemData is a piece of evidence.
type itemData struct {
	evidence.Evidence
	Kind      *catalog.Kind // nil if the catalog has no such kind
	Run       *evidence.Run // nil if it cannot be found
	Revisions []evidence.Evidence
	Older     bool // there are more revisions
	Results   []*assess.Result
	More      int // results that are not shown
	Shown     bool
}

// restsShown is how many results the page of a piece of evidence names.
const restsShown = 50

func (c *call) item() (evidence.Evidence, error) {
	d, err := evidence.ParseDigest(strings.ToLower(c.req.PathValue("digest")))
	if err != nil {
		return evidence.Evidence{}, service.Mistake{Err: errNoDigest, Remedy: "search for what it begins with"}
	}
	return c.d.Service.FindEvidence(c.ctx(), d)
}

func item(c *call) (*page, error) {
	ev, err := c.item()
	if err != nil {
		return nil, err
	}
	data := itemData{Evidence: ev}
	data.Kind, _ = c.d.Service.Catalog.Kind(ev.Kind)
	if run, err := c.d.Service.Run(c.ctx(), ev.Source, ev.Run); err == nil {
		data.Run = &run
	}
	if data.Revisions, data.Older, err = c.d.Service.Revisions(c.ctx(), ev); err != nil {
		return nil, err
	}
	data.Results = c.view.RestsOn(ev.Digest)
	if n := len(data.Results); n > restsShown {
		data.Results, data.More = data.Results[:restsShown], n-restsShown
	}
	return &page{title: ev.Kind + " " + clip(100, ev.Subject.ID), template: "item", nav: "/evidence", data: data,
		crumbs: []crumb{{"Evidence", c.Link("/evidence")}}}, nil
}

// payloadData is a raw payload.
type payloadData struct {
	evidence.Evidence
	Text string
	Cut  int // bytes that are not shown
	By   string
}

// payloadShown is how much of a payload a page shows; all of it is in the file.
const payloadShown = 128 << 10

func payload(c *call) (*page, error) {
	ev, body, err := c.payload("page")
	if err != nil {
		return nil, err
	}
	data := payloadData{Evidence: ev, Text: indented(body), By: c.Who.Name}
	if n := len(data.Text); n > payloadShown {
		data.Text, data.Cut = strings.ToValidUTF8(data.Text[:payloadShown], ""), n-payloadShown
	}
	return &page{title: "Raw payload", template: "payload", nav: "/evidence", data: data,
		crumbs: []crumb{{"Evidence", c.Link("/evidence")}, {ev.Kind + " " + clip(60, ev.Subject.ID), c.EvidenceLink(ev.Digest)}}}, nil
}

// payload reads a payload once the ledger says who sees it.
func (c *call) payload(as string) (evidence.Evidence, []byte, error) {
	ev, err := c.item()
	if err != nil {
		return ev, nil, err
	}
	body, err := c.d.Service.Payload(c.ctx(), ev.PayloadSum)
	if err != nil {
		return ev, nil, err
	}
	if c.d.Payload == nil {
		return ev, nil, service.Mistake{Err: errNoJournal, Remedy: "start the agent with a store that it may write"}
	}
	if err := c.d.Payload.OnPayload(c.ctx(), c.Who, as+" "+c.req.URL.EscapedPath(), ev.Digest); err != nil {
		return ev, nil, err
	}
	return ev, body, nil
}

var errNoJournal = errors.New("who sees a payload cannot be put on record here, so none is shown")

// download sends a payload as a file.
func download(c *call, w http.ResponseWriter) error {
	ev, body, err := c.payload("file")
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="`+ev.PayloadSum.String()[:16]+`.json"`)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // whoever asked may have left
	return nil
}

// proofData shows that an entry is in the ledger.
type proofData struct {
	*service.Proof
	Sum      evidence.Digest // of the line
	Evidence *evidence.Digest
	Steps    []step
}

// step is one hash of the path, and where it stands.
type step struct {
	Hash string
	Left bool // the hash stands left of what is known so far
}

func proof(c *call) (*page, error) {
	seq, err := strconv.ParseInt(c.req.PathValue("seq"), 10, 64)
	if err != nil {
		return nil, service.Mistake{Err: errNoNumber, Remedy: "the page of a piece of evidence leads to its proof"}
	}
	p, err := c.d.Service.Proof(c.ctx(), seq)
	if err != nil {
		return nil, err
	}
	data := proofData{Proof: p, Sum: evidence.Sum([]byte(p.Entry)), Steps: steps(p)}
	if p.At.Type == evidence.EntryEvidence {
		data.Evidence = &data.Sum
	}
	return &page{title: "Proof of entry " + count(seq), template: "proof", nav: "/evidence", data: data,
		crumbs: []crumb{{"Evidence", c.Link("/evidence")}}}, nil
}

// steps says on which side each hash of the path stands.
func steps(p *service.Proof) []step {
	out := make([]step, len(p.Hashes))
	for i, left := range sides(p.Seq, p.Size, len(p.Hashes)) {
		out[i] = step{Hash: p.Hashes[i], Left: left}
	}
	return out
}

// sides says which of the n hashes of a path stand left of what is known so far,
// as RFC 6962 joins them: a node without a right neighbour is moved up as it is.
func sides(seq, size int64, n int) []bool {
	left := make([]bool, n)
	node, last := seq, size-1
	for i := range left {
		for node&1 == 0 && node == last && last > 0 {
			node, last = node>>1, last>>1
		}
		left[i] = node&1 == 1
		node, last = node>>1, last>>1
	}
	return left
}

// SearchLink is the address of a search, with fields of its form.
func (c *call) SearchLink(params ...string) string { return c.Link("/evidence", params...) }

// ProofLink is the address of the proof of an entry.
func (c *call) ProofLink(seq int64) string {
	return "/proof/" + url.PathEscape(strconv.FormatInt(seq, 10))
}
