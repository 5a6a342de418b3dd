package infra

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Weights names the format of a model file by its first bytes: by a magic
// number and by a shape that only such a file has, never by the name alone. The
// path decides only between formats that begin alike. The size is that of the
// whole file. 4 KiB of head are enough for most formats; Keras files in HDF5 may
// show what they are only within 64 KiB.
func Weights(path string, head []byte, size int64) (format string, ok bool) {
	f, ok := WeightsFact(path, head, size)
	return f.Name, ok
}

// WeightsFact is Weights as a fact. The pointer of Git LFS that stands for a
// model file is templated: the file itself is elsewhere. Its size and hash are
// among the attributes.
func WeightsFact(path string, head []byte, size int64) (fact.Fact, bool) {
	if size < 16 || len(head) < 16 {
		return fact.Fact{}, false
	}
	n := nameOf(path)
	if f, ok := lfsPointer(n, head); ok {
		return f, true
	}
	for _, is := range [...]func(name, []byte, int64) string{
		byMagic, byText, safetensors, ggml, archive, onnx, coreML, savedModel, pickled, compressed, hdf5, xgboost,
	} {
		if f := is(n, head, size); f != "" {
			return fact.Fact{Class: fact.Weights, Name: f}, true
		}
	}
	return fact.Fact{}, false
}

// lfsPointer reads the text that Git keeps in place of a large file.
func lfsPointer(n name, head []byte) (fact.Fact, bool) {
	if !bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")) {
		return fact.Fact{}, false
	}
	format := lfsFormat(n)
	attrs := map[string]string{"pointer": "git-lfs"}
	for i, text := range lines(head) {
		key, value, _ := strings.Cut(text, " ")
		switch key {
		case "size":
			if _, err := strconv.ParseUint(value, 10, 63); err == nil {
				attrs["size"] = value
			}
		case "oid":
			attrs["oid"] = value
		}
		if i > 8 {
			break
		}
	}
	if format == "" || attrs["size"] == "" || attrs["oid"] == "" {
		return fact.Fact{}, false
	}
	return fact.Fact{Class: fact.Weights, Name: format, Standing: fact.Templated, Attrs: attrs}, true
}

// lfsFormat is what the name of a file says that a pointer points to. Endings
// that other files have too need a name of a model before them.
func lfsFormat(n name) string {
	switch n.ext {
	case ".safetensors", ".gguf", ".ggml", ".onnx", ".tflite", ".keras", ".mlmodel", ".cbm", ".pmml", ".llamafile":
		return n.ext[1:]
	case ".pt", ".pth", ".ckpt":
		return "pytorch"
	case ".engine", ".trt":
		return "tensorrt"
	}
	stem := strings.TrimSuffix(n.base, n.ext)
	modelled := strings.Contains(stem, "model") || strings.Contains(stem, "weights")
	switch {
	case n.ext == ".bin" && strings.Contains(stem, "pytorch_model"), n.ext == ".bin" && strings.Contains(stem, "adapter_model"):
		return "pytorch"
	case n.ext == ".bin" && strings.HasPrefix(stem, "ggml"):
		return "ggml"
	case (n.ext == ".h5" || n.ext == ".hdf5") && modelled:
		return "keras"
	case n.ext == ".joblib" && modelled:
		return "joblib"
	case n.base == "saved_model.pb":
		return "savedmodel"
	}
	return ""
}

// byMagic knows formats whose magic number is like no other.
func byMagic(n name, head []byte, size int64) string {
	at4 := string(head[4:8])
	switch {
	case at4 == "TFL3" && int64(le32(head)) < size:
		return "tflite"
	case at4 == "ORTM" && int64(le32(head)) < size:
		return "ort"
	case at4[:2] == "ET" && isDigits(at4[2:]) && n.ext == ".pte":
		return "executorch"
	case string(head[:4]) == "CBM1":
		return "catboost"
	case string(head[:4]) == "RKNN":
		return "rknn"
	case string(head[:4]) == "ftrt" || string(head[:4]) == "ptrt":
		return "tensorrt"
	case string(head[:4]) == "\xba\x16\x4f\x2f" && le32(head[4:]) < 64:
		return "fasttext"
	case bytes.HasPrefix(head, []byte("MZqFpD='")) && (n.ext == ".llamafile" || bytes.Contains(head, []byte("llamafile"))):
		return "llamafile"
	}
	return ""
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// byText knows models that are written as text.
func byText(_ name, head []byte, _ int64) string {
	if head[0] != 't' && head[0] != '<' && head[0] != '7' && head[0] != 0xef {
		return ""
	}
	text := string(head[:min(len(head), 4096)])
	switch first := strings.TrimLeft(text, "\ufeff \t\r\n"); {
	case strings.HasPrefix(first, "tree\n") && strings.Contains(text, "version=v") && strings.Contains(text, "num_class="):
		return "lightgbm"
	case strings.HasPrefix(first, "<") && strings.Contains(text, "<PMML") && strings.Contains(text, "dmg.org/PMML"):
		return "pmml"
	case strings.HasPrefix(first, "<") && strings.Contains(text, "<net ") && strings.Contains(text, "<layers>") && strings.Contains(text, "<layer "):
		return "openvino"
	case strings.HasPrefix(first, "7767517\n"):
		return "ncnn"
	}
	return ""
}

// safetensors: the length of a header, and a header that describes tensors.
func safetensors(_ name, head []byte, size int64) string {
	length := le64(head)
	if length < 2 || length > 100<<20 || int64(length)+8 > size || head[8] != '{' {
		return ""
	}
	text := head[8:min(len(head), int(length)+8)]
	if bytes.Contains(text, []byte(`"__metadata__"`)) || bytes.Contains(text, []byte(`"dtype"`)) &&
		(bytes.Contains(text, []byte(`"shape"`)) || bytes.Contains(text, []byte(`"data_offsets"`))) {
		return "safetensors"
	}
	return ""
}

// ggml: GGUF with plausible counts, or one of the older forms with a plausible
// vocabulary.
func ggml(_ name, head []byte, size int64) string {
	if len(head) < 24 {
		return ""
	}
	switch string(head[:4]) {
	case "GGUF":
		if v := le32(head[4:]); v >= 1 && v <= 16 && le64(head[8:]) < uint64(size) && le64(head[16:]) < 1<<20 {
			return "gguf"
		}
	case "lmgg":
		if v := le32(head[4:]); v > 100 && v < 1<<20 {
			return "ggml"
		}
	case "tjgg", "fmgg", "algg":
		if v := le32(head[4:]); v >= 1 && v < 8 && le32(head[8:]) < 1<<20 {
			return "ggml"
		}
	}
	return ""
}

// hdf5: a container of science data, a model only with the names that Keras
// gives to its parts.
func hdf5(_ name, head []byte, _ int64) string {
	if !bytes.HasPrefix(head, []byte("\x89HDF\r\n\x1a\n")) {
		return ""
	}
	for _, mark := range [...]string{"keras_version", "model_weights", "layer_names", "model_config", "_layer_checkpoint_dependencies"} {
		if bytes.Contains(head, []byte(mark)) {
			return "keras"
		}
	}
	return ""
}

// xgboost: its JSON and the binary form of it.
func xgboost(_ name, head []byte, _ int64) string {
	if head[0] != '{' {
		return ""
	}
	text := strings.ReplaceAll(string(head[:min(len(head), 4096)]), " ", "")
	switch {
	case strings.HasPrefix(text, `{"learner":{`), strings.HasPrefix(text, `{"version":[`) && strings.Contains(text, `"learner":{`):
		if strings.Contains(text, `"gradient_booster"`) || strings.Contains(text, `"attributes"`) || strings.Contains(text, `"feature_names"`) {
			return "xgboost"
		}
	case strings.HasPrefix(text, "{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"), strings.HasPrefix(text, "{i\x07learner{"):
		return "xgboost"
	}
	return ""
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }
