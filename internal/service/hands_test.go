package service_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// staff are people of the register, by what they do to look like another one:
// each has an account of the machine and a login, and spells names as they like.
var staff = map[string][]string{
	"ines":  {"ines", "INES", " ines\u200b"},
	"marek": {"marek", "Marek.", "@marek"},
	"sade":  {"sade", "sade ", "sADE"},
}

// TestNobodyAcceptsTheirOwn: whatever people hand in, import, push, submit,
// propose and revise, under whatever names, nobody ever accepts what they had a
// part in. What counts here is who really acted, as the test knows it.
func TestNobodyAcceptsTheirOwn(t *testing.T) {
	p := newPlace(t)
	w := &acting{place: p, s: p.service(), did: map[string]map[string]bool{}, revisions: map[string]int{}}
	for seed := range uint64(30) {
		w.rand, w.mark = rand.New(rand.NewPCG(seed, 7)), fmt.Sprintf("h%d", seed)
		w.log = nil
		for range 14 {
			p.now = p.now.Add(time.Minute)
			w.step()
		}
	}
	if w.accepted < 20 || w.refused < 20 || w.approved < 3 {
		t.Errorf("too little happened: %d accepted, %d statements approved, %d refused", w.accepted, w.approved, w.refused)
	}
}

// acting is a history in the making.
type acting struct {
	*place
	s                           *service.Service
	rand                        *rand.Rand
	mark                        string // of this history's names
	log                         []string
	did                         map[string]map[string]bool // source, kind and key → who really had a part in it
	revisions                   map[string]int
	accepted, approved, refused int
}

func (w *acting) pick(list ...string) string { return list[w.rand.IntN(len(list))] }

func (w *acting) someone() string { return w.pick(slices.Sorted(maps.Keys(staff))...) }

// account is one that a person really has.
func (w *acting) account(who string) string {
	return w.pick(who+"@here", "oidc:https://login.example#"+who)
}

// part notes that somebody had a part in a record, if that added a revision: who
// brings again what is there already adds nothing to it.
func (w *acting) part(who, source, kind, key string) {
	w.t.Helper()
	name, n := source+"|"+kind+"|"+key, 0
	for ev, err := range w.store.Evidence(w.t.Context(), store.EvidenceQuery{Kinds: []string{kind}, Source: source}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if ev.Key == key {
			n++
		}
	}
	if n == w.revisions[name] {
		return
	}
	w.revisions[name] = n
	if w.did[name] == nil {
		w.did[name] = map[string]bool{}
	}
	w.did[name][who] = true
}

func (w *acting) step() {
	who := w.someone()
	key, source := w.mark+w.pick("a", "b"), w.mark+w.pick("x", "y")
	payload := fmt.Sprintf(`{"risk_id":"%s%s"}`, w.mark, w.pick("1", "2"))
	record := fmt.Sprintf(`{"kind":"risk.acceptance","subject":{"type":"ai_system","id":"%s"},"key":"%s","payload":%s}`, key, key, payload)
	claimed := w.pick(staff[w.someone()]...)
	n := w.rand.IntN(9)
	w.log = append(w.log, fmt.Sprintf("%d: %s %s/%s %s as %q", n, who, source, key, payload, claimed))
	switch n {
	case 0:
		w.bring(who, source, fmt.Sprintf(`{"run":{"source":"%s","method":"upload","identity":"%s"}}`, source, claimed)+"\n"+record)
		w.part(who, source, "risk.acceptance", key)
	case 1:
		w.bring(who, source, record)
		w.part(who, source, "risk.acceptance", key)
	case 2:
		sum := w.pick(evidence.Sum([]byte(payload)).String(), w.anySum())
		id := "UP-" + key
		w.bring(who, source, fmt.Sprintf(`{"kind":"evidence.manual_upload","subject":{"type":"record","id":"%s"},"key":"%s","payload":{"upload_id":"%s","sha256":"%s","title":"%d","uploader":"%s"}}`,
			id, id, id, sum, w.rand.IntN(3), claimed))
		w.part(who, source, people.KindUpload, id)
	case 3:
		w.submit(who, evidence.Record{Kind: "risk.acceptance", Major: 1, Subject: evidence.Subject{Type: "ai_system", ID: key}, Key: key, Payload: []byte(payload)})
	case 4:
		rec := evidence.Record{Kind: "risk.acceptance", Major: 1, Subject: evidence.Subject{Type: "ai_system", ID: key}, Key: key, Payload: []byte(payload), CollectedAt: w.now}
		_, _, err := w.collector.Push(w.t.Context(), agent.Pushed{Account: w.account(who), Person: who, Key: fmt.Sprint(w.now.UnixNano()), Source: source, Records: []evidence.Record{rec}, First: true})
		if err != nil {
			w.t.Fatal(err)
		}
		w.part(who, source, "risk.acceptance", key)
	case 5:
		w.propose(who, w.mark)
		w.propose(w.someone(), w.mark) // another text of the same version
	case 6:
		w.approve(who, w.mark)
	default:
		w.review(who)
	}
}

func (w *acting) bring(who, source, lines string) {
	w.t.Helper()
	o := importfile.Options{Catalog: w.catalog, Source: source, Now: w.now, Person: who, Account: w.account(who), Refuse: people.FromFile}
	if _, err := w.collector.Import(w.t.Context(), strings.NewReader(lines), o, nil); err != nil {
		w.t.Fatal(err)
	}
}

// anySum is the digest of something of this history that is sealed.
func (w *acting) anySum() string {
	sums := []string{strings.Repeat("0", 64)}
	for ev, err := range w.store.Evidence(w.t.Context(), store.EvidenceQuery{Kinds: []string{"risk.acceptance"}}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasPrefix(ev.Key, w.mark) {
			sums = append(sums, ev.Digest.String())
		}
	}
	return w.pick(sums...)
}

func (w *acting) submit(who string, rec evidence.Record) {
	w.t.Helper()
	in := service.Submission{File: service.File{Name: "f", MediaType: "text/plain", Content: []byte(w.mark + w.pick("f", "g"))}, Times: people.Times{Captured: w.now.Add(-time.Hour)},
		Upload: people.Upload{SourceSystem: "s", URL: "https://s.example/1", Account: "a", CaptureMethod: "export"}}
	if w.rand.IntN(2) == 0 {
		in.Record = &rec
	}
	d := w.desk(w.s, w.person(w.s, who, w.account(who)))
	defer d.Leave()
	made, err := d.Submit(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	w.part(who, people.Source, people.KindUpload, made.ID)
	w.part(who, people.Source, rec.Kind, rec.Key)
}

func (w *acting) propose(who, version string) {
	w.t.Helper()
	form, err := w.s.StatementForm(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	yes := true
	for i := range form.Controls {
		form.Controls[i].Applicable, form.Controls[i].Justification = &yes, w.pick("we use AI", "a law")
	}
	d := w.desk(w.s, w.person(w.s, who, w.account(who)))
	defer d.Leave()
	if _, err := d.ProposeStatement(w.t.Context(), people.Statement{Version: version, Controls: form.Controls}); err == nil {
		w.part(who, people.Source, people.KindStatement, version)
	}
}

func (w *acting) approve(who, version string) {
	w.t.Helper()
	d := w.desk(w.s, w.person(w.s, who, w.account(who)))
	defer d.Leave()
	st, err := w.s.FindStatement(w.t.Context(), version, w.now)
	if err == nil {
		_, err = d.ApproveStatement(w.t.Context(), version, st.ControlsSum)
	}
	if err != nil {
		w.refused++
		return
	}
	w.approved++
	w.strangerTo(who, "the statement", people.Source+"|"+people.KindStatement+"|"+version)
}

// review accepts something of this history that waits, if the product lets them.
func (w *acting) review(who string) {
	w.t.Helper()
	pile, err := w.s.Pile(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	pile = slices.DeleteFunc(pile, func(h service.HandedIn) bool { return h.State != "pending" })
	if len(pile) == 0 {
		return
	}
	h := pile[w.rand.IntN(len(pile))]
	d := w.desk(w.s, w.person(w.s, who, w.account(who)))
	defer d.Leave()
	if _, err := d.Review(w.t.Context(), h.ID, people.Accepted, ""); err != nil {
		w.refused++
		return
	}
	w.accepted++
	w.strangerTo(who, h.What+" "+h.ID, w.whatWasAccepted()...)
}

// whatWasAccepted lists the records that the newest review is about: those that
// have the digest it names, and uploads that speak of it, or of the same file.
func (w *acting) whatWasAccepted() []string {
	w.t.Helper()
	uploads := map[string][]people.Upload{}
	var last people.Upload
	for ev, err := range w.store.Evidence(w.t.Context(), store.EvidenceQuery{Kinds: []string{people.KindUpload}, Payloads: true}) {
		if err != nil {
			w.t.Fatal(err)
		}
		u, err := people.ParseUpload(ev)
		if err != nil {
			w.t.Fatal(err)
		}
		name := ev.Source + "|" + ev.Kind + "|" + ev.Key
		uploads[name] = append(uploads[name], u)
		last = u
	}
	var out []string
	for name, list := range uploads {
		if slices.ContainsFunc(list, func(u people.Upload) bool {
			return u.SHA256 == last.SHA256 || u.FileSHA256 != "" && u.FileSHA256 == last.FileSHA256
		}) {
			out = append(out, name)
		}
	}
	for ev, err := range w.store.Evidence(w.t.Context(), store.EvidenceQuery{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if ev.Digest.String() == last.SHA256 || ev.PayloadSum.String() == last.SHA256 {
			out = append(out, ev.Source+"|"+ev.Kind+"|"+ev.Key)
		}
	}
	return out
}

// strangerTo checks that a person had no part in any of the records.
func (w *acting) strangerTo(who, what string, records ...string) {
	w.t.Helper()
	for _, r := range records {
		if w.did[r][who] {
			w.t.Fatalf("%s accepted %s, and had a part in %s:\n%s", who, what, r, strings.Join(w.log, "\n"))
		}
	}
}

// TestRefusalSaysWhoCould: who is refused learns who could accept it, or that
// nobody can, and never that they could themselves.
func TestRefusalSaysWhoCould(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	refused := func(who, id string) string {
		d := p.desk(s, p.person(s, who, who+"@here"))
		defer d.Leave()
		_, err := d.Review(t.Context(), id, people.Accepted, "")
		var r *people.Refusal
		if !errors.As(err, &r) {
			t.Fatalf("%s accepts %s: %v", who, id, err)
		}
		return r.Hint()
	}
	submit := func(who string) string {
		d := p.desk(s, p.person(s, who, who+"@here"))
		defer d.Leave()
		made, err := d.Submit(t.Context(), service.Submission{File: service.File{Name: "f", Content: []byte("one letter")}, Times: people.Times{Captured: p.now.Add(-time.Hour)},
			Upload: people.Upload{SourceSystem: "s", URL: "https://s.example/1", Account: "a", CaptureMethod: "letter"}})
		if err != nil {
			t.Fatal(err)
		}
		return made.ID
	}
	id := submit("marek")
	if hint := refused("marek", id); !strings.HasSuffix(hint, "; of the register that could be: ines, sade") {
		t.Error(hint)
	}
	// Another upload of the same letter, by a name that is nobody's, keeps whoever
	// brought it from accepting marek's, and nobody else.
	w := &acting{place: p, s: s, rand: rand.New(rand.NewPCG(1, 7))}
	w.bring("sade", "grc", fmt.Sprintf(`{"kind":"evidence.manual_upload","subject":{"type":"record","id":"UP-9"},"key":"UP-9","payload":{"upload_id":"UP-9","sha256":"%s","uploader":"upload form"}}`, evidence.Sum([]byte("one letter"))))
	if hint := refused("sade", id); !strings.HasSuffix(hint, "; of the register that could be: ines") {
		t.Error(hint)
	}
	if hint := refused("ines", "UP-9"); !strings.Contains(hint, "; nobody of the register can as it is") {
		t.Error(hint)
	}
	submit("ines")
	if hint := refused("ines", id); !strings.Contains(hint, "; nobody of the register can as it is") {
		t.Error(hint)
	}
}
