// Package ledger keeps the books: what became of every observation on every route, and whether the sums are right.
package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Counts are the totals of the books: what is in the ledger and what was pruned from it.
type Counts struct {
	Pending    int64 `json:"pending"`
	Delivered  int64 `json:"delivered"`
	Suppressed int64 `json:"suppressed"`
	Dead       int64 `json:"dead"`
	NoRoute    int64 `json:"no_route"`
	Rejected   int64 `json:"rejected"`
}

// Totals is the answer to "what became of everything".
type Totals struct {
	Counts Counts `json:"counts"`
	// ByReason counts the rows of suppressed, dead and rejected by their reason: duplicate, silenced, run_failed ….
	ByReason map[string]int64 `json:"by_reason"`
}

// Reader answers questions about the ledger and writes nothing. It is safe for concurrent use.
type Reader struct{ db *storage.DB }

// NewReader returns a Reader.
func NewReader(db *storage.DB) (*Reader, error) {
	if db == nil {
		return nil, errors.New("ledger: the reader needs a database")
	}
	return &Reader{db: db}, nil
}

// Totals counts every row. It reads the whole ledger of the tenant: I/O grows with what pruning has left.
func (r *Reader) Totals(ctx context.Context, tenant string) (Totals, error) {
	t := Totals{ByReason: map[string]int64{}}
	var rows []struct {
		State  string
		Reason string
		N      int64
	}
	// One statement, so that a row that pruning moves from one table to the other is counted once.
	err := r.db.Read(ctx).Raw(`SELECT state, reason, count(*) AS n FROM ledger WHERE tenant_id = ? GROUP BY state, reason
		UNION ALL SELECT state, reason, CAST(sum(n) AS bigint) AS n FROM ledger_daily WHERE tenant_id = ? GROUP BY state, reason`, tenant, tenant).
		Scan(&rows).Error
	if err != nil {
		return Totals{}, fmt.Errorf("count the ledger: %w", storage.Classify(err))
	}
	to := map[string]*int64{
		"pending": &t.Counts.Pending, "delivered": &t.Counts.Delivered, "suppressed": &t.Counts.Suppressed,
		"dead": &t.Counts.Dead, "no_route": &t.Counts.NoRoute, "rejected": &t.Counts.Rejected,
	}
	for _, row := range rows {
		n, known := to[row.State]
		if !known {
			return Totals{}, fmt.Errorf("count the ledger: unknown state %q", row.State)
		}
		*n += row.N
		if row.Reason != "" {
			t.ByReason[row.Reason] += row.N
		}
	}
	return t, nil
}
