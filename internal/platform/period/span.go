package period

import (
	"strconv"
	"time"
)

// Span is how much time lies between two points, for people: two units, "2 h 5 m". Less than a second, unknown and backwards are "".
func Span(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	s := int64(to.Sub(from) / time.Second)
	switch {
	case s < 1:
		return ""
	case s < 60:
		return two(s, "s", 0, "")
	case s < 3600:
		return two(s/60, "m", s%60, "s")
	case s < 86400:
		return two(s/3600, "h", s%3600/60, "m")
	default:
		return two(s/86400, "d", s%86400/3600, "h")
	}
}

func two(a int64, unitA string, b int64, unitB string) string {
	s := strconv.FormatInt(a, 10) + " " + unitA
	if b == 0 {
		return s
	}
	return s + " " + strconv.FormatInt(b, 10) + " " + unitB
}
