package period_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/period"
)

func TestSpan(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for length, want := range map[time.Duration]string{
		-time.Hour: "", 999 * time.Millisecond: "", 59 * time.Second: "59 s", time.Minute: "1 m", 61 * time.Second: "1 m 1 s", 2*time.Hour + 5*time.Minute: "2 h 5 m",
		24 * time.Hour: "1 d", 50 * time.Hour: "2 d 2 h",
	} {
		if got := period.Span(from, from.Add(length)); got != want {
			t.Errorf("%s: %q, want %q", length, got, want)
		}
	}
	if got := period.Span(time.Time{}, from); got != "" {
		t.Errorf("since nobody knows when: %q", got)
	}
}
