package aws

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// callError is an operation that gave no usable answer. Its text holds the
// error's code and message, never the request.
type callError struct {
	op  string // sagemaker:ListEndpoints
	err error
}

func (e *callError) Unwrap() error { return e.err }

func (e *callError) Error() string {
	var api smithy.APIError
	if errors.As(e.err, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError" {
		return printable(fmt.Sprintf("%s: %s: %s", e.op, api.ErrorCode(), api.ErrorMessage()), 500)
	}
	var resp *awshttp.ResponseError
	if errors.As(e.err, &resp) {
		return printable(fmt.Sprintf("%s: status %d and no answer that can be understood", e.op, resp.HTTPStatusCode()), 500)
	}
	return printable(fmt.Sprintf("%s: %v", e.op, transport.RedactError(e.err)), 500)
}

// codes of AWS errors, by what they mean to us.
func reasonOfCode(code string) (connector.Reason, bool) {
	switch strings.TrimSuffix(code, "Exception") {
	case "AccessDenied", "UnauthorizedOperation", "Forbidden", "NotAuthorized", "OptInRequired":
		return connector.Denied, true
	case "UnknownOperation", "NotImplemented", "InvalidAction", "UnsupportedOperation", "AWSOrganizationsNotInUse":
		return connector.Unsupported, true
	case "Throttling", "ThrottledException", "TooManyRequests", "RequestLimitExceeded", "SlowDown":
		return connector.RateLimited, true
	case "ResourceNotFound", "NotFound", "TrailNotFound", "NoSuchLifecycleConfiguration", "ObjectLockConfigurationNotFoundError":
		return connector.NotFound, true
	}
	if refusesCredentials(code) {
		return connector.Denied, true
	}
	return "", false
}

// refusesCredentials: the keys are wrong, expired or unknown. A region that
// the account has not switched on answers so too.
func refusesCredentials(code string) bool {
	switch strings.TrimSuffix(code, "Exception") {
	case "UnrecognizedClient", "InvalidClientTokenId", "ExpiredToken", "InvalidSignature", "SignatureDoesNotMatch",
		"MissingAuthenticationToken", "IncompleteSignature", "RequestExpired", "AuthFailure":
		return true
	}
	return false
}

// reasonOf says in the contract's words why an operation gave no answer.
func reasonOf(err error) connector.Reason {
	var limit *transport.RateLimitError
	var large *transport.TooLargeError
	var closed *closedAccount
	switch {
	case errors.As(err, &closed):
		return connector.Unsupported
	case errors.Is(err, errOtherAccount):
		return connector.NotFound
	case errors.Is(err, errNoAnswer), errors.Is(err, errLoop), errors.Is(err, errValue):
		return connector.Malformed
	case errors.As(err, &limit), errors.Is(err, errBudget):
		return connector.RateLimited
	case errors.As(err, &large), errors.Is(err, errTruncated):
		return connector.Truncated
	}
	status := 0
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		status = resp.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if r, ok := reasonOfCode(api.ErrorCode()); ok {
			return r
		}
		if strings.HasPrefix(api.ErrorCode(), "Validation") && describes(err) {
			return connector.NotFound // how SageMaker says that there is none
		}
	}
	switch {
	case status == http.StatusNotImplemented, status == http.StatusMethodNotAllowed:
		return connector.Unsupported
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return connector.Denied
	case status == http.StatusTooManyRequests:
		return connector.RateLimited
	case status >= 500:
		return connector.Unavailable
	case status == http.StatusNotFound:
		return connector.NotFound
	case status >= 200:
		return connector.Malformed
	}
	return connector.Unavailable
}

// describes reports whether the failed operation asked for one thing by name.
func describes(err error) bool {
	var call *callError
	return errors.As(err, &call) && strings.Contains(call.op, ":Describe")
}

// errTruncated: AWS gives only a part, and says so in its documentation alone.
var errTruncated = errors.New("AWS returns only a part")

// errBudget: there is more than a run may spend on it.
var errBudget = errors.New("more than a run may read")

// errValue is a value in an answer that cannot be.
var errValue = errors.New("a value that cannot be")

// printable makes a string that somebody else chose fit for a record or a
// message: valid UTF-8, no control or direction characters, at most limit runes.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) > limit {
		return string([]rune(s)[:limit]) + "…"
	}
	return s
}
