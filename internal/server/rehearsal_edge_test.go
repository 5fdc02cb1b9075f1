package server_test

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/server/servertest"
)

// TestBacktestCrowd: pushes that come together are stored in any order, so that a later one may have the smallest id of a window. What another
// one of them opened was not there before the window.
func TestBacktestCrowd(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, h hub) {
		r := servertest.NewReceiver(t)
		h.Tell("ops", r)
		same := pipeline(obj{}, ingest("n"), tell("n", nil, "ops"))
		h.Only("all", same)
		var receipts []id.ID
		for _, name := range []string{"First", "Second"} {
			receipt, err := id.Parse(h.Send(servertest.Fire(name)).ReceiptID)
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, receipt)
			h.Rest()
		}
		db := h.Server.DB()
		var at []time.Time
		if err := db.Read(t.Context()).Raw(`SELECT received_at FROM receipts WHERE id = ?`, receipts[0]).Scan(&at).Error; err != nil || len(at) != 1 {
			t.Fatal(at, err)
		}
		came := at[0].Add(-time.Millisecond)
		for _, sql := range []string{
			`UPDATE receipts SET received_at = ? WHERE id = ?`,
			`UPDATE incidents SET created_at = ? WHERE id IN (SELECT incident_id FROM alert_history WHERE receipt_id = ?)`,
			`UPDATE incident_events SET created_at = ? WHERE incident_id IN (SELECT incident_id FROM alert_history WHERE receipt_id = ?)`,
			`UPDATE deliveries SET created_at = ? WHERE incident_id IN (SELECT incident_id FROM alert_history WHERE receipt_id = ?)`,
		} {
			if err := db.From(t.Context()).Exec(sql, came, receipts[1]).Error; err != nil {
				t.Fatal(err)
			}
		}
		wantOtherwise(t, backtest(t, h, obj{"name": "all", "definition": same}))
	})
}
