package sqlstore

// SetKeyHash replaces the hash of keys, so that a test can make them collide.
func (s *Store) SetKeyHash(fn func(source, kind, key string) int64) { s.keyHash = fn }
