// Package transport is the HTTP client that connectors read their source with:
// an http.RoundTripper that retries with jitter, keeps to a request budget,
// waits when the source says so, asks with the validators of the last run,
// bounds every answer and keeps credentials at home.
//
// It may import the standard library, golang.org/x/time/rate and
// plugins/connector, so that a connector in another module can use it alone
// or below a vendor's client library.
//
// # Promises
//
//   - Credentials, cookies and every other header outside a short list go to
//     the scheme, host and port of Options.BaseURL only, whoever set them. A
//     redirect elsewhere is followed without them; one from https to http, or
//     from a public host to a private address, is refused.
//   - Only GET, HEAD and requests marked with [Replayable] are sent twice.
//   - A wait that the source asks for is kept, up to Options.MaxWait. Beyond
//     it a *[RateLimitError] says until when, and further requests fail at
//     once without being sent.
//   - An answer is read whole before it is handed over: at most
//     Options.MaxResponseBytes after decompression, else *[TooLargeError]; one
//     that breaks off is retried, then *[TornError].
//   - Errors hold no secret: passwords and sensitive query values are redacted.
//     http.Client puts the whole URL into its errors, so use [Client.Do], or
//     [RedactError] where a library calls http.Client itself.
//
// # Conditional requests
//
// A request whose context was made with [Conditional] carries the validators
// that the host kept under that key. An answer of 304 keeps its status and gets
// the stored Link header, so that paging goes on; the caller finds its own note
// in [Client.Memo] and stores what [ValidatorOf] returns for an answer of 200.
// Other requests never see a 304.
package transport
