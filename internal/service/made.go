package service

import "sync"

// madeOf are answers to questions about a view that take long to make: each is
// made once, one at a time, and kept as long as the view is.
type madeOf[T any] struct {
	sync.Mutex
	answers map[string]T
}

// madeKey is under which a view keeps answers of a type.
type madeKey[T any] struct{}

// mostMade bounds how many answers of a type are kept with a view.
const mostMade = 8

// madeOnce returns the answer to a question about a view. What it returns is
// shared: callers leave it as it is.
func madeOnce[T any](v *View, question string, answer func() (T, error)) (T, error) {
	m := v.Beside(madeKey[T]{}, func() any { return &madeOf[T]{answers: map[string]T{}} }).(*madeOf[T])
	m.Lock()
	defer m.Unlock()
	if a, ok := m.answers[question]; ok {
		return a, nil
	}
	a, err := answer()
	if err != nil {
		return a, err
	}
	if len(m.answers) >= mostMade {
		clear(m.answers)
	}
	m.answers[question] = a
	return a, nil
}
