// Package huggingface reads the Hugging Face Hub, or a hub that answers as it
// does: the models and data sets of an organisation, and those of others that
// it uses, with revision, files and their formats, card, licence and gating.
//
// It imports plugins/ and a YAML reader, never internal/. It promises that a
// repository which is missing or hidden (the hub answers both alike) is a gap,
// that no token goes to the hosts that files are served from, and that a text
// which a template left to be filled in is no section of a card.
package huggingface
