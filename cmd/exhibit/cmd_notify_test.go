package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/notify"
)

// TestToldIsBounded: of many messages that were sent people see the newest, and
// how many there are besides.
func TestToldIsBounded(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	s := notify.Status{Channels: []notify.ChannelStatus{{Name: "mail", Sent: 120}, {Name: "hook", Sent: 3}}}
	for i := range 100 {
		s.Told = append(s.Told, notify.SentMessage{ID: fmt.Sprintf("m%03d", i), Channel: "mail", Recipient: "ada\x1b[2J@northwind.example", Title: strings.Repeat("x", 300), SentAt: at, Attempts: 1, Changes: 2})
	}
	var out bytes.Buffer
	g := &globals{}
	g.std.out = &out
	printTold(g, &s)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 1+1+toldShown+1 || !strings.Contains(out.String(), "m019") || strings.Contains(out.String(), "m020") {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	if last := lines[len(lines)-1]; last != "103 older messages are not listed; -o json lists a hundred." {
		t.Errorf("the last line is %q", last)
	}
	for _, line := range lines {
		if len(line) > 200 || strings.Contains(line, "\x1b") {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
}
