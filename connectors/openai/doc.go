// Package openai reads an organisation at OpenAI: its people and service
// accounts, projects, keys, use by model and day, costs, audit log and data
// controls, the models on offer with their end, and what was fine-tuned.
//
// It may import the standard library and packages under plugins.
//
// It promises that a key's value, whole or redacted, is in no record; that a
// day's use is told only once the day is over; and that what OpenAI does not
// tell is a gap, never "off".
package openai
