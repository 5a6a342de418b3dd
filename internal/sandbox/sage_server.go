package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// sageServer answers as SageMaker does (AWS JSON 1.1), and STS's
// GetCallerIdentity (AWS query).
type sageServer struct {
	w         *world
	accessKey string
	mu        sync.Mutex
	number    int
	busy      bool
	ops       map[string]sageOp
}

// sageOp handles one operation; params are the request's members.
type sageOp func(params sageParams) (any, *sageError)

type sageParams map[string]any

// sageError is an error as the protocol carries it.
type sageError struct {
	status        int
	code, message string
}

func newSageServer(w *world, accessKey string) *sageServer {
	s := &sageServer{w: w, accessKey: accessKey}
	s.ops = map[string]sageOp{
		"ListModelPackageGroups":    s.listGroups,
		"DescribeModelPackageGroup": s.describeGroup,
		"ListModelPackages":         s.listPackages,
		"DescribeModelPackage":      s.describePackage,
		"ListModels":                s.listModels,
		"DescribeModel":             s.describeModel,
		"ListEndpoints":             s.listEndpoints,
		"DescribeEndpoint":          s.describeEndpoint,
		"ListEndpointConfigs":       s.listConfigs,
		"DescribeEndpointConfig":    s.describeConfig,
		"ListTags":                  s.listTags,
		"ListModelCards":            func(sageParams) (any, *sageError) { return obj{"ModelCardSummaries": []obj{}}, nil },
		"ListMonitoringSchedules":   func(sageParams) (any, *sageError) { return obj{"MonitoringScheduleSummaries": []obj{}}, nil },
	}
	return s
}

var credentialPattern = regexp.MustCompile(`Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request`)

// ServeHTTP checks whose signature it is and in which region, and runs the
// operation. The signature itself is not recomputed.
func (s *sageServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.number++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012x", s.number)
	s.mu.Unlock()
	rw.Header().Set("X-Amzn-RequestId", id)
	rw.Header().Set("Server", "aws (simulated)")
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil || r.Method != http.MethodPost {
		s.fail(rw, &sageError{http.StatusBadRequest, "SerializationException", "the request cannot be read"})
		return
	}
	cred := credentialPattern.FindStringSubmatch(r.Header.Get("Authorization"))
	_, operation, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), "SageMaker.")
	if !isJSON && strings.Contains(string(body), "Action=GetCallerIdentity") {
		s.callerIdentity(rw, cred != nil && cred[1] == s.accessKey, id)
		return
	}
	switch {
	case cred == nil:
		s.fail(rw, &sageError{http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token"})
		return
	case cred[1] != s.accessKey:
		s.fail(rw, &sageError{http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid."})
		return
	case cred[2] != s.w.sage.Region:
		s.fail(rw, denied(s, operation))
		return
	}
	s.run(rw, operation, body)
}

func denied(s *sageServer, operation string) *sageError {
	return &sageError{http.StatusBadRequest, "AccessDeniedException", fmt.Sprintf(
		"User: arn:aws:sts::%s:assumed-role/%s/exhibit is not authorized to perform: sagemaker:%s because no identity-based policy allows the sagemaker:%s action",
		s.w.sage.Account, s.w.sage.Role, operation, operation)}
}

func (s *sageServer) run(rw http.ResponseWriter, operation string, body []byte) {
	op, known := s.ops[operation]
	if !known {
		s.fail(rw, &sageError{http.StatusBadRequest, "UnknownOperationException", "the simulated service does not offer " + operation})
		return
	}
	params := sageParams{}
	if err := json.Unmarshal(body, &params); err != nil {
		s.fail(rw, &sageError{http.StatusBadRequest, "SerializationException", "the request is not JSON"})
		return
	}
	if s.throttle(operation) {
		s.fail(rw, &sageError{http.StatusBadRequest, "ThrottlingException", "Rate exceeded"})
		return
	}
	out, problem := op(params)
	if problem != nil {
		s.fail(rw, problem)
		return
	}
	s.write(rw, http.StatusOK, out)
}

// throttle refuses the first DescribeEndpoint, once.
func (s *sageServer) throttle(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || operation != "DescribeEndpoint" {
		return false
	}
	s.busy = true
	return true
}

func (s *sageServer) fail(rw http.ResponseWriter, e *sageError) {
	rw.Header().Set("X-Amzn-ErrorType", e.code)
	s.write(rw, e.status, obj{"__type": e.code, "message": e.message})
}

func (s *sageServer) write(rw http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"__type":"InternalFailure"}`)
	}
	rw.Header().Set("Content-Type", "application/x-amz-json-1.1")
	rw.WriteHeader(status)
	_, _ = rw.Write(b) // the client may have gone
}

// callerIdentity answers STS in its own format.
func (s *sageServer) callerIdentity(rw http.ResponseWriter, known bool, id string) {
	rw.Header().Set("Content-Type", "text/xml")
	if !known {
		rw.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(rw, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>`+
			`<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error>`+
			`<RequestId>%s</RequestId></ErrorResponse>`, id)
		return
	}
	d := s.w.sage
	fmt.Fprintf(rw, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
		`<Arn>arn:aws:sts::%s:assumed-role/%s/exhibit</Arn><UserId>AROASIMULATED:exhibit</UserId><Account>%s</Account>`+
		`</GetCallerIdentityResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
		d.Account, d.Role, d.Account, id)
}

// text reads a member that is a string.
func (p sageParams) text(name string) string {
	v, _ := p[name].(string)
	return v
}

// page cuts the page out of a list that MaxResults and NextToken ask for.
// Lists are newest first unless SortOrder says otherwise.
func page(p sageParams, name string, all []obj) (any, *sageError) {
	if p.text("SortOrder") == "Ascending" {
		slices.Reverse(all)
	}
	limit := 10
	if n, given := p["MaxResults"].(float64); given {
		if n < 1 || n > 100 {
			return nil, &sageError{http.StatusBadRequest, "ValidationException", "1 validation error detected: MaxResults must be between 1 and 100"}
		}
		limit = int(n)
	}
	from := 0
	if token := p.text("NextToken"); token != "" {
		start, found := strings.CutPrefix(token, "simulated-"+name+"-")
		n, err := strconv.Atoi(start)
		if !found || err != nil || n < 0 || n > len(all) {
			return nil, &sageError{http.StatusBadRequest, "ValidationException", "The pagination token is invalid."}
		}
		from = n
	}
	to := min(from+limit, len(all))
	out := obj{name: all[from:to:to]}
	if to < len(all) {
		out["NextToken"] = "simulated-" + name + "-" + strconv.Itoa(to)
	}
	return out, nil
}

func noSuch(kind, name string) *sageError {
	return &sageError{http.StatusBadRequest, "ValidationException", fmt.Sprintf("Could not find %s %q.", kind, name)}
}
