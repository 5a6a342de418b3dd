// Package service is what Exhibit can be asked and told, whichever way in was
// taken: the assessment of now or of an instant with its findings, the day's
// work by owner, one AI system from intake to today, the evidence behind a
// result and its proof, exports, and every act by which a person puts something
// on record.
//
// It may import the core under internal, internal/store for its contract, the
// exports and internal/agent for what collects. It knows neither flags nor
// pages, and reads no clock but the one it is given. It promises that a View is
// whole, of one checkpoint, and does not change once it was made; that an act
// is decided by the rules of internal/people on what is on record at that
// moment, one act at a time; and that a mistake of whoever asks comes back as a
// Mistake with a remedy.
package service
