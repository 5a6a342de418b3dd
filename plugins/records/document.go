package records

// Kinds of the document family, version 1 of each. Approvals, reviews and
// acknowledgements are kept by people and have a Shape.
const (
	KindDocumentRevision = "document.revision"
	KindDocumentApproval = "document.approval"
)

// DocumentRevision is one content that a document had. SHA256 is over the
// bytes of the file; ModifiedAt is when the store says that this content
// came into force, not a date that the file claims.
type DocumentRevision struct {
	DocID                 string   `json:"doc_id"`
	Title                 string   `json:"title"`
	Version               string   `json:"version,omitempty"` // as the document states it
	Owner                 string   `json:"owner,omitempty"`
	Classification        string   `json:"classification,omitempty"`
	SHA256                string   `json:"sha256"`
	MIME                  string   `json:"mime"`
	Pages                 int      `json:"pages,omitempty"`
	Size                  int64    `json:"size"` // bytes
	ModifiedAt            string   `json:"modified_at"`
	ModifiedBy            string   `json:"modified_by,omitempty"`
	SourceURI             string   `json:"source_uri"`
	SourcePath            string   `json:"source_path,omitempty"`
	SourceCommit          string   `json:"source_commit,omitempty"`
	SourceSignature       string   `json:"source_signature,omitempty"`       // of the commit: openpgp, ssh, x509 or unknown
	SourceSignedBy        string   `json:"source_signed_by,omitempty"`       // fingerprint of a trusted key that proves it
	OutOfOrder            bool     `json:"out_of_order,omitempty"`           // the commit is dated before its parent
	TextUnreadable        string   `json:"text_unreadable,omitempty"`        // why sections could not be looked for
	RequiredSectionsFound []string `json:"required_sections_found,omitzero"` // nil: not looked for; empty: none of them
	EffectiveAt           string   `json:"effective_at,omitempty"`           // from when the document says it holds
	NextReviewAt          string   `json:"next_review_at,omitempty"`         // as the document states it
	Store                 string   `json:"store,omitempty"`                  // repository or folder it lies in, as the source calls it
	References            []string `json:"references,omitzero"`              // ids of other documents, with @ and a version where it names one; nil: it does not say
}
