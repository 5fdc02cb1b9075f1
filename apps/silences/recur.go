package silences

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// Bounds of recurrences. They keep the work of finding a window small, whatever a rule says.
const (
	maxRule    = 500
	maxPerDay  = 48
	maxCount   = 10_000
	maxEvery   = 366
	minWindow  = time.Minute
	maxWindow  = 31 * 24 * time.Hour
	maxAnchor  = 5 * 366 * 24 * time.Hour // how long ago a rule may have begun
	lookAhead  = 5 * 366 * 24 * time.Hour // for the first window
	maxWindows = 100_000                  // that are counted to find one
	maxTouch   = 500                      // windows without a gap between them that are followed to tell when it is over
	longest    = 400 * 24 * time.Hour     // for windows without a gap between them, unless the series ends
)

// Recurrence makes a silence one of many windows: a maintenance every Sunday.
type Recurrence struct {
	RRule    string `json:"rrule,omitempty" doc:"An iCalendar rule (RFC 5545) such as FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0. It begins with starts_at, whose time of day counts where the rule names none."`
	Duration string `json:"duration,omitempty" doc:"How long each window is: 4h, 90m, or a number of seconds."`
	Timezone string `json:"timezone,omitempty" doc:"IANA name, such as Europe/Berlin. Left out: UTC."`
}

// Window is when a recurring silence is on.
type Window struct {
	Start time.Time `json:"starts_at"`
	End   time.Time `json:"ends_at"`
}

// rule is a compiled Recurrence. It reckons with what clocks on the wall of its zone show, as if that were UTC, and turns that into times at
// the end: no library has to know of summer time.
type rule struct {
	options rrule.ROption
	rule    *rrule.RRule
	length  time.Duration
	zone    *time.Location
	ends    time.Time // no window begins at or after it; zero: never
}

// compileRule reads a recurrence that begins at a time.
func compileRule(r Recurrence, starts, ends time.Time) (c *rule, problems []Problem) {
	wrong := func(field, format string, args ...any) {
		problems = append(problems, Problem{"recurrence." + field, fmt.Sprintf(format, args...)})
	}
	c = &rule{ends: ends}
	var err error
	if c.length, err = period.Parse(r.Duration); err != nil {
		wrong("duration", "%s", err)
	} else if c.length < minWindow || c.length > maxWindow {
		wrong("duration", "must be from %s to %s", period.Text(minWindow), period.Text(maxWindow))
	}
	name := r.Timezone
	if name == "" {
		name = "UTC"
	}
	if c.zone, err = time.LoadLocation(name); err != nil || name == "Local" {
		wrong("timezone", "is not known; give an IANA name such as Europe/Berlin")
		c.zone = time.UTC
	}
	if c.options, err = parseRule(r.RRule, c.zone); err != nil {
		wrong("rrule", "%s", err)
		return c, problems
	}
	c.options.Dtstart = wall(starts, c.zone)
	if c.rule, err = newRule(c.options); err != nil {
		wrong("rrule", "%s", err)
	}
	return c, problems
}

func newRule(o rrule.ROption) (r *rrule.RRule, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("cannot be reckoned with")
		}
	}()
	return rrule.NewRRule(o)
}

// wall is what a clock in the zone shows, as if it were UTC.
func wall(t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// unwall is the time at which a clock in the zone shows w. As RFC 5545 has it: one that is shown twice is the first, and one that is skipped
// is reckoned from before the gap.
func unwall(w time.Time, zone *time.Location) time.Time {
	_, before := w.Add(-24 * time.Hour).In(zone).Zone()
	_, after := w.Add(24 * time.Hour).In(zone).Zone()
	for _, offset := range []int{max(before, after), min(before, after)} {
		t := w.Add(-time.Duration(offset) * time.Second)
		if _, there := t.In(zone).Zone(); there == offset {
			return t
		}
	}
	return w.Add(-time.Duration(before) * time.Second)
}

// parseRule reads a rule strictly: what is not listed here is refused.
func parseRule(text string, zone *time.Location) (rrule.ROption, error) {
	o := rrule.ROption{}
	text = strings.TrimSpace(text)
	if len(text) > maxRule {
		return o, fmt.Errorf("has more than %d characters", maxRule)
	}
	text = strings.ToUpper(text)
	text = strings.TrimPrefix(text, "RRULE:")
	if text == "" {
		return o, errors.New("is missing; write one like FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0")
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return o, fmt.Errorf("%q must look like NAME=VALUE", clip(part))
		}
		if seen[key] {
			return o, fmt.Errorf("%s is given twice", key)
		}
		seen[key] = true
		if err := rulePart(&o, key, value, zone); err != nil {
			return o, err
		}
	}
	switch {
	case !seen["FREQ"]:
		return o, errors.New("FREQ is missing: DAILY, WEEKLY, MONTHLY or YEARLY")
	case seen["COUNT"] && seen["UNTIL"]:
		return o, errors.New("has COUNT and UNTIL; one of them is enough")
	case never(o):
		return o, errors.New("names days that no month has")
	case seen["BYSETPOS"] && o.Freq != rrule.MONTHLY && o.Freq != rrule.YEARLY:
		return o, errors.New("BYSETPOS is for MONTHLY and YEARLY")
	case max(1, len(o.Byhour))*max(1, len(o.Byminute)) > maxPerDay:
		return o, fmt.Errorf("has more than %d windows a day", maxPerDay)
	case o.Freq == rrule.DAILY || o.Freq == rrule.WEEKLY:
		if slices.ContainsFunc(o.Byweekday, func(d rrule.Weekday) bool { return d.N() != 0 }) {
			return o, errors.New("numbered days such as 1SU are for MONTHLY and YEARLY")
		}
	}
	return o, nil
}

// never reports whether the months of a rule have none of its days. Looking for one would take long.
func never(o rrule.ROption) bool {
	if len(o.Bymonth) == 0 || len(o.Bymonthday) == 0 {
		return false
	}
	for _, m := range o.Bymonth {
		last := time.Date(2028, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day() // a leap year
		for _, d := range o.Bymonthday {
			if max(d, -d) <= last {
				return false
			}
		}
	}
	return true
}

func rulePart(o *rrule.ROption, key, value string, zone *time.Location) (err error) {
	switch key {
	case "FREQ":
		if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value) {
			return errors.New("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY; for several windows a day list them in BYHOUR")
		}
		o.Freq, err = rrule.StrToFreq(value)
	case "INTERVAL":
		o.Interval, err = number(key, value, 1, maxEvery)
	case "COUNT":
		o.Count, err = number(key, value, 1, maxCount)
	case "UNTIL":
		o.Until, err = until(value, zone)
	case "WKST":
		o.Wkst, err = weekday(value, false)
	case "BYMONTH":
		o.Bymonth, err = numbers(key, value, 1, 12, false)
	case "BYMONTHDAY":
		o.Bymonthday, err = numbers(key, value, 1, 31, true)
	case "BYSETPOS":
		o.Bysetpos, err = numbers(key, value, 1, 366, true)
	case "BYHOUR":
		o.Byhour, err = numbers(key, value, 0, 23, false)
	case "BYMINUTE":
		o.Byminute, err = numbers(key, value, 0, 59, false)
		o.Bysecond = []int{0} // a minute that is named begins in full
	case "BYDAY":
		for word := range strings.SplitSeq(value, ",") {
			var d rrule.Weekday
			if d, err = weekday(word, true); err != nil {
				return err
			}
			o.Byweekday = append(o.Byweekday, d)
		}
		if len(o.Byweekday) > 35 {
			return errors.New("BYDAY has more than 35 days")
		}
	case "DTSTART":
		return errors.New("DTSTART is given by starts_at")
	default:
		return fmt.Errorf("%s is not known; there are FREQ, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYDAY, BYHOUR, BYMINUTE and BYSETPOS", clip(key))
	}
	return err
}

func number(key, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s must be a number from %d to %d", key, least, most)
	}
	return n, nil
}

func numbers(key, text string, least, most int, fromEnd bool) ([]int, error) {
	var out []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		size := n
		if fromEnd {
			size = int(math.Abs(float64(n)))
		}
		if err != nil || size < least || size > most {
			return nil, fmt.Errorf("%s must be numbers from %d to %d", key, least, most)
		}
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// weekday reads MO, or 2MO and -1MO for the second and the last one.
func weekday(text string, numbered bool) (rrule.Weekday, error) {
	days := map[string]rrule.Weekday{"MO": rrule.MO, "TU": rrule.TU, "WE": rrule.WE, "TH": rrule.TH, "FR": rrule.FR, "SA": rrule.SA, "SU": rrule.SU}
	at := max(0, len(text)-2)
	d, ok := days[text[at:]]
	if !ok {
		return d, fmt.Errorf("%q is no day; there are MO, TU, WE, TH, FR, SA and SU", clip(text))
	}
	if at == 0 {
		return d, nil
	}
	n, err := strconv.Atoi(text[:at])
	if err != nil || !numbered || n == 0 || n < -5 || n > 5 {
		return d, fmt.Errorf("%q is no day: numbers go from 1 to 5, and from -1 for the last", clip(text))
	}
	return d.Nth(n), nil
}

// until reads when the last window may begin: a day, a time of the zone, or one of UTC.
func until(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{rrule.DateTimeFormat, rrule.LocalDateTimeFormat, rrule.DateFormat} {
		t, err := time.Parse(layout, text)
		switch {
		case err != nil:
		case layout == rrule.DateTimeFormat:
			return wall(t, zone), nil
		case layout == rrule.DateFormat:
			return t.Add(24*time.Hour - time.Second), nil
		default:
			return t, nil
		}
	}
	return time.Time{}, errors.New("UNTIL must look like 20261231, 20261231T020000 or 20261231T020000Z")
}
