package catalog

import (
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
)

var update = flag.Bool("update", false, "write config/catalog.json anew")

// What comes with the program in one piece is what the files say.
func TestParsedCatalog(t *testing.T) {
	want, err := Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	text, err := want.text()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../../config/catalog.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != config.Catalog {
		t.Error("catalog/ or kinds/ have changed: go test ./internal/catalog -run TestParsedCatalog -update")
	}
	got, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("what is read is not what was written")
	}
	if _, err := Parse(string(text[:len(text)-1])); err == nil {
		t.Error("half a catalog is read")
	}
}
