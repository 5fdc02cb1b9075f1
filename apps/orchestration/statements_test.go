package orchestration

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"id", "receipt_id", "run_id", "incident_id", "delivery_key", "definition_id", "delivery_id"}
	dbtest.Keyed(t, dbtest.Open(t, storage.Postgres), keys, map[string]*storage.Statement{
		"readGeneration":    readGeneration,
		"findDelivery":      findDelivery,
		"findRuns":          findRuns,
		"insertReceipt":     insertReceipt,
		"insertBody":        insertBody,
		"insertObservation": insertObservation,
		"insertRun":         insertRun,
		"incidentOfRun":     incidentOfRun,
		"shareIncident":     shareIncident,
		"shareFreeIncident": shareFreeIncident,
		"lockIncidentOfRun": lockIncidentOfRun,
		"lockRuns":          lockRuns,
		"runNodes":          runNodes,
		"runIncident":       runIncident,
		"runAlerts":         runAlerts,
		"incidentAlerts":    incidentAlerts,
		"liveRuns":          liveRuns,
		"markFolded":        markFolded,
		"updateRun":         updateRun,
		"anotherTry":        anotherTry,
		"lastExecutions":    lastExecutions,
		"prunedNodes":       prunedNodes,
		"insertNode":        insertNode,
		"upsertNode":        upsertNode,
		"insertAttempt":     insertAttempt,
		"lockDefinitions":   lockDefinitions,
		"countSlots":        countSlots,
		"takeSlot":          takeSlot,
		"freeSlot":          freeSlot,
		"nextSlots":         nextSlots,
		"scheduled":         scheduled,
		"scheduledSince":    scheduledSince,
		"fire":              fire,
		"lockHeld":          lockHeld,
		"knownHeld":         knownHeld,
		"lockHolds":         lockHolds,
		"heldAlerts":        heldAlerts,
		"heldWords":         heldWords,
		"takeHold":          takeHold,
	})
}
