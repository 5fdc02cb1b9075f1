package ledger

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"receipt_id", "run_id"}
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), keys, map[string]*storage.Statement{
		"insertRow": insertRow,
		"updateRow": updateRow,
		"settleRun": settleRun,
		"reopenRun": reopenRun,
		"retryRun":  retryRun,
	})
}
