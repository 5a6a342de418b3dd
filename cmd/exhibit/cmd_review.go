package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
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
	file, err := readLimited(path)
	if err != nil {
		return err
	}
	d, err := g.openDesk(ctx, s.as, true)
	if err != nil {
		return err
	}
	defer d.Close()
	in := service.Submission{Upload: s.upload, Times: times, File: *file}
	if s.about != "" {
		subjectType, id, ok := strings.Cut(s.about, "/")
		if !ok || id == "" {
			return usageError{fmt.Errorf("--about %q is not type/id", s.about), "for example vendor/acme"}
		}
		in.Upload.About = &evidence.Subject{Type: subjectType, ID: id}
	}
	if s.record != "" {
		if in.Record, err = readOneRecord(d, s.record); err != nil {
			return err
		}
	}
	made, err := d.Submit(ctx, in)
	if err != nil {
		return err
	}
	return printUpload(g, made)
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

func readLimited(path string) (*service.File, error) {
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
	return &service.File{Name: filepath.Base(path), MediaType: mime.TypeByExtension(filepath.Ext(path)), Content: content}, nil
}

// readOneRecord reads the record that a file supports, as import would.
func readOneRecord(d *desk, path string) (*evidence.Record, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err, "a file with one line as exhibit import reads it"}
	}
	defer f.Close()
	return d.OneRecord(f, path)
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
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	list, err := svc.Pile(ctx)
	if err != nil {
		return err
	}
	if !all {
		list = slices.DeleteFunc(list, func(h service.HandedIn) bool { return h.State != "pending" })
	}
	slices.SortStableFunc(list, func(a, b service.HandedIn) int { return a.At.Compare(b.At) })
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
	svc, done, err := g.reading(ctx)
	if err != nil {
		return err
	}
	defer done()
	h, err := svc.FindHandedIn(ctx, id)
	if err != nil {
		return err
	}
	if path != "" {
		content, _, err := svc.HandedInFile(ctx, h)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	shown, err := svc.Shown(ctx, h)
	if err != nil {
		return err
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, shown)
	}
	record := shown.Record
	if h.Upload == nil {
		fmt.Fprintf(g.std.out, "%s  %s: handed in by %s with exhibit import\n", clean(h.ID), h.State, clean(h.By))
	} else if err := printUpload(g, *h.Upload); err != nil {
		return err
	}
	if record != nil {
		fmt.Fprintf(g.std.out, "  %-9s %s %s, about %s/%s\n            %s\n", "record", clean(record.Kind), clean(record.Key),
			clean(record.Subject.Type), clean(record.Subject.ID), clean(string(record.Payload)))
	}
	return nil
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
	reviewed, err := d.Review(ctx, id, decision, note)
	if err != nil {
		return err
	}
	g.note("%s was %s by %s.", clean(id), decision, clean(d.Who.ID))
	return g.printActed(reviewed)
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
