package attesttest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Witness is a simulated witness: it keeps the size and root of each log that it
// knows and cosigns what continues it.
type Witness struct {
	name string
	key  ed25519.PrivateKey
	now  func() time.Time

	mu   sync.Mutex
	logs map[string]note.Verifier // by origin
	seen map[string]tree
}

type tree struct {
	size int64
	root tlog.Hash
}

// NewWitness makes a witness with a new key that knows the logs of some keys.
func NewWitness(name string, now func() time.Time, logs ...note.Verifier) (*Witness, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	w := &Witness{name: name, key: key, now: now, logs: map[string]note.Verifier{}, seen: map[string]tree{}}
	for _, v := range logs {
		w.logs[v.Name()] = v
	}
	return w, nil
}

// Key is the verifier key that the witness publishes.
func (w *Witness) Key() string {
	return fmt.Sprintf("%s+%x+%s", w.name, w.id(), base64.StdEncoding.EncodeToString(w.material()))
}

func (w *Witness) material() []byte {
	return append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
}

func (w *Witness) id() []byte {
	sum := sha256.Sum256(append([]byte(w.name+"\n"), w.material()...))
	return sum[:4]
}

// Line is the witness's cosignature of a note's text, whatever it says.
func (w *Witness) Line(text string) string {
	t := w.now().Unix()
	sig := ed25519.Sign(w.key, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", t, text)))
	raw := binary.BigEndian.AppendUint64(append([]byte{}, w.id()...), uint64(t))
	return "— " + w.name + " " + base64.StdEncoding.EncodeToString(append(raw, sig...))
}

// Size is the largest checkpoint of a log that it cosigned.
func (w *Witness) Size(origin string) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[origin].size
}

// ServeHTTP answers add-checkpoint.
func (w *Witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.NotFound(out, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(out, "unreadable", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, text := w.add(string(body))
	if status == http.StatusConflict {
		out.Header().Set("Content-Type", "text/x.tlog.size")
	}
	out.WriteHeader(status)
	_, _ = io.WriteString(out, text) // a client that went away is its own affair
}

func (w *Witness) add(body string) (int, string) {
	head, msg, ok := strings.Cut(body, "\n\n")
	lines := strings.Split(head, "\n")
	old, isOld := strings.CutPrefix(lines[0], "old ")
	oldSize, err := strconv.ParseInt(old, 10, 64)
	if !ok || !isOld || err != nil || len(lines) > 64 {
		return http.StatusBadRequest, "malformed\n"
	}
	var proof []tlog.Hash
	for _, l := range lines[1:] {
		h, err := tlog.ParseHash(l)
		if err != nil {
			return http.StatusBadRequest, "malformed proof\n"
		}
		proof = append(proof, h)
	}
	origin, _, _ := strings.Cut(msg, "\n")
	v, known := w.logs[origin]
	if !known {
		return http.StatusNotFound, "unknown log\n"
	}
	n, err := note.Open([]byte(msg), note.VerifierList(v))
	if err != nil {
		return http.StatusForbidden, "signature\n"
	}
	now, ok := parse(n.Text)
	seen := w.seen[origin]
	switch {
	case !ok || oldSize > now.size:
		return http.StatusBadRequest, "malformed checkpoint\n"
	case oldSize != seen.size:
		return http.StatusConflict, strconv.FormatInt(seen.size, 10) + "\n"
	case oldSize == 0 && len(proof) > 0, oldSize == now.size && seen.root != now.root && oldSize > 0,
		oldSize > 0 && oldSize < now.size && tlog.CheckTree(proof, now.size, now.root, seen.size, seen.root) != nil:
		return http.StatusUnprocessableEntity, "not a continuation\n"
	}
	w.seen[origin] = now
	return http.StatusOK, w.Line(n.Text) + "\n"
}

func parse(text string) (tree, bool) {
	f := strings.Split(text, "\n")
	if len(f) < 4 {
		return tree{}, false
	}
	size, err := strconv.ParseInt(f[1], 10, 64)
	root, err2 := tlog.ParseHash(f[2])
	return tree{size, root}, err == nil && err2 == nil && size >= 0
}
