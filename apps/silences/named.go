package silences

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Named lists the silences with names that are not over, by name: what configuration files know.
func (s *Service) Named(ctx context.Context, tenant string) ([]Silence, error) {
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	var rows []row
	if err := s.db.From(ctx).Where("tenant_id = ? AND name <> '' AND expired_at IS NULL AND (ends_at IS NULL OR ends_at > ?)", tenant, now).
		Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list silences: %w", storage.Classify(err))
	}
	out := make([]Silence, 0, len(rows))
	for i := range rows {
		one, err := rows[i].silence()
		if err != nil {
			return nil, fmt.Errorf("read silence %s: %w", rows[i].ID, err)
		}
		out = append(out, one)
	}
	return out, nil
}

// ByName returns the silence of this name that is not over.
func (s *Service) ByName(ctx context.Context, tenant, name string) (Silence, error) {
	list, err := s.Named(ctx, tenant)
	if err != nil {
		return Silence{}, err
	}
	if i := slices.IndexFunc(list, func(one Silence) bool { return one.Name == name }); i >= 0 {
		return list[i], nil
	}
	return Silence{}, fmt.Errorf("silence %q: %w", clip(name), storage.ErrNotFound)
}

// ExpireNamed ends the silence of this name.
func (s *Service) ExpireNamed(ctx context.Context, tenant, name, by string) error {
	one, err := s.ByName(ctx, tenant, name)
	if err == nil {
		_, err = s.Expire(ctx, tenant, one.ID, by)
	}
	return err
}

// Over reports whether what an input asks for is past already, by the database's clock.
func (s *Service) Over(ctx context.Context, in Input) (bool, error) {
	now, err := s.now(ctx)
	end := in.EndsAt
	if end.IsZero() && in.Duration > 0 && !in.StartsAt.IsZero() {
		end = in.StartsAt.Add(in.Duration)
	}
	return !end.IsZero() && !end.After(now), err
}

// Differs lists the fields in which a silence is not as an input wants it. A start that the input does not name is no difference.
func (in Input) Differs(s Silence) []string {
	var out []string
	note := func(field string, differs bool) {
		if differs {
			out = append(out, field)
		}
	}
	kind := in.Kind
	if kind == "" {
		kind = KindSilence
	}
	end := in.EndsAt
	if in.Duration > 0 {
		start := in.StartsAt
		if start.IsZero() {
			start = s.StartsAt
		}
		end = start.Add(in.Duration)
	}
	was, now := Recurrence{}, Recurrence{}
	if s.Recurrence != nil {
		was = *s.Recurrence
	}
	if in.Recurrence != nil {
		now = *in.Recurrence
	}
	note("kind", kind != s.Kind)
	note("matchers", !slices.Equal(in.Matchers, s.Matchers))
	note("comment", in.Comment != s.Comment)
	note("starts_at", !in.StartsAt.IsZero() && !in.StartsAt.Truncate(time.Microsecond).Equal(s.StartsAt))
	note("ends_at", !end.Truncate(time.Microsecond).Equal(s.EndsAt))
	note("until_resolved", in.UntilResolved != s.UntilResolved)
	note("unused_for", in.UnusedFor != s.UnusedFor)
	note("recurrence", was != now)
	return out
}
