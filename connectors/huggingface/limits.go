package huggingface

import (
	"net/http"
	"strconv"
	"strings"
)

// limits tells the layers above how long the hub wants us to wait. The hub
// says so in a header of its own, RateLimit: "api";r=0;t=55, which is a draft of
// a standard, and not in Retry-After.
type limits struct{ base http.RoundTripper }

func newLimits() *limits {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &limits{base: http.DefaultTransport}
	}
	own := base.Clone()
	own.MaxResponseHeaderBytes = 1 << 20
	return &limits{base: own}
}

// RoundTrip implements http.RoundTripper.
func (l *limits) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "" {
		return resp, err
	}
	if seconds, ok := resetIn(resp.Header.Values("RateLimit")); ok {
		resp.Header.Set("Retry-After", strconv.Itoa(seconds+1))
	}
	return resp, nil
}

// resetIn reads the longest t= among the quotas of the header.
func resetIn(headers []string) (seconds int, ok bool) {
	for _, h := range headers {
		for quota := range strings.SplitSeq(h, ",") {
			for i, part := range strings.Split(quota, ";") {
				text, isReset := strings.CutPrefix(strings.TrimSpace(part), "t=")
				n, err := strconv.Atoi(text)
				if i > 0 && isReset && err == nil && n >= 0 && n < 1<<20 {
					seconds, ok = max(seconds, n), true
				}
			}
		}
	}
	return seconds, ok
}
