package netlogs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func reasonOf(err error) connector.Reason {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return connector.Denied
	case errors.Is(err, fs.ErrNotExist):
		return connector.NotFound
	}
	return connector.Malformed
}

// finish tells what the files hold and what they lack, emits the days that
// changed, and closes those that are over.
func (r *run) finish() error {
	if err := r.vanished(); err != nil {
		return err
	}
	for i, l := range r.cfg.Logs {
		if err := r.account(i, l); err != nil {
			return err
		}
	}
	if err := r.canaries(); err != nil {
		return err
	}
	if err := r.emit(); err != nil {
		return err
	}
	return r.close()
}

// vanished tells of files that were being written to when they were last read,
// and that are nowhere now.
func (r *run) vanished() error {
	for _, n := range r.mem.Files {
		if !n.gone || !n.Live {
			continue
		}
		err := r.gap("log "+n.Log+", "+n.Path, connector.Hidden, fmt.Sprintf(
			"what was read of it up to byte %d is in no file any more: lines that came after may be lost; let the paths take rotated files too, and read more often than they are deleted", n.Off))
		if err != nil {
			return err
		}
	}
	return nil
}

// account says of one log what was read, and what could not be.
func (r *run) account(i int, l *logConfig) error {
	var all counts
	files, read, twins, empty := 0, 0, 0, 0
	forms := map[string]bool{}
	for _, j := range r.jobs {
		if j.log != i || j.err != nil && (j.note == nil || j.note.Counts.Lines == 0) {
			continue
		}
		files++
		switch {
		case j.twin != "":
			twins++
			continue
		case j.note == nil:
			empty++
			continue
		case !j.same:
			read++
		}
		all.add(j.note.Counts)
		if j.note.Note != "" {
			forms[j.note.Note] = true
		}
		if err := r.shortcomings(l, j); err != nil {
			return err
		}
	}
	q := fmt.Sprintf("log %s: %d files (%s)", l.Name, files, strings.Join(sortedKeys(forms), ", "))
	for n, text := range map[int]string{twins: "%d copies of others"} {
		if n > 0 {
			q += fmt.Sprintf(", "+text, n)
		}
	}
	q += fmt.Sprintf(", %d read, %d lines of which %d are requests", read, all.Lines, all.Requests)
	if all.Newest > 0 {
		q += ", newest " + stamp(all.Newest)
	}
	r.book.Query(q, records.KindActivity)
	if files > empty {
		r.book.Read(records.KindActivity)
	}
	if all.Oldest > 0 {
		if r.mem.Oldest == nil {
			r.mem.Oldest = map[string]int64{}
		}
		if was := r.mem.Oldest[l.Name]; was == 0 || all.Oldest < was {
			r.mem.Oldest[l.Name] = all.Oldest
		}
		r.book.Since(time.Unix(r.mem.Oldest[l.Name], 0).UTC(), records.KindActivity)
	}
	return r.silent(l, files, all)
}

// silent tells of a log that says nothing: a quiet source is not a clean one.
func (r *run) silent(l *logConfig, files int, all counts) error {
	scope := "log " + l.Name
	switch {
	case files == 0:
		return nil // told by the search
	case all.Lines == 0:
		return r.gap(scope, connector.Hidden, "its files hold no line: nobody can tell whether nothing happened or nothing is logged")
	case all.Requests == 0:
		return r.gap(scope, connector.Hidden, fmt.Sprintf("none of its %d lines is a request: see whether queries are logged and whether the format is right", all.Lines))
	case all.Newest == 0:
		return r.gap(scope, connector.Hidden, "none of its lines says when it happened: have the time logged, or set undated to file_time")
	case r.cfg.silentAfter > 0 && r.now.Sub(time.Unix(all.Newest, 0)) > r.cfg.silentAfter:
		return r.gap(scope, connector.Hidden, fmt.Sprintf("its newest line is of %s: what happened since is not in it", stamp(all.Newest)))
	}
	return nil
}

func stamp(at int64) string { return time.Unix(at, 0).UTC().Format(time.RFC3339) }

// shortcomings tells what of a file could not be taken.
func (r *run) shortcomings(l *logConfig, j *job) error {
	c := j.note.Counts
	scope := "log " + l.Name + ", " + j.path
	for _, s := range []struct {
		n      int64
		reason connector.Reason
		text   string
	}{
		{c.Bad, connector.Malformed, fmt.Sprintf("%d of %d lines are not of the format %s or are cut, the first at byte %d", c.Bad, c.Lines, j.note.Format, c.BadAt)},
		{c.Long, connector.Truncated, fmt.Sprintf("%d lines are longer than %d bytes and were not read", c.Long, r.cfg.MaxLine)},
		{c.Undated, connector.Malformed, fmt.Sprintf("%d requests for addresses of AI have no time: have the time logged, or set undated to file_time", c.Undated)},
		{c.Untimely, connector.Malformed, fmt.Sprintf("%d requests are of a time that has not come yet, or before 2015: see the clock, and time_zone in the settings", c.Untimely)},
		{c.Late, connector.Truncated, fmt.Sprintf("%d requests are of days that are closed already (up to %s): set reopen_days higher than lines are late", c.Late, day(r.mem.To))},
	} {
		if s.n == 0 {
			continue
		}
		if err := r.gap(scope, s.reason, s.text); err != nil {
			return err
		}
	}
	if c.Full {
		if err := r.gap(scope, connector.Truncated, fmt.Sprintf("it tells of more than %d combinations of day, vendor, group and person: further ones were not counted", maxAggregates)); err != nil {
			return err
		}
	}
	if j.cut {
		return r.gap(scope, connector.Truncated, "it is shorter than what was read of it: what was written since cannot be told from what was read")
	}
	return nil
}

func day(d int32) string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// newest is the time of the newest line of all.
func (r *run) newest() (oldest, newest int64) {
	var all counts
	for _, n := range r.mem.Files {
		all.saw(n.Counts.Oldest)
		all.saw(n.Counts.Newest)
	}
	return all.Oldest, all.Newest
}

// canaries tells of whole days on which a host that must be asked for was not.
func (r *run) canaries() error {
	oldest, newest := r.newest()
	if len(r.cfg.Canaries) == 0 || newest == 0 {
		return nil
	}
	for d := max(dayOf(oldest)+1, r.mem.To+1, dayOf(newest)-int32(r.cfg.ReopenDays)); d < dayOf(newest); d++ {
		for i, host := range r.cfg.Canaries {
			seen := slices.ContainsFunc(r.mem.Files, func(n *fileNote) bool { return slices.Contains(n.Seen[d], i) })
			if seen || d < r.since {
				continue
			}
			err := r.gap("day "+day(d), connector.Hidden, host+" is asked for every day and was not: lines of this day are missing")
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// emit hands over every day and vendor that this run changed.
func (r *run) emit() error {
	type item struct {
		key
		channel string
	}
	var all []item
	for k, channels := range r.touched {
		for c := range channels {
			all = append(all, item{k, c})
		}
	}
	slices.SortFunc(all, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.channel, b.channel), cmp.Compare(a.rule, b.rule), cmp.Compare(a.group, b.group), cmp.Compare(a.actor, b.actor))
	})
	targets := map[string]*target{}
	for _, t := range r.table.targets {
		targets[t.rule()] = t
	}
	for _, it := range all {
		to := targets[it.rule]
		if to == nil {
			continue // a signature that is no more
		}
		total, logs := r.total(it.key, it.channel)
		if total == nil {
			continue
		}
		if err := r.book.Record(r.record(it.key, it.channel, to, total, logs)); err != nil {
			return err
		}
	}
	return nil
}

// total adds up what all files say about a key: each log by itself, since only
// the lines of one log tell a question from its answer.
func (r *run) total(k key, channel string) (*sum, []string) {
	byLog := map[string]*sum{}
	for _, n := range r.mem.Files {
		s := n.sums[k]
		if s == nil || n.Channel != channel {
			continue
		}
		if byLog[n.Log] == nil {
			byLog[n.Log] = s.clone()
		} else {
			byLog[n.Log].merge(s, r.cfg.MaxActors)
		}
	}
	var total *sum
	logs := sortedKeys(byLog)
	for _, name := range logs {
		s := byLog[name]
		s.Queries, s.Replies, s.Refused, s.Listed = s.requests(), 0, s.blocked(), 0
		if total == nil {
			total = s
		} else {
			total.merge(s, r.cfg.MaxActors)
		}
	}
	return total, logs
}

// close closes the days that lie far enough back, and forgets what is only
// needed for them.
func (r *run) close() error {
	r.mem.Files = slices.DeleteFunc(r.mem.Files, func(n *fileNote) bool { return n.Hash == "" })
	oldest, newest := r.newest()
	if newest == 0 {
		return nil
	}
	if from := dayOf(oldest); r.mem.From == 0 || from < r.mem.From {
		r.mem.From = from
	}
	r.closeTo(dayOf(newest) - int32(r.cfg.ReopenDays))
	for {
		packed, err := r.mem.pack()
		if err != nil {
			return fmt.Errorf("netlogs: memory: %w", err)
		}
		if len(packed)/3*4 <= maxMemory || r.mem.To >= dayOf(newest) {
			return nil
		}
		r.closeTo(r.mem.To + 1)
		if err := r.gap("day "+day(r.mem.To), connector.Truncated, "it was closed early, because what has to be remembered of it is too much: lines of it that come later are not added"); err != nil {
			return err
		}
	}
}

func (r *run) closeTo(to int32) {
	r.mem.To = max(r.mem.To, to)
	for _, n := range r.mem.Files {
		maps.DeleteFunc(n.sums, func(k key, _ *sum) bool { return k.day <= r.mem.To })
		maps.DeleteFunc(n.Seen, func(d int32, _ []int) bool { return d <= r.mem.To })
	}
	r.mem.Files = slices.DeleteFunc(r.mem.Files, func(n *fileNote) bool {
		return n.gone && len(n.sums) == 0 && dayOf(n.Counts.Newest) <= r.mem.To
	})
}
