package dashboard

import "testing"

// TestPagesParse: a page is parsed when somebody first asks for it, so a
// mistake in one has to show here.
func TestPagesParse(t *testing.T) {
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := loadTemplates(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 20 {
		t.Errorf("only %d pages", len(pages))
	}
	for name := range pages {
		if _, err := pages.page(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pages.page("none-such"); err == nil {
		t.Error("a page that is not there was found")
	}
}
