package apply

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// silence reads a silence. A file is applied again and again, so that it says when: a length needs a start.
func (r *reader) silence() silences.Input {
	in := silences.Input{
		Name: r.name, Kind: r.text("kind"), Matchers: r.texts("matchers"), Comment: strings.TrimSpace(r.text("comment")),
		StartsAt: r.time("starts_at"), EndsAt: r.time("ends_at"), Duration: r.length("duration"),
	}
	if raw := r.document("recurrence", false); raw != nil {
		in.Recurrence = &silences.Recurrence{}
		if r.into(raw, in.Recurrence) != nil {
			r.wrong("recurrence", "a mapping of rrule, duration and timezone, each of them text")
		}
	}
	if in.Duration != 0 && in.StartsAt.IsZero() {
		r.complain("duration", "needs starts_at in a file, or it would mean something else each time the file is applied; or give ends_at")
	}
	return in
}

// time reads a time, zero when it is not given.
func (r *reader) time(field string) time.Time {
	text := r.text(field)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.wrong(field, "a time like 2026-11-21T10:00:00Z")
	}
	return at.UTC()
}

// length reads a length of time: a text, or a number of seconds.
func (r *reader) length(field string) time.Duration {
	v := r.take(field, false)
	var seconds float64
	var text string
	switch {
	case v == nil:
		return 0
	case r.into(v, &text) == nil:
		if d, err := period.Parse(text); err == nil {
			return d
		}
	case r.into(v, &seconds) == nil:
		return time.Duration(seconds * float64(time.Second))
	}
	r.wrong(field, "a time like 30m, 2h or 3d, or a number of seconds")
	return 0
}

// silence brings a silence to what the file says. What is past by the file is not made again.
func (r *run) silence(ctx context.Context, e entry) (Step, error) {
	was, err := r.Silences.ByName(ctx, r.o.Tenant, e.name)
	missing := errors.Is(err, storage.ErrNotFound)
	if err != nil && !missing {
		return Step{}, err
	}
	over, err := r.Silences.Over(ctx, e.silence)
	switch {
	case err != nil:
		return Step{}, err
	case over && missing:
		return Step{Action: Unchanged}, nil
	case over:
		return Step{Action: Deleted}, r.Silences.ExpireNamed(ctx, r.o.Tenant, e.name, r.o.By)
	case missing:
		_, err := r.Silences.Create(ctx, r.o.Tenant, e.silence, r.o.By)
		return Step{Action: Created}, err
	}
	fields := e.silence.Differs(was)
	if len(fields) == 0 {
		return Step{Action: Unchanged}, nil
	}
	_, err = r.Silences.Update(ctx, r.o.Tenant, was.ID, 0, e.silence, r.o.By)
	return Step{Action: Updated, Changes: fields}, err
}

// silence writes a silence as the reader takes it.
func silence(s silences.Silence) yaml.MapSlice {
	var f fields
	f.add("name", s.Name, false)
	f.add("kind", s.Kind, s.Kind == silences.KindSilence)
	f.add("matchers", s.Matchers, false)
	f.add("comment", s.Comment, s.Comment == "")
	f.add("starts_at", s.StartsAt.Format(time.RFC3339Nano), false)
	f.add("ends_at", s.EndsAt.Format(time.RFC3339Nano), s.EndsAt.IsZero())
	if s.Recurrence != nil {
		f.add("recurrence", yaml.MapSlice{
			{Key: "rrule", Value: s.Recurrence.RRule}, {Key: "duration", Value: s.Recurrence.Duration}, {Key: "timezone", Value: s.Recurrence.Timezone},
		}, false)
	}
	return f.items
}
