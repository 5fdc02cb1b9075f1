package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// window is the part of the past that a back-test goes through: the receipts from first to last. What really became of them is copied to
// tables of the stage, so that memory stays small however long the window is, and the comparison is a few joins.
type window struct {
	s           *stage
	tenant      string
	first, last id.ID
	at          time.Time // when they began to come in; of some at once, the first was not the earliest
	until       time.Time
	total       int
	alertsTotal int
}

// realTables are what really happened, on the stage.
var realTables = []string{
	`CREATE TABLE real_receipts (id BLOB PRIMARY KEY, trace_id TEXT NOT NULL) WITHOUT ROWID`,
	`CREATE INDEX real_receipts_trace ON real_receipts (trace_id)`,
	`CREATE TABLE real_rows (receipt_id BLOB NOT NULL, idx INTEGER NOT NULL, definition_id BLOB, run_id BLOB, incident_id BLOB, alert_id BLOB,
		state TEXT NOT NULL, reason TEXT NOT NULL, alert TEXT NOT NULL)`,
	`CREATE INDEX real_rows_receipt ON real_rows (receipt_id, idx)`,
	`CREATE INDEX real_rows_incident ON real_rows (incident_id, receipt_id)`,
	`CREATE INDEX real_rows_alert ON real_rows (alert_id)`,
	`CREATE TABLE real_messages (id BLOB PRIMARY KEY, receipt_id BLOB, incident_id BLOB, run_id BLOB, channel_id BLOB NOT NULL, kind TEXT NOT NULL,
		state TEXT NOT NULL, reason TEXT NOT NULL, trace_id TEXT NOT NULL, slow BOOLEAN NOT NULL)`,
	`CREATE INDEX real_messages_receipt ON real_messages (receipt_id)`,
	`CREATE TABLE acts (at TIMESTAMP NOT NULL, incident_id BLOB NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL)`,
	`CREATE TABLE unreadable (receipt_id BLOB NOT NULL, now_unreadable BOOLEAN NOT NULL, why TEXT NOT NULL)`,
}

// settledReceipts are those whose outcome is known: what came in a moment ago may still be on its way.
const settledReceipts = "tenant_id = ? AND id >= ? AND id < ? AND (folded_at IS NOT NULL OR outcome IN ('ignored', 'rejected'))"

// findWindow counts the receipts between two points in time; false: there are none.
func (s *stage) findWindow(ctx context.Context, tenant string, since, until time.Time) (*window, bool, error) {
	w := &window{s: s, tenant: tenant, until: until}
	from, to := id.Before(since), id.Before(until)
	var found struct {
		N     int   `gorm:"column:n"`
		Items int   `gorm:"column:items"`
		First id.ID `gorm:"column:first"`
		Last  id.ID `gorm:"column:last"`
	}
	db := s.hub.db.Read(ctx)
	if err := db.Raw(`SELECT count(*) AS n, COALESCE(sum(n), 0) AS items FROM receipts WHERE `+settledReceipts, tenant, from, to).Scan(&found).Error; err != nil {
		return nil, false, fmt.Errorf("count the receipts: %w", storage.Classify(err))
	}
	if found.N == 0 {
		return w, false, nil
	}
	var one struct {
		ID id.ID     `gorm:"column:id"`
		At time.Time `gorm:"column:received_at"`
	}
	q := func(order string) error {
		return db.Raw(`SELECT id, received_at FROM receipts WHERE `+settledReceipts+` ORDER BY `+order+` LIMIT 1`, tenant, from, to).Scan(&one).Error
	}
	if err := q("id DESC"); err != nil {
		return nil, false, fmt.Errorf("find the last receipt: %w", storage.Classify(err))
	}
	w.last = one.ID
	if err := q("id"); err != nil {
		return nil, false, fmt.Errorf("find the first receipt: %w", storage.Classify(err))
	}
	w.first = one.ID
	if err := q("received_at"); err != nil { // as dear as counting them
		return nil, false, fmt.Errorf("find when the receipts began: %w", storage.Classify(err))
	}
	w.at, w.total, w.alertsTotal = one.At.UTC(), found.N, found.Items
	return w, true, nil
}

// prepare makes the tables of what really happened.
func (s *stage) prepare(ctx context.Context) error {
	if err := s.db.InTx(ctx, func(ctx context.Context) error {
		var errs []error
		for _, t := range realTables {
			errs = append(errs, s.db.From(ctx).Exec(t).Error)
		}
		return errors.Join(errs...)
	}); err != nil {
		return fmt.Errorf("set the stage: %w", err)
	}
	return nil
}

// recorded copies what really happened.
func (w *window) recorded(ctx context.Context) error {
	for _, copyPart := range []func(context.Context) error{w.receipts, w.rows, w.messages, w.acts} {
		if err := copyPart(ctx); err != nil {
			return err
		}
	}
	return nil
}

type realReceipt struct {
	ID      id.ID  `gorm:"column:id"`
	TraceID string `gorm:"column:trace_id"`
}

type realRow struct {
	ReceiptID    id.ID  `gorm:"column:receipt_id"`
	Index        int    `gorm:"column:idx"`
	DefinitionID id.ID  `gorm:"column:definition_id"`
	RunID        id.ID  `gorm:"column:run_id"`
	IncidentID   id.ID  `gorm:"column:incident_id"`
	AlertID      id.ID  `gorm:"column:alert_id"`
	State        string `gorm:"column:state"`
	Reason       string `gorm:"column:reason"`
	Alert        string `gorm:"column:alert"`
}

type realMessage struct {
	ID         id.ID  `gorm:"column:id"`
	ReceiptID  id.ID  `gorm:"column:receipt_id"`
	IncidentID id.ID  `gorm:"column:incident_id"`
	RunID      id.ID  `gorm:"column:run_id"`
	ChannelID  id.ID  `gorm:"column:channel_id"`
	Kind       string `gorm:"column:kind"`
	State      string `gorm:"column:state"`
	Reason     string `gorm:"column:reason"`
	TraceID    string `gorm:"column:trace_id"`
	Slow       bool   `gorm:"column:slow"`
}

type pastAct struct {
	At         time.Time `gorm:"column:at"`
	IncidentID id.ID     `gorm:"column:incident_id"`
	Seq        int64     `gorm:"column:seq"`
	Kind       string    `gorm:"column:kind"`
	Actor      string    `gorm:"column:actor"`
}

func (w *window) receipts(ctx context.Context) error {
	q := w.s.hub.db.Read(ctx).Raw(`SELECT id, trace_id FROM receipts WHERE tenant_id = ? AND id >= ? AND id <= ?
		AND (folded_at IS NOT NULL OR outcome IN ('ignored', 'rejected'))`, w.tenant, w.first, w.last)
	return copied[realReceipt](ctx, w.s, q, "real_receipts", nil)
}

func (w *window) rows(ctx context.Context) error {
	q := w.s.hub.db.Read(ctx).Raw(`SELECT l.receipt_id, l.idx, l.definition_id, l.run_id, l.incident_id, l.alert_id, l.state, l.reason,
			CASE WHEN o.name = '' THEN COALESCE(a.name, '') ELSE COALESCE(o.name, '') END AS alert
		FROM ledger l LEFT JOIN runs r ON r.id = l.run_id LEFT JOIN observations o ON o.receipt_id = l.receipt_id AND o.idx = l.idx
		LEFT JOIN alerts a ON a.id = l.alert_id
		WHERE l.receipt_id >= ? AND l.receipt_id <= ? AND l.tenant_id = ? AND COALESCE(r.origin, '') <> ?`, w.first, w.last, w.tenant, orchestration.OriginShadow)
	return copied[realRow](ctx, w.s, q, "real_rows", nil)
}

// slowDeath is how long after its making a delivery may have died to be taken as one that cannot be sent at all.
const slowDeath = 5 * time.Second

// messages copies the deliveries that the window's receipts caused, those of its incidents that no receipt is behind as well.
func (w *window) messages(ctx context.Context) error {
	if err := w.eachIncident(ctx, func(incidents []id.ID) error {
		q := w.s.hub.db.Read(ctx).Raw(`SELECT d.id, r.receipt_id, d.incident_id, d.run_id, d.channel_id, d.kind, d.state, d.reason, d.trace_id,
				d.created_at, d.finished_at, COALESCE(r.origin, '') AS origin
			FROM deliveries d LEFT JOIN runs r ON r.id = d.run_id
			WHERE d.incident_id IN ? AND d.created_at >= ? AND (r.receipt_id IS NOT NULL OR d.created_at < ?) AND d.reason NOT IN ?`, incidents, w.at, w.until, []string{event.ReasonDryRun, event.ReasonShadow})
		var rows []struct {
			Message    realMessage `gorm:"embedded"`
			CreatedAt  time.Time   `gorm:"column:created_at"`
			FinishedAt *time.Time  `gorm:"column:finished_at"`
			Origin     string      `gorm:"column:origin"`
		}
		if err := q.Scan(&rows).Error; err != nil {
			return fmt.Errorf("read what was told: %w", storage.Classify(err))
		}
		var kept []realMessage
		for _, r := range rows {
			m := r.Message
			switch r.Origin {
			case orchestration.OriginReplay, orchestration.OriginAgain, orchestration.OriginSchedule, orchestration.OriginShadow:
				continue
			case orchestration.OriginManual:
				if m.ReceiptID.IsZero() {
					continue
				}
			}
			if !m.ReceiptID.IsZero() && (less(m.ReceiptID, w.first) || less(w.last, m.ReceiptID)) {
				continue
			}
			m.Slow = m.State == event.StateDead && r.FinishedAt != nil && r.FinishedAt.Sub(r.CreatedAt) > slowDeath
			kept = append(kept, m)
		}
		return w.s.insert(ctx, "real_messages", len(kept), &kept)
	}); err != nil {
		return err
	}
	// Ends, and what an incident's events began, have no receipt of their own but its trace.
	return w.s.exec(ctx, `UPDATE real_messages SET receipt_id = (SELECT r.id FROM real_receipts r WHERE r.trace_id = real_messages.trace_id LIMIT 1)
		WHERE receipt_id IS NULL`)
}

func less(a, b id.ID) bool { return slices.Compare(a[:], b[:]) < 0 }

// acts copies what people did to the window's incidents: the same is done in the rehearsal.
func (w *window) acts(ctx context.Context) error {
	return w.eachIncident(ctx, func(incidents []id.ID) error {
		q := w.s.hub.db.Read(ctx).Raw(`SELECT created_at AS at, incident_id, seq, kind, actor FROM incident_events
			WHERE incident_id IN ? AND created_at >= ? AND created_at < ? AND actor <> '' AND kind IN ('acknowledged', 'resolved', 'closed', 'reopened')`, incidents, w.at, w.until)
		return copied[pastAct](ctx, w.s, q, "acts", nil)
	})
}

// eachIncident goes through the window's incidents, some at a time.
func (w *window) eachIncident(ctx context.Context, fn func([]id.ID) error) error {
	return w.each(ctx, "incident_id", fn)
}

// eachAlert goes through the window's alerts, some at a time.
func (w *window) eachAlert(ctx context.Context, fn func([]id.ID) error) error {
	return w.each(ctx, "alert_id", fn)
}

func (w *window) each(ctx context.Context, column string, fn func([]id.ID) error) error {
	var after id.ID
	for {
		var ids []id.ID
		q := w.s.db.Read(ctx).Table("real_rows").Distinct(column).Where(column + " IS NOT NULL")
		if !after.IsZero() {
			q = q.Where(column+" > ?", after)
		}
		if err := q.Order(column).Limit(seedPage).Pluck(column, &ids).Error; err != nil {
			return fmt.Errorf("read the stage: %w", storage.Classify(err))
		}
		if len(ids) == 0 {
			return nil
		}
		if err := fn(ids); err != nil {
			return err
		}
		after = ids[len(ids)-1]
	}
}

// copied streams rows from the hub to a table of the stage.
func copied[T any](ctx context.Context, s *stage, q *gorm.DB, table string, change func(*T)) error {
	rows, err := q.Rows()
	if err != nil {
		return fmt.Errorf("read what happened: %w", storage.Classify(err))
	}
	defer rows.Close()
	part := make([]T, 0, seedPage)
	flush := func() error {
		err := s.insert(ctx, table, len(part), &part)
		part = part[:0]
		return err
	}
	for rows.Next() {
		var r T
		if err := q.ScanRows(rows, &r); err != nil {
			return fmt.Errorf("read what happened: %w", storage.Classify(err))
		}
		if change != nil {
			change(&r)
		}
		if part = append(part, r); len(part) == seedPage {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return errors.Join(storage.Classify(rows.Err()), flush())
}

// exec changes tables of the stage.
func (s *stage) exec(ctx context.Context, statement string, args ...any) error {
	if err := s.db.From(ctx).Exec(statement, args...).Error; err != nil {
		return fmt.Errorf("work on the stage: %w", storage.Classify(err))
	}
	return nil
}

// insert writes rows to a table of the stage.
func (s *stage) insert(ctx context.Context, table string, n int, rows any) error {
	if n == 0 {
		return nil
	}
	if err := s.db.InTx(ctx, func(ctx context.Context) error {
		return s.db.From(ctx).Table(table).CreateInBatches(rows, seedPage/5).Error
	}); err != nil {
		return fmt.Errorf("set the stage: %w", err)
	}
	return nil
}
