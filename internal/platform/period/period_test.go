package period_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/period"
)

func TestPeriods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, " 30m ": 30 * time.Minute, "90": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "0.5d": 12 * time.Hour,
		"1.5": 1500 * time.Millisecond, "-5m": -5 * time.Minute, "4h": 4 * time.Hour, "90s": 90 * time.Second,
	} {
		got, err := period.Parse(text)
		if err != nil || got != want || period.Read(text) != want {
			t.Errorf("%q: got %v %v, want %v", text, got, err, want)
		}
		if back, err := period.Parse(period.Text(want)); err != nil || back != want {
			t.Errorf("%v is written as %q, which reads %v %v", want, period.Text(want), back, err)
		}
	}
	for _, text := range []string{"soon", "d", "1e300", "NaN", "Inf", "-1e19", "1e300d", "10 min"} {
		if got, err := period.Parse(text); err == nil || period.Read(text) != -1 {
			t.Errorf("%q: got %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "", time.Minute: "1m", 90 * time.Second: "1m30s", time.Hour: "1h", 90 * time.Minute: "1h30m", 7 * 24 * time.Hour: "7d", 10 * time.Minute: "10m",
		20 * time.Hour: "20h", 26 * time.Hour: "26h",
	} {
		if got := period.Text(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
