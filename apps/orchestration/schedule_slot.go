package orchestration

import (
	"context"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Bounds of schedules.
const (
	catchUp   = time.Hour          // a slot that was missed for longer is left out
	keepSlots = 7 * 24 * time.Hour // in the table
	shownSlot = 5                  // of a definition
)

var (
	// scheduled finds a definition as the catalog has it, if the slot's time has come by the database's clock and is not long past.
	scheduled = storage.Lookup([]storage.Column{
		storage.Col("id", storage.UUID), storage.Col("version", storage.Int), storage.Col("slot", storage.Time), storage.Col("ends", storage.Time),
	}, `
		SELECT v.slot <= {now} AS come, v.ends >= {now} AS fresh FROM definitions t
		WHERE t.id = v.id AND t.version = v.version AND t.is_active AND t.deleted_at IS NULL LIMIT 1`)

	// scheduledSince is from when a schedule counts.
	scheduledSince = storage.Lookup([]storage.Column{storage.Col("definition_id", storage.UUID)}, `
		SELECT t.slot FROM schedule_slots t WHERE t.definition_id = v.definition_id AND t.run_id IS NULL ORDER BY t.slot DESC LIMIT 1`)

	fire = storage.Insert("schedule_slots", []storage.Column{
		storage.Col("definition_id", storage.UUID), storage.Col("slot", storage.Time), storage.Col("tenant_id", storage.Text), storage.Col("run_id", storage.UUID),
		storage.Col("fired_at", storage.After),
	}, "ON CONFLICT (definition_id, slot) DO NOTHING RETURNING t.slot")
)

// slotEnd is what became of a slot.
type slotEnd string

const (
	slotFired   slotEnd = "fired"
	slotTaken   slotEnd = "taken"   // another process was faster, or the clock was set back
	slotEarly   slotEnd = "early"   // the database's clock is not there yet
	slotOld     slotEnd = "old"     // missed for too long, or from before the schedule was made
	slotChanged slotEnd = "changed" // the definition is not what the catalog has
)

// take decides about a slot in the transaction that starts its run.
func (s *Scheduler) take(tx *storage.Tx, tenant string, r *Route, slot time.Time, run id.ID) (slotEnd, error) {
	rows, since := scheduled.Rows(), scheduledSince.Rows()
	rows.Add(r.ID, r.Version, slot, slot.Add(catchUp))
	since.Add(r.ID)
	end, floor := slotChanged, time.Time{}
	tx.Query(scheduled, rows, func(row storage.Row) error {
		var come, fresh bool
		if err := row.Scan(&come, &fresh); err != nil {
			return err
		}
		switch {
		case !come:
			end = slotEarly
		case !fresh:
			end = slotOld
		default:
			end = slotTaken
		}
		return nil
	})
	tx.Query(scheduledSince, since, func(row storage.Row) error { return row.Scan(&floor) })
	if err := tx.Flush(); err != nil {
		return "", fmt.Errorf("look at a slot: %w", err)
	}
	if end == slotTaken && slot.Before(floor) {
		end = slotOld
	}
	if end != slotTaken {
		return end, nil
	}
	one := fire.Rows()
	one.Add(r.ID, slot, tenant, run, time.Duration(0))
	tx.Query(fire, one, func(storage.Row) error { end = slotFired; return nil })
	if err := tx.Flush(); err != nil {
		return "", fmt.Errorf("take a slot: %w", err)
	}
	return end, nil
}

// scheduleSince notes by the database's clock that a schedule counts from now on: what was due before it was made, changed or switched on
// is not made up for.
func (s *DefinitionService) scheduleSince(ctx context.Context, d Definition) error {
	if def, _ := graph.Parse(d.Config.V); def == nil || !def.Trigger.WaitsFor(graph.TriggerSchedule) {
		return nil
	}
	now, args := "now()", []any{d.ID, d.TenantID}
	if s.db.Engine() == storage.SQLite {
		now, args = "?", []any{d.ID, s.db.Now(), d.TenantID, s.db.Now()}
	}
	return s.db.From(ctx).Exec(`INSERT INTO schedule_slots (definition_id, slot, tenant_id, fired_at) VALUES (?, `+now+`, ?, `+now+`)
		ON CONFLICT (definition_id, slot) DO NOTHING`, args...).Error
}

// Slot is a time at which a schedule fired.
type Slot struct {
	Slot    time.Time `json:"slot" gorm:"column:slot"`
	FiredAt time.Time `json:"fired_at" gorm:"column:fired_at"`
	RunID   id.ID     `json:"run_id" gorm:"column:run_id"`
}

// Schedule is what a pipeline's schedule did and will do.
type Schedule struct {
	Next *time.Time `json:"next" doc:"null while the pipeline is not active."`
	Last []Slot     `json:"last" doc:"The newest first."`
}

// Schedule returns nil for a pipeline without one.
func (s *DefinitionService) Schedule(ctx context.Context, d Definition) (*Schedule, error) {
	def, _ := graph.Parse(d.Config.V)
	if def == nil || !def.Trigger.WaitsFor(graph.TriggerSchedule) {
		return nil, nil //nolint:nilnil // most have none
	}
	out := &Schedule{Last: []Slot{}}
	if when, err := graph.ParseSchedule(def.Trigger.Cron, def.Trigger.Timezone); err == nil && d.IsActive {
		now, err := s.db.Time(ctx)
		if err != nil {
			return nil, err
		}
		if next := when.Next(now); !next.IsZero() {
			out.Next = &next
		}
	}
	err := s.db.Read(ctx).Raw(`SELECT slot, fired_at, run_id FROM schedule_slots WHERE tenant_id = ? AND definition_id = ? AND run_id IS NOT NULL
		ORDER BY slot DESC LIMIT ?`, d.TenantID, d.ID, shownSlot).Scan(&out.Last).Error
	if err != nil {
		return nil, fmt.Errorf("list when %s was started: %w", d.Name, storage.Classify(err))
	}
	return out, nil
}
