package huggingface

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

type obj = map[string]any

const fakeToken = "hf_an-odd-and-long-token"

// Commits of the fake.
var (
	shaA = strings.Repeat("a", 40)
	shaB = strings.Repeat("b", 40)
	shaD = strings.Repeat("d", 40)
)

// fakeHub imitates the hub as far as the connector asks, and as far as its
// documentation and its own client library tell how it answers. It is ours:
// nobody ships a real one.
type fakeHub struct {
	*httptest.Server
	mu       sync.Mutex
	repos    map[string]*fakeRepo // "models/o/n"
	owners   map[string]obj
	who      obj
	handlers map[string]http.HandlerFunc
	calls    map[string]int
	auth     []string
}

type fakeRepo struct {
	row    obj
	refs   obj
	revs   map[string]obj
	readme map[string]string
}

func newFake(t *testing.T) *fakeHub {
	f := &fakeHub{repos: map[string]*fakeRepo{}, owners: map[string]obj{}, handlers: map[string]http.HandlerFunc{}, calls: map[string]int{},
		who: obj{"name": "ada", "orgs": []obj{{"name": "acme"}}, "auth": obj{"accessToken": obj{"role": "read"}}}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

const fakeCard = `---
license: other
license_name: acme-1
base_model: [meta/base]
datasets:
- acme/claims
---
# Triage

Sorts claims.

## Uses

### Direct Use

<!-- what is it for -->
For claims handlers.

### Out-of-Scope Use

[More Information Needed]

## Bias, Risks, and Limitations

Knows only German.
`

const fakeSheet = `# Claims

## Dataset Structure

### Data Fields

id, text

## Dataset Creation

### Curation Rationale

To sort claims.

### Personal and Sensitive Information

Names were removed.

## Bias, Risks, and Limitations

[More Information Needed]
`

// fill puts two models and a data set of acme, and a base model of meta, into it.
func (f *fakeHub) fill() {
	f.owners["acme"] = obj{"name": "acme", "numModels": 2, "numDatasets": 1}
	m := f.add("models/acme/triage", shaA, fakeCard, "model.safetensors", "pytorch_model.bin", "config.json")
	m.row["gated"], m.row["private"] = "manual", true
	m.row["cardData"] = obj{"license": "other", "license_name": "acme-1"}
	m.row["tags"] = []string{"pytorch", "license:other", "dataset:acme/claims", "dataset:acme/more", "region:us"}
	m.add(shaB, fakeCard, "model.safetensors")
	m.refs["tags"] = []obj{{"name": "v1", "ref": "refs/tags/v1", "targetCommit": shaB}}
	delete(m.revs[shaB], "cardData")
	f.add("models/acme/empty", shaD, "", "model.gguf")
	f.add("datasets/acme/claims", shaD, fakeSheet, "train.parquet")
	f.add("models/meta/base", shaD, "# Base\n\ntext\n", "model.onnx").row["gated"] = "auto"
}

func (f *fakeHub) add(name, sha, card string, files ...string) *fakeRepo {
	_, id, _ := strings.Cut(name, "/")
	owner, _, _ := strings.Cut(id, "/")
	r := &fakeRepo{revs: map[string]obj{}, readme: map[string]string{},
		row: obj{"_id": "1", "id": id, "author": owner, "sha": sha, "createdAt": "2024-01-02T03:04:05.000Z", "lastModified": "2024-02-03T04:05:06.000Z",
			"private": false, "disabled": false, "gated": false, "tags": []string{"license:mit"}, "library_name": "transformers"},
		refs: obj{"branches": []obj{{"name": "main", "ref": "refs/heads/main", "targetCommit": sha}}, "tags": []obj{}, "converts": []obj{}}}
	r.add(sha, card, files...)
	f.repos[name] = r
	return r
}

func (r *fakeRepo) add(sha, card string, files ...string) {
	siblings := []obj{}
	if card != "" {
		r.readme[sha] = card
		siblings = append(siblings, obj{"rfilename": readme, "size": len(card), "blobId": "b1"})
	}
	for _, name := range files {
		sum := sha256.Sum256([]byte(name))
		siblings = append(siblings, obj{"rfilename": name, "size": 9, "blobId": "b2", "lfs": obj{"sha256": hex.EncodeToString(sum[:]), "size": 9, "pointerSize": 134}})
	}
	r.revs[sha] = obj{"id": r.row["id"], "sha": sha, "library_name": "transformers", "siblings": siblings,
		"cardData": obj{"license": "other", "base_model": []string{"meta/base"}, "datasets": "acme/claims"}}
}

func (f *fakeHub) config(more obj) connector.Config {
	settings := obj{"base_url": f.URL, "requests_per_second": 1000, "organizations": []string{"acme"}}
	for k, v := range more {
		if v == nil {
			delete(settings, k)
		} else {
			settings[k] = v
		}
	}
	b, err := json.Marshal(settings)
	if err != nil {
		panic(err)
	}
	return connector.Config{Settings: b, Secrets: map[string]string{"token": fakeToken}}
}

func (f *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.Path
	f.calls[path]++
	f.auth = append(f.auth, r.Header.Get("Authorization"))
	if h := f.handlers[path]; h != nil {
		h(w, r)
		return
	}
	switch parts := strings.Split(strings.TrimPrefix(path, "/api/"), "/"); {
	case path == pathWho:
		f.whoami(w, r)
	case parts[0] == "organizations" && f.owners[parts[1]] != nil:
		reply(w, f.owners[parts[1]])
	case path == "/api/models", path == "/api/datasets":
		f.list(w, r, parts[0])
	case strings.HasPrefix(path, "/api/") && len(parts) >= 3 && f.repos[strings.Join(parts[:3], "/")] != nil:
		f.repo(w, r, f.repos[strings.Join(parts[:3], "/")], parts[3:])
	case strings.Contains(path, "/resolve/"):
		f.resolve(w, path)
	default:
		f.missing(w, r)
	}
}

func (f *fakeHub) whoami(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+fakeToken {
		w.Header().Set("X-Error-Message", "Invalid credentials in Authorization header")
		failing(401, `{"error":"Invalid credentials in Authorization header"}`)(w, r)
		return
	}
	reply(w, f.who)
}

// missing: 404 to a token, 401 to anybody.
func (f *fakeHub) missing(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Error-Code", "RepoNotFound")
	if r.Header.Get("Authorization") == "" {
		failing(401, `{"error":"Invalid username or password."}`)(w, r)
		return
	}
	failing(404, `{"error":"Repository not found"}`)(w, r)
}

func (f *fakeHub) list(w http.ResponseWriter, r *http.Request, api string) {
	q := r.URL.Query()
	var rows []obj
	for _, name := range sortedKeys(f.repos) {
		repo := f.repos[name]
		if strings.HasPrefix(name, api+"/"+q.Get("author")+"/") && (r.Header.Get("Authorization") != "" || repo.row["private"] == false) {
			rows = append(rows, repo.row)
		}
	}
	from, _ := strconv.Atoi(q.Get("cursor"))
	n, _ := strconv.Atoi(q.Get("limit"))
	to := min(from+n, len(rows))
	if to < len(rows) {
		q.Set("cursor", strconv.Itoa(to))
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, f.URL, r.URL.Path, q.Encode()))
	}
	if rows == nil {
		rows = []obj{}
	}
	reply(w, rows[min(from, to):to])
}

func (f *fakeHub) repo(w http.ResponseWriter, r *http.Request, repo *fakeRepo, rest []string) {
	switch {
	case len(rest) == 0:
		reply(w, repo.row)
	case rest[0] == "refs":
		raw, _ := json.Marshal(repo.refs)
		sum := sha256.Sum256(raw)
		tag := `W/"` + hex.EncodeToString(sum[:6]) + `"`
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		reply(w, repo.refs)
	case rest[0] == "revision" && repo.revs[rest[1]] != nil:
		reply(w, repo.revs[rest[1]])
	case rest[0] == "commits" && repo.revs[rest[1]] != nil:
		reply(w, []obj{{"id": rest[1], "title": "x", "message": "", "date": "2024-02-01T00:00:00.000Z", "authors": []obj{{"user": "ada", "avatar": "x"}}}})
	default:
		w.Header().Set("X-Error-Code", "RevisionNotFound")
		failing(404, `{"error":"Invalid rev id"}`)(w, r)
	}
}

func (f *fakeHub) resolve(w http.ResponseWriter, path string) {
	api, rest := "models/", strings.TrimPrefix(path, "/")
	if id, ok := strings.CutPrefix(rest, "datasets/"); ok {
		api, rest = "datasets/", id
	}
	id, file, _ := strings.Cut(rest, "/resolve/")
	sha, _, _ := strings.Cut(file, "/")
	if repo := f.repos[api+id]; repo != nil && repo.readme[sha] != "" {
		_, _ = w.Write([]byte(repo.readme[sha]))
		return
	}
	http.Error(w, "Entry not found", http.StatusNotFound)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		panic(err)
	}
}

// failing answers every question with a status and a body.
func failing(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func sortedKeys(m map[string]*fakeRepo) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func apiPath(name string, more ...string) string {
	p, err := url.JoinPath("/api/"+name, more...)
	if err != nil {
		panic(err)
	}
	return p
}
