package documents

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
)

// pointer stands in a repository for a large file that git-lfs keeps
// elsewhere.
type pointer struct {
	sum  string
	size int64
}

const pointerVersion = "version https://git-lfs.github.com/spec/v1\n"

// parsePointer reads a pointer file.
func parsePointer(b []byte) (pointer, bool) {
	if len(b) > 1024 || !bytes.HasPrefix(b, []byte(pointerVersion)) {
		return pointer{}, false
	}
	m := regexp.MustCompile(`(?m)^oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})$`).FindSubmatch(b)
	if m == nil {
		return pointer{}, false
	}
	size, err := strconv.ParseInt(string(m[2]), 10, 64)
	return pointer{sum: string(m[1]), size: size}, err == nil
}

// largeFile reads the content that a pointer stands for, if git-lfs has
// fetched it into the clone.
func (r *repository) largeFile(p pointer, limit int64) ([]byte, error) {
	if p.size > limit {
		return nil, tooLarge(p.size, limit)
	}
	f, err := r.files.Filesystem().Open(path.Join("lfs", "objects", p.sum[:2], p.sum[2:4], p.sum))
	if err != nil {
		return nil, fmt.Errorf("%w: a Git LFS pointer whose content was not fetched; run git lfs fetch --all", errNotThere)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, p.size+1))
	if err != nil {
		return nil, fmt.Errorf("content of a Git LFS pointer: %w", err)
	}
	if d := sha256.Sum256(b); hex.EncodeToString(d[:]) != p.sum {
		return nil, fmt.Errorf("%w: what git-lfs keeps for a pointer is not what the pointer names", errNotThere)
	}
	return b, nil
}
