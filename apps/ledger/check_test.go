package ledger_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestCheckThatCannotBeStored asks for the books while nothing can be written, as on a full disk: that is when people look.
func TestCheckThatCannotBeStored(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, db *storage.DB, _ *ledger.Reader) {
		c, err := ledger.NewChecker(db)
		if err != nil {
			t.Fatal(err)
		}
		on := map[storage.Engine]string{
			storage.SQLite:   "PRAGMA query_only = 1",
			storage.Postgres: "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
		}
		exec(t, db, on[db.Engine()])
		if db.Engine() == storage.Postgres {
			// Connections that are open already keep their setting.
			exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			exec(t, db, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
		}
		got, err := c.Check(t.Context(), "a")
		if err != nil || !got.Balanced || got.CheckedAt.IsZero() {
			t.Errorf("%+v %v", got, err)
		}
		last, err := c.Last(t.Context(), "a")
		if err != nil || !last.CheckedAt.IsZero() {
			t.Errorf("stored all the same: %+v %v", last, err)
		}
	})
}
