package coverage

import (
	"context"
	"errors"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Reasoner is an error that knows why a part of the scope could not be seen.
type Reasoner interface {
	error
	Reason() connector.Reason
}

// ReasonOf says in the contract's words why something could not be seen.
func ReasonOf(err error) connector.Reason {
	var (
		known    Reasoner
		limit    *transport.RateLimitError
		large    *transport.TooLargeError
		redirect *transport.RedirectError
	)
	switch {
	case errors.As(err, &known):
		return known.Reason()
	case errors.As(err, &limit):
		return connector.RateLimited
	case errors.As(err, &large):
		return connector.Truncated
	case errors.As(err, &redirect), errors.Is(err, transport.ErrUnaskedNotModified):
		return connector.Malformed
	}
	return connector.Unavailable
}

// Fatal returns the error that ends a run, or nil if err is one to go on after.
func Fatal(ctx context.Context, err error) error {
	var own *EmitError
	switch {
	case errors.As(err, &own):
		return own.Err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, connector.ErrRefused), errors.Is(err, connector.ErrUnreachable):
		return err
	}
	return nil
}
