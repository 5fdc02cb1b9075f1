package notify

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"id", "incident_id", "run_id", "delivery_id", "message_id", "idem_key", "ref", "due_at <="}
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), keys, map[string]*storage.Statement{
		"deliveryRoutes":   deliveryRoutes,
		"lockDelivery":     lockDelivery,
		"nextInLine":       nextInLine,
		"bookDelivery":     bookDelivery,
		"nameMessage":      nameMessage,
		"insertAttempt":    insertAttempt,
		"liveDeliveries":   liveDeliveries,
		"toldChannels":     toldChannels,
		"routeTold":        routeTold,
		"sameKey":          sameKey,
		"runDeliveries":    runDeliveries,
		"insertDelivery":   insertDelivery,
		"reviveDelivery":   reviveDelivery,
		"insertMessage":    insertMessage,
		"insertRoute":      insertRoute,
		"suppressDelivery": suppressDelivery,
		"takeDelivery":     takeDelivery,
		"takeMessage":      takeMessage,
		"markSending":      markSending,
		"leaveToOthers":    leaveToOthers,
	})
}
