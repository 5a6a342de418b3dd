package aws

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// buckets reads settings of buckets in a region. Two questions do not need the
// client library of S3, which is larger than all the rest of the connector.
type buckets struct {
	session *session
	region  string
	base    string
	client  *http.Client
}

// emptyHash is the SHA-256 of a body that is not there.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func (s *session) buckets(ctx context.Context, region string) (*buckets, error) {
	e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	if err != nil {
		return nil, fmt.Errorf("aws: address of S3 in %s: %w", region, err)
	}
	b := &buckets{session: s, region: region, base: strings.TrimSuffix(e.URI.String(), "/")}
	if s.endpoint() == nil { // the same domain as that of STS, in every partition
		e.URI.Host = "s3." + strings.TrimPrefix(e.URI.Host, "sts.")
		b.base = e.URI.Scheme + "://" + e.URI.Host
	}
	t, err := transport.New(transport.Options{BaseURL: b.base, RequestsPerSecond: s.cfg.RequestsPerSecond, Burst: 4, Counted: s.count,
		Retry: transport.Retry{MaxAttempts: s.cfg.MaxAttempts}})
	if err != nil {
		return nil, fmt.Errorf("aws: %w", err)
	}
	b.client = t.HTTPClient()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b, nil
}

// ask asks for one setting of a bucket, named in the path so that all go to
// one address, and reads the answer into v.
func (b *buckets) ask(ctx context.Context, bucket, setting string, v any) error {
	if bucket == "" || strings.ContainsAny(bucket, "/\\?#%") || strings.Trim(bucket, ".") == "" {
		return fmt.Errorf("%w: %q names no bucket", errValue, printable(bucket, 100))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+"/"+url.PathEscape(bucket)+"?"+setting+"=", nil)
	if err != nil {
		return fmt.Errorf("%w: the name of the bucket", errValue)
	}
	creds, err := b.session.creds.Retrieve(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	sign := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }
	if err := v4.NewSigner().SignHTTP(ctx, creds, req, emptyHash, "s3", b.region, time.Now(), sign); err != nil {
		return err
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return transport.RedactError(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return readXML(resp.StatusCode, body, v)
}

// readXML reads an answer of S3: a setting, or an error with its code.
func readXML(status int, body []byte, v any) error {
	if status == http.StatusOK {
		if err := xml.Unmarshal(body, v); err != nil {
			return errNoAnswer
		}
		return nil
	}
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if err := xml.Unmarshal(body, &e); err != nil || e.Code == "" {
		e.Code, e.Message = "Status", fmt.Sprintf("status %d and no answer that can be understood", status)
		switch status {
		case http.StatusForbidden, http.StatusUnauthorized:
			e.Code = "AccessDenied"
		case http.StatusTooManyRequests:
			e.Code = "SlowDown"
		}
	}
	return &smithy.GenericAPIError{Code: e.Code, Message: e.Message}
}

// lifecycle is when a bucket removes what.
type lifecycle struct {
	XMLName xml.Name `xml:"LifecycleConfiguration"`
	Rules   []struct {
		Status string  `xml:"Status"`
		Prefix *string `xml:"Prefix"`
		Filter *struct {
			Prefix *string   `xml:"Prefix"`
			Tag    *struct{} `xml:"Tag"`
			And    *struct {
				Prefix *string    `xml:"Prefix"`
				Tags   []struct{} `xml:"Tag"`
			} `xml:"And"`
		} `xml:"Filter"`
		Expiration *struct {
			Days *int64     `xml:"Days"`
			Date *time.Time `xml:"Date"`
		} `xml:"Expiration"`
	} `xml:"Rule"`
}

// expiry returns the fewest days after which a rule removes something under
// prefix; nil if none does. Rules for tags do not count: what Bedrock writes has
// none.
func (l lifecycle) expiry(prefix string, now time.Time) *int64 {
	var fewest *int64
	for _, r := range l.Rules {
		of, tagged := aws.ToString(r.Prefix), false
		if f := r.Filter; f != nil && f.And != nil {
			of, tagged = aws.ToString(f.And.Prefix), len(f.And.Tags) > 0
		} else if f != nil {
			of, tagged = aws.ToString(f.Prefix), f.Tag != nil
		}
		if r.Status != "Enabled" || r.Expiration == nil || tagged || !strings.HasPrefix(prefix, of) && !strings.HasPrefix(of, prefix) {
			continue
		}
		var days int64
		switch {
		case r.Expiration.Days != nil:
			days = max(*r.Expiration.Days, 0)
		case r.Expiration.Date == nil || r.Expiration.Date.After(now):
			continue
		}
		if fewest == nil || days < *fewest {
			fewest = &days
		}
	}
	return fewest
}

// objectLock is whether what is in a bucket can be removed before its time.
type objectLock struct {
	XMLName xml.Name `xml:"ObjectLockConfiguration"`
	Enabled string   `xml:"ObjectLockEnabled"`
	Default *struct {
		Mode string `xml:"Mode"`
	} `xml:"Rule>DefaultRetention"`
}
