package server

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// seedPage is how many rows are copied at once.
const seedPage = 500

// seeding brings alerts and incidents, with who was told of them, from the hub to a stage: as they are, or as they were before a window.
type seeding struct {
	s      *stage
	tenant string
	before *edge           // nil: as they are now
	active map[string]bool // group keys of active incidents on the stage
}

// incidents copies incidents, what was told of them, and the alerts that fire in them.
func (g *seeding) incidents(ctx context.Context, ids []id.ID) error {
	for part := range slices.Chunk(unique(ids), seedPage) {
		var rows []seedIncident
		if err := g.s.hub.db.Read(ctx).Where("tenant_id = ? AND id IN ?", g.tenant, part).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("read the incidents: %w", storage.Classify(err))
		}
		if g.before != nil {
			var err error
			if rows, err = g.before.incidents(g.s.hub.db.Read(ctx), rows); err != nil {
				return err
			}
		}
		var known, active []id.ID
		for i := range rows {
			r := &rows[i]
			if open := event.IncidentStatus(r.Status).Active(); open && g.active[r.GroupKey] {
				r.Status = string(event.IncidentResolved) // at the edge of the window two may seem open
			} else if open {
				g.active[r.GroupKey] = true
				active = append(active, r.ID)
			}
			known = append(known, r.ID)
		}
		if err := g.create(ctx, len(rows), &rows); err != nil {
			return err
		}
		if err := g.deliveries(ctx, known); err != nil {
			return err
		}
		if err := g.alertsOf(ctx, active); err != nil {
			return err
		}
	}
	return nil
}

// alertsOf copies the alerts of active incidents: one that goes on firing keeps its incident open.
func (g *seeding) alertsOf(ctx context.Context, incidents []id.ID) error {
	if len(incidents) == 0 {
		return nil
	}
	var ids []id.ID
	if err := g.s.hub.db.Read(ctx).Table("alerts").Where("incident_id IN ?", incidents).Pluck("id", &ids).Error; err != nil {
		return fmt.Errorf("read the alerts of incidents: %w", storage.Classify(err))
	}
	return g.alerts(ctx, ids)
}

// alerts copies alerts; those that are on the stage already stay.
func (g *seeding) alerts(ctx context.Context, ids []id.ID) error {
	for part := range slices.Chunk(unique(ids), seedPage) {
		var there []id.ID
		if err := g.s.db.Read(ctx).Table("alerts").Where("id IN ?", part).Pluck("id", &there).Error; err != nil {
			return fmt.Errorf("look on the stage: %w", storage.Classify(err))
		}
		part = slices.DeleteFunc(slices.Clone(part), func(i id.ID) bool { return slices.Contains(there, i) })
		if len(part) == 0 {
			continue
		}
		var rows []seedAlert
		if err := g.s.hub.db.Read(ctx).Where("tenant_id = ? AND id IN ?", g.tenant, part).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("read the alerts: %w", storage.Classify(err))
		}
		if g.before != nil {
			var err error
			if rows, err = g.before.alerts(g.s.hub.db.Read(ctx), rows); err != nil {
				return err
			}
		}
		for i := range rows {
			rows[i].LastSeq = 0 // numbers of observations begin anew on a stage
		}
		if err := g.create(ctx, len(rows), &rows); err != nil {
			return err
		}
	}
	return nil
}

// deliveries copies who was told of the incidents last, by route and channel, without the texts.
func (g *seeding) deliveries(ctx context.Context, incidents []id.ID) error {
	if len(incidents) == 0 {
		return nil
	}
	db := g.s.hub.db.Read(ctx)
	newest := db.Table("deliveries").Where("tenant_id = ? AND incident_id IN ? AND reason NOT IN ?", g.tenant, incidents,
		[]string{event.ReasonDryRun, event.ReasonShadow})
	if g.before != nil {
		newest = newest.Where("created_at < ?", g.before.at)
	}
	newest = newest.Select(`id, row_number() OVER (PARTITION BY incident_id, channel_id, definition_id, CASE WHEN kind = 'resolved' THEN 1 ELSE 0 END
		ORDER BY event_seq DESC, id DESC) AS nr`)
	var rows []seedDelivery
	if err := db.Where("id IN (?)", db.Table("(?) AS d", newest).Where("nr = 1").Select("id")).Find(&rows).Error; err != nil {
		return fmt.Errorf("read who was told: %w", storage.Classify(err))
	}
	ids := make([]id.ID, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		if g.before != nil && (r.State == event.StatePending || r.State == event.StateSending) {
			r.State, r.Reason, r.Attempts = event.StateDelivered, "", max(r.Attempts, 1)
		}
		ids = append(ids, r.ID)
	}
	var routes []seedRoute
	for part := range slices.Chunk(ids, seedPage) {
		var some []seedRoute
		if err := db.Where("delivery_id IN ?", part).Find(&some).Error; err != nil {
			return fmt.Errorf("read who was told: %w", storage.Classify(err))
		}
		routes = append(routes, some...)
	}
	if err := g.create(ctx, len(rows), &rows); err != nil {
		return err
	}
	return g.create(ctx, len(routes), &routes)
}

func (g *seeding) create(ctx context.Context, n int, rows any) error {
	if n == 0 {
		return nil
	}
	if err := g.s.db.InTx(ctx, func(ctx context.Context) error {
		return g.s.db.From(ctx).Session(&gorm.Session{SkipHooks: true}).CreateInBatches(rows, seedPage/5).Error
	}); err != nil {
		return fmt.Errorf("set the stage: %w", err)
	}
	return nil
}

func unique(ids []id.ID) []id.ID {
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b id.ID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(out)
}
