//go:build !unix

package serve

// endGroup does nothing here: there are no process groups.
func endGroup() {}
