// Package kubernetes reads the workloads of a cluster, from its API server or
// from lists that were saved with kubectl, and states which of them run or use
// AI: by image, kind, names of environment variables, and the hosts in plain
// values and arguments.
//
// It may import the standard library, golang.org/x/text and packages under
// plugins.
//
// It promises that a value of an environment variable, a ConfigMap or a Secret
// never leaves it, only the names of variables and secrets, hosts, and ids of
// models that are publicly known; that Secrets and ConfigMaps are never asked
// for; and that a list which breaks off, is refused or holds something else is a
// gap.
package kubernetes
