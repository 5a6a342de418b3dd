package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/shadow"
)

func newShadowShowCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show CASE", Short: "One case in full: signals, evidence, history", Args: cobra.ExactArgs(1),
		Long: `Prints what a case rests on: each kind of sign with the records it is from and the digests
of their ledger entries, why it has its confidence, what the register says to it, who decided
what, and every state it was in. CASE may be the beginning of its id.`,
		Example: "  exhibit shadow show SC-3f9a0c11d2",
		RunE:    func(c *cobra.Command, args []string) error { return runShadowShow(c.Context(), g, args[0]) },
	}
}

// shadowDetail is a case with what it rests on and its history.
type shadowDetail struct {
	shadow.Case
	Signals   []shadow.Signal       `json:"signals"`
	Decisions []people.CaseDecision `json:"decisions"`
	History   []service.CaseStep    `json:"history"`
}

func runShadowShow(ctx context.Context, g *globals, id string) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	now := time.Now().UTC()
	res, err := agent.ReconcileShadow(ctx, st, now)
	if err != nil {
		return err
	}
	c, err := service.FindCase(res, id)
	if err != nil {
		return err
	}
	d := shadowDetail{Case: c, Signals: c.Signals, Decisions: []people.CaseDecision{}}
	if d.History, err = service.CaseHistory(ctx, st, c.ID); err != nil {
		return err
	}
	all, err := service.OnRecord(ctx, st, people.KindCaseDecision, people.ParseCaseDecision)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.Case == c.ID {
			d.Decisions = append(d.Decisions, one)
		}
	}
	if g.output != "table" {
		return printJSON(g.std.out, g.output, d)
	}
	printCase(g.std.out, &d, now)
	return nil
}

func printCase(w io.Writer, d *shadowDetail, now time.Time) {
	c := &d.Case
	fmt.Fprintf(w, "%s  %s  %s\n", clean(c.ID), clean(stateText(c, now)), clean(c.Title))
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-14s %s\n", name, clean(text))
		}
	}
	line("place", c.PlaceType+" "+c.Ref)
	line("since", c.FirstSeen.Format(time.DateOnly))
	if !c.LastSeen.IsZero() {
		line("last seen", c.LastSeen.Format(time.DateOnly))
	}
	line("confidence", c.Confidence+": "+c.Why)
	line("vendors", strings.Join(c.Vendors, ", "))
	line("models", strings.Join(c.Models, ", "))
	line("scopes", strings.Join(c.Scopes, ", "))
	if c.People > 0 {
		line("people", fmt.Sprint(c.People))
	}
	line("register", firstText(accountText(c), c.Unexplained))
	line("reopened", c.Reopened)
	line("due", dueText(c))
	line("owner", ownerText(c))
	printSignals(w, d.Signals)
	printDecisions(w, d.Decisions)
	if len(d.History) > 0 {
		fmt.Fprintln(w, "  on record")
	}
	for _, h := range d.History {
		fmt.Fprintf(w, "    %s  %s  %s\n", h.At.Format(time.RFC3339), h.Digest[:16], clean(strings.TrimSpace(h.Status+" "+h.System+" "+h.Reopened)))
	}
}

// firstText is the first text that says something.
func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func printSignals(w io.Writer, signals []shadow.Signal) {
	for _, s := range signals {
		state := ""
		switch {
		case s.Ended != "":
			state = ", " + s.Ended
		case s.Weak:
			state = ", supporting"
		}
		fmt.Fprintf(w, "  %s from %s: %s (%s, %d%s)\n", clean(s.Kind), clean(s.Source), clean(s.Says), s.Confidence, s.Count, clean(state))
		for i, key := range s.Keys {
			fmt.Fprintf(w, "    %s  %s\n", s.Digests[i].String()[:16], clean(short(key, 100)))
		}
		if more := s.Count - int64(len(s.Keys)); more > 0 {
			fmt.Fprintf(w, "    and %d more\n", more)
		}
	}
}

func printDecisions(w io.Writer, list []people.CaseDecision) {
	for _, d := range list {
		who := d.DecidedBy + " on " + d.DecidedAt.Format(time.DateOnly)
		switch {
		case d.ApprovedBy != "":
			who += ", approved by " + d.ApprovedBy + " on " + d.ApprovedAt.Format(time.DateOnly)
		case d.NeedsSecond():
			who += ", waits for a second person"
		}
		what := strings.TrimSpace(d.Decision + " " + d.System)
		if !d.ExpiresAt.IsZero() {
			what += " until " + d.ExpiresAt.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "  %s  %s, by %s: %s\n", clean(d.ID), clean(what), clean(who), clean(d.Reason))
	}
}

func newShadowCoverageCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "coverage", Short: "Which sources report, which are silent, and what nobody looks at", Args: cobra.NoArgs,
		Long: `Says for each way of looking for AI (code, cloud, vendors' accounts, apps, single sign-on, DNS
and proxies, workloads, expenses) which sources report, which did not see all, are silent or
fail, and which were never configured; then which known repositories, cloud accounts and
vendor organisations were not looked at, and why. A quiet source is not a clean source.`,
		Example: "  exhibit shadow coverage\n  exhibit shadow coverage -o json",
		RunE:    func(c *cobra.Command, _ []string) error { return runShadowCoverage(c.Context(), g) },
	}
}

func runShadowCoverage(ctx context.Context, g *globals) error {
	res, _, err := g.shadowNow(ctx)
	if err != nil {
		return err
	}
	c := res.Coverage
	unread, err := g.neverRead(c)
	if err != nil {
		return err
	}
	c.Sources = append(c.Sources, unread...)
	if g.output != "table" {
		return printJSON(g.std.out, g.output, c)
	}
	t := table{head: []string{"CHANNEL", "STATE", "SOURCES"}}
	for _, ch := range c.Channels {
		t.add(ch.Channel, ch.State, strings.Join(ch.Sources, ", "))
	}
	t.print(g.std.out)
	if len(c.Sources) > 0 {
		fmt.Fprintln(g.std.out)
		t = table{head: []string{"SOURCE", "CONNECTOR", "STATE", "LAST READ", "CHANNELS", "DETAIL"}}
		for _, s := range c.Sources {
			last := ""
			if !s.LastRun.IsZero() {
				last = s.LastRun.Format(time.DateOnly)
			}
			t.add(s.Source, s.Connector, s.State, last, strings.Join(s.Channels, ", "), short(s.Detail, 60))
		}
		t.print(g.std.out)
	}
	fmt.Fprintln(g.std.out)
	printShare(g.std.out, "repositories", c.Repositories)
	if c.Archived > 0 {
		fmt.Fprintf(g.std.out, "  %s left out\n", counted(c.Archived, "archived repository is", "archived repositories are"))
	}
	printShare(g.std.out, "cloud accounts", c.Accounts)
	printShare(g.std.out, "vendor organisations", c.Vendors)
	if !c.LookedAt() {
		fmt.Fprintln(g.std.out, "No source that could show AI was ever read. That is no clean result: nobody looked.")
	}
	return nil
}

// neverRead are configured sources of which no run is on record.
func (g *globals) neverRead(c shadow.Coverage) ([]shadow.SourceState, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	read := map[string]bool{}
	for _, s := range c.Sources {
		read[s.Source] = true
	}
	var out []shadow.SourceState
	for _, s := range cfg.Sources {
		channel := shadow.ChannelOf(s.Connector)
		if !read[s.Name] && channel != "" {
			out = append(out, shadow.SourceState{Source: s.Name, Connector: s.Connector, State: "never read", Channels: []string{channel}})
		}
	}
	return out, nil
}

func printShare(w io.Writer, what string, s shadow.Share) {
	fmt.Fprintf(w, "%d of %d %s looked at\n", s.LookedAt, s.Known, what)
	for _, m := range s.Missed {
		fmt.Fprintf(w, "  %s: %s\n", clean(m.Name), clean(m.Reason))
	}
	for _, m := range s.Skipped {
		fmt.Fprintf(w, "  %s: %d of its files were not read\n", clean(m.Name), m.Files)
	}
}
