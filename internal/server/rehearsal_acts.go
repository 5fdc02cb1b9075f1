package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// actPage is how many acts are read at once.
const actPage = 100

// nextAct is what people did next, nil when that was all.
func (r *replay) nextAct(ctx context.Context) (*pastAct, error) {
	if len(r.acts) == 0 && r.later >= 0 {
		if err := r.w.s.db.Read(ctx).Table("acts").Order("at, incident_id, seq").Offset(r.later).Limit(actPage).Find(&r.acts).Error; err != nil {
			return nil, fmt.Errorf("read the stage: %w", storage.Classify(err))
		}
		r.later += len(r.acts)
		if len(r.acts) == 0 {
			r.later = -1
		}
	}
	if len(r.acts) == 0 {
		return nil, nil //nolint:nilnil // that was all
	}
	return &r.acts[0], nil
}

// actUntil does what people did up to a point in time. What is not possible in the rehearsal is left out.
func (r *replay) actUntil(ctx context.Context, until time.Time) error {
	for {
		a, err := r.nextAct(ctx)
		if err != nil || a == nil || a.At.After(until) {
			return err
		}
		r.acts = r.acts[1:]
		incident, err := r.counterpart(ctx, a.IncidentID)
		if err != nil {
			return err
		}
		if incident.IsZero() {
			continue
		}
		err = r.w.s.acts.Do(ctx, event.Act{Tenant: r.w.tenant, Incident: incident, Kind: event.EventKind(a.Kind), Actor: a.Actor})
		if err != nil && !errors.Is(err, event.ErrRefused) && !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("rehearse what %s did: %w", strings.ToValidUTF8(a.Actor, ""), err)
		}
	}
}

// counterpart is the rehearsal's incident that stands for a real one: the same when it was there before, else the one that its alerts
// went to last.
func (r *replay) counterpart(ctx context.Context, incident id.ID) (id.ID, error) {
	var found []id.ID
	err := r.w.s.db.Read(ctx).Raw(`SELECT id FROM incidents WHERE id = ? UNION ALL SELECT * FROM (SELECT l.incident_id FROM real_rows x
			JOIN ledger l ON l.receipt_id = x.receipt_id AND l.idx = x.idx
		WHERE x.incident_id = ? AND l.incident_id IS NOT NULL ORDER BY x.receipt_id DESC LIMIT 1) LIMIT 1`, incident, incident).Scan(&found).Error
	if err != nil {
		return id.ID{}, fmt.Errorf("read the stage: %w", storage.Classify(err))
	}
	if len(found) == 0 {
		return id.ID{}, nil
	}
	return found[0], nil
}
