package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// auditStep is how many observations are counted in one statement, and auditPause how long others have the disk to themselves after it.
const (
	auditStep  = 20_000
	auditPause = 20 * time.Millisecond
)

// RollUp deletes, in the transaction that ctx carries, the final rows of receipts, those of the observations with an index from..to, and adds
// them to the totals by day. It returns how many there were.
func (c *Checker) RollUp(ctx context.Context, tenant string, receipts []id.ID, from, to int64) (int64, error) {
	var rows []struct {
		CreatedAt     time.Time
		State, Reason string
	}
	db := c.db.From(ctx)
	err := db.Raw(`DELETE FROM ledger WHERE receipt_id IN ? AND idx BETWEEN ? AND ? AND tenant_id = ? AND state <> 'pending'
		RETURNING created_at, state, reason`, receipts, from, to, tenant).Scan(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("delete ledger rows: %w", storage.Classify(err))
	}
	type total struct{ day, state, reason string }
	sums := map[total]int64{}
	for _, r := range rows {
		sums[total{r.CreatedAt.UTC().Format(time.DateOnly), r.State, r.Reason}]++
	}
	for t, n := range sums {
		err := db.Exec(`INSERT INTO ledger_daily (tenant_id, day, state, reason, n) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant_id, day, state, reason) DO UPDATE SET n = ledger_daily.n + excluded.n`, tenant, t.day, t.state, t.reason, n).Error
		if err != nil {
			return 0, fmt.Errorf("add to the totals of %s: %w", t.day, storage.Classify(err))
		}
	}
	return int64(len(rows)), nil
}

// Pruned notes, in the transaction that ctx carries, how many observations that transaction removes. Their rows must be in the totals
// by day when it ends.
func (c *Checker) Pruned(ctx context.Context, tenant string, observations int64) error {
	err := c.db.From(ctx).Exec("UPDATE ledger_checks SET pruned = pruned + ? WHERE tenant_id = ?", observations, tenant).Error
	if err != nil {
		return fmt.Errorf("count what was pruned: %w", storage.Classify(err))
	}
	return nil
}

// CheckedTo is up to where the books are right for good: what is older than both has been counted and compared, and may go. ErrNotFound
// before the first check.
func (c *Checker) CheckedTo(ctx context.Context, tenant string) (time.Time, error) {
	row, err := c.last(ctx, tenant)
	switch {
	case err != nil:
		return time.Time{}, err
	case row.CheckedTo.IsZero() || row.DeliveriesTo.IsZero():
		return time.Time{}, fmt.Errorf("a check of the books: %w", storage.ErrNotFound)
	}
	to := row.CheckedTo.Time()
	if d := row.DeliveriesTo.Time(); d.Before(to) {
		to = d
	}
	return to, nil
}

// Audit counts every observation that was checked once more: those that are there and those that pruning removed must be as many as
// were ever accepted. It reads a whole table, in steps; nothing may be pruned meanwhile. What it finds stays the problem of every check
// until the next audit.
func (c *Checker) Audit(ctx context.Context, tenant string) error {
	row, err := c.last(ctx, tenant)
	if err != nil || row.CheckedTo.IsZero() {
		return err
	}
	live, err := c.count(ctx, tenant, row.CheckedTo)
	if err != nil {
		return err
	}
	problem := ""
	if missing := row.Settled - row.Pruned - live; missing != 0 {
		problem = fmt.Sprintf("%d observations were accepted up to %s, %d were pruned and %d are there", row.Settled,
			row.CheckedTo.Time().Format(time.RFC3339), row.Pruned, live)
	}
	err = storage.Classify(c.db.From(ctx).Exec("UPDATE ledger_checks SET audit = ?, audited_at = ? WHERE tenant_id = ?", problem, c.db.Now(), tenant).Error)
	if errors.Is(err, storage.ErrUnavailable) && ctx.Err() == nil {
		return nil // as in Check
	}
	if err != nil {
		return fmt.Errorf("store the audit of the ledger: %w", err)
	}
	return nil
}

// count goes through the observations in the order of their key.
func (c *Checker) count(ctx context.Context, tenant string, to id.ID) (n int64, err error) {
	var at struct {
		ReceiptID id.ID
		Idx       int64
	}
	for {
		step := c.db.Read(ctx).Raw(`SELECT receipt_id, idx FROM observations WHERE receipt_id >= ? AND (receipt_id > ? OR idx > ?) AND receipt_id <= ? AND tenant_id = ?
			ORDER BY receipt_id, idx LIMIT 1 OFFSET ?`, at.ReceiptID[:], at.ReceiptID[:], at.Idx, to[:], tenant, auditStep-1).Scan(&at)
		if step.Error != nil {
			return 0, fmt.Errorf("count observations: %w", storage.Classify(step.Error))
		}
		if step.RowsAffected == 0 {
			break
		}
		n += auditStep
		if err := clock.Sleep(ctx, auditPause); err != nil {
			return 0, err
		}
	}
	var rest int64
	err = c.db.Read(ctx).Raw(`SELECT count(*) FROM observations WHERE receipt_id >= ? AND (receipt_id > ? OR idx > ?) AND receipt_id <= ? AND tenant_id = ?`,
		at.ReceiptID[:], at.ReceiptID[:], at.Idx, to[:], tenant).Scan(&rest).Error
	if err != nil {
		return 0, fmt.Errorf("count observations: %w", storage.Classify(err))
	}
	return n + rest, nil
}
