package exportjob

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// The exports.
const (
	Workbook = "workbook"
	Bundle   = "bundle"
	CSV      = "csv"
	JSONL    = "jsonl"
	HTML     = "html"
	SoA      = "soa"
	OSCAL    = "oscal"
	MLBOM    = "mlbom"
)

// Kind is one of the exports, in words.
type Kind struct {
	What      string `json:"what"`
	Title     string `json:"title"`
	File      string `json:"file"` // what it is called, if nobody calls it otherwise
	MediaType string `json:"media_type"`
}

const zipType = "application/zip"

// Kinds are the exports that can be ordered.
func Kinds() []Kind {
	return []Kind{
		{Workbook, "The Excel workbook", "exhibit.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{Bundle, "Workbook, evidence files, rules, proofs and signed checkpoint, as one zip", "exhibit-bundle.zip", zipType},
		{CSV, "The workbook's sheets as CSV, as one zip", "exhibit-csv.zip", zipType},
		{JSONL, "The workbook's sheets as JSON lines, as one zip", "exhibit-jsonl.zip", zipType},
		{HTML, "One HTML file with every sheet", "exhibit.html", "text/html; charset=utf-8"},
		{SoA, "The statement of applicability, to be signed", "statement-of-applicability.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{OSCAL, "Catalog, components, plan, results and POA&M in OSCAL, as one zip", "exhibit-oscal.zip", zipType},
		{MLBOM, "The AI inventory as a CycloneDX bill of materials", "exhibit.cdx.json", "application/vnd.cyclonedx+json"},
	}
}

// KindOf returns the export of a name.
func KindOf(what string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.What == what {
			return k, true
		}
	}
	return Kind{}, false
}

// Order says what is to be made.
type Order struct {
	What   string
	AsOf   time.Time // zero: now
	Since  time.Time // zero: nothing is compared
	Period *evidence.Period
	Redact string // name of a profile; empty: nothing is hidden
	Used   bool   // of a bundle: only what the results rest on
}

// Account is whose jobs they are. People who share a machine share its account,
// and not what each of them ordered: both parts count.
type Account struct {
	ID   string // the account that was proved
	Name string // who the export says has made it
}

// State is how far a job is.
type State string

// The states.
const (
	Queued  State = "queued"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Ended reports whether nothing more happens to a job.
func (s State) Ended() bool { return s == Done || s == Failed }

// Job is an export that was ordered.
type Job struct {
	ID        string    `json:"id"`
	What      string    `json:"what"`
	State     State     `json:"state"`
	Step      string    `json:"step"` // in words: waiting, assessing, writing …
	AsOf      time.Time `json:"as_of"`
	Ordered   time.Time `json:"ordered_at"`
	Began     time.Time `json:"began_at,omitzero"`
	Ended     time.Time `json:"ended_at,omitzero"`
	Expires   time.Time `json:"expires_at,omitzero"` // when the file is removed
	File      string    `json:"file"`
	MediaType string    `json:"media_type"`
	Bytes     int64     `json:"bytes"` // written so far; of all once it is done
	SHA256    string    `json:"sha256,omitempty"`
	Withheld  int       `json:"withheld,omitempty"` // texts made from what the profile hides
	Redaction string    `json:"redaction,omitempty"`
	Error     string    `json:"error,omitempty"`
	Hint      string    `json:"hint,omitempty"`

	by    Account
	order Order
	spec  service.Spec
	path  string
}
