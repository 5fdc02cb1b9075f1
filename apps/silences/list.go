package silences

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Filter narrows a list; zero fields do not.
type Filter struct {
	Statuses []Status
	Kind     string
	Text     string // in matchers, comment, name or author
}

// listStep is how many rows are read at once: where a silence stands is reckoned here.
const listStep = 300

// List lists silences, the newest first.
func (s *Service) List(ctx context.Context, tenant string, f Filter, p storage.Paging) (storage.Page[Silence], error) {
	page := storage.Page[Silence]{Items: []Silence{}}
	now, err := s.now(ctx)
	if err != nil {
		return page, err
	}
	for before := p.Before; ; {
		q := s.db.Read(ctx).Where("tenant_id = ?", tenant)
		if !before.IsZero() {
			q = q.Where("id < ?", before)
		}
		if f.Kind != "" {
			q = q.Where("kind = ?", f.Kind)
		}
		if f.Text != "" {
			like, args := storage.Like(f.Text, "comment", "name", "created_by")
			inMatchers, more := storage.Like(stored(f.Text), "matchers")
			q = q.Where("("+like+" OR "+inMatchers+")", append(args, more...)...)
		}
		switch over := f.wants(Expired); {
		case len(f.Statuses) == 0 || over && len(f.Statuses) > 1:
		case over:
			q = q.Where("(expired_at IS NOT NULL OR ends_at <= ?)", now)
		default:
			q = q.Where("expired_at IS NULL AND (ends_at IS NULL OR ends_at > ?)", now)
		}
		var rows []row
		if err := q.Order("id DESC").Limit(listStep).Find(&rows).Error; err != nil {
			return page, fmt.Errorf("list silences: %w", storage.Classify(err))
		}
		for i := range rows {
			before = rows[i].ID
			one, err := rows[i].silence()
			if err != nil {
				return page, fmt.Errorf("read silence %s: %w", rows[i].ID, err)
			}
			one.stand(now)
			if len(f.Statuses) > 0 && !f.wants(one.Status) {
				continue
			}
			if len(page.Items) == p.Size() {
				page.NextCursor = page.Items[len(page.Items)-1].ID.String()
				return page, s.holding(ctx, tenant, page.Items)
			}
			page.Items = append(page.Items, one)
		}
		if len(rows) < listStep {
			return page, s.holding(ctx, tenant, page.Items)
		}
	}
}

// stored is a text as it stands in a stored list of texts.
func stored(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return text
	}
	return string(raw[1 : len(raw)-1])
}

func (f Filter) wants(s Status) bool {
	return slices.Contains(f.Statuses, s)
}

// ParseStatuses reads a list such as active,pending.
func ParseStatuses(text string) ([]Status, error) {
	var out []Status
	for word := range strings.SplitSeq(text, ",") {
		switch st := Status(strings.TrimSpace(word)); st {
		case "":
		case Pending, Active, Expired:
			out = append(out, st)
		default:
			return nil, fmt.Errorf("%q is no status; there are pending, active and expired", clip(word))
		}
	}
	return out, nil
}

// describe finds out where a silence stands.
func (s *Service) describe(ctx context.Context, tenant string, now time.Time, one *Silence) error {
	one.stand(now)
	list := []Silence{*one}
	err := s.holding(ctx, tenant, list)
	one.Holding = list[0].Holding
	return err
}

// stand reckons where a silence stands at a time.
func (s *Silence) stand(now time.Time) {
	s.Status, s.Until, s.Next = Expired, time.Time{}, time.Time{}
	switch {
	case !s.ExpiredAt.IsZero() || !s.EndsAt.IsZero() && !s.EndsAt.After(now):
	case s.Recurrence != nil:
		c, bad := compileRule(*s.Recurrence, s.StartsAt, s.EndsAt)
		if len(bad) > 0 { // this release reads rules otherwise than the one that took it
			return
		}
		if next := c.windows(now, now.Add(lookAhead), 1); len(next) > 0 {
			s.Status, s.Next, s.Until = Pending, next[0].Start, c.over(next[0])
			if !next[0].Start.After(now) {
				s.Status, s.Next = Active, time.Time{}
			}
		}
	case s.StartsAt.After(now):
		s.Status, s.Next, s.Until = Pending, s.StartsAt, s.EndsAt
	default:
		s.Status, s.Until = Active, s.EndsAt
	}
}

// holding counts the incidents that wait for the ends of silences.
func (s *Service) holding(ctx context.Context, tenant string, list []Silence) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]id.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	var rows []struct {
		SilenceID id.ID `gorm:"column:silence_id"`
		N         int64 `gorm:"column:n"`
	}
	if err := s.db.Read(ctx).Raw(`SELECT h.silence_id, count(DISTINCT h.incident_id) AS n FROM holds h JOIN incidents i ON i.id = h.incident_id AND i.status = 'open'
		WHERE h.tenant_id = ? AND h.silence_id IN ? GROUP BY h.silence_id`, tenant, ids).
		Scan(&rows).Error; err != nil {
		return fmt.Errorf("count what silences hold: %w", storage.Classify(err))
	}
	held := map[id.ID]int64{}
	for _, r := range rows {
		held[r.SilenceID] = r.N
	}
	for i := range list {
		list[i].Holding = held[list[i].ID]
	}
	return nil
}
