// Package pluginhost finds, verifies, starts, limits and stops connector
// processes. A connector is untrusted: its binary runs only if its SHA-256 is
// the one in the lock file, with an empty environment but for proxies and
// certificate authorities, and everything it sends is checked before anybody
// else sees it.
//
// The package may import plugins/connector, plugins/wire and
// internal/evidence, and on Linux the libraries for Landlock and seccomp. What
// confines a connector, and what does not, is in README.md. It promises that
//
//   - one process serves one call of Describe, Check or Collect and is gone
//     when the call returns;
//   - a crash, hang, flood or garbage ends that run alone, with an error whose
//     class a caller can test for and whose hint says what to do;
//   - what a run sent before it failed reached the Sink in order, each batch
//     together with its cursors and validators;
//   - a confined process is confined before its first instruction, and what is
//     reported of that is what the kernel confirmed;
//   - no secret appears in an error, a log line, an environment or a process
//     list.
package pluginhost
