package sheets

import (
	"context"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// bindings say what of other sources belongs to which AI system, as the
// register states it and as the expectations read it.
type bindings struct {
	systems  []bound
	branches map[string]string // default branch by repository, lower case
	broken   []item
}

// bound is what binds one system to other sources.
type bound struct {
	id      string
	in      bool // in scope; so unless said otherwise
	repos   map[string]boundRepo
	cloud   []string
	models  []string
	vendors []string
}

type boundRepo struct {
	Name   string   `json:"name"`
	Paths  []string `json:"ai_paths"`
	Branch string   `json:"production_branch"`
}

// registered is what is read of an inventory.ai_system.
type registered struct {
	ID           string      `json:"system_id"`
	InScope      *bool       `json:"in_scope"`
	Repos        []string    `json:"repos"`
	Repositories []boundRepo `json:"repositories"`
	Cloud        []string    `json:"cloud_refs"`
	Models       []string    `json:"models"`
	Vendors      []string    `json:"vendors"`
}

// repository is what is read of a github.repository.
type repository struct {
	Repo   string `json:"repo"`
	Branch string `json:"default_branch"`
}

// bindings reads the register.
func (b *Book) bindings(ctx context.Context) (*bindings, error) {
	out := &bindings{branches: map[string]string{}}
	err := eachRecord(ctx, b, func(r *record[registered]) error {
		if r.broken != "" {
			out.broken = append(out.broken, r.item)
			return nil
		}
		s := bound{id: firstOf(r.v.ID, r.subject.ID), in: r.v.InScope == nil || *r.v.InScope,
			repos: map[string]boundRepo{}, cloud: r.v.Cloud, models: r.v.Models, vendors: r.v.Vendors}
		for _, name := range r.v.Repos {
			s.repos[strings.ToLower(name)] = boundRepo{Name: name}
		}
		for _, repo := range r.v.Repositories {
			s.repos[strings.ToLower(repo.Name)] = repo
		}
		out.systems = append(out.systems, s)
		return nil
	}, "inventory.ai_system")
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.systems, func(x, y bound) int { return strings.Compare(x.id, y.id) })
	return out, eachRecord(ctx, b, func(r *record[repository]) error {
		out.branches[strings.ToLower(r.v.Repo)] = r.v.Branch
		return nil
	}, "github.repository")
}

// bindsRepo reports whether a system names a repository.
func (b *bindings) bindsRepo(repo string) bool {
	repo = strings.ToLower(repo)
	return slices.ContainsFunc(b.systems, func(s bound) bool {
		_, ok := s.repos[repo]
		return ok
	})
}

// ofChange are the systems in scope whose production branch and whose AI files
// a change of a repository touches, and the files of those that it does. All
// systems that name the repository count with the first that is touched, as
// the expectations count them.
func (b *bindings) ofChange(repo, branch string, files []string, truncated bool) (systems, touched []string) {
	name, hit := strings.ToLower(repo), false
	for i := range b.systems {
		s := &b.systems[i]
		r, names := s.repos[name]
		if !names {
			continue
		}
		systems = append(systems, s.id)
		if !s.in || !b.production(r, name, branch) {
			continue
		}
		own := slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !r.isAI(f) })
		if truncated || len(own) > 0 {
			hit = true
			touched = append(touched, own...)
		}
	}
	if !hit {
		return nil, nil
	}
	return systems, distinct(touched)
}

// production reports whether a branch is the one that is released from: the
// one that the register names, else the default, else any.
func (b *bindings) production(r boundRepo, repo, branch string) bool {
	want := r.Branch
	if want == "" {
		want = b.branches[repo]
	}
	return want == "" || want == branch
}

// isAI reports whether a file is part of the AI system. A repository without
// globs is all AI.
func (r boundRepo) isAI(path string) bool {
	return len(r.Paths) == 0 || slices.ContainsFunc(r.Paths, func(glob string) bool {
		ok, err := doublestar.Match(glob, path)
		return ok || err != nil // a glob that cannot be read narrows nothing down
	})
}

// where are the systems for which a question holds: their ids, and whether one
// of them is in scope.
func (b *bindings) where(holds func(*bound) bool) (ids []string, in bool) {
	for i := range b.systems {
		if s := &b.systems[i]; holds(s) {
			ids, in = append(ids, s.id), in || s.in
		}
	}
	return ids, in
}

// ofRepo are the systems that name a repository.
func (b *bindings) ofRepo(repo string) ([]string, bool) {
	repo = strings.ToLower(repo)
	return b.where(func(s *bound) bool {
		_, ok := s.repos[repo]
		return ok
	})
}

// ofCloud are the systems that name a cloud resource by one of its names.
func (b *bindings) ofCloud(refs ...string) ([]string, bool) {
	return b.where(func(s *bound) bool {
		return slices.ContainsFunc(s.cloud, func(want string) bool {
			return slices.ContainsFunc(refs, func(ref string) bool {
				if prefix, wild := strings.CutSuffix(want, "*"); wild {
					return prefix != "" && strings.HasPrefix(ref, prefix)
				}
				return want != "" && want == ref
			})
		})
	})
}

// ofModel are the systems that are registered with a model.
func (b *bindings) ofModel(model string) []string {
	ids, _ := b.where(func(s *bound) bool { return slices.Contains(s.models, model) })
	return ids
}

// ofVendor are the systems that are registered with a vendor.
func (b *bindings) ofVendor(vendor string) []string {
	ids, _ := b.where(func(s *bound) bool { return slices.Contains(s.vendors, vendor) })
	return ids
}
