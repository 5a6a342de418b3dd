package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// hubData is what the simulated GitHub holds.
type hubData struct {
	owner string
	repos []*repo // by id
}

// repoFile is one file of org/github: a repository as people write it.
type repoFile struct {
	ID          int64             `yaml:"id"`
	Name        string            `yaml:"name"`
	Visibility  string            `yaml:"visibility"` // public, private or internal
	Description string            `yaml:"description"`
	Language    string            `yaml:"language"`
	Topics      []string          `yaml:"topics"`
	Custom      map[string]string `yaml:"custom_properties"`
	Created     ago               `yaml:"created"`
	Archived    bool              `yaml:"archived"`
	Fork        string            `yaml:"fork"` // full name of the parent
	Main        string            `yaml:"main"`
	Denied      bool              `yaml:"denied"` // its files may not be read
	CI          []string          `yaml:"ci"`     // workflow names; the first also runs on pushes
	Classic     *classicRule      `yaml:"classic"`
	Rulesets    []ruleset         `yaml:"rulesets"`
	Files       map[string]string `yaml:"files"`
	Pulls       []pullFile        `yaml:"pulls"`
	Pushes      []pushFile        `yaml:"pushes"`
	Releases    []releaseFile     `yaml:"releases"`
	CodeErrors  []codeownerError  `yaml:"codeowners_errors"`
	Founder     string            `yaml:"founder"` // who made the first commit
}

type pullFile struct {
	N         int      `yaml:"n"`
	Title     string   `yaml:"title"`
	Body      string   `yaml:"body"`
	By        string   `yaml:"by"`
	Branch    string   `yaml:"branch"`
	Base      string   `yaml:"base"`
	Opened    ago      `yaml:"opened"`
	Commits   []ago    `yaml:"commits"` // pushes to the branch; the last is the final head
	Files     []string `yaml:"files"`
	Reviews   []string `yaml:"reviews"` // "login approved -3d", "login changes -4d", "login dismissed -4d"
	Merged    ago      `yaml:"merged"`
	MergedBy  string   `yaml:"merged_by"`
	Closed    ago      `yaml:"closed"` // without a merge
	Method    string   `yaml:"method"` // squash (default) or merge
	Labels    []string `yaml:"labels"`
	Draft     bool     `yaml:"draft"`
	AutoMerge bool     `yaml:"auto_merge"`
	CI        string   `yaml:"ci"` // conclusion of its runs, default success
}

type pushFile struct {
	At      ago      `yaml:"at"`
	By      string   `yaml:"by"`
	Message string   `yaml:"message"`
	Files   []string `yaml:"files"`
}

type releaseFile struct {
	Tag string `yaml:"tag"`
	At  ago    `yaml:"at"`
	By  string `yaml:"by"`
}

type classicRule struct {
	Reviews    int      `yaml:"reviews"`
	Stale      bool     `yaml:"dismiss_stale"`
	LastPush   bool     `yaml:"last_push"`
	CodeOwners bool     `yaml:"code_owners"`
	Checks     []string `yaml:"checks"`
	Admins     bool     `yaml:"admins"`
	Bypass     []string `yaml:"bypass"` // logins that may merge without a pull request
	NoReviews  bool     `yaml:"no_reviews"`
}

type ruleset struct {
	ID          int64    `yaml:"id"`
	Name        string   `yaml:"name"`
	Source      string   `yaml:"source"` // Organization or Repository
	Enforcement string   `yaml:"enforcement"`
	Reviews     int      `yaml:"reviews"`
	Stale       bool     `yaml:"dismiss_stale"`
	LastPush    bool     `yaml:"last_push"`
	CodeOwners  bool     `yaml:"code_owners"`
	Checks      []string `yaml:"checks"`
	Bypass      []string `yaml:"bypass"` // "OrganizationAdmin 1 pull_request"
	Updated     ago      `yaml:"updated"`
}

type codeownerError struct {
	Line    int    `yaml:"line" json:"line"`
	Column  int    `yaml:"column" json:"column"`
	Kind    string `yaml:"kind" json:"kind"`
	Source  string `yaml:"source" json:"source"`
	Message string `yaml:"message" json:"message"`
	Path    string `yaml:"path" json:"path"`
}

// fileChange is one path of a change: "path +3 -1", "path new +9", "path
// removed -7", "path renamed old/path".
type fileChange struct {
	path, status, previous string
	add, del               int
}

func parseFileChange(s string) (fileChange, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return fileChange{}, fmt.Errorf("a change without a path")
	}
	f := fileChange{path: words[0], status: "modified", add: 1}
	for i := 1; i < len(words); i++ {
		switch w := words[i]; {
		case w == "new":
			f.status = "added"
		case w == "removed":
			f.status, f.add = "removed", 0
		case w == "renamed" && i+1 < len(words):
			i++
			f.status, f.previous = "renamed", words[i]
		case w[0] == '+' || w[0] == '-':
			n, err := strconv.Atoi(w[1:])
			if err != nil {
				return fileChange{}, fmt.Errorf("%q: %w", s, err)
			}
			if w[0] == '+' {
				f.add = n
			} else {
				f.del = n
			}
		default:
			return fileChange{}, fmt.Errorf("%q: what is %q?", s, w)
		}
	}
	return f, nil
}

func parseFileChanges(lines []string) ([]fileChange, error) {
	var out []fileChange
	for _, l := range lines {
		f, err := parseFileChange(l)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
