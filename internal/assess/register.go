package assess

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// registerView is the register of AI systems as of an instant.
type registerView struct {
	systems  []*systemView // by id
	byRow    map[int32]*systemView
	bound    bindings
	branches map[string]string // default branch by repository, lower case
	vendors  map[string]string // owner by vendor id
	uploads  map[string]int64  // SHA-256 of what a second person accepted → ledger position of the review
	people   map[string]string // whom a name stands for, both in the form of person
	width    int               // number of systems, or of elements of a system's longest list
}

// systemView is one AI system with what binds it to other sources.
type systemView struct {
	rec     *record
	id      string
	only    []string // just the id
	owner   string
	repos   map[string]repositoryBinding // by name, lower case
	jira    []jiraBinding
	cloud   []string
	vendors []string
	models  []string
	tier    string
}

type repositoryBinding struct {
	Name    string   `json:"name"`
	AIPaths []string `json:"ai_paths"`
	Branch  string   `json:"production_branch"`
}

type jiraBinding struct {
	Project   string `json:"project"`
	Component string `json:"component"`
}

func newRegisterView(v *view) *registerView {
	reg := &registerView{
		byRow: map[int32]*systemView{}, branches: map[string]string{},
		vendors: map[string]string{}, uploads: map[string]int64{},
	}
	reg.readNames(v)
	v.live(systemKind, func(t *table, row int32, _ bool) {
		s := newSystemView(&record{v: v, t: t, row: row})
		reg.systems = append(reg.systems, s)
		reg.byRow[row] = s
		reg.width = max(reg.width, int(t.meta(row).width))
	})
	reg.width = max(reg.width, len(reg.systems))
	slices.SortFunc(reg.systems, func(a, b *systemView) int {
		if c := strings.Compare(a.id, b.id); c != 0 {
			return c
		}
		return a.rec.t.byKey(a.rec.row, b.rec.row)
	})
	reg.bound = newBindings(reg.systems)
	v.live(repositoryKind, func(t *table, row int32, _ bool) {
		reg.branches[strings.ToLower(t.text(row, "repo"))] = t.text(row, "default_branch")
	})
	v.live(vendorKind, func(t *table, row int32, _ bool) {
		reg.vendors[t.subjectID(row)] = t.text(row, "owner")
	})
	v.live(uploadKind, func(t *table, row int32, _ bool) {
		// A file is read by whoever accepts it, and no record that happens to have
		// its digest.
		if sum := t.text(row, "sha256"); sum != t.text(row, "file_sha256") && reg.accepted(t, row, v.at) {
			reg.uploads[sum] = max(reg.uploads[sum], t.meta(row).seq)
		}
	})
	return reg
}

// accepted reports whether somebody other than the uploader accepted an upload.
func (reg *registerView) accepted(t *table, row int32, at int64) bool {
	reviewer, uploader := t.text(row, "reviewer"), t.text(row, "uploader")
	reviewed := t.time(row, "reviewed_at")
	return t.text(row, "review_decision") == "accepted" && NameForm(reviewer) != "" && NameForm(uploader) != "" &&
		!reg.same(reviewer, uploader) && reviewed != absent && reviewed <= at
}

// vouched reports whether somebody accepted what has a digest, at a ledger
// position: what came after the review, nobody has seen.
func (reg *registerView) vouched(sum evidence.Digest, seq int64) bool {
	review, ok := reg.uploads[sum.String()]
	return ok && seq < review
}

func newSystemView(rec *record) *systemView {
	t, row := rec.t, rec.row
	s := &systemView{
		rec: rec, id: t.subjectID(row), owner: t.text(row, "owner"), repos: map[string]repositoryBinding{},
		cloud: t.textList(row, "cloud_refs"), vendors: t.textList(row, "vendors"), models: t.textList(row, "models"),
	}
	s.only = []string{s.id}
	s.tier = t.text(row, "risk_tier")
	for _, name := range t.textList(row, "repos") {
		s.repos[strings.ToLower(name)] = repositoryBinding{Name: name}
	}
	var bindings []repositoryBinding
	if raw := t.raw(row, "repositories"); raw != "" && json.Unmarshal([]byte(raw), &bindings) == nil {
		for _, b := range bindings {
			s.repos[strings.ToLower(b.Name)] = b
		}
	}
	if raw := t.raw(row, "jira"); raw != "" {
		if err := json.Unmarshal([]byte(raw), &s.jira); err != nil {
			s.jira = nil // validated when it was sealed; a binding that cannot be read binds nothing
		}
	}
	return s
}

// matches reports whether a function about the register answers with s.
func (s *systemView) matches(function, arg, second string) bool {
	switch function {
	case "systemOf":
		return s.id == arg
	case "systemsOfRepository":
		_, ok := s.repos[strings.ToLower(arg)]
		return ok
	case "systemsOfVendor":
		return slices.Contains(s.vendors, arg)
	case "systemsOfModel":
		return slices.Contains(s.models, arg)
	case "systemsOfCloud":
		return slices.ContainsFunc(s.cloud, func(ref string) bool {
			if prefix, wild := strings.CutSuffix(ref, "*"); wild {
				return prefix != "" && strings.HasPrefix(arg, prefix)
			}
			return ref != "" && ref == arg
		})
	case "systemsOfJira":
		return slices.ContainsFunc(s.jira, func(b jiraBinding) bool {
			return b.Project == arg && (b.Component == "" || b.Component == second)
		})
	}
	return false
}

// isAI reports whether a path is part of the system, in one repository or,
// where repo is empty, in any of the system's. A repository without globs is
// all AI: what is not narrowed down counts.
func (s *systemView) isAI(repo, path string) bool {
	if repo != "" {
		b, ok := s.repos[strings.ToLower(repo)]
		return ok && b.isAI(path)
	}
	for _, b := range s.repos {
		if b.isAI(path) {
			return true
		}
	}
	return false
}

func (b repositoryBinding) isAI(path string) bool {
	if len(b.AIPaths) == 0 {
		return true
	}
	return slices.ContainsFunc(b.AIPaths, func(glob string) bool {
		ok, err := doublestar.Match(glob, path)
		return ok || err != nil // a glob that cannot be read narrows nothing down
	})
}

// isProduction reports whether a branch of a repository is the one that the
// system is released from: the one the register names, else the repository's
// default branch, else any.
func (reg *registerView) isProduction(s *systemView, repo, branch string) bool {
	want := s.repos[strings.ToLower(repo)].Branch
	if want == "" {
		want = reg.branches[strings.ToLower(repo)]
	}
	return want == "" || want == branch
}

// viewVal is the hidden argument of functions about the register.
type viewVal struct{ w *worker }

func (*viewVal) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("cannot be converted")
}
func (*viewVal) ConvertToType(ref.Type) ref.Val { return types.NewErr("cannot be converted") }
func (*viewVal) Equal(ref.Val) ref.Val          { return types.False }
func (*viewVal) Type() ref.Type                 { return viewType() }
func (v *viewVal) Value() any                   { return v }

// question is a call of a function about the register.
type question struct{ function, arg, second string }

// answer is what a function about the register answers: systems, by id.
type answer struct {
	list ref.Val
	rows []int32
}

// systemsBy answers a function about the register.
func (w *worker) systemsBy(function, arg, second string) ref.Val {
	return w.answer(question{function, arg, second}).list
}

// answer answers a question, once.
func (w *worker) answer(q question) *answer {
	if a, ok := w.answers[q]; ok {
		return a
	}
	a := &answer{}
	var list []ref.Val
	places := w.v.reg.bound.of(q)
	if count := w.v.s.steps; count != nil {
		count.Add(int64(len(places)))
	}
	for _, i := range places {
		s := w.v.reg.systems[i]
		if s.matches(q.function, q.arg, q.second) {
			list = append(list, s.rec)
			a.rows = append(a.rows, s.rec.row)
		}
	}
	a.list = types.NewRefValList(types.DefaultTypeAdapter, list)
	w.answers[q] = a
	return a
}

// system returns the register's view of a record.
func (r *record) system() *systemView { return r.v.reg.byRow[r.row] }
