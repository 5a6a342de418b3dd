package dashboard

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// maxPicture is how large a picture of a page may be.
const maxPicture = 150 << 10

// TestPictures takes the pictures of pages that the documentation shows.
// EXHIBIT_DASHBOARD_PICTURES names the folder that they are written to,
// EXHIBIT_DASHBOARD_CONFIG the exhibit.yaml whose store they show.
func TestPictures(t *testing.T) {
	var o *org
	if path := os.Getenv("EXHIBIT_DASHBOARD_CONFIG"); path != "" {
		o = openOrg(t, path)
	} else {
		o = reader(t)
	}
	b := browse(t, o, someone(o.view().Owners[0].Person, access.Operator))
	b.screen(1280, "light")
	dir := cmp.Or(os.Getenv("EXHIBIT_DASHBOARD_PICTURES"), t.TempDir())
	for name, path := range map[string]string{"today": "/", "controls": "/controls", "system": o.links().SystemLink(o.view().Systems()[0].ID), "vendors": "/vendors"} {
		b.open(path)
		shot, err := chromedp.Call(b.ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatWebp, Quality: new(int64(80))})
		b.must(err)
		text := shot.Data
		if !bytes.HasPrefix(text, []byte("RIFF")) || len(text) > maxPicture {
			t.Errorf("%s: %d bytes", name, len(text))
		}
		b.must(os.WriteFile(filepath.Join(dir, name+".webp"), text, 0o644))
	}
}
