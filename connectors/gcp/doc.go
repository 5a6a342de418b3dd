// Package gcp reads Vertex AI in Google Cloud: models with their versions and
// aliases, endpoints and what they serve, evaluations, monitoring, training and
// tuning, publishers' models, and the audit log of all that.
//
// It may import the standard library, golang.org/x/oauth2 and packages under
// plugins. It asks the REST interface itself: of Google's generated clients it
// would use a hundredth.
//
// It promises that a project or a location which cannot be read is a gap of its
// own, and that nothing is said of locations that were not asked for.
package gcp
