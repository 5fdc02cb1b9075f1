package silences

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

// Bounds of silences.
const (
	maxComment = 1000 // characters
	maxTitle   = 100
	maxLength  = 5 * 366 * 24 * time.Hour
	maxAhead   = 5 * 366 * 24 * time.Hour
	minUnused  = time.Minute
	maxUnused  = 366 * 24 * time.Hour
	mostLive   = 1000
)

// Input is a silence as somebody wants it. It must say when it ends: EndsAt or Duration, UntilResolved, UnusedFor, or a Recurrence whose
// windows end by themselves. Of several what comes first ends it.
type Input struct {
	Name          string
	Kind          string // "": silence
	Matchers      []string
	Comment       string
	StartsAt      time.Time // zero: now, or as it was
	AtOnce        bool      // it begins now, whatever start it had; StartsAt is zero
	EndsAt        time.Time
	Duration      time.Duration // instead of EndsAt: from StartsAt on, or, for one that is changed and has begun, from now on
	UntilResolved bool
	UnusedFor     time.Duration
	Recurrence    *Recurrence
}

// InputOf returns the Input that would leave s as it is.
func InputOf(s Silence) Input {
	return Input{
		Name: s.Name, Kind: s.Kind, Matchers: s.Matchers, Comment: s.Comment, StartsAt: s.StartsAt, EndsAt: s.EndsAt,
		UntilResolved: s.UntilResolved, UnusedFor: s.UnusedFor, Recurrence: s.Recurrence,
	}
}

// Problem is one thing that is wrong with an input.
type Problem struct {
	Field   string // matchers, matchers.0, ends_at, recurrence.rrule …
	Message string
}

// Invalid lists all that is wrong with an input.
type Invalid struct{ Problems []Problem } //nolint:errname // reads silences.Invalid, as in every app

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + ": " + p.Message
	}
	return "invalid silence: " + strings.Join(parts, "; ")
}

// checked is an input that is in order.
type checked struct {
	silence  Silence
	matchers Matchers
	rule     *rule
}

// check reads an input. What it says of time is judged at now; was is the silence that it changes, nil for a new one.
func (in Input) check(now time.Time, was *Silence) (*checked, error) {
	var bad Invalid
	wrong := func(field, format string, args ...any) {
		bad.Problems = append(bad.Problems, Problem{field, fmt.Sprintf(format, args...)})
	}
	c := &checked{silence: Silence{
		Name: line(in.Name), Kind: in.Kind, Comment: strings.TrimSpace(text(in.Comment)), StartsAt: clock.Cut(in.StartsAt.UTC()), EndsAt: in.EndsAt.UTC(),
		UntilResolved: in.UntilResolved, UnusedFor: in.UnusedFor.Truncate(time.Second), Recurrence: in.Recurrence, Matchers: []string{},
	}}
	s := &c.silence
	var found map[int]string
	c.matchers, found = ParseMatchers(in.Matchers)
	if why := found[-1]; why != "" {
		wrong("matchers", "%s", why)
	}
	for i := range in.Matchers {
		if why := found[i]; why != "" {
			wrong("matchers."+strconv.Itoa(i), "%s", why)
		}
		s.Matchers = append(s.Matchers, strings.TrimSpace(in.Matchers[i]))
	}
	if n := utf8.RuneCountInString(s.Name); n > maxTitle {
		wrong("name", "has %d characters, at most %d are kept", n, maxTitle)
	}
	if n := utf8.RuneCountInString(s.Comment); n > maxComment {
		wrong("comment", "has %d characters, at most %d are kept", n, maxComment)
	}
	switch s.Kind {
	case "":
		s.Kind = KindSilence
	case KindSilence, KindMaintenance:
	default:
		wrong("kind", "must be %s or %s", KindSilence, KindMaintenance)
	}
	if in.StartsAt.IsZero() {
		s.StartsAt = now
		if was != nil && !in.AtOnce {
			s.StartsAt = was.StartsAt
		}
	}
	if s.Name != "" && (s.UntilResolved || s.UnusedFor != 0) {
		wrong("name", "is for configuration files, which know silences by it; one that ends by what fires has none")
	}
	c.times(in, now, was, wrong)
	if len(bad.Problems) > 0 {
		return nil, &bad
	}
	if s.Recurrence != nil {
		next := c.rule.windows(now, now.Add(lookAhead), 1)
		if len(next) == 0 {
			return nil, &Invalid{[]Problem{{"recurrence.rrule", "has no window that is still to come"}}}
		}
		if c.rule.endless(next[0]) {
			return nil, &Invalid{[]Problem{{"recurrence.duration", "is as long as the time between the windows, so that nobody would ever be told; make it shorter, or say in ends_at when the last one is over"}}}
		}
	}
	return c, nil
}

// times checks when it begins and ends.
func (c *checked) times(in Input, now time.Time, was *Silence, wrong func(field, format string, args ...any)) {
	s := &c.silence
	if s.StartsAt.After(now.Add(maxAhead)) {
		wrong("starts_at", "lies more than five years ahead")
	}
	switch {
	case in.Duration < 0:
		wrong("duration", "must be a time like 2h or 3d, of at most five years (%s)", period.Text(maxLength))
	case in.Duration > 0 && !in.EndsAt.IsZero():
		wrong("duration", "is given beside ends_at; one of them is enough")
	case in.Duration > 0 && in.Recurrence != nil:
		wrong("duration", "says nothing beside a recurrence: how long a window is stands in recurrence.duration, when the last one is over in ends_at")
	case in.Duration > 0 && was != nil && in.StartsAt.IsZero(): // two hours more are meant from now on
		s.EndsAt = later(now, s.StartsAt).Add(in.Duration)
	case in.Duration > 0:
		s.EndsAt = s.StartsAt.Add(in.Duration)
	}
	s.EndsAt = clock.Cut(s.EndsAt)
	if in.EndsAt.IsZero() && in.Duration <= 0 {
		s.EndsAt = time.Time{}
	}
	field := "ends_at"
	if in.Duration > 0 {
		field = "duration"
	}
	switch {
	case s.EndsAt.IsZero():
		if !s.UntilResolved && s.UnusedFor == 0 && s.Recurrence == nil && in.Duration >= 0 {
			wrong("ends_at", NoEnd)
		}
	case !s.EndsAt.After(s.StartsAt):
		wrong(field, "must be after the start")
	case !s.EndsAt.After(now):
		wrong(field, "lies in the past, so that nothing would be silenced")
	case s.EndsAt.After(later(now, s.StartsAt).Add(maxLength)):
		wrong(field, "lies more than five years ahead")
	}
	if s.UnusedFor != 0 && (s.UnusedFor < minUnused || s.UnusedFor > maxUnused) {
		wrong("unused_for", "must be from %s to %s", period.Text(minUnused), period.Text(maxUnused))
	}
	if s.Recurrence == nil {
		return
	}
	if s.UntilResolved || s.UnusedFor != 0 {
		wrong("recurrence", "goes with ends_at only: its windows come back whether something fires or not")
	}
	if s.StartsAt.Before(now.Add(-maxAnchor)) && (was == nil || !s.StartsAt.Equal(was.StartsAt)) {
		wrong("starts_at", "lies more than five years back")
	}
	var more []Problem
	if c.rule, more = compileRule(*s.Recurrence, s.StartsAt, s.EndsAt); len(more) > 0 {
		for _, p := range more {
			wrong(p.Field, "%s", p.Message)
		}
		return
	}
	// FREQ=DAILY;BYHOUR=2 means two o'clock, not two and as many minutes as it is past the hour when somebody writes that.
	if o := &c.rule.options; in.StartsAt.IsZero() && (was == nil || in.AtOnce) && len(o.Byhour) > 0 && len(o.Byminute) == 0 {
		past := o.Dtstart.Sub(o.Dtstart.Truncate(time.Hour)) + time.Duration(s.StartsAt.Nanosecond())
		s.StartsAt = s.StartsAt.Add(-past)
		c.rule, _ = compileRule(*s.Recurrence, s.StartsAt, s.EndsAt)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// text drops what steers terminals and pages, and what Postgres cannot store.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

func line(s string) string { return strings.Join(strings.Fields(text(s)), " ") }
