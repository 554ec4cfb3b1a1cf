package state

import "crypto/hmac"

// A Keyed is a keyed hash of parts, which differs by what it is about.
type Keyed func(about string, parts ...string) string

// SealWith makes k that of the study: from now on rows are sealed with it, and held
// against their seals. Until then nobody can use what is sealed.
func (s *Store) SealWith(k Keyed) { s.keyed.Store(&k) }

// Sealing reports whether rows are held against their seals.
func (s *Store) Sealing() bool { return s.keyed.Load() != nil }

// Seal is the seal of parts, "" before SealWith.
func (s *Store) Seal(about string, parts ...string) string {
	k := s.keyed.Load()
	if k == nil {
		return ""
	}
	return (*k)(about, parts...)
}

// Owns reports whether seal is that of the parts. Before SealWith every seal is.
func (s *Store) Owns(seal, about string, parts ...string) bool {
	return !s.Sealing() || seal != "" && hmac.Equal([]byte(seal), []byte(s.Seal(about, parts...)))
}
