package silences

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// slack is more than what clocks in two zones differ by, and than what is skipped when they change.
const slack = 30 * time.Hour

// windows are those that are on between two times, in the order of their starts, at most n of them. However long ago a rule began, only what
// is near is reckoned with.
func (c *rule) windows(from, to time.Time, n int) []Window {
	for span := ahead; ; span *= 4 {
		end := from.Add(span)
		last := !end.Before(to)
		if last {
			end = to
		}
		if out := c.between(from, end); last || len(out) >= n {
			return out[:min(n, len(out))]
		}
	}
}

// between are all windows that are on between two times. Where clocks skip an hour two may begin at once, or in the other order: they are
// sorted, and the same one counts once.
func (c *rule) between(from, to time.Time) []Window {
	var out []Window
	next := c.near(from, to).Iterator()
	for range maxWindows {
		w, ok := next()
		if !ok {
			break
		}
		start := unwall(w, c.zone)
		end := start.Add(c.length)
		if !c.ends.IsZero() && end.After(c.ends) {
			end = c.ends
		}
		if end.After(from) && start.Before(to) && start.Before(end) {
			out = append(out, Window{start, end})
		}
	}
	slices.SortFunc(out, func(a, b Window) int { return a.Start.Compare(b.Start) })
	return slices.CompactFunc(out, func(a, b Window) bool { return a.Start.Equal(b.Start) })
}

// over is when the silence is off again after a window: others may touch it.
func (c *rule) over(w Window) time.Time {
	until := w.End
	for range maxTouch {
		more := until
		for _, next := range c.between(until, until.Add(1)) {
			more = later(more, next.End)
		}
		if more.Equal(until) {
			break
		}
		until = more
	}
	return until
}

// endless reports whether the windows from one on touch each other for ever.
func (c *rule) endless(w Window) bool {
	if c.options.Count > 0 || !c.options.Until.IsZero() || !c.ends.IsZero() {
		return false
	}
	until, limit := w.End, w.Start.Add(longest)
	for _, next := range c.between(w.Start, limit) {
		if next.Start.After(until) {
			return false
		}
		until = later(until, next.End)
	}
	return !until.Before(limit)
}

// near is the rule as if it began shortly before a time, and ended shortly after another one. One that is counted begins where it does.
func (c *rule) near(from, to time.Time) *rrule.RRule {
	o := c.options
	if o.Count == 0 {
		o = shifted(o, wall(from.Add(-c.length-slack), c.zone))
	}
	if end := wall(to.Add(slack), c.zone); o.Until.IsZero() || o.Until.After(end) {
		o.Until = end
	}
	if r, err := newRule(o); err == nil {
		return r
	}
	return c.rule // it was made once already, so that it can be made again
}

// shifted begins a rule later, in step, and not after a time. One that begins after it stays as it is.
func shifted(o rrule.ROption, to time.Time) rrule.ROption {
	start, every := o.Dtstart, max(1, o.Interval)
	if !start.Before(to) {
		return o
	}
	days := int(to.Sub(start) / (24 * time.Hour))
	months := 12*(to.Year()-start.Year()) + int(to.Month()) - int(start.Month())
	var next time.Time
	switch o.Freq {
	case rrule.YEARLY:
		next = time.Date(start.Year()+steps(to.Year()-start.Year(), every), 1, 1, 0, 0, 0, 0, time.UTC)
	case rrule.MONTHLY:
		next = time.Date(start.Year(), start.Month()+time.Month(steps(months, every)), 1, 0, 0, 0, 0, time.UTC)
	case rrule.WEEKLY:
		next = start.AddDate(0, 0, steps(days, 7*every))
	default:
		next = start.AddDate(0, 0, steps(days, every))
	}
	if !next.After(start) {
		return o
	}
	o = explicit(o)
	o.Dtstart = next
	return o
}

// steps is the most of n that is so many times every.
func steps(n, every int) int { return n / every * every }

// explicit writes out what a rule takes from its start.
func explicit(o rrule.ROption) rrule.ROption {
	start := o.Dtstart
	if len(o.Bymonthday) == 0 && len(o.Byweekday) == 0 && (o.Freq == rrule.MONTHLY || o.Freq == rrule.YEARLY) {
		o.Bymonthday = []int{start.Day()}
		if o.Freq == rrule.YEARLY && len(o.Bymonth) == 0 {
			o.Bymonth = []int{int(start.Month())}
		}
	}
	if len(o.Byhour) == 0 {
		o.Byhour = []int{start.Hour()}
	}
	if len(o.Byminute) == 0 {
		o.Byminute = []int{start.Minute()}
	}
	if len(o.Bysecond) == 0 {
		o.Bysecond = []int{start.Second()}
	}
	return o
}

// earlier is the same rule as if it had begun long ago: what its windows were in the days before it.
func (c *rule) earlier(than time.Time) *rule {
	o := explicit(c.options)
	o.Count, o.Until = 0, time.Time{}
	start, every := o.Dtstart, max(1, o.Interval)
	first := time.Date(start.Year(), start.Month(), 1, 0, 0, 0, 0, time.UTC)
	for want := wall(than, c.zone); o.Dtstart.After(want); {
		switch o.Freq {
		case rrule.YEARLY:
			first = first.AddDate(-every, 0, 0)
			o.Dtstart = first.AddDate(0, 1-int(first.Month()), 0)
		case rrule.MONTHLY:
			first = first.AddDate(0, -every, 0)
			o.Dtstart = first
		case rrule.WEEKLY:
			o.Dtstart = o.Dtstart.AddDate(0, 0, -7*every)
		default:
			o.Dtstart = o.Dtstart.AddDate(0, 0, -every)
		}
	}
	back := &rule{options: o, length: c.length, zone: c.zone}
	var err error
	if back.rule, err = newRule(o); err != nil {
		return c // it was made once already, so that it can be made again
	}
	return back
}
