// Package anthropic reads an organisation at Anthropic: its people, workspaces,
// keys, use by model and day, costs, activity feed and data residency, and the
// models on offer with their end.
//
// It may import the standard library and packages under plugins.
//
// It promises that no part of a key's value is in a record; that a day's use is
// told only once the day is over; and that what Anthropic does not tell is a
// gap, never "off".
package anthropic
