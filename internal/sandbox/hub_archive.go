package sandbox

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// archive sends all files of a commit as a gzip-compressed tar, in one folder.
// The real one sends the reader on to another host first.
func (s *hubServer) archive(r *http.Request, rp *repo) answer {
	at := rp.resolve(r.PathValue("ref"))
	if at == nil {
		return notFound()
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	folder := rp.Name + "-" + at.sha[:7] + "/"
	header := tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": at.sha}}
	err := w.WriteHeader(&header)
	for _, p := range sortedKeys(rp.texts) {
		text, there := rp.textAt(p, at)
		if !there || err != nil {
			continue
		}
		if err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: folder + p, Size: int64(len(text)), Mode: 0o644, ModTime: at.at}); err == nil {
			_, err = w.Write([]byte(text))
		}
	}
	for _, closing := range []func() error{w.Close, z.Close} {
		if err == nil {
			err = closing()
		}
	}
	if err != nil {
		return answer{status: http.StatusInternalServerError, body: obj{"message": strings.TrimSpace(err.Error())}}
	}
	return answer{status: http.StatusOK, raw: out.Bytes(), headers: map[string]string{"Content-Type": "application/x-gzip"}}
}
