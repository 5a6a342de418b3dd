package main

import (
	"os"
	"testing"
)

// TestColours: only on a terminal, and not when somebody says no.
func TestColours(t *testing.T) {
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tests := []struct {
		name    string
		out     *os.File
		noColor bool
		env     bool
		want    bool
	}{
		{"terminal", tty, false, false, true},
		{"terminal, --no-color", tty, true, false, false},
		{"terminal, NO_COLOR", tty, false, true, false},
		{"file", file, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.env {
				t.Setenv("NO_COLOR", "")
			} else if before, set := os.LookupEnv("NO_COLOR"); set {
				t.Setenv("NO_COLOR", before) // put back afterwards
				os.Unsetenv("NO_COLOR")
			}
			for _, wrapped := range []bool{false, true} {
				g := globals{noColor: tt.noColor, std: streams{out: tt.out, err: tt.out}}
				if wrapped {
					g.std.out = &sureWriter{w: tt.out}
				}
				if got := g.coloured(); got != tt.want {
					t.Errorf("coloured, wrapped %v: %v, want %v", wrapped, got, tt.want)
				}
			}
		})
	}
}
