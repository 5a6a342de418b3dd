package huggingface

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

func TestFrontMatter(t *testing.T) {
	for in, want := range map[string]meta{
		"---\nlicense: mit\nbase_model: a/b\ndatasets: [y, x, x]\n---\n# T": {Licence: "mit", BaseModels: []string{"a/b"}, Datasets: []string{"x", "y"}},
		"\xef\xbb\xbf---\r\nlicense: [mit, gpl]\r\n---\r\n":                 {Licence: "mit, gpl"},
		"---\nlicense: no\n---\n":                                           {Licence: "no"},
		"---\nlicense: other\nlicense_name: x\n---":                         {Licence: "other (x)"},
		"---\nlicense: mit\n":                                               {}, // never closed: text
		"---\nlicense: {a: b}\nlibrary_name: 7\n---":                        {Library: "7"},
		"---\nlicense: &x mit\nbase_model: *x\n---":                         {Licence: "mit"}, // aliases are not followed
		"---\n- a\n---\n":                                                   {},
		"---\n: :\n  - [\n---\n":                                            {},
		"# T":                                                               {},
	} {
		matter, _ := splitCard([]byte(in))
		if d := cmp.Diff(want, frontMatter(matter)); d != "" {
			t.Errorf("%q: %s", in, d)
		}
	}
}

func TestMetaOf(t *testing.T) {
	for in, want := range map[string]meta{
		`{"license":["mit"],"base_model":["a","b"],"datasets":"d"}`:          {Licence: "mit", BaseModels: []string{"a", "b"}, Datasets: []string{"d"}},
		`{"license":5,"base_model":{"x":1},"datasets":[1,"d",null],"x":"y"}`: {Datasets: []string{"d"}},
		`null`: {}, ``: {}, `[]`: {}, `{"license":null}`: {},
	} {
		if d := cmp.Diff(want, metaOf(json.RawMessage(in))); d != "" {
			t.Errorf("%s: %s", in, d)
		}
	}
}

func TestSections(t *testing.T) {
	card := "intro\n# One #\ntext\n```\n# code\n```\n## Two\n<!-- a\ncomment -->\n### Stub\n[More Information Needed]\n- **Developed by:** [More Information Needed]\n" +
		"### Said\n- **By:** us\n## Two\nagain\n#NoHeading\n####### seven\n"
	got := map[string]string{}
	for k, v := range sectionMap(sections([]byte(card))) {
		got[k] = string(v)
	}
	want := map[string]string{"One": `"text\n` + "```" + `\n# code\n` + "```" + `"`, "Said": `"- **By:** us"`, "Two": `"again\n#NoHeading\n####### seven"`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	many := strings.Repeat("# x\ny\n", 3*maxSections) + strings.Repeat("z", 1<<20)
	if n := len(sections([]byte(many))); n != maxSections {
		t.Errorf("%d sections", n)
	}
}

func TestFormats(t *testing.T) {
	for name, want := range map[string]string{
		"model.safetensors": "safetensors", "a/b/Q4.GGUF": "gguf", "onnx/model.onnx": "onnx", "pytorch_model-00001-of-2.bin": "pickle", "training_args.bin": "pickle",
		"x.pt": "pickle", "x.ckpt": "pickle", "openvino_model.bin": "bin", "model.bin": "bin", "tf_model.h5": "keras", "saved_model.pb": "tensorflow",
		"config.json": "", "README.md": "", "modeling.py": "python", "": "", "bin": "",
	} {
		if got := formatOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestResetIn(t *testing.T) {
	for in, want := range map[string]int{`"api";r=0;t=55`: 55, `"api";r=0;t=5, "pages";r=1;t=9`: 9, `"api";r=0`: -1, ``: -1, `t=5`: -1, `"api";t=-3`: -1, `"api";t=99999999999`: -1} {
		got, ok := resetIn([]string{in})
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s: %d, want %d", in, got, want)
		}
	}
}

func TestConfig(t *testing.T) {
	secret := map[string]string{"token": "hf_abc"}
	for name, c := range map[string]struct {
		settings string
		secrets  map[string]string
		want     string // in the error; empty for none
	}{
		"an organisation":   {`{"organizations":["acme"]}`, secret, ""},
		"a repository":      {`{"repositories":["gpt2","datasets/a/b@main","a/b@refs/pr/1"]}`, nil, ""},
		"nothing":           {`{}`, secret, "name at least one"},
		"a path":            {`{"repositories":["../../etc"]}`, nil, "repositories[0]"},
		"too deep":          {`{"repositories":["a/b/c"]}`, nil, "repositories[0]"},
		"no revision":       {`{"repositories":["a/b@"]}`, nil, "repositories[0]"},
		"an odd owner":      {`{"organizations":["a/b"]}`, nil, "organizations[0]"},
		"an odd canary":     {`{"organizations":["a"],"canary":"x y"}`, nil, "canary"},
		"http with a token": {`{"organizations":["a"],"base_url":"http://hub.example"}`, secret, "unencrypted"},
		"http alone":        {`{"organizations":["a"],"base_url":"http://hub.example"}`, nil, ""},
		"user in address":   {`{"organizations":["a"],"base_url":"https://u:p@hub.example"}`, nil, "base_url"},
		"unknown setting":   {`{"organizations":["a"],"x":1}`, nil, "x"},
		"no rows":           {`{"organizations":["a"],"page_size":0}`, nil, "page_size"},
	} {
		_, err := parseConfig(connector.Config{Settings: []byte(c.settings), Secrets: c.secrets})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Whatever a card holds, what is made of it is text that a host takes.
func FuzzCard(f *testing.F) {
	for _, s := range []string{fakeCard, fakeSheet, "---\nlicense: &a [*a]\n---\n# \x00\n<!--", "---\n? {}\n---\n", "# a\n```\n# b\n~~~\n## c", "\xff# x\n## \u2028\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		matter, body := splitCard(b)
		list := sections(body)
		var s sheet
		s.fill(list)
		payload, err := json.Marshal(obj{"meta": frontMatter(matter), "sections": sectionMap(list), "sheet": s})
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.CheckPayload(payload); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
		for _, sec := range list {
			if utf8.RuneCountInString(sec.whole) > maxSection+1 || sec.title == "" {
				t.Errorf("section %+v", sec)
			}
		}
	})
}

// A row of any shape is refused or makes a payload that a host takes.
func FuzzRow(f *testing.F) {
	for _, s := range []string{`{"id":"a/b","gated":"auto","tags":["license:mit","a:b","a:c"],"cardData":{"license":["x"]},"createdAt":"2024-01-02T03:04:05.000Z"}`,
		`{"id":"a/b","gated":false,"cardData":"x","lastModified":null}`, `{"id":"a\u0000","tags":[""]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r repository
		if decode("/api/models", b, &r) != nil {
			return
		}
		payload, err := json.Marshal(obj{"tags": r.tagMap(), "licence": r.licence(), "owner": r.owner(), "gated": r.Gated, "at": r.Created.Time, "meta": metaOf(r.Card)})
		if err != nil {
			t.Fatal(err)
		}
		if err := wire.CheckPayload(payload); err != nil {
			t.Errorf("%s: %v", payload, err)
		}
	})
}
