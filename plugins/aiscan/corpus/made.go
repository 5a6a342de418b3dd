package corpus

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// A file NAME.gen of an archive holds one line, "gen: KIND", and stands for a
// file NAME whose bytes are made here: the beginnings by which formats are
// told apart, and little more.
func made(kind string) ([]byte, error) {
	switch kind {
	case "safetensors":
		header := `{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(b, header...), 0, 0, 0x80, 0x3f), nil
	case "gguf":
		b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
		b = binary.LittleEndian.AppendUint64(b, 0)
		b = binary.LittleEndian.AppendUint64(b, 1)
		return gguf(b, "general.architecture", "llama"), nil
	case "onnx":
		return onnx(), nil
	case "tflite":
		return append([]byte{0x1c, 0, 0, 0}, append([]byte("TFL3"), make([]byte, 56)...)...), nil
	case "pickle-torch":
		return zipped("pose/data.pkl", "\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00.", "pose/version", "3\n", "pose/data/0", "\x00\x00\x80\x3f")
	case "pickle-sklearn":
		return []byte("\x80\x03csklearn.ensemble._forest\nRandomForestClassifier\nq\x00)\x81q\x01}q\x02X\x0c\x00\x00\x00n_estimatorsq\x03Kdsb."), nil
	case "pickle-dict":
		return []byte("\x80\x03}q\x00X\x05\x00\x00\x00priceq\x01K\x0bs."), nil
	case "hdf5-keras":
		return hdf5("model_config", `{"class_name": "Sequential", "config": {"name": "digits"}}`, "keras_version", "2.15.0"), nil
	case "hdf5-science":
		return hdf5("detector", "north", "run", "42"), nil
	case "png":
		return []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"), nil
	case "zip":
		return zipped("readme.txt", "nothing here\n")
	}
	return nil, fmt.Errorf("nobody makes %q", kind)
}

func gguf(b []byte, key, value string) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(len(key)))
	b = append(b, key...)
	b = binary.LittleEndian.AppendUint32(b, 8) // a string
	b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	return append(b, value...)
}

// onnx is a ModelProto: version, producer and a graph of one node.
func onnx() []byte {
	field := func(number int, content string) string {
		return string([]byte{byte(number<<3 | 2), byte(len(content))}) + content
	}
	node := field(1, "x") + field(2, "y") + field(4, "Relu")
	graph := field(1, node) + field(2, "main")
	return []byte("\x08\x08" + field(2, "pytorch") + field(3, "2.4.0") + field(7, graph) + field(8, "\x0a\x00\x10\x11"))
}

// hdf5 is a superblock and names with values, as a reader of strings sees them.
func hdf5(pairs ...string) []byte {
	b := append([]byte("\x89HDF\r\n\x1a\n"), 0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0)
	b = append(b, make([]byte, 500)...)
	for _, p := range pairs {
		b = append(append(b, p...), 0, 0, 0, 0)
	}
	return append(b, make([]byte, 512)...)
}

func zipped(pairs ...string) ([]byte, error) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i+1 < len(pairs); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: pairs[i], Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

const (
	digits = "0123456789"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// keyText makes a string in the shape of a vendor's credential. It opens
// nothing: its middle counts through an alphabet.
func keyText(kind string) (string, error) {
	all := upper + digits + lower
	switch kind {
	case "openai-project":
		return "sk-" + "proj-" + run(all, 74, 3) + "T3Blbk" + "FJ" + run(all, 74, 11), nil
	case "anthropic":
		return "sk-" + "ant-" + "api03-" + run(all, 93, 5) + "AA", nil
	case "groq":
		return "gsk" + "_" + run(all, 52, 7), nil
	case "huggingface":
		return "hf" + "_" + run(lower+upper, 34, 9), nil
	case "stripe-like":
		return "sk" + "_live_" + run(all, 24, 13), nil
	}
	return "", fmt.Errorf("no key of the kind %q", kind)
}

func run(alphabet string, n, step int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[(i*step+step*step)%len(alphabet)]
	}
	return string(b)
}

// withKeys puts made keys in the place of @@KEY:kind@@ and returns them too.
func withKeys(text string) (string, []string, error) {
	const begin, end = "@@KEY:", "@@"
	var out strings.Builder
	var keys []string
	for {
		before, after, found := strings.Cut(text, begin)
		out.WriteString(before)
		if !found {
			return out.String(), keys, nil
		}
		kind, rest, ok := strings.Cut(after, end)
		if !ok {
			return "", nil, fmt.Errorf("%s without its end", begin)
		}
		key, err := keyText(kind)
		if err != nil {
			return "", nil, err
		}
		out.WriteString(key)
		keys = append(keys, key)
		text = rest
	}
}
