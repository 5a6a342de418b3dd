//go:build !linux

package serve

// dieWithParent does nothing here: watchHost polls.
func dieWithParent() {}
