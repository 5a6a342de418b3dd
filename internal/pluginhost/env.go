package pluginhost

import (
	"os"
	"slices"
	"strings"
)

// passed returns the names of the variables that a connector gets from the
// host: how to reach the network, and whom to trust there.
func passed() []string {
	return []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR",
	}
}

// connectorEnv returns the part of environ that a connector gets.
func connectorEnv(environ []string) []string {
	var env []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(passed(), name) || slices.Contains(platformEnv(), name) {
			env = append(env, entry)
		}
	}
	return env
}

// environ is the host's own environment, with what Options.Env puts in its place.
func (h *Host) environ() []string {
	env := os.Environ()
	for _, entry := range h.env {
		name, _, _ := strings.Cut(entry, "=")
		env = slices.DeleteFunc(env, func(own string) bool { return strings.HasPrefix(own, name+"=") })
	}
	return append(env, h.env...)
}
