// Package infra reads the files that say what runs where, by whom and with
// which tools: containers, clusters, infrastructure code, pipelines, settings,
// notebooks, the configuration of agents and their tools, and the first bytes
// of model files.
//
// It returns facts (plugins/aiscan/fact) and knows no signature: whether an
// image or a resource has anything to do with AI is for the scanner to say. It
// imports the standard library, a YAML reader, fact and, for the commands that
// install packages, plugins/aiscan/manifest. It reads what it is given and
// nothing else: no file, no network, no clock.
//
// It promises that the same bytes give the same facts in the same order; that
// a line named is the line where the name stands; that no value of a variable
// is kept, except the host or the model that it names; that time and memory are
// bounded by the size of the file, whatever the file says; and that what could
// not be read is an error beside the facts that could.
package infra
