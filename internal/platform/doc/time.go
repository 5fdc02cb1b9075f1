package doc

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A time outside these years is no time at which an alert began or ended: senders write year 1, the epoch, the year 9999 or
// worse when they have none.
const firstYear, lastYear = 1971, 2199

// Time returns v as a time, or the zero time if it is none that makes sense.
func (v Value) Time() time.Time { return ParseTime(v.Str()) }

// Time returns the first of the members that is a time, or the zero time.
func (o Object) Time(keys ...string) time.Time {
	for _, k := range keys {
		if t := o.Get(k).Time(); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// ParseTime reads what monitoring systems write for a point in time, in UTC: RFC 3339 and its relatives (a blank for the T,
// dots or slashes in the date, no colon in the offset, day first with dots, RFC 1123), and seconds, milliseconds, microseconds or nanoseconds
// since 1970 by magnitude. A text without a zone is taken as UTC. What cannot be read, or is before 1971 or after 2199, is
// the zero time: a bad time must never cost an alert.
func ParseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		var ok bool
		if t, ok = epoch(s); !ok {
			t = loose(s)
		}
	}
	t = t.UTC()
	if y := t.Year(); y < firstYear || y > lastYear {
		return time.Time{}
	}
	return t
}

// epoch reads a number. Each unit holds the years 1973 to 5138, so that magnitude decides.
func epoch(s string) (time.Time, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(frac, "0123456789") != "" {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || f < 0 || f > 1e19 {
			return time.Time{}, err == nil
		}
		n, frac = int64(min(f, math.MaxInt64-1024)), ""
	}
	switch {
	case n < 0:
		return time.Time{}, true
	case n < 1e11:
		return time.Unix(n, fraction(frac)), true
	case n < 1e14:
		return time.UnixMilli(n).Add(time.Duration(fraction(frac) / 1e3)), true
	case n < 1e17:
		return time.UnixMicro(n), true
	default:
		return time.Unix(0, n), true
	}
}

// fraction reads decimals as billionths.
func fraction(digits string) int64 {
	n, _ := strconv.ParseInt((digits + "000000000")[:9], 10, 64)
	return n
}

var layouts = [...]string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04", "2006-01-02",
}

var proseLayouts = [...]string{time.RFC1123, time.RFC1123Z, time.ANSIC, "Mon Jan 2 2006 15:04:05 MST", "Jan 2, 2006 15:04:05 MST"}

func loose(s string) time.Time {
	utc := strings.TrimSuffix(strings.TrimSuffix(s, " UTC"), " GMT")
	if date, rest, ok := isoDate(utc); ok {
		rest = strings.TrimLeft(rest, "Tt, ")
		if rest != "" {
			date += "T" + strings.ToUpper(strings.ReplaceAll(rest, " ", ""))
		}
		for _, l := range layouts {
			if t, err := time.Parse(l, date); err == nil {
				return t
			}
		}
		return time.Time{}
	}
	for _, l := range proseLayouts {
		// A zone's short name says no offset unless it is UTC.
		if t, err := time.Parse(l, s); err == nil && (utc != s || t.Location() == time.UTC || !strings.HasSuffix(l, "MST")) {
			return t
		}
	}
	return time.Time{}
}

// isoDate splits a leading date off s: 2006-01-02, 2006.01.02, 2006/01/02 or 02.01.2006.
func isoDate(s string) (date, rest string, ok bool) {
	if len(s) < 10 {
		return "", "", false
	}
	if c := s[4]; c == s[7] && (c == '-' || c == '.' || c == '/') {
		return s[:4] + "-" + s[5:7] + "-" + s[8:10], s[10:], true
	}
	if s[2] == '.' && s[5] == '.' {
		return s[6:10] + "-" + s[3:5] + "-" + s[:2], s[10:], true
	}
	return "", "", false
}
