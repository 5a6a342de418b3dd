package wire

import "time"

// Longest strings that may cross, in bytes.
const (
	MaxKey        = 1024     // Record.Key, Group, Subject.ID, Gap.Scope
	MaxURL        = 4096     // Record.URL
	MaxQuery      = 4096     // KindCoverage.Query
	MaxText       = 4096     // Gap.Detail, problems, remedies, error texts
	MaxCursorName = 256      // name of a cursor
	MaxCursor     = 64 << 10 // value of a cursor
	MaxValidator  = 4096     // key of a validator
	MaxETag       = 1024     // Validator.ETag and LastModified
	MaxLink       = 16 << 10 // Validator.Link
	MaxMemo       = 64 << 10 // Validator.Memo
	MaxSchema     = 256 << 10
	MaxKinds      = 256 // kinds, secrets and permissions of a descriptor, each
)

// Sizes of what a connector sends. A batch is sent when it is full or its
// first item has waited for BatchDelay.
const (
	BatchItems = 200
	BatchBytes = 256 << 10
	BatchDelay = 50 * time.Millisecond
)
