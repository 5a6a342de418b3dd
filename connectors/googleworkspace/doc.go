// Package googleworkspace reads from Google Workspace which AI people let in:
// applications that hold a token of theirs, consents and sign-ins by day, and
// Gemini.
//
// It may import the standard library, golang.org/x/oauth2 and plugins. It
// promises that an application which belongs to no known AI is counted and not
// listed, that Google is only ever asked with GET, and that people are counted
// unless the settings say otherwise.
package googleworkspace
