package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// Server answers a host's calls with a connector.
type Server struct {
	wire.UnimplementedConnectorServer
	c connector.Connector
}

var _ wire.ConnectorServer = (*Server)(nil)

// NewServer returns a server for c. Most programs call Connector instead.
func NewServer(c connector.Connector) *Server { return &Server{c: c} }

// Describe returns the connector's descriptor.
func (s *Server) Describe(context.Context, *wire.DescribeRequest) (_ *wire.Descriptor, err error) {
	defer recovered(&err)
	return wire.EncodeDescriptor(s.c.Describe()), nil
}

// Check tests credentials and permissions.
func (s *Server) Check(ctx context.Context, req *wire.CheckRequest) (_ *wire.CheckReport, err error) {
	defer recovered(&err)
	report, err := s.c.Check(ctx, wire.DecodeConfig(req.GetConfig()))
	if err != nil {
		return nil, toStatus(err)
	}
	return wire.EncodeCheckReport(report), nil
}

// Collect runs the connector and streams what it emits.
func (s *Server) Collect(req *wire.CollectRequest, stream grpc.ServerStreamingServer[wire.CollectBatch]) (err error) {
	defer recovered(&err)
	r, err := wire.DecodeRequest(req)
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	emit := newEmitter(stream, s.c.Describe())
	defer emit.close()
	coverage, err := s.c.Collect(stream.Context(), r, emit)
	if emitErr := emit.failure(); emitErr != nil {
		return toStatus(emitErr)
	}
	if err != nil {
		return toStatus(err)
	}
	return emit.done(coverage)
}

// recovered turns a panic of the connector into an error for the host and
// leaves the stack in the log.
func recovered(err *error) {
	if p := recover(); p != nil {
		fmt.Fprintf(os.Stderr, "panic: %v\n%s", p, debug.Stack())
		*err = status.Errorf(codes.Aborted, "%s", wire.Clean(fmt.Sprintf("the connector panicked: %v", p), wire.MaxText))
	}
}

// toStatus keeps the class of a connector's error, and its text.
func toStatus(err error) error {
	code := codes.Unknown
	var invalid *InvalidError
	switch {
	case errors.As(err, &invalid):
		code = codes.InvalidArgument
	case errors.Is(err, connector.ErrRefused):
		code = codes.PermissionDenied
	case errors.Is(err, connector.ErrUnreachable):
		code = codes.FailedPrecondition
	case errors.Is(err, context.Canceled):
		code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = codes.DeadlineExceeded
	}
	return status.Error(code, wire.Clean(err.Error(), wire.MaxText))
}
