// Package entra reads from a tenant of Microsoft Entra ID which AI was let into
// it: applications with their rights and the people they are assigned to,
// consents, days of sign-ins, and Microsoft's own assistants.
//
// It may import the standard library, golang.org/x/oauth2 and plugins. It
// promises that an application which belongs to no known AI is counted and not
// listed, that Graph is only ever asked with GET, and that people are counted
// unless the settings say otherwise.
package entra
