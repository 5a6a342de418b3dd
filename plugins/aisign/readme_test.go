package aisign

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// The page names every list that there is.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	lists := reflect.TypeFor[Lists]()
	for i := range lists.NumField() {
		if name := lists.Field(i).Tag.Get("yaml"); !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
}
