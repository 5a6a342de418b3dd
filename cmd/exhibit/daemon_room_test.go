package main

import (
	"os"
	"testing"
	"time"
)

// TestLack: an agent that had the room that it asked for and could not start asks
// for more, and less often, within bounds; one that ran begins again.
func TestLack(t *testing.T) {
	l := lack{}.again(time.Hour)
	if l != (lack{roomNeeded, roomEvery}) {
		t.Fatalf("at first %+v", l)
	}
	looked, starts := time.Duration(0), 0
	for ; looked < time.Hour; starts++ {
		looked += l.every
		next := l.again(time.Second)
		if next.bytes < l.bytes || next.every < l.every || next.bytes > roomMost || next.every > roomSeldom {
			t.Fatalf("after %+v comes %+v", l, next)
		}
		l = next
	}
	if starts > 20 || l != (lack{roomMost, roomSeldom}) {
		t.Errorf("%d starts in an hour, at last %+v", starts, l)
	}
	if l = l.again(ranWell); l != (lack{roomNeeded, roomEvery}) {
		t.Errorf("after it ran, %+v", l)
	}
}

// TestTryRoom: where there is room nothing is left of what was written to see it.
func TestTryRoom(t *testing.T) {
	dir := t.TempDir()
	if err := tryRoom(dir, roomNeeded); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
}
