//go:build !linux

package sqlite_test

import "errors"

func mountMemory(string) (func() error, error) { return nil, errors.ErrUnsupported }
