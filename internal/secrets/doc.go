// Package secrets reads secrets from where the configuration says they are
// kept: the environment, a file, the operating system's keyring, AWS Secrets
// Manager, or HashiCorp Vault and OpenBao over its HTTP API.
//
// A Resolver lives as long as a configuration, a Session as long as a run. A
// value is read when it is wanted and kept for the session, so that one run sees
// one value and the next one a new one: a secret is rotated without a restart.
// What a login returned is kept by the Resolver until it expires.
//
// The package may import internal/configfile, which says where secrets are. It
// promises that
//
//   - an error names the place, never the value, nor what a login holds;
//   - every value that was read is known to the Mask before a caller has it;
//   - no credential is sent to another place than the configured one, and none
//     in the clear after a redirect from https;
//   - a place that does not answer is given up when ctx ends, and in any case
//     after readTimeout.
package secrets
