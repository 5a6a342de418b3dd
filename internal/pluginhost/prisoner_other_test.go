//go:build !linux

package pluginhost_test

func serveCaged(string) {}
