package pluginhost

import "context"

// Said remembers what each connector said about itself, for as long as its binary
// is the one that said it and the lock file names it: asking again starts only
// what is new. What could not be asked is asked again. It holds one answer for each
// connector that is installed, and may be used by many at once.
type Said struct {
	host *Host
	turn chan struct{} // held by whoever looks
	by   map[string]Installed
}

// Remember returns a Said that knows nothing yet.
func (h *Host) Remember() *Said {
	return &Said{host: h, turn: make(chan struct{}, 1), by: map[string]Installed{}}
}

// All returns what is installed, with what it says about itself, sorted by name.
// refused is told of each connector that could not be asked, which is left out.
func (s *Said) All(ctx context.Context, refused func(name string, err error)) ([]Installed, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	list, err := s.host.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []Installed
	now := map[string]Installed{}
	for _, i := range list {
		said, ok := s.by[i.Name]
		if !ok || !i.Locked || said.Digest != i.Digest {
			if said, err = s.host.Describe(ctx, i.Name); err != nil {
				refused(i.Name, err)
				continue
			}
		}
		now[i.Name] = said
		out = append(out, said)
	}
	if ctx.Err() == nil { // else some were not asked
		s.by = now
	}
	return out, ctx.Err()
}
