package report

import (
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast computes the contrast of every colour of text on its ground, in
// the light and the dark scheme and on paper (WCAG 2.2, 1.4.3: 4.5 to 1).
func TestContrast(t *testing.T) {
	css, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(css), "@media (prefers-color-scheme:dark)")
	dark, rest, _ := strings.Cut(rest, "@media (max-width")
	_, paper, _ := strings.Cut(rest, "@media print")
	base := colours(light)
	for name, text := range map[string]string{"light": "", "dark": dark, "print": paper} {
		scheme := map[string][3]float64{}
		maps.Copy(scheme, base)
		maps.Copy(scheme, colours(text))
		grounds := map[string][]string{}
		for _, ink := range []string{"ink", "soft"} {
			grounds[ink] = []string{"paper", "ground", "faint"}
		}
		for _, ink := range []string{"mute", "good", "warn", "bad", "stop", "other"} {
			grounds[ink] = []string{"paper"}
		}
		for _, tone := range []string{"good", "warn", "bad", "other"} {
			grounds[tone] = append(grounds[tone], tone+"-bg")
		}
		grounds["soft"] = append(grounds["soft"], "idle-bg")
		for ink, list := range grounds {
			for _, ground := range list {
				a, okA := scheme[ink]
				b, okB := scheme[ground]
				if !okA || !okB {
					t.Fatalf("%s: no colour %s or %s; does this test still read the style rightly?", name, ink, ground)
				}
				if c := contrast(a, b); c < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f", name, ink, ground, c)
				}
			}
		}
	}
}

func colours(css string) map[string][3]float64 {
	found := map[string][3]float64{}
	for _, m := range regexp.MustCompile(`--([a-z-]+):#([0-9a-f]{6}|[0-9a-f]{3})\b`).FindAllStringSubmatch(css, -1) {
		hex := m[2]
		if len(hex) == 3 {
			hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
		}
		var c [3]float64
		for i := range c {
			v, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			c[i] = float64(v) / 255
		}
		found[m[1]] = c
	}
	return found
}

func contrast(a, b [3]float64) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

// luminance is the relative luminance of an sRGB colour (WCAG 2.2).
func luminance(c [3]float64) float64 {
	var l float64
	for i, weight := range [...]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 12.92
		if c[i] > 0.04045 {
			v = math.Pow((c[i]+0.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}
