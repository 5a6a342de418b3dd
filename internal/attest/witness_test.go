package attest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/attest"
	"github.com/exhibit-aims/exhibit/internal/attest/attesttest"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

func newWitness(t testing.TB, b *book) (*attesttest.Witness, attest.WitnessKey) {
	t.Helper()
	w, err := attesttest.NewWitness("witness.example/w1", time.Now, b.pub)
	if err != nil {
		t.Fatal(err)
	}
	k, err := attest.ParseWitnessKey(w.Key())
	if err != nil {
		t.Fatal(err)
	}
	return w, k
}

// A witness follows a ledger that grows; what it says is recorded and holds.
func TestCosign(t *testing.T) {
	b := newBook(t, newKey(t), 3)
	w, key := newWitness(t, b)
	witness := attest.Witness{URL: serve(t, w) + "/prefix/", Key: key}
	var all []attest.Attestation
	for _, grow := range []int{0, 0, 4, 1, 60} { // the second time, nothing has changed
		b.grow(grow, "more")
		l := b.log()
		var known int64
		if len(all) > 0 {
			known = all[len(all)-1].Checkpoint.Size
		}
		c, err := client().Cosign(t.Context(), witness, l, known)
		if err != nil {
			t.Fatal(err)
		}
		all = b.record(l, attest.Attestation{Kind: attest.KindCosignature, Cosignature: c})
	}
	for _, a := range all {
		o := a.Verify(attest.Trust{Log: b.pub, Witnesses: map[string]bool{w.Key(): true}})
		if !o.Holds || o.Unchecked != "" || o.Who != "witness.example/w1" || time.Since(o.Time).Abs() > time.Minute {
			t.Errorf("%+v", o)
		}
		if o := a.Verify(attest.Trust{Log: b.pub}); !o.Holds || o.Unchecked == "" {
			t.Errorf("a key that nobody vouches for: %+v", o)
		}
		cosigned := attest.Cosign(a.Note, a.Cosignature.Line)
		if cp, err := ledger.OpenCheckpoint(cosigned, b.pub); err != nil || cp != a.Checkpoint {
			t.Errorf("a cosigned note is no checkpoint any more: %v", err)
		}
	}
	// What is known here is out of date, or nothing: the witness says where it stands.
	b.grow(5, "again")
	for _, known := range []int64{0, 3, 1 << 40} {
		if _, err := client().Cosign(t.Context(), witness, b.log(), known); err != nil {
			t.Errorf("known %d: %v", known, err)
		}
	}
}

// A ledger that got shorter, or was rewritten, finds no witness.
func TestCosignRefusesTamperedLedger(t *testing.T) {
	key := newKey(t)
	b := newBook(t, key, 9)
	w, wkey := newWitness(t, b)
	witness := attest.Witness{URL: serve(t, w), Key: wkey}
	if _, err := client().Cosign(t.Context(), witness, b.log(), 0); err != nil {
		t.Fatal(err)
	}
	short := newBook(t, key, 5).log()
	if _, err := client().Cosign(t.Context(), witness, short, 0); !errors.Is(err, ledger.ErrRollback) || !strings.Contains(err.Error(), "has seen 9 entries, this ledger has 5") {
		t.Errorf("shorter: %v", err)
	}
	forked := newBook(t, key, 0)
	forked.grow(12, "rewritten")
	if _, err := client().Cosign(t.Context(), witness, forked.log(), 0); !errors.Is(err, ledger.ErrFork) || !strings.Contains(err.Error(), "the 9 entries that it cosigned") {
		t.Errorf("rewritten: %v", err)
	}
	same := newBook(t, key, 0)
	same.grow(9, "rewritten")
	if _, err := client().Cosign(t.Context(), witness, same.log(), 9); !errors.Is(err, ledger.ErrFork) {
		t.Errorf("rewritten, of the same size: %v", err)
	}
	// The witness saw a checkpoint that has entries behind the content: no rollback.
	b.grow(2, "concluding")
	if _, err := client().Cosign(t.Context(), witness, b.log(), 9); err != nil {
		t.Fatal(err)
	}
	if _, err := client().Cosign(t.Context(), witness, b.at(10), 9); !errors.Is(err, attest.ErrPeer) || errors.Is(err, ledger.ErrRollback) {
		t.Errorf("ahead of the content: %v", err)
	}
	if got := w.Size(b.key.Origin()); got != 11 {
		t.Errorf("the witness cosigned %d entries", got)
	}
}

// What a witness may answer, and what comes of it.
func TestCosignRefused(t *testing.T) {
	b := newBook(t, newKey(t), 4)
	l := b.log()
	w, key := newWitness(t, b)
	twin, err := attesttest.NewWitness("witness.example/w1", time.Now, b.pub) // the same name, another key
	if err != nil {
		t.Fatal(err)
	}
	late, err := attesttest.NewWitness("witness.example/late", func() time.Time { return time.Now().Add(-time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	lateKey, err := attest.ParseWitnessKey(late.Key())
	if err != nil {
		t.Fatal(err)
	}
	text := l.Content.Text()
	older := b.at(2).Content.Text()
	_, noteLine, _ := strings.Cut(string(l.Note), "\n\n")
	line := w.Line(text)
	for name, tc := range map[string]struct {
		h    http.Handler
		key  attest.WitnessKey
		want string
		is   error
	}{
		"somebody else's signature":  {answer(200, []byte(twin.Line(text)+"\n")), key, "no signature by its key", attest.ErrNotVerified},
		"of an older checkpoint":     {answer(200, []byte(w.Line(older)+"\n")), key, "not over this checkpoint", attest.ErrNotVerified},
		"our own signature":          {answer(200, []byte(noteLine)), key, "no signature by its key", attest.ErrNotVerified},
		"a clock that is wrong":      {answer(200, []byte(late.Line(text)+"\n")), lateKey, "clock", attest.ErrNotVerified},
		"nothing":                    {answer(200, nil), key, "no list of signatures", attest.ErrMalformed},
		"no line break":              {answer(200, []byte(line)), key, "no list of signatures", attest.ErrMalformed},
		"a page":                     {answer(200, []byte("<html>\x1b[2J</html>\n")), key, "no list of signatures", attest.ErrMalformed},
		"a signature, then a page":   {answer(200, []byte(twin.Line(text)+"\n<html>\n")), key, "no list of signatures", attest.ErrMalformed},
		"too much":                   {answer(200, make([]byte, 1<<20)), key, "more than 65536 bytes", attest.ErrPeer},
		"unknown log":                {answer(404, nil), key, "does not know the log", attest.ErrPeer},
		"unknown key":                {answer(403, nil), key, "knows another key", attest.ErrPeer},
		"not a continuation":         {answer(422, nil), key, "are not the beginning", ledger.ErrFork},
		"a size that is none":        {answer(409, []byte("-1\n")), key, "does not say which", attest.ErrPeer},
		"a size without line break":  {answer(409, []byte("3")), key, "does not say which", attest.ErrPeer},
		"a larger size":              {answer(409, []byte("9000\n")), key, "has seen 9000 entries, this ledger has 4", ledger.ErrRollback},
		"a conflict without end":     {answer(409, []byte("3\n")), key, "something else in between", attest.ErrPeer},
		"a status that says nothing": {answer(418, []byte("tea\x1b[2J")), key, "status 418 I'm a teapot: tea", attest.ErrPeer},
		"a redirect":                 {http.RedirectHandler("http://127.0.0.1:1/", http.StatusPermanentRedirect), key, "308, a redirect, is not followed", attest.ErrPeer},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client().Cosign(t.Context(), attest.Witness{URL: serve(t, tc.h), Key: tc.key}, l, 0)
			if !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.want) || strings.ContainsRune(err.Error(), 0x1b) {
				t.Errorf("got %q, want %q", err, tc.want)
			}
		})
	}
	// Lines of keys that are not known do not matter.
	both := answer(200, []byte(twin.Line(text)+"\n"+line+"\n"))
	if c, err := client().Cosign(t.Context(), attest.Witness{URL: serve(t, both), Key: key}, l, 0); err != nil || c.Line != line {
		t.Errorf("two lines: %v", err)
	}
	// One that is busy is asked again.
	n := 0
	busy := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if n++; n < 3 {
			_, _ = io.Copy(io.Discard, r.Body)
			out.Header().Set("Retry-After", "7")
			out.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.ServeHTTP(out, r)
	})
	var waits []time.Duration
	if _, err := attest.Impatient(time.Now, time.Minute, &waits).Cosign(t.Context(), attest.Witness{URL: serve(t, busy), Key: key}, l, 0); err != nil ||
		len(waits) != 2 || waits[0] != 7*time.Second {
		t.Errorf("busy: %v, waited %v", err, waits)
	}
}

func TestParseWitnessKey(t *testing.T) {
	b := newBook(t, newKey(t), 1)
	w, key := newWitness(t, b)
	good := w.Key()
	if key.Name != "witness.example/w1" || key.String() != good {
		t.Errorf("%+v", key)
	}
	for name, tc := range map[string]struct{ key, want string }{
		"nothing":           {"", "name+id+key"},
		"a word":            {"witness", "name+id+key"},
		"no name":           {"+12345678+AAAA", "name+id+key"},
		"a blank":           {"a b+12345678+AAAA", "name+id+key"},
		"no base64":         {"w+12345678+!", "not base64"},
		"a log's key":       {b.key.Public(), "not of a witness"},
		"ML-DSA":            {"w+12345678+BgAA", "ML-DSA-44"},
		"another type":      {"w+12345678+CQAA", "type 9"},
		"a short key":       {"w+12345678+BAAA", "of 2 bytes"},
		"another id":        {strings.Replace(good, "+", "+0", 1), "a letter was lost"},
		"another name":      {"x" + good, "a letter was lost"},
		"a line break":      {good + "\n", "not base64"},
		"a byte turned":     {good[:len(good)-6] + "AAAAA=", ""},
		"of another length": {good + "AAAA", ""},
	} {
		if _, err := attest.ParseWitnessKey(tc.key); !errors.Is(err, attest.ErrMalformed) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A cosignature line has one form only.
func TestVerifyCosignatureForm(t *testing.T) {
	b := newBook(t, newKey(t), 1)
	w, _ := newWitness(t, b)
	l := b.log()
	line := w.Line(l.Content.Text())
	if c, err := attest.VerifyCosignature(l.Note, line, w.Key()); err != nil || c.Name != "witness.example/w1" {
		t.Fatal(err)
	}
	withMore := attest.Cosign(l.Note, "— other AAAAAAAA", line)
	if _, err := attest.VerifyCosignature(withMore, line, w.Key()); err != nil {
		t.Errorf("of a note with more signatures: %v", err)
	}
	for name, bad := range map[string]string{
		"nothing": "", "with its line break": line + "\n", "no dash": strings.TrimPrefix(line, "— "), "two blanks": strings.Replace(line, " witness", "  witness", 1),
		"short": line[:len(line)-12], "long": line + "AAAA", "bits left over": "— witness.example/w1 AAAAAB==",
	} {
		if _, err := attest.VerifyCosignature(l.Note, bad, w.Key()); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := attest.VerifyCosignature([]byte("no note"), line, w.Key()); !errors.Is(err, ledger.ErrCheckpoint) {
		t.Errorf("no note: %v", err)
	}
}

func FuzzVerifyCosignature(f *testing.F) {
	b := newBook(f, newKey(f), 1)
	w, _ := newWitness(f, b)
	l := b.log()
	line := w.Line(l.Content.Text())
	f.Add(l.Note, line, w.Key())
	f.Add(attest.Cosign(l.Note, line), line, w.Key())
	f.Add([]byte("a\n1\n\n\n"), "— a AAAA", "a+12345678+BAAA")
	f.Fuzz(func(t *testing.T, msg []byte, sig, key string) {
		c, err := attest.VerifyCosignature(msg, sig, key)
		if err != nil {
			return
		}
		// Whatever holds is of this checkpoint, and of this key or of one that the fuzzer could sign with.
		if cp, err := ledger.UnverifiedCheckpoint(msg); err != nil || c.Time.IsZero() || (key == w.Key() && cp != l.Content) {
			t.Errorf("%q %q %q: %+v", msg, sig, key, c)
		}
	})
}
