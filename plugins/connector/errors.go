package connector

import "errors"

// Errors that Check and Collect may wrap to tell the host what kind of failure
// ended them, so that a person is told what to do:
//
//	return nil, fmt.Errorf("GET /user: 401: %w", connector.ErrRefused)
var (
	// ErrRefused: the source rejects the credential. Renew or replace it.
	ErrRefused = errors.New("credential refused")
	// ErrUnreachable: the source cannot be reached. Check address and network.
	ErrUnreachable = errors.New("source unreachable")
)
