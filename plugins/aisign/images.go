package aisign

import "strings"

// images finds entries by the last parts of a repository.
type images struct{ entries []image }

type image struct {
	entry
	parts []string
}

func (s *Set) buildImages() {
	s.images = &images{}
	s.names("images", func(l *Lists) []string { return l.Images }, func(e entry) {
		s.images.entries = append(s.images.entries, image{e, strings.Split(strings.ToLower(e.text), "/")})
	})
}

// Repository takes registry, tag and digest off a reference of an image, and
// gives an image of one name the owner that it has by default: library/redis.
func Repository(reference string) string {
	ref := lower(reference)
	for _, scheme := range []string{"docker://", "oci://", "https://", "docker-pullable://"} {
		ref = strings.TrimPrefix(ref, scheme)
	}
	ref, _, _ = strings.Cut(ref, "@")
	if at := strings.LastIndexByte(ref, ':'); at > strings.LastIndexByte(ref, '/') {
		ref = ref[:at]
	}
	first, rest, some := strings.Cut(ref, "/")
	if some && (strings.ContainsAny(first, ".:") || first == "localhost") {
		ref = rest
	}
	if !strings.Contains(ref, "/") && ref != "" {
		return "library/" + ref
	}
	return ref
}

// Image returns whose a container image is. Only the last parts of its
// repository are compared, as many as the entry has, so that a mirror's path
// before them changes nothing. A * in an entry stays within its part.
func (s *Set) Image(reference string) []Match {
	if len(reference) > maxName {
		return nil
	}
	parts := strings.Split(Repository(reference), "/")
	var f found
	for _, i := range s.images.entries {
		if i.holds(parts) {
			f.add(i.match(), len(i.text)+2*len(i.parts))
		}
	}
	return f.sorted()
}

func (i image) holds(parts []string) bool {
	if len(parts) < len(i.parts) {
		return false
	}
	for n, part := range parts[len(parts)-len(i.parts):] {
		if part == "" || !glob(i.parts[n], part) {
			return false
		}
	}
	return true
}
