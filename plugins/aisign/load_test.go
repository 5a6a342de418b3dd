package aisign

import "testing"

func TestLoad(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.All()) < 100 || len(s.Digest()) != 64 {
		t.Fatalf("%d signatures, digest %q", len(s.All()), s.Digest())
	}
}
