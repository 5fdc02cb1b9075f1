package ledger_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// onEngines runs a test on a fresh database of each engine.
func onEngines(t *testing.T, fn func(t *testing.T, db *storage.DB, r *ledger.Reader)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, db *storage.DB) {
		r, err := ledger.NewReader(db)
		if err != nil {
			t.Fatal(err)
		}
		fn(t, db, r)
	})
}

func exec(t *testing.T, db *storage.DB, sql string, args ...any) {
	t.Helper()
	if err := db.From(t.Context()).Exec(sql, args...).Error; err != nil {
		t.Fatal(err)
	}
}

func TestTotalsAddLiveAndPruned(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		got, err := r.Totals(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(ledger.Totals{ByReason: map[string]int64{}}, got); diff != "" {
			t.Errorf("empty books (-want +got):\n%s", diff)
		}
		for _, row := range []struct{ tenant, state, reason string }{
			{"a", "delivered", ""},
			{"a", "delivered", ""},
			{"a", "suppressed", "duplicate"},
			{"a", "dead", "run_failed"},
			{"a", "pending", ""},
			{"a", "no_route", ""},
			{"a", "rejected", "no name"},
			{"b", "delivered", ""},
		} {
			exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, state, reason, trace, created_at) VALUES (?, 0, ?, ?, ?, ?, '{}', ?)`,
				id.New(), make([]byte, 16), row.tenant, row.state, row.reason, db.Now())
		}
		for _, row := range []struct {
			day, state, reason string
			n                  int
		}{{"2026-01-01", "delivered", "", 10}, {"2026-01-02", "delivered", "", 20}, {"2026-01-01", "suppressed", "duplicate", 5}} {
			exec(t, db, "INSERT INTO ledger_daily (tenant_id, day, state, reason, n) VALUES ('a', ?, ?, ?, ?)", row.day, row.state, row.reason, row.n)
		}
		if got, err = r.Totals(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		want := ledger.Totals{
			Counts:   ledger.Counts{Pending: 1, Delivered: 32, Suppressed: 6, Dead: 1, NoRoute: 1, Rejected: 1},
			ByReason: map[string]int64{"duplicate": 6, "run_failed": 1, "no name": 1},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTotalsRefuseAnUnknownState(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, r *ledger.Reader) {
		exec(t, db, `INSERT INTO ledger (receipt_id, idx, definition_id, tenant_id, state, trace, created_at) VALUES (?, 0, ?, 'a', 'lost', '{}', ?)`,
			id.New(), make([]byte, 16), db.Now())
		if _, err := r.Totals(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), `"lost"`) {
			t.Errorf("%v, want an error that names the state", err)
		}
	})
}
