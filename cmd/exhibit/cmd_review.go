package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

func newReviewCommand(g *globals) *cobra.Command {
	c := group(&cobra.Command{
		Use:   "review",
		Short: "Hand evidence in by hand, and accept or reject what others handed in",
		Long: `Evidence that no source can deliver is handed in as a file, with the system it was taken from,
the address, the account that was logged in, the method, and the time of capture. It counts once
somebody else has accepted it; until then what rests on it is pending_review. The file is kept in
the ledger with its digest.

With --record the file comes with a record of a kind (one line as exhibit import reads it), which the
expectations then judge as if a source had delivered it.`,
		Example: `  exhibit review submit calibration.pdf --title "Two assessors rated claims-triage" --system SharePoint \
      --url https://intranet.example/risk/cal-7 --account marek@northwind.example --method export \
      --captured-at 2026-03-02T10:15:00+01:00 --as marek
  exhibit review list
  exhibit review accept UP-2026-01 --as ines`,
	})
	c.AddCommand(newReviewSubmitCommand(g), newReviewListCommand(g), newReviewShowCommand(g),
		newReviewDecideCommand(g, people.Accepted), newReviewDecideCommand(g, people.Rejected),
		newReviewImportCommand(g), newReviewNotesCommand(g))
	return c
}

type submission struct {
	as, record, about           string
	captured, event, from, till string
	upload                      people.Upload
}

func newReviewSubmitCommand(g *globals) *cobra.Command {
	var s submission
	c := &cobra.Command{
		Use:   "submit FILE",
		Short: "Hand a file in as evidence",
		Long: `Keeps the file in the ledger and puts on record who handed it in, from which system, address and
account it was captured, how and when. What an auditor would reject, such as a screenshot without
address, account or time, is refused with what is missing.`,
		Example: `  exhibit review submit opt-out.png --title "Training opt-out is on" --system "Vendor console" \
      --url https://console.vendor.example/settings --account admin@northwind.example --method screenshot \
      --captured-at 2026-03-02T10:15:00+01:00 --about vendor/acme --as marek`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return runReviewSubmit(c.Context(), g, s, args[0]) },
	}
	asFlag(c, &s.as)
	f := c.Flags()
	f.StringVar(&s.upload.Title, "title", "", "what it shows")
	f.StringVar(&s.upload.SourceSystem, "system", "", "the `system` it was taken from")
	f.StringVar(&s.upload.URL, "url", "", "the `address` there")
	f.StringVar(&s.upload.Account, "account", "", "the `account` that was logged in")
	f.StringVar(&s.upload.CaptureMethod, "method", "", "`how` it was captured: screenshot, export, scan, letter")
	f.StringVar(&s.captured, "captured-at", "", "`when` it was captured, with its zone")
	f.StringVar(&s.event, "event-time", "", "`when` what it shows happened (default: when it was captured)")
	f.StringVar(&s.from, "from", "", "the `first` day that it covers")
	f.StringVar(&s.till, "to", "", "the `last` day that it covers")
	f.StringVar(&s.about, "about", "", "what it speaks of, as `type/id`")
	f.StringVar(&s.upload.Expectation, "expectation", "", "`slug` of the expectation it is meant for")
	f.StringVar(&s.upload.Note, "note", "", "anything else a reader should know")
	f.StringVar(&s.record, "record", "", "`file` with one record, a line as exhibit import reads it, that the evidence supports")
	return c
}

func runReviewSubmit(ctx context.Context, g *globals, s submission, path string) error {
	times, err := s.times()
	if err != nil {
		return err
	}
	content, err := readLimited(path)
	if err != nil {
		return err
	}
	d, err := g.openDesk(ctx, s.as, true)
	if err != nil {
		return err
	}
	defer d.Close()
	if s.upload.Expectation != "" {
		if err := knownExpectation(d.cfg, s.upload.Expectation); err != nil {
			return err
		}
	}
	file, sum, err := people.File(filepath.Base(path), mime.TypeByExtension(filepath.Ext(path)), content)
	if err != nil {
		return err
	}
	u := s.upload
	u.Filename, u.SHA256, u.FileSHA256 = filepath.Base(path), sum, sum
	if s.about != "" {
		subjectType, id, ok := strings.Cut(s.about, "/")
		if !ok || id == "" {
			return usageError{fmt.Errorf("--about %q is not type/id", s.about), "for example vendor/acme"}
		}
		u.About = &evidence.Subject{Type: subjectType, ID: id}
	}
	var typed *evidence.Record
	if s.record != "" {
		if typed, err = readOneRecord(d, s.record); err != nil {
			return err
		}
		u.About = &typed.Subject
	}
	all, err := everOnRecord(ctx, d.store, people.KindUpload, people.ParseUpload,
		func(id string) people.Upload { return people.Upload{ID: id} })
	if err != nil {
		return err
	}
	made, rec, err := d.policy.Submit(d.who, u, times, all, d.now)
	if err != nil {
		return err
	}
	if typed != nil {
		// What is accepted later is this record as it is sealed, of this kind and
		// about this subject: the same words about another one are another record.
		if u.SHA256, err = sealRecord(ctx, d, *typed); err != nil {
			return err
		}
		if made, rec, err = d.policy.Submit(d.who, u, times, all, d.now); err != nil {
			return err
		}
	}
	if err := d.record(ctx, agent.MethodCommand, file, rec); err != nil {
		return err
	}
	return printUpload(g, made)
}

// sealRecord appends a record that a file supports and returns its digest.
func sealRecord(ctx context.Context, d *desk, typed evidence.Record) (string, error) {
	if err := d.record(ctx, agent.MethodUpload, typed); err != nil {
		return "", err
	}
	q := store.EvidenceQuery{Kinds: []string{typed.Kind}, Source: people.Source, Latest: true}
	for ev, err := range d.store.Evidence(ctx, q) {
		if err != nil {
			return "", err
		}
		if ev.Key == typed.Key {
			return ev.Digest.String(), nil
		}
	}
	return "", fmt.Errorf("%s %s: %w", typed.Kind, typed.Key, store.ErrNotFound)
}

func (s submission) times() (t people.Times, err error) {
	for _, f := range []struct {
		flag, text string
		end        bool
		into       *time.Time
	}{
		{"--captured-at", s.captured, false, &t.Captured}, {"--event-time", s.event, false, &t.Event},
		{"--from", s.from, false, &t.From}, {"--to", s.till, true, &t.To},
	} {
		if *f.into, err = parseDay(f.flag, f.text, f.end); err != nil {
			return t, err
		}
	}
	if s.captured != "" && !strings.Contains(s.captured, "T") {
		return t, usageError{fmt.Errorf("--captured-at %q has no time of day", s.captured), "give the time with its zone: 2026-03-02T10:15:00+01:00"}
	}
	return t, nil
}

func readLimited(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usageError{err, "name the file that is handed in"}
	}
	if !info.Mode().IsRegular() {
		return nil, usageError{fmt.Errorf("%s is no file", path), "name the file that is handed in, not a folder, pipe or device"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err, "name a file that can be read"}
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, people.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return content, nil
}

// readOneRecord reads the record that a file supports, as import would.
func readOneRecord(d *desk, path string) (*evidence.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err, "a file with one line as exhibit import reads it"}
	}
	defer f.Close()
	var found []evidence.Record
	for item, err := range importfile.Read(f, importfile.Options{Source: people.Source, Catalog: d.catalog, Now: d.now}) {
		if err != nil {
			return nil, usageError{fmt.Errorf("%s: %w", path, err), "one line as exhibit import reads it"}
		}
		if item.Header != nil {
			return nil, usageError{fmt.Errorf("%s: a run header has no place here", path), "leave only the record"}
		}
		found = append(found, item.Record)
	}
	if len(found) != 1 {
		return nil, usageError{fmt.Errorf("%s holds %d records", path, len(found)), "hand in one at a time"}
	}
	if how, ok := people.MadeBy(found[0].Kind); ok {
		return nil, usageError{fmt.Errorf("%s is made by its own command", found[0].Kind), how}
	}
	return &found[0], nil
}

// handedIn is evidence that somebody handed in, and how its review stands.
type handedIn struct {
	ID         string    `json:"id"`
	What       string    `json:"what"`
	Subject    string    `json:"subject,omitempty"`
	By         string    `json:"by"`
	At         time.Time `json:"at"`
	State      string    `json:"state"` // pending | accepted | rejected
	Reviewer   string    `json:"reviewer,omitempty"`
	ReviewedAt time.Time `json:"reviewed_at,omitzero"`
	SHA256     string    `json:"sha256"`

	upload *people.Upload
	run    evidence.Provenance
}

// pile collects what was handed in: uploads, and records of runs of the method
// upload that no upload speaks of. Of an upload that a file brought, the review
// that people put on record counts.
func pile(ctx context.Context, st store.Store) ([]handedIn, error) {
	runs := map[string]evidence.Provenance{}
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		runs[run.ID] = run.Provenance
	}
	uploads, err := onRecord(ctx, st, people.KindUpload, func(ev evidence.Evidence) (handedIn, error) {
		u, err := people.ParseUpload(ev)
		return handedInUpload(&u, runs[ev.Run]), err
	})
	if err != nil {
		return nil, err
	}
	type name struct{ id, sum string }
	ours := map[name]bool{}
	for _, h := range uploads {
		if h.upload.Source == people.Source {
			ours[name{h.ID, h.SHA256}] = true
		}
	}
	var out []handedIn
	spoken := map[string]bool{}
	for _, h := range uploads {
		spoken[h.SHA256] = true
		if h.upload.Source == people.Source || !ours[name{h.ID, h.SHA256}] {
			out = append(out, h)
		}
	}
	rest, err := unspoken(ctx, st, spoken, runs)
	return append(out, rest...), err
}

func handedInUpload(u *people.Upload, run evidence.Provenance) handedIn {
	h := handedIn{ID: u.ID, What: u.Title, By: u.Uploader, At: u.UploadedAt.Time, State: "pending", Reviewer: u.Reviewer,
		ReviewedAt: u.ReviewedAt.Time, SHA256: u.SHA256, upload: u, run: run}
	if h.What == "" {
		h.What = u.Filename
	}
	if u.About != nil {
		h.Subject = u.About.Type + "/" + u.About.ID
	}
	if u.Decision != "" {
		h.State = u.Decision
	}
	return h
}

func unspoken(ctx context.Context, st store.Store, spoken map[string]bool, runs map[string]evidence.Provenance) ([]handedIn, error) {
	uploadRuns := map[string]evidence.Provenance{}
	for id, run := range runs {
		if run.Method == agent.MethodUpload {
			uploadRuns[id] = run
		}
	}
	if len(uploadRuns) == 0 {
		return nil, nil
	}
	var out []handedIn
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Latest: true}) {
		if err != nil {
			return nil, err
		}
		from, byHand := uploadRuns[ev.Run]
		if !byHand || ev.Kind == people.KindUpload || spoken[ev.Digest.String()] || spoken[ev.PayloadSum.String()] {
			continue
		}
		by, _ := people.SplitIdentity(from.Identity)
		if by == "" {
			by = from.Source
		}
		out = append(out, handedIn{ID: ev.Digest.String()[:12], What: ev.Kind + " " + ev.Key, Subject: ev.Subject.Type + "/" + ev.Subject.ID,
			By: by, At: ev.CollectedAt, State: "pending", SHA256: ev.Digest.String(), run: from})
	}
	return out, nil
}

func newReviewListCommand(g *globals) *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "What waits for a second person",
		Long:    "Lists what was handed in and not reviewed yet, oldest first; with --all what was accepted and rejected too.",
		Example: "  exhibit review list\n  exhibit review list --all -o json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runReviewList(c.Context(), g, all) },
	}
	c.Flags().BoolVar(&all, "all", false, "also what was decided on")
	return c
}

func runReviewList(ctx context.Context, g *globals, all bool) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := pile(ctx, st)
	if err != nil {
		return err
	}
	if !all {
		list = slices.DeleteFunc(list, func(h handedIn) bool { return h.State != "pending" })
	}
	slices.SortStableFunc(list, func(a, b handedIn) int { return a.At.Compare(b.At) })
	if g.output != "table" {
		return printRows(g.std.out, g.output, list)
	}
	t := table{head: []string{"ID", "WHAT", "ABOUT", "HANDED IN BY", "AT", "STATE", "REVIEWER"}}
	for _, h := range list {
		t.add(h.ID, short(h.What, 50), short(h.Subject, 36), short(h.By, 30), h.At.UTC().Format("2006-01-02 15:04Z"), h.State, h.Reviewer)
	}
	t.print(g.std.out)
	return nil
}

func newReviewShowCommand(g *globals) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:     "show ID",
		Short:   "What was handed in, in full; --file writes the file itself",
		Long:    "Prints an upload with who handed it in, where it comes from and how its review stands, and the record that\ncomes with it, if one does. --file writes the bytes that were handed in, after their digest was checked.",
		Example: "  exhibit review show UP-2026-01 --file calibration.pdf",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return runReviewShow(c.Context(), g, args[0], file) },
	}
	c.Flags().StringVar(&file, "file", "", "write the file that was handed in to this `path`")
	return c
}

func runReviewShow(ctx context.Context, g *globals, id, path string) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	h, err := findHandedIn(ctx, st, id)
	if err != nil {
		return err
	}
	if path != "" {
		sum := ""
		if h.upload != nil {
			sum = h.upload.FileSHA256
		}
		if err := writeUploaded(ctx, st, sum, path); err != nil {
			return err
		}
	}
	record, err := vouchedFor(ctx, st, h)
	if err != nil {
		return err
	}
	if g.output != "table" {
		if h.upload == nil {
			return printJSON(g.std.out, g.output, struct {
				handedIn
				Record *vouched `json:"record,omitempty"`
			}{h, record})
		}
		return printJSON(g.std.out, g.output, struct {
			people.Upload
			Record *vouched `json:"record,omitempty"`
		}{*h.upload, record})
	}
	if h.upload == nil {
		fmt.Fprintf(g.std.out, "%s  %s: handed in by %s with exhibit import\n", clean(h.ID), h.State, clean(h.By))
	} else if err := printUpload(g, *h.upload); err != nil {
		return err
	}
	if record != nil {
		fmt.Fprintf(g.std.out, "  %-9s %s %s, about %s/%s\n            %s\n", "record", clean(record.Kind), clean(record.Key),
			clean(record.Subject.Type), clean(record.Subject.ID), clean(string(record.Payload)))
	}
	return nil
}

// vouched is the record that comes with what was handed in, which whoever
// accepts it accepts.
type vouched struct {
	Kind    string           `json:"kind"`
	Subject evidence.Subject `json:"subject"`
	Key     string           `json:"key"`
	Payload json.RawMessage  `json:"payload"`
}

func vouchedFor(ctx context.Context, st store.Store, h handedIn) (*vouched, error) {
	if h.upload != nil && (h.upload.FileSHA256 == h.SHA256 || h.SHA256 == "") {
		return nil, nil
	}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{}) {
		if err != nil {
			return nil, err
		}
		if ev.Digest.String() != h.SHA256 && ev.PayloadSum.String() != h.SHA256 {
			continue
		}
		payload, err := st.Payload(ctx, ev.PayloadSum)
		if errors.Is(err, store.ErrErased) {
			payload = json.RawMessage("null")
		} else if err != nil {
			return nil, err
		}
		return &vouched{Kind: ev.Kind, Subject: ev.Subject, Key: ev.Key, Payload: payload}, nil
	}
	return nil, nil
}

func writeUploaded(ctx context.Context, st store.Store, sum, path string) error {
	if sum == "" {
		return usageError{errors.New("no file came with it"), ""}
	}
	type fileBody struct {
		SHA256  string `json:"sha256"`
		Content []byte `json:"content_base64"`
	}
	subject := evidence.Subject{Type: "record", ID: sum}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindFile}, Subject: &subject, Payloads: true}) {
		if err != nil {
			return err
		}
		var b fileBody
		if err := json.Unmarshal(ev.Payload, &b); err != nil {
			return fmt.Errorf("file %s: %w", sum, err)
		}
		if evidence.Sum(b.Content).String() != sum {
			return fmt.Errorf("file %s: %w", sum, store.ErrTampered)
		}
		return os.WriteFile(path, b.Content, 0o600)
	}
	return fmt.Errorf("file %s: %w", sum, store.ErrNotFound)
}

func findHandedIn(ctx context.Context, st store.Store, id string) (handedIn, error) {
	list, err := pile(ctx, st)
	if err != nil {
		return handedIn{}, err
	}
	var ids []string
	for _, h := range list {
		if h.ID == id || len(id) >= 12 && strings.HasPrefix(h.SHA256, id) {
			return h, nil
		}
		ids = append(ids, h.ID)
	}
	hint := "exhibit review list --all shows them"
	if near := yamlfile.Nearest(id, ids); near != "" {
		hint = "did you mean " + near + "?"
	}
	return handedIn{}, usageError{fmt.Errorf("nothing with the id %q was handed in", id), hint}
}

func newReviewDecideCommand(g *globals, decision string) *cobra.Command {
	var as, note string
	verb := strings.TrimSuffix(decision, "ed")
	long := "Accepts evidence that somebody else handed in: from now on it counts."
	if decision == people.Rejected {
		long = "Rejects evidence that somebody else handed in, with the reason: it does not count."
	}
	c := &cobra.Command{
		Use:     verb + " ID",
		Short:   strings.ToUpper(verb[:1]) + verb[1:] + " what somebody else handed in",
		Long:    long,
		Example: "  exhibit review " + verb + " UP-2026-01 --as ines --note \"compared with the console\"",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return runReviewDecide(c.Context(), g, as, args[0], decision, note)
		},
	}
	asFlag(c, &as)
	c.Flags().StringVar(&note, "note", "", "what was checked, or why not")
	return c
}

func runReviewDecide(ctx context.Context, g *globals, as, id, decision, note string) error {
	d, err := g.openDesk(ctx, as, false)
	if err != nil {
		return err
	}
	defer d.Close()
	h, err := findHandedIn(ctx, d.store, id)
	if err != nil {
		return err
	}
	u, err := reviewed(g, h)
	if err != nil {
		return err
	}
	rec, err := d.policy.Review(d.who, u, decision, note, d.now)
	if err != nil {
		return err
	}
	if err := d.record(ctx, agent.MethodCommand, rec); err != nil {
		return err
	}
	g.note("%s was %s by %s.", clean(id), decision, clean(d.who.ID))
	return nil
}

// reviewed is the upload that a review decides on. What a file brought names
// who handed it in, and has to name somebody of the register: a name that is
// nobody's would let one person hand in and accept.
func reviewed(g *globals, h handedIn) (people.Upload, error) {
	if h.upload != nil && h.upload.Source == people.Source {
		return *h.upload, nil
	}
	u := people.Upload{ID: "UP-" + h.ID, SHA256: h.SHA256, Title: h.What, Uploader: h.By}
	if h.upload != nil {
		u = *h.upload
	}
	_, u.UploaderAccount = people.SplitIdentity(h.run.Identity)
	reg, err := g.loadRegister()
	if err != nil {
		return u, err
	}
	if u.Decision == "" && !slices.ContainsFunc(reg.People, func(p register.Person) bool { return people.Same(p.ID, u.Uploader) }) {
		return u, usageError{fmt.Errorf("%s was handed in by %q, who is no person of the register: it cannot be told whether somebody else accepts it", h.ID, u.Uploader),
			"import it again with the id of a person as identity (or uploader), or hand it in with exhibit review submit"}
	}
	return u, nil
}

func printUpload(g *globals, u people.Upload) error {
	if g.output != "table" {
		return printJSON(g.std.out, g.output, u)
	}
	state := "pending: somebody other than " + u.Uploader + " has to accept it"
	if u.Decision != "" {
		state = u.Decision + " by " + u.Reviewer + " on " + u.ReviewedAt.Format(time.DateOnly)
	}
	fmt.Fprintf(g.std.out, "%s  %s\n", clean(u.ID), clean(state))
	captured := ""
	if !u.CapturedAt.IsZero() {
		captured = u.CapturedAt.Format(time.RFC3339)
	}
	for _, l := range [][2]string{
		{"shows", u.Title}, {"file", u.Filename}, {"sha256", u.FileSHA256}, {"system", u.SourceSystem}, {"address", u.URL},
		{"account", u.Account}, {"method", u.CaptureMethod}, {"captured", captured}, {"note", u.Note}, {"review", u.ReviewNote},
	} {
		if l[1] != "" {
			fmt.Fprintf(g.std.out, "  %-9s %s\n", l[0], clean(l[1]))
		}
	}
	return nil
}
