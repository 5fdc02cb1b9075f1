package llm

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAsked bounds how long an API can keep us away: the limits of a day are over by then.
const maxAsked = 24 * time.Hour

// waitOf reads when an API wants to be asked again: retry-after-ms, Retry-After in seconds or as a date, RetryInfo in the body. 0: it does not
// say, or nothing that can be read.
func waitOf(h http.Header, said words, now time.Time) time.Duration {
	if d, ok := amount(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return d
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if d, ok := amount(text, time.Second); ok {
		return d
	}
	if at, err := http.ParseTime(text); err == nil {
		// Against the answer's own date, so that the clock of the sender may be wrong.
		if date, err := http.ParseTime(h.Get("Date")); err == nil {
			now = date
		}
		if d := at.Sub(now); d > 0 {
			return min(d, maxAsked)
		}
	}
	if seconds, ok := strings.CutSuffix(strings.TrimSpace(said.delay), "s"); ok {
		if d, ok := amount(seconds, time.Second); ok {
			return d
		}
	}
	return 0
}

// amount reads a number of units; false: there is none above zero.
func amount(text string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil && !math.IsInf(n, 1) || math.IsNaN(n) || n <= 0 {
		return 0, false
	}
	if n >= float64(maxAsked/unit) {
		return maxAsked, true
	}
	return time.Duration(n * float64(unit)), true
}
