package history

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// The making of vectors goes on behind everything else.
const (
	makeEvery = 30 * time.Second
	makeStep  = 100 // incidents in a transaction
	makeRest  = 50 * time.Millisecond
	allEvery  = time.Hour // how often it looks at all incidents, not only at the newest
)

// Start makes vectors from now on: of new incidents soon, and again when one has ended.
func (s *Service) Start() {
	s.running.Go(func() {
		var from id.ID // everything before has its vector and has ended
		watch := clock.Start()
		for clock.Sleep(s.ctx, makeEvery) == nil {
			if watch.Elapsed() > allEvery {
				from, watch = id.ID{}, clock.Start()
			}
			next, err := s.Make(s.ctx, from)
			if err != nil && s.ctx.Err() == nil {
				s.log.WarnContext(s.ctx, "note what incidents are about", "error", err)
				continue
			}
			from = next
		}
	})
}

// Stop ends the making and waits for that.
func (s *Service) Stop() {
	s.end()
	s.running.Wait()
}

// staleRow is an incident whose vector is to be made.
type staleRow struct {
	ID          id.ID  `gorm:"column:id"`
	Title       string `gorm:"column:title"`
	Description string `gorm:"column:description"`
	EventSeq    int64  `gorm:"column:event_seq"`
	Made        bool   `gorm:"column:made"` // it has one already
}

// Make makes what is missing or old from an incident on. It returns from where to look the next time. Of several processes one works.
func (s *Service) Make(ctx context.Context, from id.ID) (next id.ID, err error) {
	next = from
	_, err = s.db.Alone(ctx, "vectors "+s.tenant, func() error {
		for {
			rows, err := s.stale(ctx, next)
			if err != nil {
				return err
			}
			if len(rows) > 0 {
				if err := s.remake(ctx, rows); err != nil {
					return err
				}
			}
			if len(rows) < makeStep {
				break
			}
			next = rows[len(rows)-1].ID
			if err := clock.Sleep(ctx, makeRest); err != nil {
				return err
			}
		}
		next, err = s.firstOpen(ctx, next)
		return err
	})
	if err != nil {
		next = from
	}
	return next, err
}

// stale finds incidents without a vector, or that something has happened to since.
func (s *Service) stale(ctx context.Context, after id.ID) ([]staleRow, error) {
	var rows []staleRow
	err := s.db.Read(ctx).Raw(`SELECT i.id, i.title, i.description, i.event_seq, v.incident_id IS NOT NULL AS made
		FROM incidents i LEFT JOIN incident_vectors v ON v.incident_id = i.id
		WHERE i.tenant_id = ? AND i.id > ? AND (v.incident_id IS NULL OR v.event_seq < i.event_seq) ORDER BY i.id LIMIT ?`, s.tenant, after[:], makeStep).
		Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look for incidents to note: %w", storage.Classify(err))
	}
	return rows, nil
}

// firstOpen is the place before the first incident that goes on, or the newest incident when none does.
func (s *Service) firstOpen(ctx context.Context, from id.ID) (id.ID, error) {
	var rows []struct {
		Open   id.ID `gorm:"column:open"`
		Newest id.ID `gorm:"column:newest"`
	}
	err := s.db.Read(ctx).Raw(`SELECT (SELECT id FROM incidents WHERE tenant_id = @tenant AND status = 'open' ORDER BY id LIMIT 1) AS open,
		(SELECT incident_id FROM incident_vectors WHERE tenant_id = @tenant ORDER BY incident_id DESC LIMIT 1) AS newest`,
		map[string]any{"tenant": s.tenant}).Scan(&rows).Error
	if err != nil {
		return from, fmt.Errorf("look for open incidents: %w", storage.Classify(err))
	}
	var acknowledged []id.ID
	err = s.db.Read(ctx).Raw(`SELECT id FROM incidents WHERE tenant_id = ? AND status = 'acknowledged' ORDER BY id LIMIT 1`, s.tenant).Scan(&acknowledged).Error
	if err != nil {
		return from, fmt.Errorf("look for open incidents: %w", storage.Classify(err))
	}
	first := id.ID{}
	for _, r := range rows {
		first = r.Newest
		if !r.Open.IsZero() && less(r.Open, first) {
			first = before(r.Open)
		}
	}
	for _, a := range acknowledged {
		if less(a, first) {
			first = before(a)
		}
	}
	if less(first, from) {
		return from, nil
	}
	return first, nil
}

func less(a, b id.ID) bool { return string(a[:]) < string(b[:]) }

// before is an id that is smaller than another, by one.
func before(i id.ID) id.ID {
	for at := len(i) - 1; at >= 0; at-- {
		i[at]--
		if i[at] != 0xff {
			break
		}
	}
	return i
}

// remake writes the vectors of some incidents.
func (s *Service) remake(ctx context.Context, rows []staleRow) error {
	ids := make([]id.ID, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	alerts, err := s.members(ctx, ids)
	if err != nil {
		return err
	}
	now := s.db.Now()
	return s.db.InTx(ctx, func(ctx context.Context) error {
		db := s.db.From(ctx)
		for _, r := range rows {
			sql, args := `UPDATE incident_vectors SET event_seq = ? WHERE incident_id = ?`, []any{r.EventSeq, r.ID}
			if members := alerts[r.ID]; len(members) > 0 || !r.Made { // its alerts may belong to a later incident by now
				v, template := subjectOf(&event.Incident{Title: r.Title, Description: r.Description}, members).vector()
				sql = `INSERT INTO incident_vectors (incident_id, tenant_id, event_seq, template, vector, made_at) VALUES (?, ?, ?, ?, ?, ?)
					ON CONFLICT (incident_id) DO UPDATE SET event_seq = excluded.event_seq, template = excluded.template, vector = excluded.vector, made_at = excluded.made_at`
				args = []any{r.ID, s.tenant, r.EventSeq, template, pack(&v), now}
			}
			if err := db.Exec(sql, args...).Error; err != nil {
				return fmt.Errorf("note what incident %s is about: %w", r.ID, storage.Classify(err))
			}
		}
		return nil
	})
}

type memberRow struct {
	IncidentID  id.ID                           `gorm:"column:incident_id"`
	Source      string                          `gorm:"column:source"`
	Fingerprint string                          `gorm:"column:fingerprint"`
	Name        string                          `gorm:"column:name"`
	Description string                          `gorm:"column:description"`
	Labels      storage.JSON[map[string]string] `gorm:"column:labels"`
	Annotations storage.JSON[map[string]string] `gorm:"column:annotations"`
}

func (r *memberRow) alert() *event.Alert {
	return &event.Alert{
		Source: r.Source, Fingerprint: r.Fingerprint, Name: r.Name, Description: r.Description, Labels: r.Labels.V, Annotations: r.Annotations.V,
	}
}

const memberColumns = `source, fingerprint, name, description, labels, annotations`

// members are the alerts of incidents, some of each. Those whose alerts have gone on to later incidents get them as they are there.
func (s *Service) members(ctx context.Context, incidents []id.ID) (map[id.ID][]*event.Alert, error) {
	var rows []memberRow
	err := s.db.Read(ctx).Raw(`SELECT incident_id, `+memberColumns+` FROM (
			SELECT incident_id, `+memberColumns+`, row_number() OVER (PARTITION BY incident_id ORDER BY id) AS nr FROM alerts
			WHERE incident_id IN ? AND tenant_id || '' = ?) few WHERE nr <= ?`, incidents, s.tenant, maxAlerts).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the alerts of incidents: %w", storage.Classify(err))
	}
	out := map[id.ID][]*event.Alert{}
	for i := range rows {
		out[rows[i].IncidentID] = append(out[rows[i].IncidentID], rows[i].alert())
	}
	var without []id.ID
	for _, i := range incidents {
		if len(out[i]) == 0 {
			without = append(without, i)
		}
	}
	if len(without) == 0 {
		return out, nil
	}
	var events []struct {
		IncidentID id.ID                         `gorm:"column:incident_id"`
		Details    storage.JSON[json.RawMessage] `gorm:"column:details"`
	}
	err = s.db.Read(ctx).Raw(`SELECT incident_id, details FROM incident_events WHERE incident_id IN ? AND tenant_id || '' = ? AND seq = 1 AND kind = 'opened'`,
		without, s.tenant).Scan(&events).Error
	if err != nil {
		return nil, fmt.Errorf("read how incidents began: %w", storage.Classify(err))
	}
	for _, e := range events {
		var about struct{ Source, Fingerprint string }
		if json.Unmarshal(e.Details.V, &about) != nil || about.Fingerprint == "" {
			continue
		}
		var found []memberRow
		err := s.db.Read(ctx).Raw(`SELECT `+memberColumns+` FROM alerts WHERE tenant_id = ? AND source = ? AND fingerprint = ?`, s.tenant, about.Source, about.Fingerprint).
			Scan(&found).Error
		if err != nil {
			return nil, fmt.Errorf("read the first alert of an incident: %w", storage.Classify(err))
		}
		for i := range found {
			out[e.IncidentID] = append(out[e.IncidentID], found[i].alert())
		}
	}
	return out, nil
}
