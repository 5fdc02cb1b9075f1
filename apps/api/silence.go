package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Silences manages silences; *silences.Service fits.
type Silences interface {
	Create(ctx context.Context, tenant string, in silences.Input, by string) (silences.Silence, error)
	Get(ctx context.Context, tenant string, silence id.ID) (silences.Silence, error)
	List(ctx context.Context, tenant string, f silences.Filter, p storage.Paging) (storage.Page[silences.Silence], error)
	Update(ctx context.Context, tenant string, silence id.ID, version int64, in silences.Input, by string) (silences.Silence, error)
	Expire(ctx context.Context, tenant string, silence id.ID, by string) (silences.Silence, error)
	Preview(ctx context.Context, tenant string, in silences.Input, change id.ID) (silences.Preview, error)
}

// SilenceView is a silence on the wire.
type SilenceView struct {
	ID            id.ID                `json:"id"`
	Name          string               `json:"name" doc:"Of those that configuration files know; empty for the rest."`
	Kind          string               `json:"kind" doc:"silence or maintenance: the word that is given as the reason."`
	Matchers      []string             `json:"matchers" doc:"All must hold."`
	Comment       string               `json:"comment"`
	CreatedBy     string               `json:"created_by"`
	StartsAt      time.Time            `json:"starts_at"`
	EndsAt        *time.Time           `json:"ends_at" doc:"Null: no fixed end."`
	UntilResolved bool                 `json:"until_resolved"`
	UnusedFor     string               `json:"unused_for" doc:"Empty: it does not end by not being used."`
	Recurrence    *silences.Recurrence `json:"recurrence"`
	Status        silences.Status      `json:"status" doc:"pending, active or expired. One that recurs is pending between its windows."`
	ActiveUntil   *time.Time           `json:"active_until" doc:"When it, or its next window, is over. Null: nobody knows."`
	NextAt        *time.Time           `json:"next_at" doc:"When it, or its next window, begins. Null: it is on, or over."`
	Holding       int64                `json:"holding" doc:"Incidents that are told once it is over, if they still fire."`
	UsedAt        *time.Time           `json:"used_at" doc:"When it was last seen to match what fires; only looked at when its end depends on it."`
	ExpiredAt     *time.Time           `json:"expired_at"`
	ExpiredBy     string               `json:"expired_by" doc:"Who ended it; empty when it ended by itself."`
	Version       int64                `json:"version"`
	CreatedAt     time.Time            `json:"created_at"`
	UpdatedAt     time.Time            `json:"updated_at"`
}

// SilenceFields are what people set; a field that is left out keeps its value (PATCH) or takes its default. null takes away what there was.
type SilenceFields struct {
	Name          maybe[string]              `json:"name,omitzero"`
	Kind          maybe[string]              `json:"kind,omitzero" doc:"silence (default) or maintenance."`
	Matchers      maybe[[]string]            `json:"matchers,omitzero" doc:"As in Alertmanager, such as instance=~\"a|b\": = != =~ !~, anchored, a missing label is empty, all must hold, one must not match empty. Besides labels there are alertname, severity and source." example:"[\"instance=~\\\"web-.*\\\"\"]"`
	IncidentID    idText                     `json:"incident_id,omitempty" doc:"Instead of matchers: what its firing alerts have in common."`
	Comment       maybe[string]              `json:"comment,omitzero"`
	StartsAt      maybe[time.Time]           `json:"starts_at,omitzero" doc:"Left out of a new one, or null: now."`
	EndsAt        maybe[time.Time]           `json:"ends_at,omitzero" doc:"null: no fixed end, if it ends in another way."`
	Duration      silenceSpan                `json:"duration,omitzero"`
	UntilResolved maybe[bool]                `json:"until_resolved,omitzero" doc:"It ends when nothing fires any more that it matches."`
	UnusedFor     silenceSpan                `json:"unused_for,omitzero"`
	Recurrence    maybe[silences.Recurrence] `json:"recurrence,omitzero" doc:"Makes it a series of windows; null: it is one."`
	Version       int64                      `json:"version,omitempty" doc:"The version that was read: the change is refused if there is a newer one. Left out: not compared."`
}

// maybe is a field of a body that may be left out, or null: then it is given, with the zero value.
type maybe[T any] struct {
	given, null bool
	value       T
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *maybe[T]) UnmarshalJSON(raw []byte) error {
	*m = maybe[T]{given: true, null: string(raw) == "null"}
	if m.null {
		return nil
	}
	return json.Unmarshal(raw, &m.value)
}

// Schema implements huma.SchemaProvider.
func (maybe[T]) Schema(r huma.Registry) *huma.Schema {
	s := huma.SchemaFromType(r, reflect.TypeFor[T]())
	s.Nullable = true
	return s
}

// over writes the value over another one, if it was given.
func (m maybe[T]) over(to *T) {
	if m.given {
		*to = m.value
	}
}

// silenceSpan is a length of time in a body. What is none is refused by the service, together with whatever else is wrong.
type silenceSpan struct{ span *time.Duration }

// UnmarshalJSON implements json.Unmarshaler: a text or a number of seconds; null is 0.
func (s *silenceSpan) UnmarshalJSON(raw []byte) error {
	d := readSpan(raw)
	s.span = &d
	return nil
}

// Schema implements huma.SchemaProvider.
func (silenceSpan) Schema(huma.Registry) *huma.Schema {
	return spanSchema("A length of time: 30m, 2h, 3d, or a number of seconds. null: none.")
}

type silenceInput struct{ Body SilenceFields }

type silenceChange struct {
	ByID
	Body SilenceFields
}

type silencePreview struct {
	Body struct {
		SilenceFields

		Silence idText `json:"silence,omitempty" doc:"One that is there: what is given is a change of it, and the answer has its figures too."`
	}
}

type silenceQuery struct {
	PageQuery
	Status string `query:"status" doc:"pending, active, expired; several with commas between them." maxLength:"50"`
	Kind   string `query:"kind" doc:"silence or maintenance." maxLength:"50"`
	Text   string `query:"q" doc:"In matchers, comment, name or author." maxLength:"200"`
}

func (a *API) silenceRoutes(h huma.API) {
	path := "/api/v1/silences"
	get(a, h, path, "list-silences", "Silences and maintenance windows, the newest first",
		func(ctx context.Context, tenant string, in *silenceQuery) (storage.Page[SilenceView], error) {
			out := storage.Page[SilenceView]{Items: []SilenceView{}}
			page, err := in.page()
			if err != nil {
				return out, err
			}
			f := silences.Filter{Kind: in.Kind, Text: in.Text}
			if f.Statuses, err = silences.ParseStatuses(in.Status); err != nil {
				return out, newProblem(http.StatusUnprocessableEntity, unusableDetail, Detail{Message: err.Error(), Location: "query.status"})
			}
			list, err := a.Silences.List(ctx, tenant, f, page)
			for _, s := range list.Items {
				out.Items = append(out.Items, viewSilence(s))
			}
			out.NextCursor = list.NextCursor
			return out, err
		})
	get(a, h, path+"/{id}", "get-silence", "One silence",
		func(ctx context.Context, tenant string, in *ByID) (SilenceView, error) {
			key, err := in.key("silence")
			if err != nil {
				return SilenceView{}, err
			}
			s, err := a.Silences.Get(ctx, tenant, key)
			return viewSilence(s), err
		})
	create := op(http.MethodPost, path, "create-silence", "Keep people from being told of what matches, until an end that must be given")
	create.DefaultStatus = http.StatusCreated
	change(a, h, create, func(ctx context.Context, c caller, in *silenceInput) (*answer[SilenceView], error) {
		given, err := a.silenceOver(ctx, c.tenant, &in.Body, silences.Input{})
		if err != nil {
			return nil, err
		}
		made, err := a.Silences.Create(ctx, c.tenant, given, c.name)
		return &answer[SilenceView]{Body: viewSilence(made)}, err
	})
	change(a, h, op(http.MethodPut, path+"/{id}", "replace-silence", "Set every field of a silence that is not over; what is left out takes its default, but the start"),
		func(ctx context.Context, c caller, in *silenceChange) (*answer[SilenceView], error) {
			return a.updateSilence(ctx, c, in, func(silences.Silence) silences.Input { return silences.Input{} })
		})
	change(a, h, op(http.MethodPatch, path+"/{id}", "update-silence", "Change the fields that are given; null takes one away, a duration counts from now"),
		func(ctx context.Context, c caller, in *silenceChange) (*answer[SilenceView], error) {
			return a.updateSilence(ctx, c, in, silences.InputOf)
		})
	change(a, h, op(http.MethodDelete, path+"/{id}", "expire-silence", "End a silence now; it stays in the list. What it held back is told, if it still fires"),
		func(ctx context.Context, c caller, in *ByID) (*nothing, error) {
			key, err := in.key("silence")
			if err != nil {
				return nil, err
			}
			_, err = a.Silences.Expire(ctx, c.tenant, key, c.name)
			return nil, err
		})
	change(a, h, op(http.MethodPost, path+"/preview", "preview-silence", "What a silence matches now, and would have kept back in the last 7 days"),
		func(ctx context.Context, c caller, in *silencePreview) (*answer[silences.Preview], error) {
			p, err := a.previewSilence(ctx, c.tenant, in)
			return &answer[silences.Preview]{Body: p}, err
		})
}

func (a *API) updateSilence(ctx context.Context, c caller, in *silenceChange, base func(silences.Silence) silences.Input) (*answer[SilenceView], error) {
	key, err := in.key("silence")
	if err != nil {
		return nil, err
	}
	was, err := a.Silences.Get(ctx, c.tenant, key)
	if err != nil {
		return nil, err
	}
	given, err := a.silenceOver(ctx, c.tenant, &in.Body, base(was))
	if err != nil {
		return nil, err
	}
	version := in.Body.Version
	if version == 0 {
		version = was.Version
	}
	now, err := a.Silences.Update(ctx, c.tenant, key, version, given, c.name)
	return &answer[SilenceView]{Body: viewSilence(now)}, err
}

func (a *API) previewSilence(ctx context.Context, tenant string, in *silencePreview) (silences.Preview, error) {
	var change id.ID
	base := silences.Input{}
	if in.Body.Silence != "" {
		var err error
		if change, err = id.Parse(string(in.Body.Silence)); err != nil {
			return silences.Preview{}, unusable("/silence", wantID)
		}
		was, err := a.Silences.Get(ctx, tenant, change)
		if err != nil {
			return silences.Preview{}, err
		}
		base = silences.InputOf(was)
	}
	given, err := a.silenceOver(ctx, tenant, &in.Body.SilenceFields, base)
	if err != nil {
		return silences.Preview{}, err
	}
	return a.Silences.Preview(ctx, tenant, given, change)
}

// silenceOver writes the given fields over others.
func (a *API) silenceOver(ctx context.Context, tenant string, f *SilenceFields, in silences.Input) (silences.Input, error) {
	f.Name.over(&in.Name)
	f.Kind.over(&in.Kind)
	f.Comment.over(&in.Comment)
	f.Matchers.over(&in.Matchers)
	if f.Duration.span != nil { // instead of the end that there was
		in.Duration, in.EndsAt = *f.Duration.span, time.Time{}
		in.StartsAt = time.Time{}
	}
	f.StartsAt.over(&in.StartsAt)
	in.AtOnce = f.StartsAt.null
	f.EndsAt.over(&in.EndsAt)
	f.UntilResolved.over(&in.UntilResolved)
	set(&in.UnusedFor, f.UnusedFor.span)
	if f.Recurrence.given {
		if in.Recurrence = nil; !f.Recurrence.null {
			in.Recurrence = &f.Recurrence.value
		}
	}
	if f.IncidentID == "" {
		return in, nil
	}
	if f.Matchers.given {
		return in, unusable("/incident_id", "is given beside matchers; one of them is enough")
	}
	key, err := id.Parse(string(f.IncidentID))
	if err != nil {
		return in, unusable("/incident_id", wantID)
	}
	incident, err := a.Alerts.Incident(ctx, tenant, key)
	if err != nil {
		return in, err
	}
	var firing []*event.Alert
	for _, one := range incident.Alerts {
		if one.Status == event.StatusFiring {
			firing = append(firing, &event.Alert{Name: one.Name, Severity: one.Severity, Source: one.Source, Labels: one.Labels})
		}
	}
	if in.Matchers = silences.Suggest(firing); len(firing) == 0 {
		return in, unusable("/incident_id", "has no alert that fires, so there is nothing to silence")
	}
	return in, nil
}

func viewSilence(s silences.Silence) SilenceView {
	v := SilenceView{
		ID: s.ID, Name: s.Name, Kind: s.Kind, Matchers: texts(s.Matchers), Comment: s.Comment, CreatedBy: s.CreatedBy, StartsAt: s.StartsAt, EndsAt: known(s.EndsAt),
		UntilResolved: s.UntilResolved, UnusedFor: period.Text(s.UnusedFor), Recurrence: s.Recurrence, Status: s.Status, ActiveUntil: known(s.Until),
		NextAt: known(s.Next), Holding: s.Holding, UsedAt: known(s.UsedAt), ExpiredAt: known(s.ExpiredAt), ExpiredBy: s.ExpiredBy, Version: s.Version,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
	return v
}

// known is a time that may not be, null on the wire.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
