package dashboard

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// TestContrast: every text can be read on what it stands on, in light and in
// dark: 4.5 to 1, as WCAG 2.2 AA asks for.
func TestContrast(t *testing.T) {
	text, err := assetFiles.ReadFile("assets/10-base.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d sets of colours, want light and dark", len(blocks))
	}
	pairs := [][2]string{{"accent-ink", "accent"}, {"good", "good-bg"}, {"warn", "warn-bg"}, {"bad", "bad-bg"}, {"past", "past-bg"}, {"bad", "panel"}}
	for _, on := range []string{"bg", "panel", "band"} {
		for _, ink := range []string{"ink", "soft", "link"} {
			pairs = append(pairs, [2]string{ink, on})
		}
	}
	for _, s := range statuses {
		pairs = append(pairs, [2]string{"on-" + string(s), string(s)})
	}
	for i, b := range blocks {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z_-]+):#([0-9a-f]{6})`).FindAllSubmatch(b[1], -1) {
			n, err := strconv.ParseUint(string(m[2]), 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			colours[string(m[1])] = luminance(n)
		}
		for _, p := range pairs {
			ink, okInk := colours[p[0]]
			on, okOn := colours[p[1]]
			if !okInk || !okOn {
				t.Errorf("%v: a colour is not there", p)
				continue
			}
			if ratio := (max(ink, on) + 0.05) / (min(ink, on) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s is %.2f to 1", []string{"light", "dark"}[i], p[0], p[1], ratio)
			}
		}
	}
}

// luminance of a colour, as WCAG defines it.
func luminance(rgb uint64) float64 {
	part := func(v uint64) float64 {
		c := float64(v&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(rgb>>16) + 0.7152*part(rgb>>8) + 0.0722*part(rgb)
}
