// Package crosswalk relates the controls of the catalog to items of other
// frameworks, many to many, so that one piece of evidence can be shown under
// everything that it may serve.
//
// It may import internal/catalog and internal/yamlfile, and reads only the file
// system it is handed. It promises that every pair names a control of the
// catalog and an item of its framework, says on what basis it stands, and names
// its sources unless it is our own proposal.
package crosswalk
