package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// Exit codes. They are part of the command line's contract.
const (
	exitOK       = 0
	exitError    = 1
	exitUsage    = 2
	exitPartial  = 3
	exitFailOn   = 4
	exitNoStore  = 10
	exitLocked   = 11
	exitTampered = 12
)

// usageError is a mistake in the command line or the configuration.
type usageError struct {
	err  error
	hint string
}

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }
func (e usageError) Hint() string  { return e.hint }

// hinted adds what to do to an error.
type hinted struct {
	err  error
	hint string
}

func (e hinted) Error() string { return e.err.Error() }
func (e hinted) Unwrap() error { return e.err }
func (e hinted) Hint() string  { return e.hint }

// exitWith ends a command with a code whose reason has been printed already.
type exitWith struct{ code int }

func (e exitWith) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// report prints err as the contract says and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	var silent exitWith
	if errors.As(err, &silent) {
		return silent.code
	}
	fmt.Fprintf(w, "exhibit: error: %s\n", cleanLines(strings.TrimRight(err.Error(), "\n")))
	if h := hintOf(err); h != "" {
		fmt.Fprintf(w, "exhibit: hint: %s\n", cleanLines(h))
	}
	return codeOf(err)
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	var plugin *pluginhost.Error
	if errors.As(err, &plugin) && plugin.Hint != "" {
		return plugin.Hint
	}
	switch {
	case errors.Is(err, store.ErrNoStore):
		return "collect first (exhibit collect), or name a store with --store"
	case errors.Is(err, store.ErrLocked):
		return "wait for the other process, or stop it; a store has one writer at a time"
	case errors.Is(err, store.ErrNewer):
		return "use that version; there is no way back but to restore a backup from before"
	case errors.Is(err, store.ErrOlder):
		return "exhibit store upgrade makes a backup and brings the store up to date"
	case errors.Is(err, store.ErrTampered):
		return "keep this copy for an investigation and restore a backup"
	}
	return ""
}

func codeOf(err error) int {
	var usage usageError
	var config yamlfile.Problems
	switch {
	case errors.As(err, &usage), errors.As(err, &config), service.IsMistake(err), isCobraUsage(err),
		errors.Is(err, pluginhost.ErrConfig), errors.Is(err, pluginhost.ErrNotInstalled):
		return exitUsage
	case errors.Is(err, store.ErrNoStore):
		return exitNoStore
	case errors.Is(err, store.ErrLocked):
		return exitLocked
	case errors.Is(err, store.ErrTampered):
		return exitTampered
	case errors.Is(err, context.Canceled):
		return exitError
	}
	return exitError
}

// isCobraUsage recognises the two usage errors for which cobra has no type.
func isCobraUsage(err error) bool {
	s := err.Error()
	return strings.HasPrefix(s, "unknown command ") || strings.Contains(s, "arg(s), ")
}
