package aiscan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

func why(r Report, path string) string {
	for _, u := range r.Unread {
		if u.Path == path {
			return u.Reason
		}
	}
	return ""
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := write(t, "a/b/x.py", "import openai\n")
	outside := write(t, "secret.py", "import cohere\n")
	for link, to := range map[string]string{"a/loop": "..", "a/self": "self", "out": outside, "out.py": filepath.Join(outside, "secret.py")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	rep, _ := report(t, folderOf(t, dir), Options{})
	if rep.Files != 1 || strings.Contains(brief(rep), "cohere") || why(rep, "a/loop") == "" || why(rep, "out") == "" || why(rep, "out.py") == "" {
		t.Errorf("%d files, %+v", rep.Files, rep.Unread)
	}
}

func TestDeepFolders(t *testing.T) {
	dir := t.TempDir()
	at, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := at.MkdirAll(strings.Repeat("d/", 600), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := at.Close(); err != nil {
		t.Fatal(err)
	}
	rep, _ := report(t, folderOf(t, dir), Options{})
	if len(rep.Unread) != 1 || rep.Unread[0].Reason != "nested too deeply" {
		t.Errorf("%+v", rep.Unread)
	}
}

func TestNamesAndContentsThatAreNoText(t *testing.T) {
	dir := write(t, "a.py", "import openai\n\xff\xfe\x00\n", "\xff\xfe.py", "import cohere\n", "nul.py", "import groq\n"+strings.Repeat("\x00", 100), "x.dat", "\x00import anthropic\n", "empty.py", "")
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("import mistralai\nc = Mistral()\n")) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	if err := os.WriteFile(filepath.Join(dir, "wide.py"), wide, 0o644); err != nil {
		t.Fatal(err)
	}
	rep, text := report(t, folderOf(t, dir), Options{})
	for _, p := range []string{"openai", "cohere", "groq", "mistral"} {
		if !strings.Contains(brief(rep), p+" ") {
			t.Errorf("no %s in\n%s", p, brief(rep))
		}
	}
	if strings.Contains(brief(rep), "anthropic") {
		t.Error("binary data was read as text")
	}
	var back Report
	if err := json.Unmarshal([]byte(text), &back); err != nil || strings.Contains(text, "\xff") {
		t.Errorf("the report is no JSON: %v", err)
	}
}

// A line of a gigabyte takes no gigabyte, and is named where it passes the
// limit.
func TestLongLine(t *testing.T) {
	dir := write(t, "a.py", "import openai\n")
	big := filepath.Join(dir, "big.js")
	if err := os.WriteFile(big, []byte("const x = require('cohere-ai'); /*"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 1<<30); err != nil {
		t.Fatal(err)
	}
	rep, _ := report(t, folderOf(t, dir), Options{})
	if !strings.Contains(why(rep, "big.js"), "larger than") || rep.Files != 1 {
		t.Errorf("%d files, %+v", rep.Files, rep.Unread)
	}
	// Below the limit it is read in windows.
	if err := os.Truncate(big, 64<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	rep, _ = report(t, folderOf(t, dir), Options{Workers: 1})
	runtime.ReadMemStats(&after)
	if !strings.Contains(brief(rep), "cohere") {
		t.Errorf("%s %+v", brief(rep), rep.Unread)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 400<<20 {
		t.Errorf("%d MB for a file of 64 MB", took>>20)
	}
}

func TestLinesInWindows(t *testing.T) {
	text := strings.Repeat("value = compute(something, other)\n", 300_000) + "import openai\n"
	rep := scanned(t, "big.py", text)
	if len(rep.Sightings) != 1 || rep.Sightings[0].Signals[0].Line != 300_001 || rep.Bytes != int64(len(text)) {
		t.Errorf("%+v, %d bytes", rep.Sightings, rep.Bytes)
	}
}

func TestBombs(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)
	aliases := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		aliases += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 9), ",") + "]\n"
	}
	rep := scanned(t, "package.json", deep, "a.ipynb", deep, "pnpm-lock.yaml", aliases, "docker-compose.yml", aliases, "deploy/k8s.yaml", aliases, "b.py", "import openai\n"+strings.Repeat("(", 500_000))
	if !strings.Contains(brief(rep), "openai product") || why(rep, "package.json") == "" {
		t.Errorf("%s %+v", brief(rep), rep.Unread)
	}

	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "x/a.py", Size: 14}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "import openai\n"); err != nil {
		t.Fatal(err)
	}
	const size = 1 << 28
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "x/zeros", Size: size}); err != nil {
		t.Fatal(err)
	}
	for range size >> 20 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	// 1028 to one is what the format can do at most: within the ratio, named by
	// its size.
	rep, err = Scan(context.Background(), Archive(&b), Options{Signatures: signatures(t)})
	if err != nil || !strings.Contains(brief(rep), "openai") || !strings.Contains(why(rep, "zeros"), "larger") {
		t.Errorf("%v %+v", err, rep.Unread)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	files := 0
	tree := folderOf(t, write(t, many()...))
	_, err := Scan(ctx, stopping{tree, func() {
		if files++; files == 40 {
			cancel()
		}
	}}, Options{Signatures: signatures(t)})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// stopping calls seen for every entry.
type stopping struct {
	Tree
	seen func()
}

func (s stopping) Walk(ctx context.Context, visit func(Entry) error) error {
	return s.Tree.Walk(ctx, func(e Entry) error {
		s.seen()
		return visit(e)
	})
}

// made is a credential of nobody: of a vendor's form, of random letters.
func made(prefix string, n int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
	r := rand.New(rand.NewPCG(7, 11))
	b := []byte(prefix)
	for range n {
		b = append(b, letters[r.IntN(len(letters))])
	}
	return string(b)
}

func TestCredentialsAreNotKept(t *testing.T) {
	key := made("gsk"+"_", 52)
	if len(signatures(t).Key(key)) == 0 {
		t.Fatal("the test's key is of no form")
	}
	dir := write(t, key+".py", "import groq\nc = Groq()\n", "d"+key+"/m.gguf", "GGUF\x03\x00\x00\x00", key+"/package.json", "{", "litellm/config.yaml", "model_list:\n- litellm_params: {model: groq/"+key+", api_key: "+key+"}\n",
		"a.py", "import groq\nc = Groq(api_key=\""+key+"\", base_url=\"https://"+key+"@api.groq.com/"+key+"\", model=\""+key+"\")\n",
		"b.yaml", "groq:\n  key: "+key+"\n  model: "+key+"\n  "+key+": 1\n", "requirements.txt", "groq @ https://"+key+"@example.com/groq.whl\n",
		".env", "GROQ_API_KEY="+key+"\n", "Dockerfile", "FROM "+key+"\nENV GROQ_API_KEY="+key+"\n", "notes.md", key+"\n", "package.json", "{\"dependencies\": {\"groq-sdk\": \"git+https://"+key+"@github.com/x\"}}",
		"broken.ipynb", "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"import groq #"+key+"\", "+key)
	age(t) // before, nothing of a file is kept
	store := t.TempDir()
	cache, err := FileCache(store, 0)
	if err != nil {
		t.Fatal(err)
	}
	rep, text := report(t, folderOf(t, dir), Options{Cache: cache, Salt: []byte("salt")})
	if err := cache.Close(); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"report": text}
	for _, name := range []string{cacheFile, treeFile + "*"} {
		files, err := filepath.Glob(filepath.Join(store, name))
		if err != nil || len(files) != 1 {
			t.Fatalf("%s: %v %v", name, files, err)
		}
		kept, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		places[name] = string(kept)
	}
	for name, where := range places {
		if strings.Contains(where, key) || strings.Contains(where, key[8:30]) {
			t.Errorf("the credential is in the %s", name)
		}
	}
	if len(rep.Secrets) < 5 {
		t.Errorf("%+v", rep.Secrets)
	}
	if got := scanned(t, "a.py", "key = \"gsk"+"_"+strings.Repeat("x", 52)+"\"\n"); len(got.Secrets) != 0 {
		t.Errorf("a placeholder is taken for a credential: %+v", got.Secrets)
	}
}

// one is a tree of one file.
type one struct {
	path string
	data []byte
}

func (o one) Streamed() bool { return false }

func (o one) Walk(_ context.Context, visit func(Entry) error) error {
	return visit(Entry{Path: o.path, Size: int64(len(o.data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(o.data)), nil }})
}

// Whatever a file is called and holds, a scan ends with a report that is JSON.
func FuzzScan(f *testing.F) {
	f.Add("a.py", "import openai\nc = OpenAI(base_url='http://x:1/v1', model=\"gpt-4o\")\n")
	f.Add("package.json", "{\"dependencies\": {\"openai\": 1}}")
	f.Add("Dockerfile", "FROM vllm/vllm-openai\nRUN pip install openai\n")
	f.Add("a.ipynb", "{\"cells\": [{\"cell_type\": \"code\", \"source\": \"import openai\"}]}")
	f.Add(".github/workflows/a.yml", "jobs:\n  a:\n    steps:\n    - uses: anthropics/claude-code-action@v1\n")
	s, err := New(Options{Signatures: signatures(f), Workers: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, text string) {
		if path == "" || len(text) > 1<<16 {
			return
		}
		rep, err := s.Scan(context.Background(), one{strings.ToValidUTF8(path, "x"), []byte(text)}, "fuzz")
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(rep)
		if err != nil || !json.Valid(b) {
			t.Fatalf("%v: %q", err, b)
		}
		for _, sight := range rep.Sightings {
			for _, signal := range sight.Signals {
				if len(signal.Excerpt) > 200 || signal.Line < 0 {
					t.Fatalf("%+v", signal)
				}
			}
		}
	})
}
