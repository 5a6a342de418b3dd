// Package mlbom writes the AI inventory of a snapshot as a CycloneDX bill of
// materials: AI systems as applications, the models that they ask for and are
// served, the data sets they are made from, the services of their vendors and
// the endpoints that serve them, prompts, guardrails and tooling, and what
// depends on what.
//
// It may import internal/export, internal/evidence, and the CycloneDX library.
// It promises that everything in the file is stated by evidence in force at
// the as-of, which the property exhibit:evidence names by digest; that what no
// evidence states is left out and listed under exhibit:unknown, never filled
// in; and that the same snapshot gives the same bytes.
//
// # How a record becomes a component
//
// A model is known by who provides it and its id there: a registry with model
// and version, or a vendor with a model id. The name by which a system, an
// endpoint, a training run or a test calls a model is looked up among those; a
// name that leads to none of them becomes a component of its own, whose
// provider is unknown. A model with several versions depends on each of them,
// one that was asked for on those that were served in its place.
//
// A test is shown with the model that it names as tested: the newest that had
// ended by the as-of, whether passed or not. One that names no known model is
// shown with the system. Of records with versions, the newest is shown.
//
// Endpoints are named, as the platform names them; no address is written. The
// direction of a data flow is unknown wherever no record states it.
package mlbom
