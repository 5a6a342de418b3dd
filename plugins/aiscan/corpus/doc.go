// Package corpus holds small repositories of our own making, with labels that
// say what in them is use of AI, and the measurement of plugins/aiscan on them.
// The labels were written from what the words mean, before the scanner was run.
//
// testdata/repos has one txtar archive per repository, so that no tool takes a
// made-up manifest for a real one; testdata/labels has its labels. What must
// not lie in a repository as it is, files of models and strings that look like
// credentials, is made when an archive is read (see made.go). README.md tells
// the method and the figures, which a test keeps true.
//
// The package imports plugins/aiscan, plugins/aisign and the standard library,
// and txtar. It promises that the same archive gives the same files, byte for
// byte, and that a label that names no line of its file is an error.
package corpus
