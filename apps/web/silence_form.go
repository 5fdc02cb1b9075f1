package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

type silencePage struct {
	Frame
	New        bool
	Silence    silences.Silence
	Fields     []Field
	More       []Field // when it begins, and whether it comes again
	Unfold     bool    // More is shown
	Wrong      []string
	Bad        []Field
	Conflict   bool
	MayEdit    bool // this silence: whoever responds, while it is not over
	Preview    *silences.Preview
	Unreadable []string // what keeps the form from being looked at while it is typed
	About      string   // title of the incident that it is made for
	Incident   id.ID
}

// The inputs of the form. Those that are wrong are named as silences.Problem names them.
const (
	fieldMatchers = "matchers"
	fieldEnds     = "ends"
	fieldEndsAt   = "ends_at"
	fieldUnused   = "unused_for"
	fieldStarts   = "starts_at"
	fieldRule     = "recurrence.rrule"
	fieldWindow   = "recurrence.duration"
	fieldZone     = "recurrence.timezone"
)

// What ends a silence, as the form asks for it; the rest are lengths of time.
const (
	endsAt       = "at"
	endsResolved = "resolved"
	endsUnused   = "unused"
	endsNever    = "windows"
)

var endOptions = []Option{
	{"30m", "For 30 minutes"},
	{"1h", "For 1 hour"},
	{"2h", "For 2 hours"},
	{"4h", "For 4 hours"},
	{"8h", "For 8 hours"},
	{"1d", "For 1 day"},
	{"3d", "For 3 days"},
	{"7d", "For 7 days"},
	{endsAt, "Until a time"},
	{endsResolved, "Until nothing it matches fires any more"},
	{endsUnused, "Until it matched nothing for a while"},
	{endsNever, "Never: only its windows end (with a repetition)"},
}

// formTime is how times are typed.
const formTime = "2006-01-02 15:04"

// typedSilence is what stands in the form.
type typedSilence struct {
	kind, name, matchers, comment, ends, endsAt, unused, starts, rule, window, zone string
}

func typedOf(s silences.Silence) typedSilence {
	t := typedSilence{
		kind: s.Kind, name: s.Name, matchers: strings.Join(silences.Written(s.Matchers), "\n"), comment: s.Comment, starts: s.StartsAt.UTC().Format(formTime), unused: period.Text(s.UnusedFor),
	}
	if !s.EndsAt.IsZero() {
		t.endsAt = s.EndsAt.UTC().Format(formTime)
	}
	switch {
	case s.UntilResolved:
		t.ends = endsResolved
	case s.UnusedFor > 0:
		t.ends = endsUnused
	case !s.EndsAt.IsZero():
		t.ends = endsAt
	default:
		t.ends = endsNever
	}
	if r := s.Recurrence; r != nil {
		t.rule, t.window, t.zone = r.RRule, r.Duration, r.Timezone
	}
	return t
}

// keep gives what was not touched back what the form cannot show: seconds, and a second way to end.
func (t typedSilence) keep(in *silences.Input, was silences.Silence) {
	if was.ID.IsZero() {
		return
	}
	shown := typedOf(was)
	if t.starts == shown.starts {
		in.StartsAt = time.Time{} // as it was
	}
	in.AtOnce = t.starts == ""
	if t.endsAt == shown.endsAt && !in.EndsAt.IsZero() {
		in.EndsAt = was.EndsAt
	}
	if t.ends == endsResolved && was.UntilResolved && t.unused == shown.unused {
		in.UnusedFor = was.UnusedFor
	}
}

func typedForm(c *gin.Context) typedSilence {
	get := func(name string) string { return strings.TrimSpace(strings.ReplaceAll(c.PostForm(name), "\r\n", "\n")) }
	return typedSilence{
		kind: get("kind"), matchers: get(fieldMatchers), comment: get("comment"), ends: get(fieldEnds), endsAt: get(fieldEndsAt), unused: get(fieldUnused),
		starts: get(fieldStarts), rule: get(fieldRule), window: get(fieldWindow), zone: get(fieldZone),
	}
}

// input reads the form; what cannot be read is a problem as the service's are.
func (t typedSilence) input(name string) (silences.Input, []silences.Problem) {
	var bad []silences.Problem
	in := silences.Input{Name: name, Kind: t.kind, Comment: t.comment}
	for line := range strings.SplitSeq(t.matchers, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			in.Matchers = append(in.Matchers, line)
		}
	}
	at := func(field, typed string) time.Time {
		if typed == "" {
			return time.Time{}
		}
		for _, form := range []string{formTime, "2006-01-02T15:04", time.RFC3339, time.DateOnly} {
			if v, err := time.ParseInLocation(form, strings.TrimSuffix(typed, " UTC"), time.UTC); err == nil {
				return v.UTC()
			}
		}
		bad = append(bad, silences.Problem{Field: field, Message: "write it as 2026-11-30 18:00, in UTC"})
		return time.Time{}
	}
	in.StartsAt, in.EndsAt = at(fieldStarts, t.starts), at(fieldEndsAt, t.endsAt)
	switch t.ends {
	case endsResolved:
		in.UntilResolved = true
	case endsUnused:
		d, err := period.Parse(t.unused)
		if err != nil || d == 0 {
			bad = append(bad, silences.Problem{Field: fieldUnused, Message: "say for how long, such as 30m or 2h"})
		}
		in.UnusedFor = d
	case endsAt:
		if t.endsAt == "" {
			bad = append(bad, silences.Problem{Field: fieldEndsAt, Message: "say when, such as 2026-11-30 18:00, in UTC"})
		}
	case endsNever:
	default:
		in.EndsAt = time.Time{}
		d, err := period.Parse(t.ends)
		if err != nil {
			bad = append(bad, silences.Problem{Field: fieldEnds, Message: err.Error()})
		}
		in.Duration = d
	}
	if t.rule+t.window != "" {
		in.Recurrence = &silences.Recurrence{RRule: t.rule, Duration: t.window, Timezone: t.zone}
	}
	return in, bad
}

func (t typedSilence) fields() (plain, more []Field) {
	plain = []Field{
		{
			ID: fieldMatchers, Label: "Matches", Kind: kindArea, Value: t.matchers, Mono: true, Required: true, Placeholder: "alertname=HighErrorRate\ninstance=~\"web-.*\"",
			Hint: "One on each line: label=value, label!=value, label=~\"pattern\", label!~\"pattern\". All must hold. Patterns match the whole value. In quotes \\u202e is a character that nobody sees.",
		},
		{ID: "comment", Label: "Why", Kind: kindText, Value: t.comment, Max: 1000, Hint: "For whoever wonders why nobody was told."},
		{ID: fieldEnds, Label: "Ends", Kind: kindChoice, Value: t.ends, Options: endOptions, Hint: "What still fires then is told."},
	}
	more = []Field{
		{ID: fieldEndsAt, Label: "Ends at", Kind: kindText, Value: t.endsAt, Mono: true, Max: 40, Placeholder: "2026-11-30 18:00", Hint: "In UTC, for “Until a time”. With the ends below it: at the latest then."},
		{ID: fieldUnused, Label: "Matched nothing for", Kind: kindText, Value: t.unused, Mono: true, Max: 20, Placeholder: "2h", Hint: "For “Until it matched nothing for a while”."},
		{
			ID: "kind", Label: "Kind", Kind: kindChoice, Value: t.kind, Options: []Option{{silences.KindSilence, "Silence"}, {silences.KindMaintenance, "Maintenance window"}},
			Hint: "They do the same; the word is the reason that is given.",
		},
		{ID: fieldStarts, Label: "Begins", Kind: kindText, Value: t.starts, Mono: true, Max: 40, Placeholder: "now", Hint: "In UTC; empty is now."},
		{ID: fieldRule, Label: "Repeats", Kind: kindText, Value: t.rule, Mono: true, Max: 500, Placeholder: "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0", Hint: "An iCalendar rule (RFC 5545)."},
		{ID: fieldWindow, Label: "Length of each window", Kind: kindText, Value: t.window, Mono: true, Max: 20, Placeholder: "4h"},
		{ID: fieldZone, Label: "Time zone", Kind: kindText, Value: t.zone, Mono: true, Max: 60, Placeholder: "UTC", Hint: "Such as Europe/Berlin; the windows follow its summer time."},
	}
	return plain, more
}

func (w *Web) silenceNew(c *gin.Context) {
	page := silencePage{New: true}
	typed := typedSilence{kind: silences.KindSilence, ends: "2h"}
	if ref := c.Query("incident"); ref != "" {
		key, err := id.Parse(ref)
		if err != nil {
			w.fail(c, storage.ErrNotFound)
			return
		}
		d, err := w.Incidents.Incident(c.Request.Context(), tenant(c), key)
		if err != nil {
			w.fail(c, err)
			return
		}
		page.About, page.Incident = d.Title, key
		var firing []*event.Alert
		for i := range d.Alerts {
			a := &d.Alerts[i]
			if a.Status == event.StatusFiring || d.FiringAlertCount == 0 {
				firing = append(firing, &event.Alert{Name: a.Name, Source: a.Source, Severity: a.Severity, Labels: a.Labels})
			}
		}
		typed.matchers = strings.Join(silences.Suggest(firing), "\n")
	}
	page.Fields, page.More = typed.fields()
	if typed.matchers != "" {
		if in, bad := typed.input(""); len(bad) == 0 {
			if p, err := w.Silences.Preview(c.Request.Context(), tenant(c), in, id.ID{}); err == nil {
				page.Preview = &p
			}
		}
	}
	w.showSilence(c, http.StatusOK, page)
}

func (w *Web) silenceShow(c *gin.Context) {
	s, err := w.loadSilence(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	page := silencePage{Silence: s}
	typed := typedOf(s)
	page.Fields, page.More = typed.fields()
	page.Unfold = s.Recurrence != nil || s.Status == silences.Pending || typed.ends == endsAt || typed.ends == endsUnused
	if s.Status != silences.Expired {
		if p, err := w.Silences.Preview(c.Request.Context(), tenant(c), silences.InputOf(s), id.ID{}); err == nil {
			page.Preview = &p
		}
	}
	w.showSilence(c, http.StatusOK, page)
}

func (w *Web) loadSilence(c *gin.Context) (silences.Silence, error) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		return silences.Silence{}, storage.ErrNotFound
	}
	return w.Silences.Get(c.Request.Context(), tenant(c), key)
}

func (w *Web) silenceCreate(c *gin.Context) { w.silencePost(c, silences.Silence{}) }

func (w *Web) silenceSave(c *gin.Context) {
	s, err := w.loadSilence(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.silencePost(c, s)
}

// silencePost saves what was typed, or shows what it would do.
func (w *Web) silencePost(c *gin.Context, was silences.Silence) {
	ctx, typed, by := c.Request.Context(), typedForm(c), session(c).Principal.Name
	page := silencePage{New: was.ID.IsZero(), Silence: was}
	if key, err := id.Parse(c.PostForm("incident")); err == nil {
		page.Incident = key
	}
	page.Fields, page.More = typed.fields()
	in, bad := typed.input(was.Name)
	typed.keep(&in, was)
	var err error
	switch {
	case len(bad) > 0:
		err = &silences.Invalid{Problems: bad}
	case c.PostForm("do") == "preview":
		var p silences.Preview
		if p, err = w.Silences.Preview(ctx, tenant(c), in, was.ID); err == nil {
			page.Preview, page.Unfold = &p, typed.rule != ""
			w.showSilence(c, http.StatusOK, page)
			return
		}
	case page.New:
		was, err = w.Silences.Create(ctx, tenant(c), in, by)
	default:
		was, err = w.Silences.Update(ctx, tenant(c), was.ID, version(c), in, by)
	}
	if err == nil {
		c.Redirect(http.StatusSeeOther, "/silences/"+was.ID.String()+"?done=saved")
		return
	}
	status := http.StatusUnprocessableEntity
	var invalid *silences.Invalid
	switch {
	case errors.As(err, &invalid):
		for _, p := range invalid.Problems {
			page.complain(p)
		}
	case errors.Is(err, silences.ErrConflict):
		status, page.Conflict = http.StatusConflict, true
		fields, more := typedOf(was).fields()
		differ(page.Fields, fields)
		differ(page.More, more)
	case errors.Is(err, event.ErrRefused), errors.Is(err, silences.ErrTooMany), errors.Is(err, silences.ErrExists):
		status, page.Wrong = http.StatusConflict, []string{sentence(err.Error())}
	default:
		w.fail(c, err)
		return
	}
	if c.PostForm("do") == "preview" && c.GetHeader("HX-Request") != "" { // while it is typed only what it matches is drawn anew
		for _, f := range append(slices.Clone(page.Fields), page.More...) {
			page.Unreadable = append(page.Unreadable, f.Wrong...)
		}
		page.Unreadable = append(page.Unreadable, page.Wrong...)
		status = http.StatusOK
	}
	page.Bad = wrongFields(page.Fields, page.More)
	page.Unfold = typed.rule != "" || slices.ContainsFunc(page.More, func(f Field) bool { return len(f.Wrong) > 0 })
	w.showSilence(c, status, page)
}

func (w *Web) silenceExpire(c *gin.Context) {
	key, err := id.Parse(c.Param("id"))
	if err == nil {
		_, err = w.Silences.Expire(c.Request.Context(), tenant(c), key, session(c).Principal.Name)
	} else {
		err = storage.ErrNotFound
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/silences?done=expired")
}

func (w *Web) showSilence(c *gin.Context, status int, page silencePage) {
	title := "Silence"
	switch {
	case page.New:
		title = "New silence"
	case page.Silence.Comment+page.Silence.Name != "":
		title = cmp.Or(page.Silence.Comment, page.Silence.Name)
	}
	preview, about, incident := page.Preview, page.About, page.Incident
	page.Frame = w.frame(c, "silences", title, Crumb{"Silences", "/silences"})
	page.Preview, page.About, page.Incident = preview, about, incident
	page.MayEdit = page.MayRespond && page.Silence.Status != silences.Expired
	page.Here = "/silences/new"
	if !page.New {
		page.Here = "/silences/" + page.Silence.ID.String()
	}
	if c.Query("done") == "saved" {
		page.Toast = &Toast{Text: "Saved. It holds for every message from now on.", Icon: "muted", Tone: "ok"}
	}
	w.page(c, status, "silence", page)
}
