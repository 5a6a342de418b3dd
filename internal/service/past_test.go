package service_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// pastOf asks for a view of an earlier instant.
func (p *place) pastOf(s *service.Service, asker string, at time.Time) *service.View {
	p.t.Helper()
	v, err := s.Past(p.t.Context(), asker, at)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// TestPastIsKept: a view of an earlier instant is made once, and again only when
// the ledger may say something else of that instant.
func TestPastIsKept(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	at := p.now
	p.now = p.now.Add(time.Hour)
	first := p.pastOf(s, "a", at)
	if again := p.pastOf(s, "b", at.Add(300*time.Millisecond)); again != first {
		t.Error("the same second was made twice")
	}
	if _, err := s.Conclude(t.Context()); err != nil { // an assessment, and findings of an hour later
		t.Fatal(err)
	}
	if again := p.pastOf(s, "a", at); again != first {
		t.Error("what was concluded later made an earlier instant anew")
	}
	if _, err := p.collector.CollectRegister(t.Context(), p.cfg.Register); err != nil {
		t.Fatal(err)
	}
	again := p.pastOf(s, "a", at)
	if again == first || again.Assessment.Checkpoint.Size <= first.Assessment.Checkpoint.Size {
		t.Error("a reading came, and the view before it was shown")
	}
	p.now = p.now.Add(time.Minute)
	for i := range 8 { // more than are kept, of somebody new each
		p.pastOf(s, string(rune('c'+i)), at.Add(time.Duration(i+1)*time.Minute))
	}
	if p.pastOf(s, "z", at) == again {
		t.Error("views of the past are kept without end")
	}
}

// TestPastOften: nobody has many views made within a minute, and that is nobody
// else's loss.
func TestPastOften(t *testing.T) {
	p := newPlace(t)
	s := p.service()
	if _, err := s.Conclude(t.Context()); err != nil {
		t.Fatal(err)
	}
	at := func(i int) time.Time { return p.now.Add(-time.Duration(i+1) * time.Minute) }
	for i := range 6 {
		p.pastOf(s, "a", at(i))
	}
	var busy *service.Busy
	if _, err := s.Past(t.Context(), "a", at(6)); !errors.As(err, &busy) || !busy.Often || busy.Seconds() != 60 {
		t.Errorf("a seventh: %v", err)
	}
	p.pastOf(s, "a", at(5)) // is kept
	p.pastOf(s, "b", at(6))
	p.now = p.now.Add(time.Minute)
	p.pastOf(s, "a", at(7))
}

// slow is a store that is read once somebody lets it.
type slow struct {
	store.Store
	gate chan struct{}
}

func (s slow) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	<-s.gate
	return s.Store.Runs(ctx, source)
}

// TestPastInTurn: one view of an earlier instant is made at a time; who waits too
// long is told when to come back, and who waits for the same gets the same.
func TestPastInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t)
		gate := make(chan struct{})
		p.store = slow{p.store, gate}
		s := p.service()
		at := p.now.Add(-time.Minute)
		type made struct {
			view *service.View
			err  error
		}
		ask := func(who string, at time.Time) chan made {
			c := make(chan made, 1)
			go func() {
				v, err := s.Past(t.Context(), who, at)
				c <- made{v, err}
			}()
			synctest.Wait()
			return c
		}
		first := ask("a", at)
		other := ask("b", at.Add(-time.Minute))
		begun := time.Now()
		var busy *service.Busy
		if got := <-other; !errors.As(got.err, &busy) || busy.Often || busy.Seconds() != 2 || time.Since(begun) != 4*time.Second {
			t.Errorf("who had to wait: %v after %v", got.err, time.Since(begun))
		}
		same := ask("c", at)
		close(gate)
		x, y := <-first, <-same
		if x.err != nil || y.err != nil || x.view != y.view {
			t.Errorf("two who asked for the same: %v, %v", x.err, y.err)
		}
	})
}
