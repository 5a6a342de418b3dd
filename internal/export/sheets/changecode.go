package sheets

import (
	"context"
	"path"
	"strings"
)

// pull is what the sheet shows of a github.pull_request.
type pull struct {
	Repo      string   `json:"repo"`
	Number    int32    `json:"number"`
	Title     string   `json:"title"`
	Author    string   `json:"author"`
	Head      string   `json:"head_sha"`
	MergedAs  string   `json:"merge_commit_sha"`
	Base      string   `json:"base_ref"`
	Files     []string `json:"files"`
	Truncated bool     `json:"files_truncated"`
	Merged    when     `json:"merged_at"`
	Issues    []string `json:"linked_issue_keys"`
}

// push is what the sheet shows of a github.push.
type push struct {
	Repo        string   `json:"repo"`
	Ref         string   `json:"ref"`
	Sha         string   `json:"sha"`
	Author      string   `json:"author"`
	Pusher      string   `json:"pusher"`
	Committed   when     `json:"committed_at"`
	Pushed      when     `json:"pushed_at"`
	Message     string   `json:"message_summary"`
	Files       []string `json:"files"`
	Truncated   bool     `json:"files_truncated"`
	Association string   `json:"association"`
	Issues      []string `json:"linked_issue_keys"`
}

// commitName is a commit of a repository.
type commitName struct{ repo, sha string }

// codeChanges writes merges as they come, then the pushes that no merge
// brought. Of pushes there are few: those of merges are not read.
func (c *changeBook) codeChanges(ctx context.Context) error {
	pushes, err := c.pushes(ctx)
	if err != nil {
		return err
	}
	at := make(map[commitName]int, len(pushes))
	for i := range pushes {
		at[pushes[i].name] = i
	}
	err = eachRecord(ctx, c.Book, func(r *record[pull]) error {
		if i, known := at[commitName{r.v.Repo, r.v.MergedAs}]; known {
			pushes[i].merged = true
		}
		return c.pull(r)
	}, "github.pull_request")
	if err != nil {
		return err
	}
	for i := range pushes {
		if pushes[i].merged {
			continue
		}
		if err := c.row(&pushes[i].prodChange); err != nil {
			return err
		}
	}
	return nil
}

// pull writes the row of a merge, if it changed production.
func (c *changeBook) pull(r *record[pull]) error {
	v := &r.v
	if r.broken != "" {
		return c.brokenChange(r.item)
	}
	if v.Merged.IsZero() {
		return nil
	}
	systems, touched := c.bind.ofChange(v.Repo, v.Base, v.Files, v.Truncated)
	if len(systems) == 0 {
		return nil
	}
	x := prodChange{item: r.item, id: r.subject.ID, by: byUs, author: v.Author, what: v.Title, systems: systems, types: typesOf(touched), at: v.Merged.Time,
		consent: c.consentTo(v), asked: true, refs: []string{v.Head, v.MergedAs}, requests: c.requests.keyed(v.Issues)}
	if !*x.consent.before && len(x.consent.by) == 0 && !sure(c.verdicts.about(&x)) && !c.whole[r.source] {
		x.consent.before, x.consent.final = nil, nil // reviews may be there that nobody could read
	}
	return c.row(&x)
}

// pushed is a push that may be a change of production.
type pushed struct {
	prodChange
	name   commitName
	merged bool
}

func (c *changeBook) pushes(ctx context.Context) ([]pushed, error) {
	var out []pushed
	err := eachRecord(ctx, c.Book, func(r *record[push]) error {
		v := &r.v
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		systems, touched := c.bind.ofChange(v.Repo, v.Ref, v.Files, v.Truncated)
		if len(systems) == 0 {
			return nil
		}
		at := v.Pushed.Time
		if at.IsZero() {
			at = v.Committed.Time
		}
		x := prodChange{item: r.item, id: r.subject.ID, by: byUs, author: firstOf(v.Pusher, v.Author), what: joined(" ", "pushed to", v.Ref) + joined("", ": ", v.Message),
			systems: systems, types: typesOf(touched), at: at, asked: true, refs: []string{v.Sha}, requests: c.requests.keyed(v.Issues)}
		if v.Association != "unknown" {
			x.consent = consent{before: ptr(false), final: ptr(false)}
		}
		out = append(out, pushed{x, commitName{v.Repo, v.Sha}, false})
		return nil
	}, "github.push")
	return out, err
}

// typesOf tells from the paths of AI files what kind of change it is.
func typesOf(files []string) []string {
	kinds := map[string]bool{}
	for _, f := range files {
		kinds[typeOf(f)] = true
	}
	if len(kinds) == 0 {
		kinds["code"] = true
	}
	return sortedKeys(kinds)
}

// typeWord is what a word of a path tells of what is changed in it.
func typeWord(word string) string {
	switch word {
	case "prompt", "prompts", "system_prompt", "system-prompt":
		return "prompt"
	case "guardrail", "guardrails", "content_filter", "moderation":
		return "guardrail"
	case "corpus", "corpora", "retrieval", "rag", "knowledge", "knowledge-base", "embeddings":
		return "corpus"
	case "weights", "checkpoints", "model.yaml", "models.yaml", "model.yml", "models.yml", "model.json", "models.json", "model.toml",
		"endpoint.yaml", "endpoint.yml":
		return "model"
	}
	return ""
}

// typeOf is the type of change that a path tells of: its first word that tells
// one, or else code.

func typeOf(file string) string {
	file = strings.ToLower(file)
	switch path.Ext(file) {
	case ".safetensors", ".onnx", ".gguf", ".pkl", ".pt", ".joblib":
		return "model"
	}
	for word := range strings.SplitSeq(file, "/") {
		if typ := typeWord(word); typ != "" {
			return typ
		}
	}
	return "code"
}

// gitDeployment is what the sheet shows of a github.deployment.
type gitDeployment struct {
	Repo        string `json:"repo"`
	Environment string `json:"environment"`
	Sha         string `json:"sha"`
	Ref         string `json:"ref"`
	Status      string `json:"status"`
	Creator     string `json:"creator"`
	Created     when   `json:"created_at"`
	Gates       *[]struct {
		Reviewer string `json:"reviewer"`
		State    string `json:"state"`
		Reviewed when   `json:"reviewed_at"`
	} `json:"protection_reviews"`
}

// isProduction reports whether an environment is called production.
func isProduction(environment string) bool {
	name := strings.NewReplacer("_", "-", "/", "-", " ", "-").Replace(strings.ToLower(strings.TrimSpace(environment))) + "-"
	return strings.HasPrefix(name, "production-") || strings.HasPrefix(name, "prod-")
}

// deployments writes the commits that were sent to production.
func (c *changeBook) deployments(ctx context.Context) error {
	return eachRecord(ctx, c.Book, func(r *record[gitDeployment]) error {
		v := &r.v
		if r.broken != "" {
			return c.brokenChange(r.item)
		}
		systems, in := c.bind.ofRepo(v.Repo)
		if !in || !isProduction(v.Environment) || v.Status != "" && v.Status != "success" && v.Status != "inactive" {
			return nil
		}
		x := prodChange{item: r.item, id: r.subject.ID, by: byUs, author: v.Creator, systems: systems, types: []string{"code"}, at: v.Created.Time, asked: true,
			what: joined(" ", "deployed", v.Ref, "of", v.Repo, "to", v.Environment), refs: []string{v.Sha, v.Ref}}
		if v.Gates != nil {
			for _, g := range *v.Gates {
				if !strings.EqualFold(g.State, "approved") {
					continue
				}
				x.consent.by = append(x.consent.by, g.Reviewer)
				if !g.Reviewed.IsZero() { // the source does not always say when
					x.consent.at = g.Reviewed.Time
					x.consent.before = ptr(!g.Reviewed.After(v.Created.Time))
				}
			}
			if len(*v.Gates) == 0 {
				x.consent.before = ptr(false)
			}
		}
		return c.row(&x)
	}, "github.deployment")
}
