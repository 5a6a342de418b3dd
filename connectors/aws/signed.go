package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// signed asks a service that has a single question for us, without that
// service's client library.
type signed struct {
	session         *session
	service, region string
	address         string
	client          *http.Client
}

// signed returns a way to ask a service by its name in addresses, which is
// also that in signatures.
func (s *session) signed(ctx context.Context, service, region string) (*signed, error) {
	e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	if err != nil {
		return nil, fmt.Errorf("aws: address of %s in %s: %w", service, region, err)
	}
	q := &signed{session: s, service: service, region: region, address: e.URI.String()}
	if s.endpoint() == nil { // the same domain as that of STS, in every partition
		q.address = e.URI.Scheme + "://" + service + "." + strings.TrimPrefix(e.URI.Host, "sts.") + "/"
	}
	t, err := transport.New(transport.Options{BaseURL: q.address, RequestsPerSecond: s.cfg.RequestsPerSecond, Burst: 4, Counted: s.count,
		Retry: transport.Retry{MaxAttempts: s.cfg.MaxAttempts}})
	if err != nil {
		return nil, fmt.Errorf("aws: %w", err)
	}
	q.client = t.HTTPClient()
	q.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return q, nil
}

// query asks in the query protocol and reads an answer of XML into v.
func (q *signed) query(ctx context.Context, form url.Values, v any) error {
	status, body, err := q.post(ctx, http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}, []byte(form.Encode()))
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		if err := xml.Unmarshal(body, v); err != nil {
			return errNoAnswer
		}
		return nil
	}
	var e struct {
		Errors []struct{ Code, Message string } `xml:"Errors>Error"`
		Error  struct{ Code, Message string }   `xml:"Error"`
	}
	if xml.Unmarshal(body, &e) == nil && len(e.Errors) > 0 {
		return failure(status, e.Errors[0].Code, e.Errors[0].Message)
	}
	return failure(status, e.Error.Code, e.Error.Message)
}

// json asks in AWS's JSON 1.1 and reads the answer into v.
func (q *signed) json(ctx context.Context, target string, in, v any) error {
	raw, err := json.Marshal(in)
	if err != nil {
		return err
	}
	status, body, err := q.post(ctx, http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}, raw)
	if err != nil {
		return err
	}
	if status == http.StatusOK {
		if err := json.Unmarshal(body, v); err != nil {
			return errNoAnswer
		}
		return nil
	}
	var e struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return failure(status, "", "")
	}
	return failure(status, e.Type[strings.LastIndexByte(e.Type, '#')+1:], e.Message)
}

func (q *signed) post(ctx context.Context, header http.Header, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.address, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header = header
	creds, err := q.session.creds.Retrieve(ctx)
	if err != nil {
		return 0, nil, err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, hex.EncodeToString(sum[:]), q.service, q.region, time.Now()); err != nil {
		return 0, nil, err
	}
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, nil, transport.RedactError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// failure is an answer that is an error; without a code the status speaks.
func failure(status int, code, message string) error {
	if code != "" {
		return &smithy.GenericAPIError{Code: code, Message: message}
	}
	code = "Status"
	switch status {
	case http.StatusForbidden, http.StatusUnauthorized:
		code = "AccessDenied"
	case http.StatusTooManyRequests:
		code = "SlowDown"
	case http.StatusNotImplemented:
		code = "NotImplemented"
	}
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf("status %d and no answer that can be understood", status)}
}
