package main

import "testing"

// TestNarrowed: nothing found under a name says whose nothing it is.
func TestNarrowed(t *testing.T) {
	if got := (findingsOptions{owner: "no\x1bbody", control: "A.99"}).narrowed(); got != " for owner no·body, control A.99; others are not counted" {
		t.Error(got)
	}
	if got := (findingsOptions{state: "open"}).narrowed(); got != "" {
		t.Error(got)
	}
}
