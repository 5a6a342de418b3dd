package service_test

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"
)

// TestCheckTime: what counts is the year in UTC, where a zone may lead out of the
// years that can be written.
func TestCheckTime(t *testing.T) {
	for s, want := range map[string]bool{
		"2026-06-30T12:00:00Z": true, "1900-01-01T00:00:00Z": true, "2999-12-31T23:59:59Z": true,
		"0001-01-01T00:00:00Z": false, "0000-01-01T00:00:00+14:00": false, "1900-01-01T00:00:00+00:01": false,
		"2999-12-31T23:59:59-00:01": false, "9999-12-31T23:59:59-14:00": false,
	} {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := service.CheckTime("as_of", at); (err == nil) != want || err != nil && !service.IsMistake(err) {
			t.Errorf("%s: %v", s, err)
		}
	}
}
