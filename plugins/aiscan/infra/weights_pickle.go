package infra

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"
)

// archive looks at the names of the first members of a zip file.
func archive(n name, head []byte, _ int64) string {
	if !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return ""
	}
	members := zipNames(head)
	has := func(end string) bool {
		for _, m := range members {
			if m == end || strings.HasSuffix(m, "/"+end) {
				return true
			}
		}
		return false
	}
	switch {
	case has("data.pkl") && strings.Contains(members[0], "/"), has("constants.pkl") && has("version"):
		return "pytorch"
	case has("model.weights.h5") || has("metadata.json") && has("config.json") && bytes.Contains(head, []byte("keras_version")):
		return "keras"
	case n.ext == ".keras" && has("metadata.json"):
		return "keras"
	}
	return ""
}

// zipNames lists the members whose headers are in the head, by the sizes that
// stand before them. A size that is not known yet ends the list.
func zipNames(head []byte) []string {
	var names []string
	for len(head) >= 30 && bytes.HasPrefix(head, []byte("PK\x03\x04")) && len(names) < 64 {
		name := int(head[26]) | int(head[27])<<8
		extra := int(head[28]) | int(head[29])<<8
		size := int64(le32(head[18:]))
		if 30+name > len(head) {
			break
		}
		names = append(names, string(head[30:30+name]))
		if head[6]&8 != 0 && size == 0 {
			break
		}
		end := int64(30+name+extra) + size
		if end >= int64(len(head)) {
			break
		}
		head = head[end:]
	}
	return names
}

// pickled: a pickle that makes objects of a library of machine learning. The
// first form of PyTorch has a magic number of its own.
func pickled(_ name, head []byte, _ int64) string {
	if bytes.HasPrefix(head, []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")) {
		return "pytorch"
	}
	if head[0] != 0x80 || head[1] < 2 || head[1] > 5 {
		return ""
	}
	modules := pickleModules(head)
	for _, m := range modules {
		for _, l := range learned() {
			if m == l.module || strings.HasPrefix(m, l.module+".") && !strings.HasPrefix(m, "sklearn.utils") && !strings.HasPrefix(m, "sklearn.datasets") {
				if l.format == "pickle" && contains(modules, "joblib.numpy_pickle") {
					return "joblib"
				}
				return l.format
			}
		}
	}
	return ""
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

type library struct{ module, format string }

// learned are the modules of which a pickled object is a model.
func learned() []library {
	return []library{
		{"torch", "pytorch"}, {"sklearn", "pickle"}, {"xgboost", "pickle"}, {"lightgbm", "pickle"}, {"catboost", "pickle"},
		{"keras", "pickle"}, {"tensorflow", "pickle"}, {"transformers", "pickle"}, {"sentence_transformers", "pickle"},
		{"statsmodels", "pickle"}, {"spacy", "pickle"}, {"gensim.models", "pickle"}, {"fastai", "pickle"}, {"prophet", "pickle"},
		{"pmdarima", "pickle"}, {"hmmlearn", "pickle"}, {"implicit", "pickle"}, {"surprise", "pickle"}, {"imblearn", "pickle"},
		{"bertopic", "pickle"}, {"stable_baselines3", "pickle"}, {"autogluon", "pickle"}, {"pycaret", "pickle"}, {"econml", "pickle"},
	}
}

// pickleModules lists the modules whose objects a pickle makes: c module \n
// name \n, or two short texts with the opcode that takes them as a name.
func pickleModules(b []byte) []string {
	var all []string
	for i := 2; i < len(b) && len(all) < 256; i++ {
		switch b[i] {
		case 'c':
			end := bytes.IndexByte(b[i+1:min(len(b), i+128)], '\n')
			if end > 0 && isModule(b[i+1:i+1+end]) {
				all = append(all, string(b[i+1:i+1+end]))
			}
		case 0x8c:
			module, at := shortText(b, i)
			if !isModule([]byte(module)) {
				continue
			}
			if at < len(b) && b[at] == 0x94 {
				at++
			}
			name, at := shortText(b, at)
			if at < len(b) && b[at] == 0x94 {
				at++
			}
			if name != "" && at < len(b) && b[at] == 0x93 {
				all = append(all, module)
			}
		}
	}
	return all
}

// shortText reads a text of less than 256 bytes and returns the index after it.
func shortText(b []byte, i int) (string, int) {
	if i+1 >= len(b) || b[i] != 0x8c || i+2+int(b[i+1]) > len(b) {
		return "", len(b)
	}
	end := i + 2 + int(b[i+1])
	return string(b[i+2 : end]), end
}

func isModule(b []byte) bool {
	if len(b) < 2 || b[0]|0x20 < 'a' && b[0] != '_' || b[0]|0x20 > 'z' {
		return false
	}
	for _, c := range b {
		if c != '.' && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// compressed: a pickle in the form that joblib gives it. No more is unpacked
// than the head of what is in it.
func compressed(n name, head []byte, size int64) string {
	if n.ext != ".joblib" && n.ext != ".pkl" && n.ext != ".z" && n.ext != ".pickle" || head[0] != 0x78 {
		return ""
	}
	r, err := zlib.NewReader(bytes.NewReader(head))
	if err != nil {
		return ""
	}
	inner, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil && len(inner) < 16 || len(inner) < 16 {
		return ""
	}
	if f := pickled(n, inner, size); f != "" {
		return "joblib"
	}
	return ""
}
