package service_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// slowRead is a store whose evidence comes only when it may.
type slowRead struct {
	store.Store
	may chan struct{}
}

func (s *slowRead) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	select {
	case <-s.may:
	case <-ctx.Done():
	}
	return s.Store.Evidence(ctx, q)
}

// TestFirstView: while the first view is made, whoever asks is told so after a
// while, and others may ask for what does not depend on it.
func TestFirstView(t *testing.T) {
	p := newPlace(t)
	synctest.Test(t, func(t *testing.T) {
		slow := &slowRead{p.store, make(chan struct{})}
		s := service.New(service.Options{Config: p.cfg, Catalog: p.catalog, Store: slow, Logger: slog.New(slog.DiscardHandler), Clock: func() time.Time { return p.now }, Version: "test"})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.KeepCurrent(ctx, time.Second, func(err error) { t.Error(err) })
		}()
		synctest.Wait()
		var busy *service.Busy
		if _, err := s.Current(ctx); !errors.As(err, &busy) || busy.Often || busy.Error() == "" || busy.Making == "" {
			t.Errorf("while it is made: %v", err)
		}
		if slugs, err := s.Slugs(); err != nil || len(slugs) == 0 {
			t.Errorf("the rules: %v", err)
		}
		close(slow.may)
		if v, err := s.Current(ctx); err != nil || v == nil {
			t.Errorf("once it is there: %v", err)
		}
		stop()
		<-ended
	})
}

// TestOneViewAtATime: while a conclusion makes a view, KeepCurrent makes none
// beside it, and none when that one is there.
func TestOneViewAtATime(t *testing.T) {
	p := newPlace(t)
	synctest.Test(t, func(t *testing.T) {
		s := p.service()
		shown, may := 0, make(chan struct{})
		s.BeforeShown(func(context.Context, *service.View) error {
			shown++
			<-may
			return nil
		})
		concluded := make(chan error)
		go func() {
			_, err := s.Conclude(t.Context())
			concluded <- err
		}()
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.KeepCurrent(ctx, time.Second, func(err error) { t.Error(err) })
		}()
		time.Sleep(5 * time.Second)
		close(may)
		if err := <-concluded; err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		stop()
		<-ended
		if shown != 1 {
			t.Errorf("%d views were made, want 1", shown)
		}
	})
}
