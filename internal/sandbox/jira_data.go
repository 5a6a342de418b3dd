package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// jiraFile is one file of org/jira: a project with its issues.
type jiraFile struct {
	ID         int64               `yaml:"id"`
	Key        string              `yaml:"key"`
	Name       string              `yaml:"name"`
	Lead       string              `yaml:"lead"`
	Components []string            `yaml:"components"`
	Issues     []issueFile         `yaml:"issues"`
	Statuses   map[string][]string `yaml:"statuses"` // category (new, indeterminate, done) → status names
}

type issueFile struct {
	N          int               `yaml:"n"`
	Type       string            `yaml:"type"`
	Summary    string            `yaml:"summary"`
	Text       string            `yaml:"text"`
	By         string            `yaml:"by"`
	To         string            `yaml:"to"`
	Priority   string            `yaml:"priority"`
	Labels     []string          `yaml:"labels"`
	Components []string          `yaml:"components"`
	Created    ago               `yaml:"created"`
	Flow       []string          `yaml:"flow"`  // "In Review twieliczko -3d": status, who, when
	Edits      []string          `yaml:"edits"` // "severity | SEV-3 | SEV-2 | ydemirhan | -3d"
	Fields     map[string]string `yaml:"fields"`
	Links      []string          `yaml:"links"` // "Causes CAPA-3"
	Resolution string            `yaml:"resolution"`
	Due        ago               `yaml:"due"`
	Approvals  []string          `yaml:"approvals"` // "nhakimi approved -4d"
	Hidden     bool              `yaml:"hidden"`    // the token may not browse it
}

type jiraData struct {
	projects []*project
	issues   []*issue // by creation
	byKey    map[string]*issue
}

type project struct {
	jiraFile
	category map[string]string // status → category
	order    []string          // statuses, in the order of their ids
}

type issue struct {
	issueFile
	id        int64
	key       string
	project   *project
	status    string
	updated   time.Time
	changes   []*change // oldest first
	approvals []approvalDecision
}

// change is one history of a changelog, with one item.
type change struct {
	id       int64
	by       *person
	at       time.Time
	field    string // as Jira names it: status, resolution, or a custom field's name
	fieldID  string
	from, to string

	fromID, toID string // ids of the values, where the field has ids
}

type approvalDecision struct {
	by       *person
	decision string
	at       time.Time
}

func (w *world) loadJira() error {
	w.jira.byKey = map[string]*issue{}
	names, err := yamlFiles("org/jira")
	if err != nil {
		return err
	}
	for _, name := range names {
		p := &project{category: map[string]string{}}
		if err := readYAML(name, &p.jiraFile); err != nil {
			return err
		}
		for _, category := range []string{"new", "indeterminate", "done"} {
			for _, status := range p.Statuses[category] {
				p.category[status] = category
				p.order = append(p.order, status)
			}
		}
		for _, f := range p.Issues {
			is, err := w.buildIssue(p, f)
			if err != nil {
				return fmt.Errorf("%s: %s-%d: %w", name, p.Key, f.N, err)
			}
			w.jira.issues = append(w.jira.issues, is)
			w.jira.byKey[is.key] = is
		}
		w.jira.projects = append(w.jira.projects, p)
	}
	slices.SortStableFunc(w.jira.issues, func(a, b *issue) int { return a.created(w.now).Compare(b.created(w.now)) })
	w.numberIssues()
	return w.checkLinks()
}

// numberIssues gives ids to issues and histories in the order of their times.
func (w *world) numberIssues() {
	var all []*change
	for i, is := range w.jira.issues {
		is.id = int64(20000 + i)
		all = append(all, is.changes...)
	}
	slices.SortStableFunc(all, func(a, b *change) int { return a.at.Compare(b.at) })
	for i, c := range all {
		c.id = int64(500000 + i)
	}
}

func (w *world) checkLinks() error {
	for _, is := range w.jira.issues {
		for _, l := range is.Links {
			kind, to, found := strings.Cut(l, " ")
			if _, known := linkKinds()[kind]; !found || !known || w.jira.byKey[to] == nil {
				return fmt.Errorf("org/jira: %s: link %q leads nowhere", is.key, l)
			}
		}
	}
	return nil
}

func (is *issue) created(now time.Time) time.Time { return is.Created.at(now) }

func (w *world) buildIssue(p *project, f issueFile) (*issue, error) {
	is := &issue{issueFile: f, key: p.Key + "-" + strconv.Itoa(f.N), project: p, updated: f.Created.at(w.now)}
	for _, id := range []string{f.By, f.To} {
		if _, err := w.person(id); err != nil && id != "" {
			return nil, err
		}
	}
	for name := range f.Fields {
		if _, known := customFields()[name]; !known {
			return nil, fmt.Errorf("no field is called %q", name)
		}
	}
	is.status = p.order[0]
	if err := w.buildFlow(is); err != nil {
		return nil, err
	}
	for _, line := range f.Edits {
		if err := w.buildEdit(is, line); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(is.changes, func(a, b *change) int { return a.at.Compare(b.at) })
	for _, c := range is.changes {
		is.updated = laterOf(is.updated, c.at)
	}
	return is, w.buildApprovals(is)
}

// buildFlow reads the moves through the workflow; the last one into a done
// status sets the resolution too.
func (w *world) buildFlow(is *issue) error {
	for i, line := range is.Flow {
		words := strings.Fields(line)
		if len(words) < 3 {
			return fmt.Errorf("flow %q: want a status, a login and a time", line)
		}
		to := strings.Join(words[:len(words)-2], " ")
		if is.project.category[to] == "" {
			return fmt.Errorf("flow %q: project %s has no such status", line, is.project.Key)
		}
		c, err := w.newChange(words[len(words)-2], words[len(words)-1])
		if err != nil {
			return err
		}
		c.field, c.fieldID, c.from, c.to = "status", "status", is.status, to
		c.fromID, c.toID = is.project.statusID(is.status), is.project.statusID(to)
		is.changes = append(is.changes, c)
		is.status = to
		if i == len(is.Flow)-1 && is.project.category[to] == "done" {
			is.Resolution = cmp.Or(is.Resolution, "Done")
			r := *c
			r.field, r.fieldID, r.from, r.to = "resolution", "resolution", "", is.Resolution
			r.fromID, r.toID = "", typeID(is.Resolution)
			is.changes = append(is.changes, &r)
		}
	}
	return nil
}

// statusID is the id of a status of the project.
func (p *project) statusID(name string) string {
	return strconv.FormatInt(p.ID*100+int64(slices.Index(p.order, name)), 10)
}

// buildEdit reads one change of a field: name | from | to | who | when.
func (w *world) buildEdit(is *issue, line string) error {
	parts := strings.Split(line, "|")
	if len(parts) != 5 {
		return fmt.Errorf("edit %q: want field | from | to | login | time", line)
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	c, err := w.newChange(parts[3], parts[4])
	if err != nil {
		return err
	}
	c.field, c.fieldID, c.from, c.to = parts[0], parts[0], parts[1], parts[2]
	if f, known := customFields()[parts[0]]; known {
		c.field, c.fieldID = f.name, f.id
	}
	is.changes = append(is.changes, c)
	return nil
}

func (w *world) newChange(login, when string) (*change, error) {
	by, err := w.person(login)
	if err != nil {
		return nil, err
	}
	at, err := parseAgo(when)
	if err != nil {
		return nil, err
	}
	return &change{by: by, at: at.at(w.now)}, nil
}

func (w *world) buildApprovals(is *issue) error {
	for _, line := range is.Approvals {
		words := strings.Fields(line)
		if len(words) != 3 {
			return fmt.Errorf("approval %q: want a login, a decision and a time", line)
		}
		c, err := w.newChange(words[0], words[2])
		if err != nil {
			return err
		}
		is.approvals = append(is.approvals, approvalDecision{by: c.by, decision: words[1], at: c.at})
	}
	return nil
}

// customField is one field that the company added to Jira. Values are written
// as the type says: option, options, text, number, user, time, yesno.
type customField struct {
	id, name, kind string
}

// customFields are the fields by the short name that data files use.
func customFields() map[string]customField {
	return map[string]customField{
		"systems":            {"customfield_10201", "AI systems", "options"},
		"severity":           {"customfield_10202", "Severity", "option"},
		"harm":               {"customfield_10203", "Harm type", "option"},
		"detected":           {"customfield_10204", "Detected at", "time"},
		"declared":           {"customfield_10205", "Declared at", "time"},
		"contained":          {"customfield_10206", "Contained at", "time"},
		"resolved":           {"customfield_10207", "Resolved at", "time"},
		"notifiable":         {"customfield_10208", "Notifiable", "yesno"},
		"decision_by":        {"customfield_10209", "Decision by", "user"},
		"cause":              {"customfield_10210", "Root cause", "text"},
		"rca":                {"customfield_10211", "RCA link", "text"},
		"risk_class":         {"customfield_10212", "Risk class", "option"},
		"planned":            {"customfield_10213", "Planned start", "time"},
		"notifiable_decided": {"customfield_10231", "Notification decided", "time"},
		"screening":          {"customfield_10232", "Result of the screening", "text"},
		"screened":           {"customfield_10233", "Screened", "time"},
		"approval_ref":       {"customfield_10214", "Approval reference", "text"},
		"implemented":        {"customfield_10215", "Implemented at", "time"},
		"rollback":           {"customfield_10216", "Rollback plan", "text"},
		"post_review":        {"customfield_10217", "Post review", "text"},
		"tier":               {"customfield_10218", "Risk tier", "option"},
		"approver_role":      {"customfield_10219", "Approver role", "option"},
		"approver":           {"customfield_10220", "Approver", "user"},
		"decided":            {"customfield_10221", "Decided at", "time"},
		"decision":           {"customfield_10222", "Decision", "option"},
		"clause":             {"customfield_10223", "Clause", "text"},
		"correction":         {"customfield_10224", "Correction", "text"},
		"similar":            {"customfield_10225", "Similar cases checked", "text"},
		"verified_by":        {"customfield_10226", "Verified by", "user"},
		"verified":           {"customfield_10227", "Verified at", "time"},
		"effective":          {"customfield_10228", "Effective", "yesno"},
		"nc":                 {"customfield_10229", "Nonconformity", "text"},
	}
}

type linkKind struct{ id, name, outward, inward string }

func linkKinds() map[string]linkKind {
	return map[string]linkKind{
		"Causes":  {"10100", "Problem/Incident", "causes", "is caused by"},
		"Blocks":  {"10101", "Blocks", "blocks", "is blocked by"},
		"Relates": {"10102", "Relates", "relates to", "relates to"},
	}
}
