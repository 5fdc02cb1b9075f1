package notify

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestStatementsAreKeyed: none of the hot path reads more than its rows, however small the tables were when it was planned.
func TestStatementsAreKeyed(t *testing.T) {
	t.Parallel()
	keys := []string{"id", "incident_id", "run_id", "delivery_id", "message_id", "idem_key", "ref", "ref >", "due_at <=", "id >", "channel_id", "receipt_id"}
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
		"heldBackBy":       heldBackBy,
		"lockLeft":         lockLeft,
		"sameKey":          sameKey,
		"runDeliveries":    runDeliveries,
		"insertDelivery":   insertDelivery,
		"reviveDelivery":   reviveDelivery,
		"insertMessage":    insertMessage,
		"insertRoute":      insertRoute,
		"insertHold":       insertHold,
		"suppressDelivery": suppressDelivery,
		"takeDelivery":     takeDelivery,
		"takeMessage":      takeMessage,
		"takeThread":       takeThread,
		"markSending":      markSending,
		"leaveToOthers":    leaveToOthers,
		"resendDelivery":   resendDelivery,
		"reminded":         reminded,
		"lastTold":         lastTold,
		"remindable":       remindable,
		"replaceable":      replaceable,
		"failing":          failing,
		"whoWaits":         whoWaits,
		"markInstead":      markInstead,
		"windowPage":       windowPage,
		"everTold":         everTold,
		"abandonHand":      abandonHand,
		"impatience":       impatience,
		"waitingPage":      waitingPage,
		"freeSlot":         freeSlot,
		"oldestSlot":       oldestSlot,
		"useSlot":          useSlot,
		"insertLate":       insertLate,
		"isLate":           isLate,
		"allFiring":        allFiring,
		"throttleOf":       throttleOf,
		"nextLate":         nextLate,
		"overLate":         overLate,
		"leftLate":         leftLate,
		"heardSince":       heardSince,
		"quietLate":        quietLate,
		"dropLate":         dropLate,
		"putOffLate":       putOffLate,
		"markLate":         markLate,
	})
}
