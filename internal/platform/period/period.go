// Package period reads and writes lengths of time as operators write them.
package period

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

var errPeriod = errors.New("must be a time like 90s, 30m, 2h, 1h30m or 3d, or a number of seconds")

// Parse reads a length of time as people write it: "30m", "1h30m", "3d", or a number of seconds. "" is 0.
func Parse(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return whole(n, time.Second)
	}
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return 0, errPeriod
			}
			return whole(n, length)
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errPeriod
	}
	return d, nil
}

func whole(n float64, unit time.Duration) (time.Duration, error) {
	d := n * float64(unit)
	if math.IsNaN(d) || math.Abs(d) > float64(math.MaxInt64/2) {
		return 0, errPeriod
	}
	return time.Duration(math.Round(d)), nil
}

// Text writes a length so that Parse reads it: "30m", "1h30m", "3d", "" for 0.
func Text(d time.Duration) string {
	if d == 0 {
		return ""
	}
	if day := 24 * time.Hour; d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if d%time.Minute == 0 {
		text = strings.TrimSuffix(text, "0s")
	}
	if d%time.Hour == 0 {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// Read is Parse for inputs whose other fields are checked later: what is no time is -1, which no setting takes.
func Read(text string) time.Duration {
	d, err := Parse(text)
	if err != nil {
		return -1
	}
	return d
}
