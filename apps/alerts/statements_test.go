package alerts

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"id", "fingerprint", "group_key", "incident_id"}
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), keys, map[string]*storage.Statement{
		"lockForAct":     lockForAct,
		"writeAct":       writeAct,
		"alertsOf":       alertsOf,
		"tellableAlerts": tellableAlerts,
		"eventKind":      eventKind,
		"lockAlerts":     lockAlerts,
		"lockOpen":       lockOpen,
		"lockIncidents":  lockIncidents,
		"countFiring":    countFiring,
		"insertAlert":    insertAlert,
		"updateAlert":    updateAlert,
		"insertIncident": insertIncident,
		"updateIncident": updateIncident,
		"insertEvent":    insertEvent,
		"insertHistory":  insertHistory,
		"countEvent":     countEvent,
	})
}
