package attest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// maxCosignatures is the size of a witness's answer: signature lines.
const maxCosignatures = 64 << 10

// Witness is a witness to ask, as C2SP tlog-witness describes.
type Witness struct {
	URL string // submission prefix; /add-checkpoint is added
	Key WitnessKey
}

// Cosign asks the witness to cosign a checkpoint of the log that l stands for.
// known is the size that the witness cosigned last, as far as we know; if it knows
// another, it says so and is asked again from there. It fails with ledger.ErrRollback if
// the witness saw more than the log has, with ledger.ErrFork if it saw something else.
func (c *Client) Cosign(ctx context.Context, w Witness, l Log, known int64) (*Cosignature, error) {
	if err := checkURL(w.URL); err != nil {
		return nil, err
	}
	if known > l.Content.Size {
		known = l.Content.Size
	}
	ans, err := c.addCheckpoint(ctx, w, l, known)
	if err != nil {
		return nil, err
	}
	if ans.status == http.StatusConflict {
		size, err := conflict(ans.body)
		if err != nil {
			return nil, fmt.Errorf("witness %s: %w", w.Key.Name, err)
		}
		if err := l.reaches(size, "witness "+w.Key.Name); err != nil {
			return nil, err
		}
		if ans, err = c.addCheckpoint(ctx, w, l, size); err != nil {
			return nil, err
		}
		known = size
	}
	if err := w.refusal(ans, l, known); err != nil {
		return nil, err
	}
	return c.cosignature(w, l, ans.body)
}

func (c *Client) addCheckpoint(ctx context.Context, w Witness, l Log, old int64) (answer, error) {
	proof, err := ledger.ProveConsistency(old, l.Content.Size, l.Hashes)
	if err != nil {
		return answer{}, err
	}
	ans, err := c.post(ctx, message{
		url: strings.TrimSuffix(w.URL, "/") + "/add-checkpoint", kind: "text/plain; charset=utf-8",
		body: addCheckpointBody(old, proof, l.Note), max: maxCosignatures, retry: true,
	})
	if err != nil {
		return answer{}, fmt.Errorf("witness %s: %w", w.Key.Name, err)
	}
	return ans, nil
}

func addCheckpointBody(old int64, proof []tlog.Hash, note []byte) []byte {
	var b strings.Builder
	b.WriteString("old " + strconv.FormatInt(old, 10) + "\n")
	for _, h := range proof {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(note)
	return []byte(b.String())
}

// conflict reads the size in a 409: one number, one line.
func conflict(body []byte) (int64, error) {
	text, ok := strings.CutSuffix(string(body), "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || size < 0 || strconv.FormatInt(size, 10) != text {
		return 0, fmt.Errorf("%w: it knows another size and does not say which", ErrPeer)
	}
	return size, nil
}

// refusal says what an answer other than cosignatures means.
func (w Witness) refusal(ans answer, l Log, known int64) error {
	var err error
	switch ans.status {
	case http.StatusOK:
		return nil
	case http.StatusUnprocessableEntity:
		err = fmt.Errorf("%w: the %d entries that it cosigned are not the beginning of the %d entries here",
			ledger.ErrFork, known, l.Content.Size)
	case http.StatusNotFound:
		err = fmt.Errorf("%w: it does not know the log %s; ask its operator to add the key that `exhibit ledger key` prints", ErrPeer, l.Content.Origin)
	case http.StatusForbidden:
		err = fmt.Errorf("%w: it knows another key for the log %s", ErrPeer, l.Content.Origin)
	case http.StatusConflict:
		err = fmt.Errorf("%w: it cosigned something else in between; try again", ErrPeer)
	default:
		err = fmt.Errorf("%w: %s", ErrPeer, statusText(ans.status, ans.body))
	}
	return fmt.Errorf("witness %s: %w", w.Key.Name, err)
}

// cosignature finds the line of the witness's key among those it answered with.
// Lines of keys that are not known do not count; one by the key that does not
// hold makes the answer worthless.
func (c *Client) cosignature(w Witness, l Log, body []byte) (*Cosignature, error) {
	text, ok := strings.CutSuffix(string(body), "\n")
	if !ok {
		return nil, fmt.Errorf("witness %s: %w: the answer is no list of signatures", w.Key.Name, ErrMalformed)
	}
	err := fmt.Errorf("%w: no signature by its key", ErrNotVerified)
	for line := range strings.SplitSeq(text, "\n") {
		if _, _, ok := splitSignature(line); !ok {
			return nil, fmt.Errorf("witness %s: %w: the answer is no list of signatures", w.Key.Name, ErrMalformed)
		}
		signed, problem := w.Key.verify(l.Content.Text(), line)
		if problem != nil {
			if !errors.Is(problem, errOtherKey) {
				err = problem
			}
			continue
		}
		if err := c.sane(signed.Time); err != nil {
			return nil, fmt.Errorf("witness %s: %w", w.Key.Name, err)
		}
		return &Cosignature{URL: plain(w.URL), Key: w.Key.String(), Line: line, Time: signed.Time}, nil
	}
	return nil, fmt.Errorf("witness %s: %w", w.Key.Name, err)
}
