// Package ask answers, from evidence, the questions that an auditor puts first:
// who approved a use of AI, what people review before output leaves, how it was
// tested, what happened when a vendor changed a model, how incidents ended. It
// also lays out the whole record of one AI system, from intake to today.
//
// It may import internal/assess, internal/catalog and internal/evidence. It
// reads no clock and does no I/O: it is handed an assessment and the evidence.
//
//	w, err := ask.NewWorld(assessment, evidence, ask.Options{})
//	for _, answer := range w.Answer(question, "") { … }
//
// # Promises
//
// The same evidence and assessment give the same answer. A fact names the
// evidence that it was read from. Facts never judge: whether something falls
// short is what the results say, and these stand beside the facts as gaps, with
// the expectation, the status, the reason and the next step. An answer is never
// empty: without a fact it names the expectations that nothing was seen for.
package ask
