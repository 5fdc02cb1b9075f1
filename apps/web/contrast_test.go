package web_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// TestContrast holds the tokens to the contrast that small text needs (WCAG 2.2, 1.4.3), in both themes.
func TestContrast(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("static/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(string(raw), -1) {
		colours[m[1]] = [2]string{m[2], m[3]}
	}
	colours["on-accent"] = [2]string{"#ffffff", "#ffffff"}
	pairs := [][2]string{{"on-accent", "accent-fill"}, {"on-accent", "accent-fill-hover"}, {"on-accent", "danger-fill"}, {"on-accent", "danger-fill-hover"}, {"accent", "accent-tint"}}
	for _, text := range []string{"text", "muted", "accent", "critical", "warning", "info", "ok", "unknown", "code-key", "code-text", "code-number", "code-word"} {
		for _, back := range []string{"surface", "sunken", "canvas", "hover", "selected", "raised"} {
			pairs = append(pairs, [2]string{text, back})
		}
	}
	for _, tone := range []string{"critical", "warning", "info", "ok", "unknown"} {
		pairs = append(pairs, [2]string{tone, tone + "-tint"}, [2]string{"text", tone + "-tint"})
	}
	for _, p := range pairs {
		for theme, name := range [2]string{"light", "dark"} {
			text, back := colours[p[0]][theme], colours[p[1]][theme]
			if text == "" || back == "" {
				t.Fatalf("no token %v", p)
			}
			if got := contrast(t, text, back); got < 4.5 {
				t.Errorf("%s on %s, %s: %.2f", p[0], p[1], name, got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(fmt.Errorf("colour %s: %w", hex, err))
		}
		c := float64(n) / 255
		if c <= .03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
