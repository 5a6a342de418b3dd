package service

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// importLock is held by whoever takes records in from elsewhere.
const importLock = "import"

// Pusher takes in what programs push. agent.Collector is one.
type Pusher interface {
	Push(ctx context.Context, p agent.Pushed) (run evidence.Run, again bool, err error)
}

var _ Pusher = (*agent.Collector)(nil)

// Push takes in what a program pushes, once for each key. Nobody else takes
// records in meanwhile.
func (s *Service) Push(ctx context.Context, p agent.Pushed) (run evidence.Run, again bool, err error) {
	pusher, ok := s.Recorder.(Pusher)
	if !ok {
		return run, false, ErrReadOnly
	}
	leave, err := s.wait(ctx, importLock)
	if err != nil {
		return run, false, fmt.Errorf("records are being taken in by somebody else: %w", err)
	}
	defer leave()
	run, again, err = pusher.Push(ctx, p)
	if err == nil && !again {
		select {
		case s.acted <- struct{}{}:
		default:
		}
	}
	return run, again, err
}

// Taken lists the sources that only their own connector, the register's file, or
// commands speak for: by the configuration and by the store.
func (s *Service) Taken(ctx context.Context) ([]string, error) {
	out := []string{people.Source, agent.ShadowSource, agent.RegisterSource, agent.SelfSource}
	for _, c := range s.Config().Sources {
		out = append(out, c.Name)
	}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		if p := run.Provenance; p.Connector != agent.ImportConnector && !slices.Contains(out, p.Source) {
			out = append(out, p.Source)
		}
	}
	return out, nil
}
