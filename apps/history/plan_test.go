package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/history"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit/dbtest"
)

// TestFindByKey: whatever is read of earlier incidents is looked up by its key, however many there are.
func TestFindByKey(t *testing.T) {
	t.Parallel()
	each(t, func(p past) {
		var last *event.Incident
		var alert *event.Alert
		for n := range 40 {
			last, alert = p.add(trouble{title: "Disk full on web", message: fmt.Sprintf("%d %% used", n), labels: map[string]string{"service": "web"}, ago: time.Duration(40-n) * time.Hour})
		}
		p.make()
		series, key := "WITH RECURSIVE s(g) AS (SELECT 1 UNION ALL SELECT g + 1 FROM s WHERE g < 20000)", "unhex(printf('0199%028x', g))"
		if p.db.Engine() == storage.Postgres {
			series, key = "WITH s AS (SELECT generate_series(1, 20000) AS g)", "('0199' || lpad(to_hex(g), 28, '0'))::uuid"
		}
		p.exec(`INSERT INTO incidents (id, tenant_id, group_key, title, description, status, severity, event_seq, trace_id, created_at, updated_at) `+series+`
			SELECT `+key+`, 'a', 'other', 't', '', 'resolved', 'info', 1, 't', ?, ? FROM s`, p.db.Now(), p.db.Now())
		keys := []string{"sqlite_autoindex_incidents_1", "analyses_incident"}
		if p.db.Engine() == storage.Postgres {
			p.exec("ANALYZE")
			keys = []string{"incidents_pkey"} // of no analyses a scan is the best plan
		}
		calls := map[string]func() error{}
		for _, k := range keys {
			calls[k] = func() error {
				_, err := p.s.Find(t.Context(), "a", history.Question{Incident: last, Alerts: []*event.Alert{alert}, Limit: 5})
				return err
			}
		}
		dbtest.Uses(t, p.db, calls)
	})
}
