package infra

// Weights names the format of a model file by its first bytes: by a magic
// number and by a shape that only such a file has, never by the name alone. The
// path decides only between formats that begin alike. The size is that of the
// whole file.
func Weights(path string, head []byte, size int64) (format string, ok bool) {
	for _, is := range weightFormats {
		if f := is(nameOf(path), head, size); f != "" {
			return f, true
		}
	}
	return "", false
}

var weightFormats = [...]func(name, []byte, int64) string{
	gguf,
}

// gguf: magic, version, counts of tensors and of metadata; GGML's older forms.
func gguf(_ name, head []byte, size int64) string {
	if len(head) < 24 || string(head[:4]) != "GGUF" {
		return ""
	}
	if v := le32(head[4:]); v < 1 || v > 16 {
		return ""
	}
	if le64(head[8:]) > uint64(size) || le64(head[16:]) > 1<<20 {
		return ""
	}
	return "gguf"
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }
