package queue

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"ref", "due_at <="}
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), keys, map[string]*storage.Statement{
		"insert":   insert,
		"finish":   finish,
		"remove":   remove,
		"giveBack": giveBack,
		"hold":     hold,
		"extend":   extend,
		"wake":     wake,
		"wakeAll":  wakeAll,
		"findDue":  findDue,
		"lease":    lease,
		"ring":     ring,
	})
}
