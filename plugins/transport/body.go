package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// TooLargeError is an answer of more than Limit bytes, after decompression.
type TooLargeError struct {
	URL   string // redacted
	Limit int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s: the answer is larger than %d bytes; ask for smaller pages", e.URL, e.Limit)
}

// TornError is an answer that broke off.
type TornError struct {
	URL  string // redacted
	Read int64  // bytes that arrived
	Err  error
}

func (e *TornError) Error() string {
	return fmt.Sprintf("%s: the answer broke off after %d bytes: %v", e.URL, e.Read, e.Err)
}

func (e *TornError) Unwrap() error { return e.Err }

// readBody replaces resp.Body by its bytes and returns them. It reads at most
// limit bytes and always closes the original.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	defer resp.Body.Close()
	where := RedactURL(resp.Request.URL)
	if resp.ContentLength > limit && resp.Request.Method != http.MethodHead {
		return nil, &TooLargeError{URL: where, Limit: limit}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if int64(len(b)) > limit {
		return b, &TooLargeError{URL: where, Limit: limit}
	}
	if err != nil {
		return b, &TornError{URL: where, Read: int64(len(b)), Err: err}
	}
	if endsAtClose(resp) && isJSON(resp) && len(b) > 0 && !json.Valid(b) {
		return b, &TornError{URL: where, Read: int64(len(b)), Err: io.ErrUnexpectedEOF}
	}
	resp.Body = io.NopCloser(bytes.NewReader(b))
	return b, nil
}

// endsAtClose reports whether nothing but the end of the connection marked the
// end of the body, so that a broken one looks like a whole one.
func endsAtClose(resp *http.Response) bool {
	return resp.ProtoMajor == 1 && resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 && !resp.Uncompressed
}

func isJSON(resp *http.Response) bool {
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && (t == "application/json" || strings.HasSuffix(t, "+json"))
}
