package shadow

import (
	"path"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

func repositoryPlace(repo string) place { return place{typ: Repository, key: repoKey(repo), ref: repo} }

// repoKey is the name of a repository as it is compared: a clone's name may end
// in .git.
func repoKey(name string) string { return strings.TrimSuffix(lower(name), ".git") }

func developmentPlace(p product) place {
	ref := p.id
	if p.sig != nil && p.sig.Vendor == "GitHub" {
		ref = "github-copilot" // as the rules name it
	}
	return place{typ: Development, vendor: plain(p.vendor), ref: ref}
}

// containers are folders that hold several parts of a repository side by side.
var containers = []string{"apps", "applications", "services", "packages", "pkgs", "libs", "modules", "projects", "components", "cmd", "functions", "lambdas"}

// classOf is where in a repository a file is, as coarse as a change matters for
// a decision: the first folder, and the second where the first holds parts.
func classOf(p string) string {
	parts := strings.Split(path.Clean("/"+p), "/")[1:]
	switch {
	case len(parts) < 2:
		return "top"
	case len(parts) > 2 && slices.Contains(containers, lower(parts[0])):
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// codePlace is where code of a scope counts.
func codePlace(repo, scope string, p product) (place, bool) {
	switch scope {
	case "supporting":
		return place{}, false
	case "development":
		return developmentPlace(p), true
	}
	return repositoryPlace(repo), true
}

func (r *reader) usage(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo       string `json:"repo"`
		Path       string `json:"path"`
		Rule       string `json:"rule_id"`
		Category   string `json:"category"`
		Provider   string `json:"provider"`
		Package    string `json:"package"`
		Confidence string `json:"confidence"`
		Scope      string `json:"scope"`
		Introduced moment `json:"introduced_at"`
	}](ev)
	if err != nil || v.Repo == "" {
		return err
	}
	if v.Scope == "" {
		v.Scope = "product"
	}
	if v.Provider == "" {
		v.Provider, _, _ = strings.Cut(v.Rule, "/")
	}
	p := r.product(v.Provider, "")
	at := lower(v.Repo) + "|" + v.Path
	r.codeAt[at] = r.codeAt[at] || v.Scope != "supporting"
	where, ok := codePlace(v.Repo, v.Scope, p)
	if !ok {
		return nil
	}
	says := v.Rule + " in " + v.Path
	if v.Package != "" {
		says = "package " + v.Package + " in " + v.Path
	}
	s := sign{place: where, product: p, scope: v.Scope, class: classOf(v.Path), confidence: or(v.Confidence, Inferred), says: says,
		since: v.Introduced.Time, standing: true, weak: p.weak(), path: v.Path}
	if where.typ == Development {
		s.class, s.says = "", s.says+" of "+v.Repo
	}
	r.put(ev, s)
	return nil
}

// pendingModel is a reference to a model whose file may only support.
type pendingModel struct {
	ev   evidence.Evidence
	at   string
	sign sign
}

func (r *reader) modelReference(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo      string `json:"repo"`
		Path      string `json:"path"`
		Model     string `json:"model_ref"`
		Provider  string `json:"provider"`
		Committed moment `json:"committed_at"`
	}](ev)
	if err != nil || v.Repo == "" || v.Model == "" {
		return err
	}
	p := r.product(v.Provider, "")
	if p.id == "" {
		if found := r.in.Signs.Model(v.Model); len(found) > 0 {
			p = productOf(found[0])
		}
	}
	bare := *ev
	bare.Payload = nil
	r.models = append(r.models, pendingModel{bare, lower(v.Repo) + "|" + v.Path, sign{
		place: repositoryPlace(v.Repo), product: p, scope: "product", class: classOf(v.Path), confidence: Inferred,
		says: "model " + v.Model + " in " + v.Path, since: v.Committed.Time, standing: true, models: []string{v.Model}, path: v.Path,
	}})
	return nil
}

// settleModels takes references to models in, but for those in files of which
// all that is known is that they only support.
func (r *reader) settleModels() {
	for i := range r.models {
		m := &r.models[i]
		if counts, known := r.codeAt[m.at]; known && !counts {
			continue
		}
		r.put(&m.ev, m.sign)
	}
	r.models = nil
}

func (r *reader) openSecret(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo     string `json:"repo"`
		Path     string `json:"path"`
		Provider string `json:"provider"`
		State    string `json:"state"`
		Created  moment `json:"created_at"`
		Resolved moment `json:"resolved_at"`
	}](ev)
	if err != nil || v.Repo == "" || v.Provider == "" {
		return err
	}
	p := r.product(v.Provider, "")
	s := sign{place: repositoryPlace(v.Repo), product: p, scope: "product", class: classOf(v.Path), confidence: Declared,
		says: "a credential of " + p.title() + " lies open" + in(v.Path), since: v.Created.Time, standing: true, path: v.Path}
	if v.State == "resolved" {
		s.ended = "its alert was resolved"
	}
	if p.sig == nil {
		s.weak = true // a credential of somebody that no signature knows is no sign of AI
	}
	r.put(ev, s)
	return nil
}

func in(p string) string {
	if p == "" {
		return ""
	}
	return " in " + p
}

// pendingSBOM is a list of components; what a scan of the same repository says
// is more exact.
type pendingSBOM struct {
	ev    evidence.Evidence
	repo  string
	signs []sign
}

// ecosystems by the type of a package URL.
var ecosystems = map[string]string{"pypi": "pypi", "npm": "npm", "golang": "go", "maven": "maven", "nuget": "nuget", "gem": "gem", "cargo": "cargo",
	"composer": "composer", "conda": "conda", "hex": "hex", "pub": "pub", "swift": "swift", "cocoapods": "cocoapods"}

func (r *reader) sbom(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo     string `json:"repo"`
		Packages []struct {
			Name string `json:"name"`
			PURL string `json:"purl"`
		} `json:"packages"`
	}](ev)
	if err != nil || v.Repo == "" {
		return err
	}
	pending := pendingSBOM{ev: *ev, repo: lower(v.Repo)}
	pending.ev.Payload = nil
	for _, pkg := range v.Packages {
		eco, name := packageOf(pkg.PURL, pkg.Name)
		if eco == "" {
			continue
		}
		for _, m := range r.in.Signs.Package(eco, name) {
			p := productOf(m)
			pending.signs = append(pending.signs, sign{place: repositoryPlace(v.Repo), product: p, scope: "product", class: "", confidence: Unresolved,
				says: "package " + name + " in the list of components", standing: true, weak: p.weak() || m.IsWeak()})
		}
	}
	if len(pending.signs) > 0 {
		r.components = append(r.components, pending)
	}
	return nil
}

// packageOf takes a package URL apart.
func packageOf(purl, name string) (eco, pkg string) {
	rest, ok := strings.CutPrefix(purl, "pkg:")
	if !ok {
		return "", ""
	}
	typ, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return "", ""
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	if i := strings.LastIndex(rest, "@"); i > 0 {
		rest = rest[:i]
	}
	rest = strings.ReplaceAll(strings.ReplaceAll(rest, "%40", "@"), "%2F", "/")
	switch eco = ecosystems[strings.ToLower(typ)]; eco {
	case "maven":
		rest = strings.ReplaceAll(rest, "/", ":")
	case "":
		return "", ""
	}
	if rest == "" {
		rest = name
	}
	return eco, rest
}

// settleComponents takes lists of components in, but for repositories that a
// scan read: it tells what is used from what others bring along.
func (r *reader) settleComponents() {
	for i := range r.components {
		c := &r.components[i]
		if _, scanned := r.seen.scans[c.repo]; scanned {
			continue
		}
		for _, s := range c.signs {
			r.put(&c.ev, s)
		}
	}
	r.components = nil
}

func (r *reader) secretName(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Organization string `json:"organization"`
		Repo         string `json:"repo"`
		Name         string `json:"name"`
		Type         string `json:"type"`
		Created      moment `json:"created_at"`
	}](ev)
	if err != nil {
		return err
	}
	where := repositoryPlace(v.Repo)
	if v.Repo == "" {
		where = repositoryPlace(v.Organization + "/*") // every repository that may see it
	}
	if where.key == "/*" {
		return nil
	}
	for _, m := range r.in.Signs.SecretName(v.Name) {
		p := productOf(m)
		r.put(ev, sign{place: where, product: p, scope: "ci", confidence: Unresolved, says: "a " + or(v.Type, "secret") + " named " + v.Name + " is kept for workflows",
			since: v.Created.Time, standing: true, weak: p.weak() || m.IsWeak()})
	}
	return nil
}

// aiWords in the name or topics of a repository are its owner's own word.
var aiWords = []string{"ai", "ml", "llm", "llms", "gpt", "genai", "rag", "ai-agent", "machine-learning", "deep-learning", "generative-ai", "large-language-models"}

func (r *reader) repository(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo     string   `json:"repo"`
		Name     string   `json:"name"`
		Archived bool     `json:"archived"`
		Topics   []string `json:"topics"`
		Created  moment   `json:"created_at"`
		Pushed   moment   `json:"pushed_at"`
	}](ev)
	if err != nil || v.Repo == "" {
		return err
	}
	if why := r.leftOut(ev); ev.GoneAt.IsZero() || why != "" {
		r.seen.repository(v.Repo, repoSeen{v.Repo, v.Pushed.Time, v.Archived, why})
	}
	says := ""
	for _, w := range strings.Split(strings.ReplaceAll(lower(v.Name), "_", "-"), "-") {
		if slices.Contains(aiWords, w) {
			says = "its name says " + w
			break
		}
	}
	for _, t := range v.Topics {
		if slices.Contains(aiWords, lower(t)) {
			says = "its topics say " + lower(t)
			break
		}
	}
	if says == "" {
		return nil
	}
	s := sign{place: repositoryPlace(v.Repo), scope: "product", confidence: Unresolved, says: says, since: v.Created.Time, standing: true}
	if v.Archived {
		s.ended = "the repository is archived"
	}
	r.put(ev, s)
	return nil
}

func (r *reader) codeScan(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo     string        `json:"repo"`
		Finished moment        `json:"finished_at"`
		Files    int64         `json:"files_scanned"`
		Skipped  []skippedFile `json:"files_skipped"`
	}](ev)
	if err != nil || v.Repo == "" {
		return err
	}
	if ev.GoneAt.IsZero() {
		r.seen.scan(ev.Source, v.Repo, or(notAfter(v.Finished.Time, ev.CollectedAt), ev.CollectedAt), v.Files, int64(len(v.Skipped)))
	}
	return nil
}

// skippedFile is a file that a scan did not read.
type skippedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (r *reader) codeowners(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Repo  string      `json:"repo"`
		Rules []ownerRule `json:"rules"`
	}](ev)
	if err != nil || !ev.GoneAt.IsZero() {
		return err
	}
	repo, at := lower(v.Repo), ev.Source+" "+ev.Key
	if have, there := r.owners[repo]; !there || at < have.at {
		r.owners[repo] = ownersFile{at, v.Rules}
	}
	return nil
}

func (r *reader) app(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Organization string `json:"organization"`
		Slug         string `json:"app_slug"`
		Suspended    bool   `json:"suspended"`
		Created      moment `json:"created_at"`
	}](ev)
	if err != nil {
		return err
	}
	for _, m := range r.in.Signs.GitHubApp(v.Slug) {
		p := productOf(m)
		s := sign{place: developmentPlace(p), product: p, scope: "development", confidence: Declared, says: "the app " + v.Slug + " is installed in " + v.Organization,
			since: v.Created.Time, standing: true, weak: p.weak() || m.IsWeak()}
		if v.Suspended {
			s.ended = "the app is suspended"
		}
		r.put(ev, s)
	}
	return nil
}

func (r *reader) seat(ev *evidence.Evidence) error {
	v, err := decode[struct {
		Organization string `json:"organization"`
		User         string `json:"user"`
		Created      moment `json:"created_at"`
		Last         moment `json:"last_activity_at"`
	}](ev)
	if err != nil || v.Last.IsZero() {
		return err // a seat that nobody used is no use
	}
	p := r.product("github-copilot", "GitHub")
	r.put(ev, sign{place: developmentPlace(p), product: p, scope: "development", confidence: Declared, says: "seats of " + v.Organization + " are in use",
		since: earlier(v.Created.Time, v.Last.Time), last: v.Last.Time, actor: v.User})
	return nil
}

// or returns the first that is not zero.
func or[T comparable](a, b T) T {
	var none T
	if a != none {
		return a
	}
	return b
}
