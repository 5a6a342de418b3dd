package infra

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

func le(n int, v uint64) string {
	b := make([]byte, 8)
	binary.LittleEndian.PutUint64(b, v)
	return string(b[:n])
}

// member is the header and the content of a member of a zip file.
func member(name, content string) string {
	return "PK\x03\x04" + strings.Repeat("\x00", 14) + le(4, uint64(len(content))) + le(4, uint64(len(content))) +
		le(2, uint64(len(name))) + le(2, 0) + name + content
}

// bytesField is a field of Protocol Buffers that holds bytes.
func bytesField(number int, content string) string {
	return string(binary.AppendUvarint(nil, uint64(number<<3|2))) + string(binary.AppendUvarint(nil, uint64(len(content)))) + content
}

// globalOf is how a pickle of protocol 4 names a class.
func globalOf(module, class string) string {
	return "\x8c" + string(rune(len(module))) + module + "\x94\x8c" + string(rune(len(class))) + class + "\x94\x93\x94"
}

func deflated(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestWeights(t *testing.T) {
	header := `{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]}}`
	node := bytesField(1, bytesField(1, "x")+bytesField(2, "y")+bytesField(4, "MatMul"))
	sklearn := "\x80\x04\x95\x40\x00\x00\x00\x00\x00\x00\x00" + globalOf("sklearn.linear_model._base", "LinearRegression")
	cases := []struct {
		format, path, head string
	}{
		{"safetensors", "model.safetensors", le(8, uint64(len(header))) + header},
		{"safetensors", "renamed.bin", le(8, uint64(len(header))) + header},
		{"gguf", "q4.gguf", "GGUF" + le(4, 3) + le(8, 291) + le(8, 24) + "general.architecture"},
		{"ggml", "old.bin", "lmgg" + le(4, 51864) + strings.Repeat("\x00", 20)},
		{"ggml", "old.bin", "tjgg" + le(4, 3) + le(4, 32000) + strings.Repeat("\x00", 20)},
		{"onnx", "m.onnx", "\x08\x08" + bytesField(2, "pytorch") + bytesField(3, "2.1") + bytesField(7, node+strings.Repeat("x", 40))},
		{"coreml", "m.mlmodel", "\x08\x04" + bytesField(2, bytesField(1, bytesField(1, "image"))+"xxxxxxxxxxx")},
		{"pytorch", "m.pt", member("archive/data.pkl", "\x80\x02}q\x00.") + member("archive/version", "3")},
		{"pytorch", "script.pt", member("m/version", "3") + member("m/constants.pkl", "\x80\x02).")},
		{"pytorch", "old.pth", "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."},
		{"keras", "m.keras", member("metadata.json", `{"keras_version": "3.0"}`) + member("config.json", "{}")},
		{"keras", "m.h5", "\x89HDF\r\n\x1a\n" + strings.Repeat("\x00", 40) + "keras_version"},
		{"pickle", "m.pkl", sklearn},
		{"pickle", "m.pkl", "\x80\x02ccopy_reg\n_reconstructor\nq\x00cxgboost.sklearn\nXGBClassifier\n"},
		{"joblib", "m.joblib", sklearn + globalOf("joblib.numpy_pickle", "NumpyArrayWrapper")},
		{"joblib", "m.joblib", deflated(sklearn + strings.Repeat("x", 64))},
		{"tflite", "m.tflite", le(4, 28) + "TFL3" + strings.Repeat("\x00", 60)},
		{"savedmodel", "x/saved_model.pb", "\x08\x01" + bytesField(2, bytesField(1, "meta")+"xxxxxxxxxx")},
		{"tensorflow", "frozen.pb", bytesField(1, bytesField(1, "in")+bytesField(2, "Placeholder")+bytesField(5, "dtype")) + "xx"},
		{"tensorrt", "m.engine", "ftrt" + strings.Repeat("\x00", 60)},
		{"pmml", "m.pmml", `<?xml version="1.0"?><PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">`},
		{"xgboost", "m.json", `{"learner": {"attributes": {}, "feature_names": []}}`},
		{"xgboost", "m.ubj", "{L\x00\x00\x00\x00\x00\x00\x00\x07learner{L"},
		{"lightgbm", "m.txt", "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"},
		{"catboost", "m.cbm", "CBM1" + strings.Repeat("\x00", 40)},
		{"llamafile", "m.llamafile", "MZqFpD='\n" + strings.Repeat("x", 40)},
		{"fasttext", "lid.bin", "\xba\x16\x4f\x2f" + le(4, 12) + strings.Repeat("\x00", 40)},
	}
	for _, c := range cases {
		got, ok := Weights(c.path, []byte(c.head), int64(len(c.head))+1<<20)
		if !ok || got != c.format {
			t.Errorf("%s: %q %v, want %s", c.path, got, ok, c.format)
		}
	}
}

func TestFilesThatAreNoModels(t *testing.T) {
	cases := map[string]string{
		"messages.pt":         "# Mensagens em português\nerro = falhou\n",
		"firmware.bin":        strings.Repeat("\x00\x01\x02\x03", 40),
		"cache.pkl":           "\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x07sklearn\x94\x8c\x05torch\x94s.",
		"data.pkl":            "\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00" + globalOf("pandas.core.frame", "DataFrame"),
		"iris.pkl":            "\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00" + globalOf("sklearn.utils._bunch", "Bunch"),
		"ocean.h5":            "\x89HDF\r\n\x1a\n" + strings.Repeat("\x00", 40) + "temperature",
		"arrays.npz":          member("x.npy", "\x93NUMPY"),
		"app.jar":             member("META-INF/MANIFEST.MF", "x"),
		"lib.zip":             member("data.pkl", "not in a folder of an archive"),
		"message.pb":          bytesField(1, "hello") + bytesField(2, "world") + strings.Repeat("x", 20),
		"saved.onnx":          "\x08\x07" + bytesField(2, "name") + bytesField(9, "x") + strings.Repeat("x", 20),
		"zero.onnx":           strings.Repeat("\x00", 64),
		"empty.safetensors":   "",
		"text.safetensors":    "this is a note about a file",
		"length.safetensors":  le(8, 1<<40) + `{"a":{"dtype":"F16","shape":[]}}`,
		"settings.json":       `{"learner": "a person who learns", "x": 1}`,
		"tree.txt":            "tree\n├── a\n└── b\n",
		"page.xml":            "<html>PMML http://www.dmg.org</html>",
		"GGUF.txt":            "GGUF is a format of model files, says this text",
		"program.com":         "MZqFpD='\n" + strings.Repeat("x", 40),
		"photo.lfs.png":       "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n",
		"firmware.lfs.bin":    "version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n",
		"compressed.pkl":      deflated(strings.Repeat("just text ", 20)),
		"compressed.zlib.txt": deflated("\x80\x04" + globalOf("sklearn.svm", "SVC")),
	}
	for path, head := range cases {
		if got, ok := Weights(path, []byte(head), int64(len(head))+4096); ok {
			t.Errorf("%s is called %s", path, got)
		}
	}
}

func TestPointersOfLargeFiles(t *testing.T) {
	text := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4920739232\n"
	f, ok := WeightsFact("models/llama.gguf", []byte(text), int64(len(text)))
	if !ok || f.Name != "gguf" || f.Standing != fact.Templated || f.Attrs["size"] != "4920739232" {
		t.Errorf("got %v %+v", ok, f)
	}
	if f, ok := WeightsFact("pytorch_model-00001-of-00002.bin", []byte(text), int64(len(text))); !ok || f.Name != "pytorch" {
		t.Errorf("got %v %+v", ok, f)
	}
}
