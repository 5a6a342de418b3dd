package people

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// MaxFile is the largest file that can be handed in, in bytes.
const MaxFile = 16 << 20

// Upload is evidence that a person handed in.
type Upload struct {
	ID               string            `json:"upload_id"`
	Title            string            `json:"title,omitempty"`
	SHA256           string            `json:"sha256,omitempty"` // of the file, or the digest of the evidence it vouches for
	FileSHA256       string            `json:"file_sha256,omitempty"`
	Filename         string            `json:"filename,omitempty"`
	About            *evidence.Subject `json:"about,omitempty"`
	Expectation      string            `json:"expectation_slug,omitempty"`
	SourceSystem     string            `json:"source_system,omitempty"`
	URL              string            `json:"url,omitempty"`
	Account          string            `json:"account,omitempty"` // that was logged in when it was captured
	CaptureMethod    string            `json:"capture_method,omitempty"`
	CapturedAt       moment            `json:"captured_at,omitzero"`
	ClaimedEventTime moment            `json:"claimed_event_time,omitzero"`
	PeriodStart      moment            `json:"claimed_period_start,omitzero"`
	PeriodEnd        moment            `json:"claimed_period_end,omitzero"`
	Note             string            `json:"note,omitempty"`
	Uploader         string            `json:"uploader,omitempty"`
	UploaderAccount  string            `json:"uploader_account,omitempty"`
	UploadedAt       moment            `json:"uploaded_at,omitzero"`
	Reviewer         string            `json:"reviewer,omitempty"`
	ReviewerAccount  string            `json:"reviewer_account,omitempty"`
	Decision         string            `json:"review_decision,omitempty"` // accepted | rejected
	ReviewedAt       moment            `json:"reviewed_at,omitzero"`
	ReviewNote       string            `json:"review_note,omitempty"`

	Source string `json:"-"`
	Hands  []Hand `json:"-"` // who else had a part in it, in any revision
}

// Decisions of a review.
const (
	Accepted = "accepted"
	Rejected = "rejected"
)

// Times of an upload. Zero ones are left out.
type Times struct {
	Captured, Event, From, To time.Time
}

// ParseUpload reads an upload from evidence of KindUpload.
func ParseUpload(e evidence.Evidence) (Upload, error) {
	var u Upload
	if err := json.Unmarshal(e.Payload, &u); err != nil {
		return u, fmt.Errorf("upload %s: %w", e.Key, err)
	}
	u.Source = e.Source
	return u, nil
}

// privateKey finds keys in the usual wrapping, and the key that signs the ledger.
var privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----|PRIVATE\+KEY\+[^\s+]+\+[0-9a-f]{8}\+`)

// File is a file's bytes as evidence. Its digest is its key.
func File(name, mediaType string, content []byte) (evidence.Record, string, error) {
	remedy := fmt.Sprintf("hand in a file of 1 byte to %d MiB", MaxFile>>20)
	if err := checkName(name); err != nil {
		return evidence.Record{}, "", err
	}
	switch {
	case !plainType(mediaType):
		return evidence.Record{}, "", unfit("for example application/pdf; left out, none is kept", "%.80q is no media type", mediaType)
	case len(content) == 0:
		return evidence.Record{}, "", unfit(remedy, "%s is empty", name)
	case len(content) > MaxFile:
		return evidence.Record{}, "", unfit(remedy, "%s is larger than %d MiB", name, MaxFile>>20)
	case privateKey.Match(content):
		return evidence.Record{}, "", unfit("hand in what shows that the key is kept well, not the key", "%s holds a private key, and what is handed in is shown to others", name)
	}
	sum := evidence.Sum(content).String()
	rec, err := record(KindFile, evidence.Subject{Type: "record", ID: sum}, sum, time.Time{}, map[string]any{
		"sha256": sum, "filename": name, "media_type": mediaType, "size": len(content),
		"content_base64": base64.StdEncoding.EncodeToString(content),
	})
	return rec, sum, err
}

// plainType reports whether a media type is one: a type and a subtype, each with
// a letter or digit first.
func plainType(mediaType string) bool {
	if mediaType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(mediaType)
	kind, sub, both := strings.Cut(t, "/")
	first := func(s string) bool { return s != "" && (unicode.IsLetter(rune(s[0])) || unicode.IsDigit(rune(s[0]))) }
	return err == nil && len(mediaType) <= 200 && both && first(kind) && first(sub)
}

// Submit hands evidence in. It must be attributable and datable: the system it
// was taken from, the address, who was logged in, and when.
func (p Policy) Submit(who Person, u Upload, t Times, onRecord []Upload, now time.Time) (Upload, evidence.Record, error) {
	if err := active(who); err != nil {
		return u, evidence.Record{}, err
	}
	u.CapturedAt, u.ClaimedEventTime = optional(t.Captured), optional(t.Event)
	u.PeriodStart, u.PeriodEnd = optional(t.From), optional(t.To)
	if u.ClaimedEventTime.IsZero() {
		u.ClaimedEventTime = u.CapturedAt
	}
	if err := u.check(now); err != nil {
		return u, evidence.Record{}, err
	}
	u.ID = nextID(fmt.Sprintf("UP-%d-", now.UTC().Year()), onRecord, func(u Upload) string { return u.ID })
	u.Uploader, u.UploaderAccount, u.UploadedAt, u.Source = who.ID, who.Account, at(now), Source
	u.Reviewer, u.Decision = "", ""
	rec, err := u.record()
	return u, rec, err
}

// earliest is before anything that is handed in was captured: an earlier time
// is a slip.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

func optional(t time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	return at(t)
}

// check refuses what an auditor would reject.
func (u Upload) check(now time.Time) error {
	var wrong []string
	for _, need := range []struct{ flag, value string }{
		{"--system", u.SourceSystem}, {"--url", u.URL}, {"--account", u.Account}, {"--method", u.CaptureMethod},
	} {
		if blank(need.value) {
			wrong = append(wrong, need.flag+" is missing")
		}
	}
	if link, err := url.Parse(u.URL); u.URL != "" && (err != nil || link.Host == "" || link.Scheme != "https" && link.Scheme != "http") {
		wrong = append(wrong, "--url is not an http address")
	} else if u.URL != "" && link.User != nil {
		wrong = append(wrong, "--url holds a name or password before the @: leave it out, what is on record is shown to others")
	}
	if u.CapturedAt.IsZero() {
		wrong = append(wrong, "--captured-at is missing")
	}
	for _, t := range []struct {
		flag string
		at   moment
	}{{"--captured-at", u.CapturedAt}, {"--event-time", u.ClaimedEventTime}, {"--from", u.PeriodStart}, {"--to", u.PeriodEnd}} {
		if t.at.After(now) {
			wrong = append(wrong, t.flag+" is later than now")
		}
	}
	if u.ClaimedEventTime.After(u.CapturedAt.Time) && !u.CapturedAt.IsZero() {
		wrong = append(wrong, "--event-time is later than --captured-at: nothing can be captured before it happens")
	}
	if !u.CapturedAt.IsZero() && u.CapturedAt.Before(earliest) {
		wrong = append(wrong, "--captured-at is before 1990")
	}
	if u.PeriodStart.IsZero() != u.PeriodEnd.IsZero() || u.PeriodEnd.Before(u.PeriodStart.Time) {
		wrong = append(wrong, "--from and --to belong together, the earlier first")
	}
	if len(wrong) > 0 {
		return unfit("evidence without system, address, account and time of capture (with its zone) cannot be attributed or dated, and an auditor would not take it",
			"it cannot be handed in like this:\n  %s", strings.Join(wrong, "\n  "))
	}
	return nil
}

// Review accepts or rejects what somebody else handed in.
func (p Policy) Review(who Person, u Upload, decision, note string, now time.Time) (evidence.Record, error) {
	if u.Decision != "" {
		return evidence.Record{}, refuse("hand it in anew to have it reviewed again", "%s was %s by %s", u.ID, u.Decision, u.Reviewer)
	}
	hands := append([]Hand{{u.Uploader, u.UploaderAccount, Began}}, u.Hands...)
	if u.Source != Source && !slices.ContainsFunc(u.Hands, func(h Hand) bool { return h.Part == Imported }) {
		hands = append(hands, Hand{Part: Imported}) // a name that stands in a file is no second person
	}
	if err := p.may(who, ActReview, hands); err != nil {
		return evidence.Record{}, err
	}
	if decision == Rejected && blank(note) {
		return evidence.Record{}, refuse("say why with --note", "a rejection without a reason helps nobody")
	}
	u.Reviewer, u.ReviewerAccount, u.Decision, u.ReviewedAt, u.ReviewNote = who.ID, who.Account, decision, at(now), note
	return u.record()
}

func (u Upload) record() (evidence.Record, error) {
	return record(KindUpload, evidence.Subject{Type: "record", ID: u.ID}, u.ID, u.ClaimedEventTime.Time, u)
}
