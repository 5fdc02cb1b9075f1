package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Report is what a check of the books found.
type Report struct {
	Balanced  bool
	Problem   string // in words, when not balanced
	Accepted  int64  // observations ever accepted, counted by receipts
	Recorded  int64  // of them, those with a ledger row
	CheckedAt time.Time
}

// settleTime is how old observations are before they are not counted again. A receipt gets its id in the transaction that stores it, and
// no transaction of intake lasts longer than 30 s: older ones are all there.
const settleTime = 45 * time.Second

// deliveryAge is how old a delivery is before it is compared with its rows: younger ones may still be on their way.
const deliveryAge = 5 * time.Second

// orphanAge is how long a pending row may be without a job before that is a fault.
const orphanAge = time.Minute

// Checker compares the books with what was accepted, from where the last check ended. It is safe for concurrent use.
type Checker struct {
	db *storage.DB
	mu sync.Mutex
}

// NewChecker returns a Checker.
func NewChecker(db *storage.DB) (*Checker, error) {
	if db == nil {
		return nil, errors.New("ledger: the checker needs a database")
	}
	return &Checker{db: db}, nil
}

type checkRow struct {
	TenantID     string    `gorm:"column:tenant_id;primaryKey"`
	CheckedTo    id.ID     `gorm:"column:checked_to"`
	DeliveriesTo id.ID     `gorm:"column:deliveries_to"`
	Settled      int64     `gorm:"column:settled"` // observations up to CheckedTo, each with a row
	Accepted     int64     `gorm:"column:accepted"`
	Recorded     int64     `gorm:"column:recorded"`
	Balanced     bool      `gorm:"column:balanced"`
	Problem      string    `gorm:"column:problem"`
	CheckedAt    time.Time `gorm:"column:checked_at"`
	Pruned       int64     `gorm:"column:pruned"` // observations that pruning removed; written by it
	Audit        string    `gorm:"column:audit"`  // written by Audit
}

// TableName implements gorm's tabler.
func (checkRow) TableName() string { return "ledger_checks" }

// Last returns what the last check found, without checking anew; the zero Report when there was none.
func (c *Checker) Last(ctx context.Context, tenant string) (Report, error) {
	row, err := c.last(ctx, tenant)
	return row.report(), err
}

func (c *Checker) last(ctx context.Context, tenant string) (checkRow, error) {
	row := checkRow{TenantID: tenant, Balanced: true}
	err := c.db.Read(ctx).Where("tenant_id = ?", tenant).Limit(1).Find(&row).Error
	if err != nil {
		return row, fmt.Errorf("read the last check of the ledger: %w", storage.Classify(err))
	}
	return row, nil
}

func (r checkRow) report() Report {
	return Report{Balanced: r.Balanced, Problem: r.Problem, Accepted: r.Accepted, Recorded: r.Recorded, CheckedAt: r.CheckedAt.UTC()}
}

// Check looks at what was accepted and settled since the last check: every observation has a row, every pending row has a
// live job, every final row agrees with its deliveries. A fault of an earlier check stays until its rows are right.
func (c *Checker) Check(ctx context.Context, tenant string) (Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	row, err := c.last(ctx, tenant)
	if err != nil {
		return Report{}, err
	}
	now, from := c.db.Now(), row.CheckedTo
	settled := id.Before(now.Add(-settleTime))
	var problems []string
	note := func(n int64, format string) {
		if n != 0 {
			problems = append(problems, fmt.Sprintf(format, n))
		}
	}
	accepted, recorded, err := c.observations(ctx, tenant, row.CheckedTo, settled)
	if err != nil {
		return Report{}, err
	}
	if accepted == recorded { // else the same range is looked at again
		row.CheckedTo, row.Settled = settled, row.Settled+accepted
		accepted, recorded = 0, 0
	}
	young, noted, err := c.observations(ctx, tenant, settled, id.Before(now.Add(time.Hour)))
	if err != nil {
		return Report{}, err
	}
	accepted, recorded = accepted+young, recorded+noted
	row.Accepted, row.Recorded = row.Settled+accepted, row.Settled+recorded
	note(accepted-recorded, "%d accepted observations have no ledger row")
	orphans, err := c.orphans(ctx, tenant, id.Before(now.Add(-orphanAge)))
	if err != nil {
		return Report{}, err
	}
	note(orphans, "%d pending rows have no job that works on them")
	disagree, to, err := c.deliveries(ctx, tenant, row.DeliveriesTo, id.Before(now.Add(-deliveryAge)))
	if err != nil {
		return Report{}, err
	}
	note(disagree, "%d rows say delivered, but none of their deliveries is")
	if row.Audit != "" {
		problems = append(problems, row.Audit)
	}
	row.Balanced, row.Problem, row.CheckedAt = len(problems) == 0, strings.Join(problems, "; "), now
	if disagree == 0 {
		row.DeliveriesTo = to
	}
	err = c.store(ctx, row, from)
	if errors.Is(err, storage.ErrUnavailable) && ctx.Err() == nil {
		return row.report(), nil // a full disk: what was found holds all the same, and the next check begins where this one did
	}
	if err != nil {
		return Report{}, fmt.Errorf("store the check of the ledger: %w", err)
	}
	return row.report(), nil
}

// store writes what a check found, unless another process has stored one that began where this one did: rows that were checked may be
// pruned at once, and this one would count them as missing for ever.
func (c *Checker) store(ctx context.Context, row checkRow, from id.ID) error {
	return storage.Classify(c.db.From(ctx).Exec(`INSERT INTO ledger_checks
		(tenant_id, checked_to, deliveries_to, settled, accepted, recorded, balanced, problem, checked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant_id) DO UPDATE SET checked_to = excluded.checked_to, deliveries_to = excluded.deliveries_to, settled = excluded.settled,
			accepted = excluded.accepted, recorded = excluded.recorded, balanced = excluded.balanced, problem = excluded.problem,
			checked_at = excluded.checked_at
		WHERE ledger_checks.checked_to IS NOT DISTINCT FROM ?`,
		row.TenantID, row.CheckedTo, row.DeliveriesTo, row.Settled, row.Accepted, row.Recorded, row.Balanced, row.Problem, row.CheckedAt, from).Error)
}

func (c *Checker) observations(ctx context.Context, tenant string, from, to id.ID) (accepted, recorded int64, err error) {
	var row struct{ Accepted, Recorded int64 }
	// One statement, so that a push which is stored meanwhile is in both counts or in none.
	err = c.db.Read(ctx).Raw(`SELECT
		(SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM receipts WHERE tenant_id = ? AND id > ? AND id <= ?) AS accepted,
		(SELECT count(*) FROM observations o WHERE o.tenant_id = ? AND o.receipt_id > ? AND o.receipt_id <= ?
			AND EXISTS (SELECT 1 FROM ledger l WHERE l.receipt_id = o.receipt_id AND l.idx = o.idx)) AS recorded`,
		tenant, from[:], to[:], tenant, from[:], to[:]).Scan(&row).Error
	if err != nil {
		return 0, 0, fmt.Errorf("count observations: %w", storage.Classify(err))
	}
	return row.Accepted, row.Recorded, nil
}

// orphans counts pending rows that nothing works on: no fold of their receipt, no node, no delivery, no fallback of one.
func (c *Checker) orphans(ctx context.Context, tenant string, to id.ID) (n int64, err error) {
	err = c.db.Read(ctx).Raw(`SELECT count(*) FROM (SELECT 1 FROM ledger l WHERE l.tenant_id = ? AND l.state = 'pending' AND l.receipt_id <= ?
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'fold' AND j.ref = l.receipt_id)
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind IN ('node', 'deadline') AND j.ref = l.run_id)
		AND NOT EXISTS (SELECT 1 FROM deliveries d JOIN jobs j ON j.kind IN ('deliver', 'fallback') AND j.ref = d.id WHERE d.run_id = l.run_id)
		AND NOT EXISTS (SELECT 1 FROM delivery_routes r JOIN jobs j ON j.kind IN ('deliver', 'fallback') AND j.ref = r.delivery_id WHERE r.run_id = l.run_id)
		LIMIT 1000) x`, tenant, to[:]).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("look for orphans: %w", storage.Classify(err))
	}
	return n, nil
}

// deliveries counts rows that claim a delivery which did not happen, up to the oldest delivery that is not over.
func (c *Checker) deliveries(ctx context.Context, tenant string, from, to id.ID) (n int64, upTo id.ID, err error) {
	db := c.db.Read(ctx)
	var open []id.ID
	if err := db.Raw(`SELECT ref FROM jobs WHERE kind = 'deliver' AND tenant_id = ? ORDER BY ref LIMIT 1`, tenant).Scan(&open).Error; err != nil {
		return 0, from, fmt.Errorf("look for open deliveries: %w", storage.Classify(err))
	}
	if len(open) > 0 && compare(open[0], to) < 0 {
		to = open[0]
	}
	if compare(to, from) <= 0 {
		return 0, from, nil
	}
	err = db.Raw(`SELECT count(*) FROM (
			SELECT run_id FROM deliveries WHERE tenant_id = ? AND id > ? AND id < ? AND state <> 'delivered' AND run_id IS NOT NULL
			UNION ALL SELECT r.run_id FROM deliveries d JOIN delivery_routes r ON r.delivery_id = d.id
				WHERE d.tenant_id = ? AND d.id > ? AND d.id < ? AND d.state <> 'delivered') w
		JOIN runs u ON u.id = w.run_id JOIN ledger l ON l.receipt_id = u.receipt_id AND l.run_id = u.id
		WHERE l.state = 'delivered' AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.run_id = u.id AND d.state = 'delivered')
			AND NOT EXISTS (SELECT 1 FROM delivery_routes r JOIN deliveries d ON d.id = r.delivery_id WHERE r.run_id = u.id AND d.state = 'delivered')`,
		tenant, from[:], to[:], tenant, from[:], to[:]).Scan(&n).Error
	if err != nil {
		return 0, from, fmt.Errorf("compare rows with deliveries: %w", storage.Classify(err))
	}
	return n, to, nil
}

func compare(a, b id.ID) int {
	for i := range a {
		if a[i] != b[i] {
			return int(a[i]) - int(b[i])
		}
	}
	return 0
}
