package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// Instant says of when an answer is to be.
type Instant struct {
	AsOf  string `query:"as_of" maxLength:"40" format:"instant" doc:"An earlier instant: RFC 3339, or a date, which means its last second, UTC. Left out: the newest state." example:"2026-06-30"`
	Match string `header:"If-None-Match" maxLength:"1000" doc:"The ETag of an answer that is at hand: what has not changed is not sent again."`
}

// State is what an answer was made from.
type State struct {
	AsOf       time.Time         `json:"as_of" doc:"The instant that the answer shows."`
	Checkpoint assess.Checkpoint `json:"checkpoint" doc:"The state of the ledger that it was made from."`
}

func stateOf(v *service.View) State {
	return State{v.Assessment.AsOf, v.Assessment.Checkpoint}
}

// Stated is an answer made from one state of the ledger.
type Stated[T any] struct {
	ETag string `header:"ETag" doc:"Of the state that the answer was made from."`
	Body T
}

// view returns the view that is asked for and its ETag, or errNotModified.
func (a *API) view(ctx context.Context, in Instant) (*service.View, string, error) {
	at, err := parseInstant("as_of", in.AsOf, a.Clock())
	if err != nil {
		return nil, "", err
	}
	v, err := a.at(ctx, at)
	if err != nil {
		return nil, "", err
	}
	tag := tagOf(v)
	return v, tag, fresh(in.Match, tag)
}

// at is the view of an instant, for whoever asks.
func (a *API) at(ctx context.Context, at time.Time) (*service.View, error) {
	who, _ := access.From(ctx)
	return a.Service.Past(ctx, who.Asker(), at)
}

// tagOf names the state of a view.
func tagOf(v *service.View) string {
	a := v.Assessment
	return etag(a.Checkpoint.Size, a.Checkpoint.Root, a.AsOf.UnixNano(), a.Catalog.Digest, v.Made.UnixNano())
}

func etag(parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return `W/"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// fresh returns a 304 if what is at hand is what would be sent.
func fresh(match, tag string) error {
	for given := range strings.SplitSeq(match, ",") {
		given = strings.TrimSpace(given)
		if given == "*" || given == tag || "W/"+given == tag {
			return &Problem{Status: http.StatusNotModified, headers: http.Header{"Etag": {tag}}}
		}
	}
	return nil
}

var errNoTime = errors.New("that is no time")

// parseInstant reads an instant; a date means its last second, UTC.
func parseInstant(name, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), service.CheckTime(name, t)
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, wrong("write 2026-06-30 or 2026-06-30T12:00:00Z", fmt.Errorf("%s: %w", name, errNoTime))
	}
	if err := service.CheckTime(name, day); err != nil {
		return time.Time{}, err
	}
	if end := day.Add(24*time.Hour - time.Second); end.Before(now) || day.After(now) {
		return end, nil
	}
	return now.UTC().Truncate(time.Second), nil
}

// parseDay is parseInstant for what may lie ahead.
func parseDay(name, s string) (time.Time, error) {
	return parseInstant(name, s, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}
